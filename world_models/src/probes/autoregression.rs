//! An autoregressive process of order p, x_t = φ_1 x_{t−1} + … + φ_p x_{t−p} + σ ε_t: what SpaceTime's companion matrices can
//! hold exactly (Zhang et al., arXiv 2303.09489, section 3).
//!
//! Models learn to forecast one step. Measured are forecasts further ahead, from what they forecast themselves, against
//! the best possible ones, and the coefficients that the model has made its own.

use palaestra_envs::stream::Stream;
use rand::RngExt;
use rand_distr::StandardNormal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Border, Example, Inputs, Part, Probe, Target, size_problems};

/// Steps before an example begins.
const BURN_IN: usize = 200;

/// The task. Sizes are horizons: how many steps ahead is forecast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Autoregression {
    /// φ_1, φ_2, …
    pub coefficients: Vec<f64>,
    /// σ.
    pub noise: f64,
    /// Numbers of an example.
    pub steps: usize,
    /// Horizons that are measured.
    pub test: Vec<usize>,
}

impl Default for Autoregression {
    fn default() -> Self {
        Self {
            // Roots 0.95 e^{±0.6i} and 0.8 e^{±1.8i}.
            coefficients: vec![1.2046, -0.9724, 0.6755, -0.5776],
            noise: 0.3,
            steps: 64,
            test: vec![1, 2, 4, 8, 16],
        }
    }
}

impl Autoregression {
    /// The expectation of the number `ahead` steps after `past`.
    pub fn forecast(&self, past: &[f32], ahead: usize) -> f32 {
        let order = self.coefficients.len();
        let mut values: Vec<f64> = past[past.len().saturating_sub(order)..]
            .iter()
            .map(|x| f64::from(*x))
            .collect();
        for _ in 0..ahead {
            let terms = self.coefficients.iter().zip(values.iter().rev());
            values.push(terms.map(|(phi, x)| phi * x).sum());
        }
        values.last().map_or(0.0, |x| *x as f32)
    }

    /// Whether all roots lie within the unit circle: all partial autocorrelations do (Durbin and Levinson, backwards).
    fn is_stationary(&self) -> bool {
        let mut phi = self.coefficients.clone();
        while let Some(last) = phi.pop() {
            if last.is_nan() || last.abs() >= 1.0 {
                return false;
            }
            let lower = |i: usize| (phi[i] + last * phi[phi.len() - 1 - i]) / (1.0 - last * last);
            phi = (0..phi.len()).map(lower).collect();
        }
        true
    }
}

impl Probe for Autoregression {
    fn border(&self) -> Border {
        Border {
            tokens: None,
            classes: None,
        }
    }

    fn size_name(&self) -> &'static str {
        "steps ahead"
    }

    fn sizes(&self) -> [&[usize]; 2] {
        [&[1], &self.test]
    }

    fn example(&self, size: usize, _: Part, _: u64, rng: &mut Stream) -> Example {
        let order = self.coefficients.len();
        let mut series = vec![0.0_f64; order];
        for _ in 0..=BURN_IN + self.steps {
            let terms = self.coefficients.iter().zip(series.iter().rev());
            let shock: f64 = rng.sample(StandardNormal);
            series.push(terms.map(|(phi, x)| phi * x).sum::<f64>() + self.noise * shock);
        }
        let series: Vec<f32> = series.iter().map(|x| *x as f32).collect();
        let series = &series[order + BURN_IN..];
        let steps = self.steps;
        let target = |step: usize| {
            // One step ahead every step is asked, further ahead the last.
            if step < order || (size > 1 && step + 1 < steps) {
                return Target::Unasked;
            }
            Target::Number {
                drawn: series[step + 1],
                expected: self.forecast(&series[..step + 2 - size], size),
            }
        };
        Example {
            inputs: Inputs::Numbers(series[..steps].to_vec()),
            targets: (0..steps).map(target).collect(),
            withheld: size - 1,
        }
    }

    fn chance(&self) -> f64 {
        1.0
    }

    fn coefficients(&self) -> Option<&[f64]> {
        Some(&self.coefficients)
    }

    fn problems(&self) -> Vec<(&'static str, String)> {
        let order = self.coefficients.len();
        let most = self.steps.saturating_sub(order);
        let mut found = size_problems(self.sizes(), 1..=most);
        if order == 0 || !self.is_stationary() {
            let message = "must be one or more numbers that make a stationary process";
            found.push(("coefficients", message.into()));
        }
        if !(self.noise > 0.0 && self.noise.is_finite()) {
            found.push(("noise", "must be a positive number".into()));
        }
        found
    }
}
