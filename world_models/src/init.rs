//! Initial parameters, drawn on the host from a given source, so that a seed decides them on every device.

use burn::{
    module::Param,
    nn::Linear,
    tensor::{Device, Tensor, TensorData},
};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// A parameter with the given values, row by row.
pub fn param<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

/// A parameter of one value everywhere.
pub fn constant<const D: usize>(
    value: f32,
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    param(vec![value; shape.iter().product()], shape, device)
}

/// Normal with standard deviation `sd`.
pub fn normal(rng: &mut dyn Rng, count: usize, sd: f64) -> Vec<f32> {
    (0..count)
        .map(|_| (sd * rng.sample::<f64, _>(StandardNormal)) as f32)
        .collect()
}

/// Uniform on (low, high).
pub fn uniform(rng: &mut dyn Rng, count: usize, low: f64, high: f64) -> Vec<f32> {
    (0..count)
        .map(|_| (low + (high - low) * rng.random::<f64>()) as f32)
        .collect()
}

/// Normal truncated at two standard deviations and scaled to variance 1/`fan_in`, as JAX's `lecun_normal`.
pub fn lecun_normal(rng: &mut dyn Rng, count: usize, fan_in: usize) -> Vec<f64> {
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
pub fn log_step(rng: &mut dyn Rng, count: usize, least: f64, most: f64) -> Vec<f32> {
    uniform(rng, count, least.ln(), most.ln())
}

/// A random orthogonal `rows × columns` matrix (orthonormal rows or columns, whichever are fewer), by Gram–Schmidt.
pub fn orthogonal(rng: &mut dyn Rng, rows: usize, columns: usize) -> Vec<f32> {
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
pub fn linear_from(
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
pub fn linear(
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
pub fn beside(rng: &mut dyn Rng, width: usize, count: usize) -> Vec<f32> {
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

#[cfg(test)]
mod tests {
    use palaestra_envs::stream::Stream;

    use super::*;

    const COUNT: usize = 40_000;

    fn rng() -> Stream {
        Stream::new(1, 0, "init")
    }

    /// Mean and variance.
    fn moments(x: &[f64]) -> (f64, f64) {
        let count = x.len() as f64;
        let mean = x.iter().sum::<f64>() / count;
        let squares = x.iter().map(|x| (x - mean).powi(2));
        (mean, squares.sum::<f64>() / count)
    }

    /// Mean 0 and the variance given, each within four standard deviations of what `COUNT` draws of a distribution with
    /// kurtosis of at most 3 show.
    fn assert_centred(x: &[f64], variance: f64) {
        let (mean, found) = moments(x);
        let count = x.len() as f64;
        assert!(mean.abs() < 4.0 * (variance / count).sqrt(), "mean {mean}");
        let apart = (found / variance - 1.0).abs();
        assert!(apart < 4.0 * (2.0 / count).sqrt(), "variance {found}");
    }

    fn wide(x: Vec<f32>) -> Vec<f64> {
        x.into_iter().map(f64::from).collect()
    }

    #[test]
    fn normal_numbers_have_their_deviation() {
        let x = wide(normal(&mut rng(), COUNT, 0.3));
        assert_centred(&x, 0.09);
        // Not truncated: one in 22 lies beyond two standard deviations.
        let beyond = x.iter().filter(|x| x.abs() > 0.6).count() as f64 / COUNT as f64;
        assert!((beyond - 0.0455).abs() < 0.005, "{beyond}");
    }

    #[test]
    fn uniform_numbers_fill_their_range() {
        let x = wide(uniform(&mut rng(), COUNT, -1.0, 3.0));
        assert!(x.iter().all(|x| (-1.0..=3.0).contains(x)));
        let centred: Vec<f64> = x.iter().map(|x| x - 1.0).collect();
        assert_centred(&centred, 16.0 / 12.0);
        let (low, high) = (
            x.iter().copied().fold(f64::INFINITY, f64::min),
            x.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        );
        assert!(low < -0.99 && high > 2.99, "{low} {high}");
    }

    /// Variance 1/fan-in after truncation at two standard deviations of the untruncated normal, and its fourth moment.
    #[test]
    fn lecun_numbers_are_truncated_and_scaled() {
        for fan_in in [1, 7, 256] {
            let x = lecun_normal(&mut rng(), COUNT, fan_in);
            let variance = 1.0 / fan_in as f64;
            assert_centred(&x, variance);
            let bound = 2.0 / 0.879_625_661_034_239_8 * variance.sqrt();
            let largest = x.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
            assert!(largest <= bound && largest > 0.99 * bound, "{largest}");
            // E z⁴/(E z²)² of a normal truncated at ±2: (3V − 4g)/V², where g = 4φ(2)/(2Φ(2) − 1) and V = 1 − g.
            let fourth = x.iter().map(|x| (x / variance.sqrt()).powi(4)).sum::<f64>();
            let g = 4.0 * (-2.0_f64).exp() / std::f64::consts::TAU.sqrt() / 0.954_499_736_103_641_6;
            let v = 1.0 - g;
            let expected = (3.0 * v - 4.0 * g) / (v * v);
            let found = fourth / COUNT as f64;
            assert!(
                (found - expected).abs() < 0.06,
                "{found}, expected {expected}"
            );
        }
    }

    /// Orthonormal rows or columns, whichever are fewer: Q Qᵀ = I or Qᵀ Q = I.
    #[test]
    fn orthogonal_matrices_are() {
        for [rows, columns] in [[6, 6], [3, 11], [11, 3], [1, 4]] {
            let q = wide(orthogonal(&mut rng(), rows, columns));
            let entry = |i: usize, k: usize| {
                if rows <= columns {
                    q[i * columns + k]
                } else {
                    q[k * columns + i]
                }
            };
            let (short, long) = (rows.min(columns), rows.max(columns));
            for i in 0..short {
                for j in 0..short {
                    let dot: f64 = (0..long).map(|k| entry(i, k) * entry(j, k)).sum();
                    let expected = f64::from(u8::from(i == j));
                    assert!((dot - expected).abs() < 1e-6, "{rows}×{columns}: {dot}");
                }
            }
        }
        // Entries of many have mean 0 and variance 1/n.
        let mut rng = rng();
        let many = (0..400)
            .flat_map(|_| orthogonal(&mut rng, 10, 10))
            .collect();
        assert_centred(&wide(many), 0.1);
    }

    #[test]
    fn matrices_beside_each_other_are_each_orthogonal() {
        let (width, count) = (5, 3);
        let all = wide(beside(&mut rng(), width, count));
        for which in 0..count {
            let column =
                |i: usize| (0..width).map(move |row| row * count * width + which * width + i);
            for i in 0..width {
                for j in 0..width {
                    let dot: f64 = column(i).zip(column(j)).map(|(a, b)| all[a] * all[b]).sum();
                    let expected = f64::from(u8::from(i == j));
                    assert!((dot - expected).abs() < 1e-6, "{dot}");
                }
            }
        }
    }

    /// ln Δ is uniform, drawn as such or as the bias under a softplus.
    #[test]
    fn steps_are_log_uniform() {
        let (least, most) = (1e-3, 0.1);
        let (low, high): (f64, f64) = (f64::ln(least), f64::ln(most));
        let drawn = wide(log_step(&mut rng(), COUNT, least, most));
        let biases = wide(step_bias(&mut rng(), COUNT, least, most));
        let through: Vec<f64> = biases.iter().map(|b| b.exp().ln_1p().ln()).collect();
        for x in [drawn, through] {
            assert!(x.iter().all(|x| (low - 1e-5..=high + 1e-5).contains(x)));
            let centred: Vec<f64> = x.iter().map(|x| x - f64::midpoint(low, high)).collect();
            assert_centred(&centred, (high - low).powi(2) / 12.0);
        }
        // No Δ under a softplus is less than 10⁻⁴.
        let floor = wide(step_bias(&mut rng(), 100, 1e-8, 1e-6));
        assert!(
            floor
                .iter()
                .all(|b| (b.exp().ln_1p() / 1e-4 - 1.0).abs() < 1e-4)
        );
    }

    #[test]
    fn linear_layers_have_lecun_weights_and_no_bias_yet() {
        let device = Device::flex();
        let layer = linear(&mut rng(), 100, 300, true, &device);
        let weights = crate::testing::values(&layer.weight.val());
        assert_eq!(layer.weight.dims(), [100, 300]);
        assert_centred(&weights, 0.01);
        let bias = crate::testing::values(&layer.bias.unwrap().val());
        assert!(bias.len() == 300 && bias.iter().all(|b| *b == 0.0));
        assert!(linear(&mut rng(), 2, 2, false, &device).bias.is_none());
    }
}
