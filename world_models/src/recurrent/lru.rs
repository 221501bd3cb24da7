//! The linear recurrent unit of Orvieto et al., "Resurrecting recurrent neural networks for long sequences" (arXiv
//! 2303.06349): λ = exp(−e^ν + i e^θ), started uniformly on a ring; x_t = λ∘x_{t−1} + γ∘(B u_t) with γ = e^{log γ}
//! started at √(1 − |λ|²); y_t = Re(C x_t) + D∘u_t; then gelu, a gated linear unit and a residual connection.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Bool, Device, Tensor},
};
use rand::{Rng, RngExt};

use crate::{
    CoreError, SequenceCore,
    activation::{gelu, sigmoid},
    complex::Complex,
    core::{check_moduli, check_sequence, check_step, forget, last_step},
    init,
    scan::{DiagonalScan, ScanForm, diagonal_scan},
};

/// Arguments of [`Lru`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LruConfig {
    /// Complex states.
    pub state: usize,
    /// Smallest initial |λ|.
    pub min_radius: f64,
    /// Largest initial |λ|, below 1.
    pub max_radius: f64,
    /// Largest initial phase of λ, in radians.
    pub max_phase: f64,
}

impl Default for LruConfig {
    fn default() -> Self {
        Self {
            state: 128,
            min_radius: 0.9,
            max_radius: 0.999,
            max_phase: std::f64::consts::TAU,
        }
    }
}

/// The LRU layer.
#[derive(Module, Debug)]
pub struct Lru {
    /// ν, `[N]`.
    pub nu: Param<Tensor<1>>,
    /// θ, `[N]`.
    pub theta: Param<Tensor<1>>,
    /// ln γ, `[N]`.
    pub log_gamma: Param<Tensor<1>>,
    /// B transposed and packed, `[D, 2N]`.
    pub b: Param<Tensor<2>>,
    /// C transposed, real parts above imaginary ones, `[2N, D]`.
    pub c: Param<Tensor<2>>,
    /// D, `[D]`.
    pub d: Param<Tensor<1>>,
    value: Linear,
    gate: Linear,
}

impl LruConfig {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for radii outside 0 ≤ min ≤ max < 1 or no states.
    pub fn init(&self, width: usize, rng: &mut dyn Rng, device: &Device) -> Result<Lru, CoreError> {
        let n = self.state;
        if n == 0 {
            return Err(argument("state", "0 states; at least 1".into()));
        }
        if !(0.0 <= self.min_radius && self.min_radius <= self.max_radius && self.max_radius < 1.0)
        {
            return Err(argument(
                "max_radius",
                format!(
                    "0 ≤ {} ≤ {} < 1 is to hold",
                    self.min_radius, self.max_radius
                ),
            ));
        }
        if !(self.max_phase > 0.0 && self.max_phase <= std::f64::consts::TAU) {
            let reason = format!("{} is not in (0, 2π]", self.max_phase);
            return Err(argument("max_phase", reason));
        }
        // Uniform in area, which is uniform in |λ|².
        let (low, high) = (self.min_radius.powi(2), self.max_radius.powi(2));
        let squares: Vec<f64> = (0..n)
            .map(|_| (low + (high - low) * rng.random::<f64>()).max(1e-12))
            .collect();
        let nu = squares
            .iter()
            .map(|s| (-0.5 * s.ln()).ln() as f32)
            .collect();
        let gamma = squares
            .iter()
            .map(|s| (0.5 * (1.0 - s).ln()) as f32)
            .collect();
        let theta = (0..n)
            .map(|_| (self.max_phase * rng.random::<f64>()).max(1e-9).ln() as f32)
            .collect();
        let b = init::normal(rng, width * 2 * n, (0.5 / width as f64).sqrt());
        let c = init::normal(rng, width * 2 * n, (0.5 / n as f64).sqrt());
        let d = init::normal(rng, width, 1.0);
        Ok(Lru {
            nu: init::param(nu, [n], device),
            theta: init::param(theta, [n], device),
            log_gamma: init::param(gamma, [n], device),
            b: init::param(b, [width, 2 * n], device),
            c: init::param(c, [2 * n, width], device),
            d: init::param(d, [width], device),
            value: init::linear(rng, width, width, true, device),
            gate: init::linear(rng, width, width, true, device),
        })
    }
}

fn argument(name: &'static str, reason: String) -> CoreError {
    CoreError::Argument {
        core: "lru",
        name,
        reason,
    }
}

impl Lru {
    fn transition(&self) -> Complex<1> {
        Complex::new(self.nu.val().exp().neg(), self.theta.val().exp()).exp()
    }

    /// (γB)ᵀ packed and (C_re, −C_im)ᵀ.
    fn maps(&self) -> (Tensor<2>, Tensor<2>) {
        let n = self.nu.dims()[0];
        let gamma = self.log_gamma.val().exp().reshape([1, n]);
        let b = Complex::unpack(self.b.val()).scale(gamma).pack();
        let c = self.c.val();
        let imaginary = c.clone().narrow(0, n, n).neg();
        (b, Tensor::cat(vec![c.narrow(0, 0, n), imaginary], 0))
    }

    fn around<const D: usize>(&self, skip: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
        let g = gelu(y);
        self.value.forward(g.clone()) * sigmoid(self.gate.forward(g)) + skip
    }

    /// [`SequenceCore::scan`] with a form of one's choice.
    ///
    /// # Errors
    /// As [`SequenceCore::scan`], and [`CoreError::Form`].
    pub fn scan_by(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
        form: Option<ScanForm>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        let (width, size) = (self.width(), self.state_width());
        let (b, c) = self.maps();
        let driven = input.clone().reshape([batch * steps, width]).matmul(b);
        let scan = DiagonalScan {
            transition: self.transition().pack(),
            input: driven.reshape([batch, steps, size]),
            resets,
            state,
        };
        let states = diagonal_scan(scan, form)?;
        let last = last_step(&states);
        let read = states.reshape([batch * steps, size]).matmul(c);
        let y = read.reshape([batch, steps, width])
            + input.clone() * self.d.val().reshape([1, 1, width]);
        Ok((self.around(input, y), last))
    }
}

impl SequenceCore for Lru {
    fn width(&self) -> usize {
        self.d.dims()[0]
    }

    fn state_width(&self) -> usize {
        2 * self.nu.dims()[0]
    }

    fn state_multiply_adds(&self) -> usize {
        // One complex product for each pair.
        2 * self.state_width()
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
        check_step(self, &input, &resets, &state)?;
        let (b, c) = self.maps();
        let lambda = self.transition().reshape([1, self.nu.dims()[0]]);
        let carried = Complex::unpack(forget(state, resets)).mul(lambda);
        let state = carried.pack() + input.clone().matmul(b);
        let through = input.clone() * self.d.val().reshape([1, self.width()]);
        let y = state.clone().matmul(c) + through;
        Ok((self.around(input, y), state))
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        self.scan_by(input, resets, state, None)
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel { core: "lru" })
    }

    fn check_stability(&self) -> Result<(), CoreError> {
        check_moduli(self.transition().norm_sqr().sqrt())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::testing::{assert_close, check_core, values};

    #[test]
    fn steps_scans_cuts_and_resets_agree() {
        let device = Device::flex();
        let config = LruConfig {
            state: 7,
            ..LruConfig::default()
        };
        let lru = config
            .init(4, &mut Stream::new(1, 0, "lru"), &device)
            .unwrap();
        check_core(&lru, 257, &device);
    }

    #[test]
    fn eigenvalues_start_on_the_ring_with_unit_gain() {
        let device = Device::flex();
        let config = LruConfig {
            state: 500,
            min_radius: 0.5,
            ..LruConfig::default()
        };
        let lru = config
            .init(4, &mut Stream::new(1, 0, "lru"), &device)
            .unwrap();
        let modulus = values(&lru.transition().norm_sqr().sqrt());
        assert!(
            modulus
                .iter()
                .all(|m| (0.5 - 1e-6..=0.999 + 1e-6).contains(m))
        );
        let gamma = values(&lru.log_gamma.val().exp());
        let expected: Vec<f64> = modulus.iter().map(|m| (1.0 - m * m).sqrt()).collect();
        assert_close(&gamma, &expected, 1e-4);
        lru.check_stability().unwrap();
        // |λ|² is uniform: half of it lies below the middle, give or take four standard deviations.
        let middle = f64::midpoint(0.25, 0.999 * 0.999);
        let below = modulus.iter().filter(|m| *m * *m < middle).count();
        assert!(below.abs_diff(250) < 45, "{below}");
        // So are phases, up to the largest: mean and variance, give or take four standard deviations.
        let phases = values(&lru.theta.val().exp());
        let largest = config.max_phase;
        assert!(phases.iter().all(|p| (0.0..=largest + 1e-6).contains(p)));
        let deviation = largest / 12.0_f64.sqrt();
        let mean = phases.iter().sum::<f64>() / 500.0;
        assert!((mean - largest / 2.0).abs() < 4.0 * deviation / 500.0_f64.sqrt());
        let squares = phases.iter().map(|p| (p - largest / 2.0).powi(2));
        let variance = squares.sum::<f64>() / 500.0;
        // The kurtosis of a uniform distribution is 1.8.
        let apart = (variance / deviation.powi(2) - 1.0).abs();
        assert!(apart < 4.0 * (0.8_f64 / 500.0).sqrt(), "{variance}");
    }
}
