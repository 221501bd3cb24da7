//! Helpers of this crate's tests: golden numbers, random sequences, comparisons, and what every core must satisfy.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use palaestra_envs::stream::Stream;
use rand::RngExt;
use serde_json::Value;

use crate::{CoreError, SequenceCore, complex::Complex};

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

/// Asserts that all numbers agree within `tolerance` relative to the expected ones, however small those are.
#[track_caller]
pub(crate) fn assert_relative(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!(
            (f - e).abs() <= tolerance * e.abs(),
            "element {i}: {f}, expected {e} (relative difference {:e})",
            (f / e - 1.0).abs()
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
    episodes_are_independent(core, steps, device);
}

/// A sequence with resets is that of its episodes, each scanned alone: the first from what is carried in, the others from
/// nothing.
fn episodes_are_independent(core: &impl SequenceCore, steps: usize, device: &Device) {
    let (batch, width) = (2, core.width());
    let input = noise::<3>("input", [batch, steps, width], device);
    // A memory that the core has made itself, since some cannot hold any numbers.
    let before = noise("before", [batch, 7, width], device);
    let none = random_resets(batch, 7, 0.0, device);
    let (_, carried) = core.scan(before, none, core.initial_state(batch)).unwrap();
    let at = steps / 2;
    for marks in [
        vec![vec![at], vec![at]],
        vec![vec![0], vec![steps - 1]],
        vec![vec![0, 1, at, at + 1, steps - 1], vec![2, at + 3]],
    ] {
        let mut flat = vec![0.0; batch * steps];
        for (row, marks) in marks.iter().enumerate() {
            marks.iter().for_each(|at| flat[row * steps + at] = 1.0);
        }
        let resets = flags(&flat, [batch, steps], device);
        let (whole, last) = core.scan(input.clone(), resets, carried.clone()).unwrap();
        for (row, marks) in marks.iter().enumerate() {
            let mut state = carried.clone().narrow(0, row, 1);
            let mut parts = Vec::new();
            let starts: Vec<usize> = std::iter::once(0).chain(marks.iter().copied()).collect();
            for (i, &from) in starts.iter().enumerate() {
                let to = starts.get(i + 1).copied().unwrap_or(steps);
                if i > 0 {
                    state = core.initial_state(1);
                }
                if to > from {
                    let u = input.clone().narrow(0, row, 1).narrow(1, from, to - from);
                    let none = random_resets(1, to - from, 0.0, device);
                    let (y, end) = core.scan(u, none, state.clone()).unwrap();
                    parts.push(y);
                    state = end;
                }
            }
            let own = whole.clone().narrow(0, row, 1);
            assert_same(&own, &Tensor::cat(parts, 1), 1e-5);
            assert_same(&last.clone().narrow(0, row, 1), &state, 1e-5);
        }
    }
    // A reset at every step: every step is an episode.
    let resets = random_resets(batch, steps, 1.0, device);
    let (whole, last) = core.scan(input.clone(), resets, carried).unwrap();
    let rows = batch * steps;
    let none = random_resets(rows, 1, 0.0, device);
    let apart = input.reshape([rows, 1, width]);
    let (alone, ends) = core.scan(apart, none, core.initial_state(rows)).unwrap();
    assert_same(&alone.reshape([batch, steps, width]), &whole, 1e-5);
    let states = core.state_width();
    if states > 0 {
        let ends = ends.reshape([batch, steps, states]);
        assert_same(&crate::core::last_step(&ends), &last, 1e-5);
    }
}

/// Over 8192 steps of silence, and after one impulse, nothing that a core says or remembers stops being a number.
pub(crate) fn check_long(core: &impl SequenceCore, device: &Device) {
    let (steps, width) = (8192, core.width());
    let silence = Tensor::<3>::zeros([1, steps, width], device);
    let impulse = silence.clone().slice_fill([0..1, 0..1, 0..width], 1.0);
    for input in [silence, impulse] {
        let state = core.initial_state(1);
        let none = random_resets(1, steps, 0.0, device);
        let (y, last) = core.scan(input.clone(), none, state.clone()).unwrap();
        let mut all = [values(&y), values(&last)].concat();
        match core.convolve(input, state) {
            Ok(y) => all.extend(values(&y)),
            Err(error) => assert!(matches!(error, CoreError::NoKernel { .. }), "{error}"),
        }
        assert!(all.iter().all(|x| x.is_finite()), "not finite");
    }
}

/// A time-invariant core's convolution is its scan, from a state.
pub(crate) fn check_convolution(core: &impl SequenceCore, steps: usize, device: &Device) {
    let input = noise("input", [2, steps, core.width()], device);
    let state = noise("state", [2, core.state_width()], device);
    let none = random_resets(2, steps, 0.0, device);
    let (scanned, _) = core.scan(input.clone(), none, state.clone()).unwrap();
    assert_same(&core.convolve(input, state).unwrap(), &scanned, 1e-4);
}
