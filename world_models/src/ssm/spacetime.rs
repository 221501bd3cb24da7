//! SpaceTime: Zhang et al., "Effectively modeling time series with simple discrete state spaces" (arXiv 2303.09489).
//! Every channel has a discrete-time system whose matrix is a companion matrix, A = shift + a e_dᵀ: it can hold any
//! autoregressive process. a is scaled to Σ|a| = 1 for stability; there is no Δ. Then gelu, a linear map and a residual
//! connection.
//!
//! Closed loop: with a learned k the model feeds itself, x' = (A + b kᵀ) x, so it forecasts without inputs.

use std::f64::consts::TAU;

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Bool, Device, Tensor, TensorData},
};
use rand::Rng;

use super::lti::{Dense, System, activated, chunked_scan, convolve};
use crate::{
    CoreError, SequenceCore,
    complex::Complex,
    core::{check_sequence, check_shape, check_step, forget},
    fft, init,
};

/// Below this Σ|a| is not scaled.
const SMALLEST_NORM: f64 = 1e-4;

/// Squared distance of an eigenvalue from a root of unity below which the kernel is built from powers of the matrix: the
/// transforms would lose half of all digits.
const SMALLEST_DISTANCE: f32 = 1e-4;

/// Arguments of [`SpaceTime`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SpaceTimeConfig {
    /// Size d of a channel's companion matrix, at least 2.
    pub state: usize,
}

impl Default for SpaceTimeConfig {
    fn default() -> Self {
        Self { state: 16 }
    }
}

/// The SpaceTime layer.
#[derive(Module, Debug)]
pub struct SpaceTime {
    /// a before scaling, the last column of A, `[H, d]`.
    pub a: Param<Tensor<2>>,
    /// b, `[H, d]`.
    pub b: Param<Tensor<2>>,
    /// c, `[H, d]`.
    pub c: Param<Tensor<2>>,
    /// k of the closed loop, `[H, d]`.
    pub k: Param<Tensor<2>>,
    /// D, `[H]`.
    pub d: Param<Tensor<1>>,
    output: Linear,
}

impl SpaceTimeConfig {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for a matrix of fewer than two rows.
    pub fn init(
        &self,
        width: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<SpaceTime, CoreError> {
        let n = self.state;
        if n < 2 {
            return Err(CoreError::Argument {
                core: "spacetime",
                name: "state",
                reason: format!("{n}; at least 2"),
            });
        }
        let bound = 1.0 / (n as f64).sqrt();
        let mut draw = || init::uniform(rng, width * n, -bound, bound);
        let [a, b, c, k] = [draw(), draw(), draw(), draw()];
        let d = init::normal(rng, width, 1.0);
        Ok(SpaceTime {
            a: init::param(a, [width, n], device),
            b: init::param(b, [width, n], device),
            c: init::param(c, [width, n], device),
            k: init::param(k, [width, n], device),
            d: init::param(d, [width], device),
            output: init::linear(rng, width, width, true, device),
        })
    }
}

impl SpaceTime {
    /// a with Σ|a| = 1, `[H, d]`.
    fn column(&self) -> Tensor<2> {
        let a = self.a.val();
        let norm = a.clone().abs().sum_dim(1);
        let tiny = norm.clone().lower_scalar(SMALLEST_NORM);
        a / norm.mask_fill(tiny, 1.0)
    }

    fn system(&self) -> Dense {
        let [channels, n] = self.a.dims();
        let device = self.a.device();
        let mut shift = vec![0.0_f32; n * n];
        for row in 1..n {
            shift[row * n + row - 1] = 1.0;
        }
        let shift: Tensor<3> = Tensor::from_data(TensorData::new(shift, [1, n, n]), &device);
        let left = shift.expand([channels, n, n]).narrow(2, 0, n - 1);
        let column = self.column().reshape([channels, n, 1]);
        Dense {
            a: Tensor::cat(vec![left, column], 2),
            b: self.b.val(),
            c: self.c.val().reshape([channels, 1, n]),
        }
    }

    /// The first `length` elements of every channel's kernel, `[H, length]`, without D, in O(d + L) for each channel by
    /// Fourier transforms (appendix B of the paper; from powers of the matrix where that would divide by zero): with c̃ = c − cᵀA^L and ⟨u, v⟩ the transform of the correlation
    /// Σ_i u_{i+k} v_i, K̂ = ⟨c̃, b⟩ + ⟨c̃, a⟩⟨e, b⟩/(z − ⟨e, a⟩).
    ///
    /// # Errors
    /// [`CoreError::EmptySequence`], [`CoreError::Read`].
    pub fn kernel(&self, length: usize) -> Result<Tensor<2>, CoreError> {
        if length == 0 {
            return Err(CoreError::EmptySequence);
        }
        let [channels, n] = self.a.dims();
        let device = self.a.device();
        // At least d, so that no correlation wraps around.
        let padded = length.max(n).next_power_of_two();
        let system = self.system();
        let power = system.squared(padded);
        let c = system.c.clone();
        let cut = (c.clone() - c.matmul(power)).reshape([channels, n]);
        let last = Tensor::cat(
            vec![
                Tensor::zeros([channels, n - 1], &device),
                Tensor::ones([channels, 1], &device),
            ],
            1,
        );
        let (a, b) = (self.column(), self.b.val());
        // ⟨u, v⟩: elements 0 … d − 1 of the correlation, as a product of transforms of twice the length.
        let correlate = |u: &Tensor<2>, v: &Tensor<2>| -> Result<Complex<2>, CoreError> {
            let wide = 2 * n.next_power_of_two();
            let product =
                fft::transform(u.clone(), wide)?.mul(fft::transform(v.clone(), wide)?.conj());
            let correlation = fft::inverse(product, wide)?.narrow(1, 0, n);
            fft::transform(correlation, padded)
        };
        let points = padded / 2 + 1;
        let z = |f: fn(f64) -> f64| -> Tensor<2> {
            let values: Vec<f32> = (0..points)
                .map(|k| f(TAU * k as f64 / padded as f64) as f32)
                .collect();
            Tensor::<2>::from_data(TensorData::new(values, [1, points]), &device)
                .expand([channels, points])
        };
        let below = Complex::new(z(f64::cos), z(f64::sin)).sub(correlate(&last, &a)?);
        let below_size = below.norm_sqr().min();
        let through = correlate(&cut, &a)?
            .mul(correlate(&last, &b)?)
            .mul(below.recip());
        // a is scaled to Σ|a| = 1, so an eigenvalue can lie on a root of unity, where this would divide by zero.
        let nearest = below_size.try_into_scalar::<f32>();
        let nearest = nearest.map_err(|error| CoreError::Read {
            reason: error.to_string(),
        })?;
        if nearest < SMALLEST_DISTANCE {
            let kernel = self.system().columns(length).kernel;
            return Ok(kernel.reshape([channels, length]));
        }
        let spectrum = correlate(&cut, &b)?.add(through);
        Ok(fft::inverse(spectrum, padded)?.narrow(1, 0, length))
    }

    /// Forecasts `horizon` steps ahead from `state` without inputs, `[B, H·d]`: outputs c·x and the inputs k·x that the
    /// model expects, `[B, horizon, H]` each, of the states x, (A + b kᵀ)x, (A + b kᵀ)²x, …
    ///
    /// # Errors
    /// [`CoreError::EmptySequence`] for no steps, [`CoreError::Shape`].
    pub fn forecast(
        &self,
        state: Tensor<2>,
        horizon: usize,
    ) -> Result<(Tensor<3>, Tensor<3>), CoreError> {
        let [batch, _] = state.dims();
        check_shape("state", state.dims(), [batch, self.state_width()])?;
        if horizon == 0 {
            return Err(CoreError::EmptySequence);
        }
        let [channels, n] = self.a.dims();
        let system = self.system();
        let k = self.k.val().reshape([channels, 1, n]);
        let closed = Dense {
            a: system.a + self.b.val().reshape([channels, n, 1]).matmul(k.clone()),
            b: self.b.val(),
            c: Tensor::cat(vec![system.c.clone(), k.clone()], 1),
        };
        // Rows c and k times powers 0 … horizon − 1; `read` starts with the first.
        let now = closed
            .c
            .clone()
            .swap_dims(1, 2)
            .reshape([channels, n, 2, 1]);
        let later = closed.columns(horizon).read;
        let read = Tensor::cat(vec![now, later], 3).narrow(3, 0, horizon);
        let x = state.reshape([batch, channels, n]).swap_dims(0, 1);
        let y = x
            .matmul(read.reshape([channels, n, 2 * horizon]))
            .reshape([channels, batch, 2, horizon])
            .permute([1, 2, 3, 0]);
        let part = |i: usize| {
            y.clone()
                .narrow(1, i, 1)
                .reshape([batch, horizon, channels])
        };
        Ok((part(0), part(1)))
    }

    fn around<const D: usize>(&self, input: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
        let y = self.output.forward(activated(&self.d, &input, y));
        y + input
    }
}

impl SequenceCore for SpaceTime {
    fn width(&self) -> usize {
        self.d.dims()[0]
    }

    fn state_width(&self) -> usize {
        let [channels, n] = self.a.dims();
        channels * n
    }

    fn state_multiply_adds(&self) -> usize {
        // The shift moves; the last column, b and c are parameters.
        0
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.state_width()], &self.d.device())
    }

    fn step(
        &self,
        input: Tensor<2>,
        resets: Tensor<1, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<2>, Tensor<2>), CoreError> {
        let batch = check_step(self, &input, &resets, &state)?;
        let [channels, n] = self.a.dims();
        let shape = [1, channels, n];
        let x = forget(state, resets).reshape([batch, channels, n]);
        // A x = shifted x + a·(the last of x).
        let last = x.clone().narrow(2, n - 1, 1);
        let shifted = Tensor::cat(
            vec![
                Tensor::zeros([batch, channels, 1], &x.device()),
                x.narrow(2, 0, n - 1),
            ],
            2,
        );
        let driven = self.b.val().reshape(shape) * input.clone().reshape([batch, channels, 1]);
        let x = shifted + self.column().reshape(shape) * last + driven;
        let y = (x.clone() * self.c.val().reshape(shape)).sum_dim(2);
        let y = self.around(input, y.reshape([batch, channels]));
        Ok((y, x.reshape([batch, channels * n])))
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        let (y, last) = chunked_scan(&self.system(), input.clone(), &resets, state);
        let y = y.reshape([batch, steps, self.width()]);
        Ok((self.around(input, y), last))
    }

    fn convolve(&self, input: Tensor<3>, state: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        let [batch, steps, width] = input.dims();
        check_shape("input", [width], [self.width()])?;
        check_shape("state", state.dims(), [batch, self.state_width()])?;
        let kernel = self.kernel(steps)?.reshape([width, 1, steps]);
        let read = self.system().columns(steps).read;
        let y = convolve(kernel, read, input.clone(), state)?;
        Ok(self.around(input, y.reshape([batch, steps, width])))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::testing::{
        assert_close, assert_golden, assert_same, check_core, flags, golden, noise, numbers,
        tensor, values,
    };

    fn layer(width: usize, state: usize, device: &Device) -> SpaceTime {
        SpaceTimeConfig { state }
            .init(width, &mut Stream::new(1, 0, "st"), device)
            .unwrap()
    }

    #[test]
    fn kernel_scan_and_forecast_of_the_golden_system() {
        let golden = golden("spacetime_companion.json");
        let given = &golden["inputs"];
        let device = Device::flex();
        let mut core = layer(1, 4, &device);
        let get = |key: &str| Param::from_tensor(tensor::<2>(&given[key], [1, 4], &device));
        core.a = get("a_normalised");
        core.b = get("b");
        core.c = get("c");
        core.k = get("k");
        assert_golden(&core.system().a, &golden["A"], 1e-6);
        assert_golden(&core.kernel(8).unwrap(), &golden["K"], 1e-5);
        let expected = numbers(&golden["K"]);
        for length in [1, 3, 5] {
            assert_close(
                &values(&core.kernel(length).unwrap()),
                &expected[..length],
                1e-5,
            );
        }
        let input = tensor::<3>(&given["u"], [1, 8, 1], &device);
        let resets = flags(&[0.0; 8], [1, 8], &device);
        let (y, last) = chunked_scan(&core.system(), input, &resets, core.initial_state(1));
        assert_golden(&y, &golden["y"], 1e-5);
        assert_golden(&last, &golden["x_final"], 1e-5);
        let (y, u) = core.forecast(last, 4).unwrap();
        assert_golden(&y, &golden["closed_y"], 1e-5);
        assert_golden(&u, &golden["closed_u"], 1e-5);
    }

    #[test]
    fn steps_scans_convolutions_cuts_and_resets_agree() {
        let device = Device::flex();
        let core = layer(2, 5, &device);
        check_core(&core, 257, &device);
        let input = noise("input", [2, 257, 2], &device);
        let state = noise("state", [2, 10], &device);
        let resets = flags(&[0.0; 514], [2, 257], &device);
        let (scanned, _) = core.scan(input.clone(), resets, state.clone()).unwrap();
        assert_same(&core.convolve(input, state).unwrap(), &scanned, 1e-4);
    }

    /// Eigenvalues on roots of unity, where transforms would divide by zero.
    #[test]
    fn kernels_are_finite_with_eigenvalues_on_the_circle() {
        let device = Device::flex();
        for a in [[0.25; 4], [0.5, 0.5, 0.0, 0.0], [0.5, -0.5, 0.0, 0.0]] {
            let mut core = layer(1, 4, &device);
            core.a = Param::from_tensor(crate::testing::from(a.to_vec(), [1, 4], &device));
            for length in [3, 16, 64] {
                let found = core.kernel(length).unwrap();
                let expected = core.system().columns(length).kernel.reshape([1, length]);
                assert_same(&found, &expected, 1e-4);
            }
            let input = noise("input", [1, 64, 1], &device);
            let resets = flags(&[0.0; 64], [1, 64], &device);
            let (scanned, _) = core
                .scan(input.clone(), resets, core.initial_state(1))
                .unwrap();
            let convolved = core.convolve(input, core.initial_state(1)).unwrap();
            assert_same(&convolved, &scanned, 1e-4);
        }
    }
}
