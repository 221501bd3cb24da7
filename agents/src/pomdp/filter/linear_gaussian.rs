//! The scalar linear-Gaussian state-space model, for which smoothing is known exactly:
//! `x_{t+1} = φ x_t + N(0, q)`, `y_t = x_t + N(0, r)`, `x_0 ~ N(0, q / (1 - φ²))`.
//!
//! It is what particle smoothers are measured against: Kalman filter, and Rauch, Tung, Striebel (1965) backwards.

use palaestra_envs::{math, stream::Stream};
use rand::RngExt;
use rand_distr::StandardNormal;

use super::StateSpaceModel;

/// The model with its data.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearGaussian {
    /// `φ` in (-1, 1).
    pub persistence: f64,
    /// `q > 0`: variance of the state's noise.
    pub state_variance: f64,
    /// `r > 0`: variance of the measurements' noise.
    pub measurement_variance: f64,
    /// `y_0, y_1, …`
    pub measurements: Vec<f64>,
}

/// What is known exactly given all measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct Smoothed {
    /// `E x_t`.
    pub mean: Vec<f64>,
    /// `Var x_t`.
    pub variance: Vec<f64>,
    /// `E Σ x_t x_{t+1}`.
    pub lagged_products: f64,
    /// Log-likelihood of all measurements.
    pub log_likelihood: f64,
}

fn log_normal(x: f64, variance: f64) -> f64 {
    -0.5 * (x * x / variance + math::ln(2.0 * std::f64::consts::PI * variance))
}

impl LinearGaussian {
    /// A model whose measurements are drawn from it.
    pub fn simulate(
        persistence: f64,
        state_variance: f64,
        measurement_variance: f64,
        steps: usize,
        rng: &mut Stream,
    ) -> Self {
        let mut model = Self {
            persistence,
            state_variance,
            measurement_variance,
            measurements: Vec::new(),
        };
        let mut x = model.start(rng);
        for t in 0..steps {
            if t > 0 {
                x = model.propagate(t - 1, x, rng);
            }
            let z: f64 = rng.sample(StandardNormal);
            model.measurements.push(x + measurement_variance.sqrt() * z);
        }
        model
    }

    fn stationary(&self) -> f64 {
        self.state_variance / (1.0 - self.persistence * self.persistence)
    }

    /// Exact smoothing.
    pub fn smooth(&self) -> Smoothed {
        let (phi, n) = (self.persistence, self.measurements.len());
        let (mut filtered, mut predicted) = (Vec::new(), (0.0, self.stationary()));
        let mut log_likelihood = 0.0;
        for y in &self.measurements {
            let (m, p): (f64, f64) = predicted;
            let s = p + self.measurement_variance;
            log_likelihood += log_normal(y - m, s);
            let gain = p / s;
            let updated = (m + gain * (y - m), p * (1.0 - gain));
            filtered.push(updated);
            predicted = (phi * updated.0, phi * phi * updated.1 + self.state_variance);
        }
        let (mut mean, mut variance): (Vec<f64>, Vec<f64>) = filtered.iter().copied().unzip();
        let mut lagged_products = 0.0;
        for t in (0..n.saturating_sub(1)).rev() {
            let (m, p) = filtered[t];
            let ahead = phi * phi * p + self.state_variance;
            let gain = p * phi / ahead;
            mean[t] = m + gain * (mean[t + 1] - phi * m);
            variance[t] = p + gain * gain * (variance[t + 1] - ahead);
            lagged_products += gain * variance[t + 1] + mean[t] * mean[t + 1];
        }
        Smoothed {
            mean,
            variance,
            lagged_products,
            log_likelihood,
        }
    }
}

/// The additive functional is `(Σ x_t x_{t+1}, ∂ log-likelihood / ∂φ)`.
impl StateSpaceModel for LinearGaussian {
    type State = f64;

    fn steps(&self) -> usize {
        self.measurements.len()
    }

    fn start(&self, rng: &mut Stream) -> f64 {
        let z: f64 = rng.sample(StandardNormal);
        self.stationary().sqrt() * z
    }

    fn propagate(&self, _t: usize, x: f64, rng: &mut Stream) -> f64 {
        let z: f64 = rng.sample(StandardNormal);
        self.persistence * x + self.state_variance.sqrt() * z
    }

    fn transition_density(&self, _t: usize, x: f64, next: f64) -> f64 {
        let d = next - self.persistence * x;
        math::exp(log_normal(d, self.state_variance))
    }

    fn transition_bound(&self, _t: usize) -> f64 {
        math::exp(log_normal(0.0, self.state_variance))
    }

    fn observation_density(&self, t: usize, x: f64) -> f64 {
        math::exp(log_normal(
            self.measurements[t] - x,
            self.measurement_variance,
        ))
    }

    fn functionals(&self) -> usize {
        2
    }

    fn functional(&self, _t: usize, x: f64, next: f64, out: &mut [f64]) {
        out[0] += x * next;
        out[1] += (next - self.persistence * x) * x / self.state_variance;
    }
}
