use burn::tensor::{Bool, Device, Tensor};
use palaestra_envs::stream::Stream;
use rand::RngExt;

use super::*;
use crate::testing::{assert_close, assert_same, flags, noise, random_resets, values};

const FORMS: [ScanForm; 3] = [ScanForm::Loop, ScanForm::Doubling, ScanForm::Fused];

/// A transition inside the unit disc, packed.
fn transition(n: usize, device: &Device) -> Tensor<1> {
    let angle = noise::<1>("angle", [n], device);
    let size = noise::<1>("size", [n], device).square().neg().exp().sqrt();
    Tensor::cat(
        vec![angle.clone().cos() * size.clone(), angle.sin() * size],
        0,
    )
}

fn diagonal(shape: [usize; 3], p: f64, device: &Device) -> DiagonalScan {
    let [batch, steps, n] = shape;
    DiagonalScan {
        transition: transition(n, device),
        input: noise("input", [batch, steps, 2 * n], device),
        resets: random_resets(batch, steps, p, device),
        state: noise("state", [batch, 2 * n], device),
    }
}

/// The same outputs and gradients from all forms; the loop is the reference.
fn assert_forms_agree(run: impl Fn(ScanForm) -> Vec<Tensor<1>>) {
    let reference = run(ScanForm::Loop);
    for form in [ScanForm::Doubling, ScanForm::Fused] {
        for (found, expected) in run(form).iter().zip(&reference) {
            assert_same(found, expected, 2e-6);
        }
    }
}

pub(super) fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let count: usize = tensor.dims().iter().product();
    tensor.reshape([count])
}

/// `[B, T, N]` and how often episodes begin. One row of many channels is divided by channels; a width of 70 leaves a
/// rest after every vector.
pub(super) const SHAPES: [([usize; 3], f64); 4] = [
    ([3, 37, 5], 0.1),
    ([1, 64, 70], 0.02),
    ([2, 1, 3], 0.0),
    ([2, 9, 3], 1.0),
];

/// [`SHAPES`] with the states of each channel.
pub(super) const CHANNELS: [([usize; 3], usize, f64); 4] = [
    ([3, 37, 5], 3, 0.1),
    ([1, 20, 70], 11, 0.05),
    ([2, 1, 3], 8, 0.0),
    ([2, 9, 3], 2, 1.0),
];

/// States, then the gradients of transition, input and state.
pub(super) fn run_diagonal(
    shape: [usize; 3],
    p: f64,
    form: ScanForm,
    device: &Device,
) -> Vec<Tensor<1>> {
    let mut scan = diagonal(shape, p, device);
    scan.transition = scan.transition.detach().require_grad();
    scan.input = scan.input.require_grad();
    scan.state = scan.state.require_grad();
    let (a, b, x) = (
        scan.transition.clone(),
        scan.input.clone(),
        scan.state.clone(),
    );
    let states = diagonal_scan(scan, Some(form)).unwrap();
    let weights = noise("weights", states.dims(), device);
    let grads = (states.clone() * weights).sum().backward();
    vec![
        flat(states.inner()),
        a.grad(&grads).unwrap(),
        flat(b.grad(&grads).unwrap()),
        flat(x.grad(&grads).unwrap()),
    ]
}

/// States, then the gradients of decay, input and state.
pub(super) fn run_gated(
    shape: [usize; 3],
    p: f64,
    form: ScanForm,
    device: &Device,
) -> Vec<Tensor<1>> {
    let [batch, steps, n] = shape;
    let gate = burn::tensor::activation::sigmoid(noise("gate", shape, device));
    let decay = gate.detach().require_grad();
    let input = noise("input", shape, device).require_grad();
    let state = noise("state", [batch, n], device).require_grad();
    let scan = GatedScan {
        decay: decay.clone(),
        input: input.clone(),
        resets: random_resets(batch, steps, p, device),
        state: state.clone(),
    };
    let states = gated_scan(scan, Some(form)).unwrap();
    let grads = (states.clone() * noise("weights", shape, device))
        .sum()
        .backward();
    vec![
        flat(states.inner()),
        flat(decay.grad(&grads).unwrap()),
        flat(input.grad(&grads).unwrap()),
        flat(state.grad(&grads).unwrap()),
    ]
}

/// Outputs and last state, then the gradients of all inputs.
pub(super) fn run_selective(
    shape: [usize; 3],
    n: usize,
    p: f64,
    form: ScanForm,
    device: &Device,
) -> Vec<Tensor<1>> {
    let [batch, steps, channels] = shape;
    let leaf3 = |name: &str, shape: [usize; 3]| noise(name, shape, device).require_grad();
    let delta = noise("delta", shape, device).abs().detach().require_grad();
    let a = noise("a", [channels, n], device)
        .abs()
        .neg()
        .detach()
        .require_grad();
    let (b, c) = (leaf3("b", [batch, steps, n]), leaf3("c", [batch, steps, n]));
    let input = leaf3("input", shape);
    let state = noise("state", [batch, channels * n], device).require_grad();
    let scan = SelectiveScan {
        delta: delta.clone(),
        a: a.clone(),
        b: b.clone(),
        c: c.clone(),
        input: input.clone(),
        resets: random_resets(batch, steps, p, device),
        state: state.clone(),
    };
    let (y, last) = selective_scan(scan, Some(form)).unwrap();
    let loss = (y.clone() * noise("weights", shape, device)).sum()
        + (last.clone() * noise("last", [batch, channels * n], device)).sum();
    let grads = loss.backward();
    vec![
        flat(y.inner()),
        flat(last.inner()),
        flat(delta.grad(&grads).unwrap()),
        flat(a.grad(&grads).unwrap()),
        flat(b.grad(&grads).unwrap()),
        flat(c.grad(&grads).unwrap()),
        flat(input.grad(&grads).unwrap()),
        flat(state.grad(&grads).unwrap()),
    ]
}

/// Outputs and last memory, then the gradients of all inputs.
pub(super) fn run_delta(
    shape: [usize; 3],
    n: usize,
    p: f64,
    form: ScanForm,
    device: &Device,
) -> Vec<Tensor<1>> {
    let [rows, steps, width] = shape;
    let unit = |name: &str| {
        let x = noise::<3>(name, [rows, steps, n], device);
        let length = x.clone().square().sum_dim(2).sqrt();
        (x / length).detach().require_grad()
    };
    let gate = |name: &str| {
        let x = noise::<2>(name, [rows, steps], device);
        burn::tensor::activation::sigmoid(x).detach().require_grad()
    };
    let (query, key) = (unit("query"), unit("key"));
    let value = noise("value", shape, device).require_grad();
    let (decay, write) = (gate("decay"), gate("write"));
    let state = noise("state", [rows, width * n], device).require_grad();
    let scan = DeltaScan {
        query: query.clone(),
        key: key.clone(),
        value: value.clone(),
        decay: decay.clone(),
        write: write.clone(),
        resets: random_resets(rows, steps, p, device),
        state: state.clone(),
    };
    let (y, last) = delta_scan(scan, Some(form)).unwrap();
    let loss = (y.clone() * noise("weights", shape, device)).sum()
        + (last.clone() * noise("last", [rows, width * n], device)).sum();
    let grads = loss.backward();
    vec![
        flat(y.inner()),
        flat(last.inner()),
        flat(query.grad(&grads).unwrap()),
        flat(key.grad(&grads).unwrap()),
        flat(value.grad(&grads).unwrap()),
        flat(decay.grad(&grads).unwrap()),
        flat(write.grad(&grads).unwrap()),
        flat(state.grad(&grads).unwrap()),
    ]
}

#[test]
fn diagonal_forms_agree() {
    let device = Device::flex().autodiff();
    for (shape, p) in SHAPES {
        assert_forms_agree(|form| run_diagonal(shape, p, form, &device));
    }
}

#[test]
fn gated_forms_agree() {
    let device = Device::flex().autodiff();
    for (shape, p) in SHAPES {
        assert_forms_agree(|form| run_gated(shape, p, form, &device));
    }
}

#[test]
fn selective_forms_agree() {
    let device = Device::flex().autodiff();
    for (shape, n, p) in CHANNELS {
        assert_forms_agree(|form| run_selective(shape, n, p, form, &device));
    }
}

#[test]
fn delta_forms_agree() {
    let device = Device::flex().autodiff();
    for (shape, n, p) in CHANNELS {
        let run = |form| run_delta(shape, n, p, form, &device);
        for (found, expected) in run(ScanForm::Fused).iter().zip(&run(ScanForm::Loop)) {
            assert_same(found, expected, 2e-6);
        }
    }
}

/// The loss Σ w∘x of the diagonal recurrence in double precision.
fn loss_f64(a: &[f64], b: &[f64], keep: &[f64], x0: &[f64], w: &[f64]) -> f64 {
    let n = a.len() / 2;
    let mut x = x0.to_vec();
    let mut loss = 0.0;
    for (t, keep) in keep.iter().enumerate() {
        for j in 0..n {
            let (re, im) = (x[j] * keep, x[n + j] * keep);
            x[j] = a[j] * re - a[n + j] * im + b[t * 2 * n + j];
            x[n + j] = a[j] * im + a[n + j] * re + b[t * 2 * n + n + j];
        }
        loss += x
            .iter()
            .zip(&w[t * 2 * n..])
            .map(|(x, w)| x * w)
            .sum::<f64>();
    }
    loss
}

#[test]
fn gradients_are_those_of_central_differences() {
    let device = Device::flex().autodiff();
    let (steps, n) = (23, 4);
    let mut scan = diagonal([1, steps, n], 0.15, &device);
    scan.transition = scan.transition.detach().require_grad();
    scan.input = scan.input.require_grad();
    // The first step is a reset in `random_resets`; here the carried state is to matter.
    let mut marks = vec![0.0; steps];
    marks[9] = 1.0;
    marks[steps - 1] = 1.0;
    scan.resets = flags(&marks, [1, steps], &device);
    scan.state = scan.state.require_grad();
    let weights = noise("weights", [1, steps, 2 * n], &device);
    let (a, b, x) = (
        scan.transition.clone(),
        scan.input.clone(),
        scan.state.clone(),
    );
    let states = diagonal_scan(scan, Some(ScanForm::Fused)).unwrap();
    let grads = (states * weights.clone()).sum().backward();
    let keep: Vec<f64> = marks.iter().map(|m| 1.0 - m).collect();
    let given = [values(&a), values(&b), values(&x)];
    let w = values(&weights);
    let found = [
        values(&a.grad(&grads).unwrap()),
        values(&b.grad(&grads).unwrap()),
        values(&x.grad(&grads).unwrap()),
    ];
    for which in 0..3 {
        let numeric: Vec<f64> = (0..given[which].len())
            .map(|i| {
                let at = |h: f64| {
                    let mut moved = given.clone();
                    moved[which][i] += h;
                    loss_f64(&moved[0], &moved[1], &keep, &moved[2], &w)
                };
                (at(1e-5) - at(-1e-5)) / 2e-5
            })
            .collect();
        assert_close(&found[which], &numeric, 1e-5);
    }
}

/// Results do not depend on how many threads share the work, to the last bit.
#[test]
fn threads_do_not_matter() {
    let device = Device::flex().autodiff();
    let run = || {
        let mut all = Vec::new();
        let shape = [2, 40, 100];
        let [batch, steps, width] = shape;
        let resets = random_resets(batch, steps, 0.05, &device);
        let leaf = |name: &str| noise::<3>(name, shape, &device).require_grad();
        let gate = || burn::tensor::activation::sigmoid(noise::<3>("gate", shape, &device));
        let mut scan = diagonal([batch, steps, width / 2], 0.05, &device);
        scan.transition = scan.transition.detach().require_grad();
        let transition = scan.transition.clone();
        let states = diagonal_scan(scan, Some(ScanForm::Fused)).unwrap();
        let grads = states.clone().square().sum().backward();
        all.extend([flat(states.inner()), transition.grad(&grads).unwrap()]);
        let decay = gate().detach().require_grad();
        let states = gated_scan(
            GatedScan {
                decay: decay.clone(),
                input: leaf("input"),
                resets: resets.clone(),
                state: Tensor::zeros([batch, width], &device),
            },
            Some(ScanForm::Fused),
        )
        .unwrap();
        let grads = states.clone().square().sum().backward();
        all.extend([flat(states.inner()), flat(decay.grad(&grads).unwrap())]);
        let b = noise::<3>("b", [batch, steps, 9], &device).require_grad();
        let (y, _) = selective_scan(
            SelectiveScan {
                delta: gate(),
                a: noise::<2>("a", [width, 9], &device).abs().neg(),
                b: b.clone(),
                c: noise("c", [batch, steps, 9], &device),
                input: leaf("input"),
                resets: resets.clone(),
                state: Tensor::zeros([batch, 9 * width], &device),
            },
            Some(ScanForm::Fused),
        )
        .unwrap();
        let grads = y.clone().square().sum().backward();
        all.extend([flat(y.inner()), flat(b.grad(&grads).unwrap())]);
        all.into_iter()
            .flat_map(|x| values(&x))
            .collect::<Vec<f64>>()
    };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(run)
    };
    let one = on(1);
    for threads in [2, 5] {
        assert_close(&on(threads), &one, 0.0);
    }
}

/// A state that is not a number does not outlive its episode, nor does its gradient.
#[test]
fn infinities_end_at_a_reset() {
    let device = Device::flex().autodiff();
    for form in [ScanForm::Loop, ScanForm::Fused] {
        let mut scan = diagonal([1, 4, 2], 0.0, &device);
        scan.resets = flags(&[0.0, 0.0, 1.0, 0.0], [1, 4], &device);
        scan.state = Tensor::full([1, 4], f32::INFINITY, &device);
        scan.input = scan.input.require_grad();
        let input = scan.input.clone();
        let states = diagonal_scan(scan, Some(form)).unwrap();
        let later = states.narrow(1, 2, 2);
        assert!(values(&later).iter().all(|x| x.is_finite()));
        let grads = later.sum().backward();
        assert!(
            values(&input.grad(&grads).unwrap())
                .iter()
                .all(|x| x.is_finite())
        );
    }
}

/// One element of the resettable scan: (A, b, c).
type Element = ([f64; 2], [f64; 2], bool);

fn combine(i: Element, j: Element) -> Element {
    let mul = |x: [f64; 2], y: [f64; 2]| [x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]];
    if j.2 {
        return (j.0, j.1, true);
    }
    let through = mul(j.0, i.1);
    (
        mul(j.0, i.0),
        [through[0] + j.1[0], through[1] + j.1[1]],
        i.2,
    )
}

#[test]
fn the_resettable_operator_is_associative() {
    let mut rng = Stream::new(5, 0, "triples");
    for _ in 0..1000 {
        let mut draw = || -> Element {
            let mut x = || rng.random_range(-1.0..1.0);
            let (a, b) = ([x(), x()], [x(), x()]);
            (a, b, x() > 0.3)
        };
        let (i, j, k) = (draw(), draw(), draw());
        let (left, right) = (combine(combine(i, j), k), combine(i, combine(j, k)));
        assert_close(
            &[left.0, left.1].concat(),
            &[right.0, right.1].concat(),
            1e-12,
        );
        assert_eq!(left.2, right.2);
    }
}

/// A hundred thousand streamed steps end where one scan ends.
#[test]
fn streaming_does_not_drift() {
    let device = Device::flex();
    let (steps, n) = (100_000, 3);
    let scan = diagonal([1, steps, n], 0.0, &device);
    let whole = diagonal_scan(scan.clone(), None).unwrap();
    let mut state = scan.state.clone();
    for t in 0..steps {
        let piece = DiagonalScan {
            input: scan.input.clone().narrow(1, t, 1),
            resets: scan.resets.clone().narrow(1, t, 1),
            state,
            ..scan.clone()
        };
        state = crate::core::last_step(&diagonal_scan(piece, None).unwrap());
    }
    assert_close(
        &values(&state),
        &values(&crate::core::last_step(&whole)),
        0.0,
    );
}

#[test]
fn bad_input_is_a_typed_error() {
    let device = Device::flex();
    let good = diagonal([2, 4, 3], 0.0, &device);
    let resets: Tensor<2, Bool> = flags(&[0.0; 6], [2, 3], &device);
    let wrong = DiagonalScan {
        resets,
        ..good.clone()
    };
    for form in FORMS {
        let error = diagonal_scan(wrong.clone(), Some(form))
            .unwrap_err()
            .to_string();
        assert_eq!(error, "resets has shape [2, 3], expected [2, 4]");
    }
    let double = DiagonalScan {
        input: good.input.cast(DType::F64),
        ..good
    };
    let error = diagonal_scan(double, Some(ScanForm::Fused)).unwrap_err();
    assert!(
        matches!(error, CoreError::Form { form: "fused", .. }),
        "{error}"
    );
}
