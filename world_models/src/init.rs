//! Initial parameters, drawn on the host from a given source, so that a seed decides them on every device.

use burn::{
    module::Param,
    nn::Linear,
    tensor::{Device, Tensor, TensorData},
};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// A parameter with the given values, row by row.
pub(crate) fn param<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

/// A parameter of one value everywhere.
pub(crate) fn constant<const D: usize>(
    value: f32,
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    param(vec![value; shape.iter().product()], shape, device)
}

/// Normal with standard deviation `sd`.
pub(crate) fn normal(rng: &mut dyn Rng, count: usize, sd: f64) -> Vec<f32> {
    (0..count)
        .map(|_| (sd * rng.sample::<f64, _>(StandardNormal)) as f32)
        .collect()
}

/// Uniform on (low, high).
pub(crate) fn uniform(rng: &mut dyn Rng, count: usize, low: f64, high: f64) -> Vec<f32> {
    (0..count)
        .map(|_| (low + (high - low) * rng.random::<f64>()) as f32)
        .collect()
}

/// Normal truncated at two standard deviations and scaled to variance 1/`fan_in`, as JAX's `lecun_normal`.
pub(crate) fn lecun_normal(rng: &mut dyn Rng, count: usize, fan_in: usize) -> Vec<f64> {
    // Standard deviation of the unit normal truncated at ±2.
    const TRUNCATED: f64 = 0.879_625_661_034_239_8;
    let scale = 1.0 / ((fan_in as f64).sqrt() * TRUNCATED);
    let mut draw = || loop {
        let x: f64 = rng.sample(StandardNormal);
        if x.abs() <= 2.0 {
            return x * scale;
        }
    };
    (0..count).map(|_| draw()).collect()
}

/// ln Δ, uniform on (ln `least`, ln `most`).
pub(crate) fn log_step(rng: &mut dyn Rng, count: usize, least: f64, most: f64) -> Vec<f32> {
    uniform(rng, count, least.ln(), most.ln())
}

/// A random orthogonal `rows × columns` matrix (orthonormal rows or columns, whichever are fewer), by Gram–Schmidt.
pub(crate) fn orthogonal(rng: &mut dyn Rng, rows: usize, columns: usize) -> Vec<f32> {
    let (short, long) = (rows.min(columns), rows.max(columns));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(short);
    while basis.len() < short {
        let mut v: Vec<f64> = (0..long).map(|_| rng.sample(StandardNormal)).collect();
        // Twice is enough.
        for _ in 0..2 {
            for b in &basis {
                let dot: f64 = b.iter().zip(&v).map(|(b, v)| b * v).sum();
                v.iter_mut().zip(b).for_each(|(v, b)| *v -= dot * b);
            }
        }
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm > 1e-6 {
            v.iter_mut().for_each(|x| *x /= norm);
            basis.push(v);
        }
    }
    let entry = |i: usize| {
        let (row, column) = (i / columns, i % columns);
        if rows <= columns {
            basis[row][column]
        } else {
            basis[column][row]
        }
    };
    (0..rows * columns).map(|i| entry(i) as f32).collect()
}

/// A linear layer with weights `[d_input, d_output]` and a bias if `bias` is given.
pub(crate) fn linear_from(
    weight: Vec<f32>,
    d_input: usize,
    d_output: usize,
    bias: Option<Vec<f32>>,
    device: &Device,
) -> Linear {
    Linear {
        weight: param(weight, [d_input, d_output], device),
        bias: bias.map(|bias| param(bias, [d_output], device)),
    }
}

/// A linear layer as most libraries start it: LeCun-normal weights, zero bias.
pub(crate) fn linear(
    rng: &mut dyn Rng,
    d_input: usize,
    d_output: usize,
    bias: bool,
    device: &Device,
) -> Linear {
    let weight = lecun_normal(rng, d_input * d_output, d_input);
    let weight = weight.into_iter().map(|x| x as f32).collect();
    let bias = bias.then(|| vec![0.0; d_output]);
    linear_from(weight, d_input, d_output, bias, device)
}

/// `count` orthogonal `width × width` matrices side by side, `[width, count·width]`.
pub(crate) fn beside(rng: &mut dyn Rng, width: usize, count: usize) -> Vec<f32> {
    let matrices: Vec<_> = (0..count).map(|_| orthogonal(rng, width, width)).collect();
    (0..width)
        .flat_map(|row| {
            let rows = matrices.iter().map(move |m| &m[row * width..][..width]);
            rows.flatten().copied()
        })
        .collect()
}

/// The bias of Δ that starts softplus(bias) log-uniformly in (`least`, `most`).
pub(crate) fn step_bias(rng: &mut dyn Rng, count: usize, least: f64, most: f64) -> Vec<f32> {
    (0..count)
        .map(|_| {
            let (low, high) = (least.ln(), most.ln());
            let step = (low + (high - low) * rng.random::<f64>()).exp().max(1e-4);
            // The inverse of softplus.
            (step + (-(-step).exp_m1()).ln()) as f32
        })
        .collect()
}
