//! Helpers of this crate's tests: golden numbers, random sequences, comparisons, and what every core must satisfy.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use palaestra_envs::stream::Stream;
use rand::RngExt;
use serde_json::Value;

use crate::{SequenceCore, complex::Complex};

/// A golden file.
pub(crate) fn golden(name: &str) -> Value {
    let path = format!("{}/../tests/golden/ssm/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap()
}

/// All numbers of a value, in order.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        Value::Bool(b) => vec![f64::from(u8::from(*b))],
        other => vec![
            other
                .as_f64()
                .unwrap_or_else(|| panic!("no number: {other}")),
        ],
    }
}

/// A tensor of the numbers of a value.
pub(crate) fn tensor<const D: usize>(
    value: &Value,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    from(numbers(value), shape, device)
}

/// Real and imaginary parts of `{"re": …, "im": …}`.
pub(crate) fn complex<const D: usize>(
    value: &Value,
    shape: [usize; D],
    device: &Device,
) -> Complex<D> {
    Complex::new(
        tensor(&value["re"], shape, device),
        tensor(&value["im"], shape, device),
    )
}

/// A tensor of the given numbers.
pub(crate) fn from<const D: usize>(
    values: Vec<f64>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    let values: Vec<f32> = values.into_iter().map(|x| x as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Flags from 0s and 1s.
pub(crate) fn flags<const D: usize>(
    values: &[f64],
    shape: [usize; D],
    device: &Device,
) -> Tensor<D, Bool> {
    let values: Vec<bool> = values.iter().map(|x| *x != 0.0).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The numbers of a tensor.
pub(crate) fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    let values: Vec<f32> = tensor.try_to_vec_as().unwrap();
    values.into_iter().map(f64::from).collect()
}

/// Asserts that all numbers agree within `tolerance`, absolutely or relative to the expected one.
#[track_caller]
pub(crate) fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!(
            (f - e).abs() <= tolerance * e.abs().max(1.0),
            "element {i}: {f}, expected {e} (difference {:e})",
            (f - e).abs()
        );
    }
}

/// [`assert_close`] for a tensor and a golden value.
#[track_caller]
pub(crate) fn assert_golden<const D: usize>(found: &Tensor<D>, expected: &Value, tolerance: f64) {
    assert_close(&values(found), &numbers(expected), tolerance);
}

/// [`assert_close`] for two tensors, relative to the largest number of the second.
#[track_caller]
pub(crate) fn assert_same<const D: usize>(found: &Tensor<D>, expected: &Tensor<D>, tolerance: f64) {
    assert_eq!(found.dims(), expected.dims());
    let (found, expected) = (values(found), values(expected));
    let size = expected.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
    assert!(
        expected.iter().chain(&found).all(|x| x.is_finite()),
        "not finite"
    );
    let worst = found
        .iter()
        .zip(&expected)
        .map(|(f, e)| (f - e).abs())
        .fold(0.0, f64::max);
    assert!(worst <= tolerance * size, "differ by {worst:e} of {size}");
}

/// Standard normal numbers.
pub(crate) fn noise<const D: usize>(name: &str, shape: [usize; D], device: &Device) -> Tensor<D> {
    let mut rng = Stream::new(1, 0, name);
    let count = shape.iter().product();
    let values = crate::init::normal(&mut rng, count, 1.0);
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Flags that are set with probability `p`, among them the first of row 0 and the last of row 1.
pub(crate) fn random_resets(
    batch: usize,
    steps: usize,
    p: f64,
    device: &Device,
) -> Tensor<2, Bool> {
    let mut rng = Stream::new(2, 0, "resets");
    let mut values: Vec<bool> = (0..batch * steps).map(|_| rng.random_bool(p)).collect();
    if p > 0.0 {
        values[0] = true;
        if batch > 1 {
            values[2 * steps - 1] = true;
        }
    }
    Tensor::from_data(TensorData::new(values, [batch, steps]), device)
}

/// What every core must satisfy: steps are a scan, a scan can be cut anywhere, and what lies before a reset does not
/// matter. Returns nothing; panics otherwise. `steps` is odd and no power of two.
pub(crate) fn check_core(core: &impl SequenceCore, steps: usize, device: &Device) {
    let (batch, width) = (2, core.width());
    let input = noise("input", [batch, steps, width], device);
    let start = core.initial_state(batch);
    for p in [0.0, 0.1, 1.0] {
        let resets = random_resets(batch, steps, p, device);
        let (whole, last) = core
            .scan(input.clone(), resets.clone(), start.clone())
            .unwrap();
        // Steps.
        let mut state = start.clone();
        let mut outputs = Vec::new();
        for t in 0..steps {
            let u = input.clone().narrow(1, t, 1).reshape([batch, width]);
            let flag = resets.clone().narrow(1, t, 1).reshape([batch]);
            let (y, next) = core.step(u, flag, state).unwrap();
            outputs.push(y);
            state = next;
        }
        assert_same(&whole, &Tensor::stack(outputs, 1), 1e-4);
        assert_same(&last, &state, 1e-4);
        // Two scans.
        let cut = steps / 3;
        let part = |state, from: usize, length: usize| {
            core.scan(
                input.clone().narrow(1, from, length),
                resets.clone().narrow(1, from, length),
                state,
            )
            .unwrap()
        };
        let (first, state) = part(start.clone(), 0, cut);
        let (second, state) = part(state, cut, steps - cut);
        assert_same(&Tensor::cat(vec![first, second], 1), &whole, 1e-5);
        assert_same(&state, &last, 1e-5);
    }
    // A sequence with a reset is two sequences.
    let at = steps / 2;
    let mut marks = vec![0.0; batch * steps];
    marks[at] = 1.0;
    marks[steps + at] = 1.0;
    let resets = flags(&marks, [batch, steps], device);
    let (whole, last) = core.scan(input.clone(), resets, start.clone()).unwrap();
    let alone = |from: usize, length: usize| {
        let none = flags(&vec![0.0; batch * length], [batch, length], device);
        core.scan(input.clone().narrow(1, from, length), none, start.clone())
            .unwrap()
    };
    let (before, _) = alone(0, at);
    let (after, end) = alone(at, steps - at);
    assert_same(&Tensor::cat(vec![before, after], 1), &whole, 1e-5);
    assert_same(&last, &end, 1e-5);
}
