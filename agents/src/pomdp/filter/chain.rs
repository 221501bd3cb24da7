//! A hidden chain that jumps in continuous time, measured at any times.
//!
//! `F` holds the rates: `F[i][j] ≥ 0` from state `i` to `j`, each row summing to 0. Between measurements the belief moves
//! by `b ← b exp(F Δt)`; a measurement multiplies it by the density of what was measured in each state.

use serde::{Deserialize, Serialize};

use palaestra_envs::math;

use crate::matrix::{exponential, product};

/// Rates that are none, or a belief of another size.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The matrix is not square, has a negative rate, or a row whose sum is not 0.
    #[error("row {row} of the rates {problem}")]
    Rates {
        /// The row.
        row: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A belief that is none.
    #[error("the belief must hold {0} probabilities that sum to 1")]
    Belief(usize),
    /// A time that is negative or not finite.
    #[error("{0} is not a length of time")]
    Time(f64),
    /// A measurement that has density 0 in every possible state.
    #[error("measurement {step} is impossible in every state that can be")]
    Impossible {
        /// Measurements before this one.
        step: u64,
    },
}

/// A chain with its belief.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HiddenChain {
    /// `[n * n]`, row by row.
    rates: Vec<f64>,
    belief: Vec<f64>,
    measurements: u64,
}

/// Jumps in a length of time up to which transitions are computed at once, before rounding adds up.
const MOST_JUMPS: f64 = 1e3;

impl HiddenChain {
    /// A chain with the given rates, `[n][n]`, and initial belief.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn new(rates: &[Vec<f64>], belief: &[f64]) -> Result<Self, ChainError> {
        let n = rates.len();
        for (row, values) in rates.iter().enumerate() {
            let error = |problem| Err(ChainError::Rates { row, problem });
            if values.len() != n {
                return error(format!("has {} entries instead of {n}", values.len()));
            }
            if let Some(j) = (0..n).find(|&j| !values[j].is_finite() || j != row && values[j] < 0.0)
            {
                return error(format!("has {} in place {j}", values[j]));
            }
            let (sum, scale): (f64, f64) = (values.iter().sum(), values[row].abs().max(1.0));
            if sum.abs() > 1e-9 * scale {
                return error(format!("sums to {sum} instead of 0"));
            }
        }
        let sum: f64 = belief.iter().sum();
        let positive = belief.iter().all(|p| *p >= 0.0);
        if n == 0 || belief.len() != n || !positive || (sum - 1.0).abs() > 1e-9 {
            return Err(ChainError::Belief(n));
        }
        Ok(Self {
            rates: rates.concat(),
            belief: belief.to_vec(),
            measurements: 0,
        })
    }

    /// The belief, `[n]`.
    pub fn belief(&self) -> &[f64] {
        &self.belief
    }

    /// `exp(F dt)`, `[n * n]` row by row: probabilities of being in the second state a time `dt` after the first.
    ///
    /// # Errors
    /// [`ChainError::Time`].
    pub fn transition(&self, dt: f64) -> Result<Vec<f64>, ChainError> {
        let n = self.belief.len();
        let fastest = (0..n).map(|i| -self.rates[i * n + i]).fold(0.0, f64::max);
        let jumps = fastest * dt;
        if !(dt >= 0.0 && jumps.is_finite()) {
            return Err(ChainError::Time(dt));
        }
        let halvings = math::ln((jumps / MOST_JUMPS).max(1.0)) / std::f64::consts::LN_2;
        let halvings = halvings.ceil() as i32;
        let mut transition = exponential(&self.rates, n, dt * math::powf(0.5, f64::from(halvings)));
        for _ in 0..halvings {
            transition = product(&transition, &transition, n);
            // Squaring doubles the error of the sums.
            for row in transition.chunks_mut(n) {
                let sum: f64 = row.iter().sum();
                row.iter_mut().for_each(|p| *p /= sum);
            }
        }
        Ok(transition)
    }

    /// Lets a time `dt` pass.
    ///
    /// # Errors
    /// [`ChainError::Time`].
    pub fn predict(&mut self, dt: f64) -> Result<(), ChainError> {
        let (transition, n) = (self.transition(dt)?, self.belief.len());
        let next = (0..n).map(|j| (0..n).map(|i| self.belief[i] * transition[i * n + j]).sum());
        self.belief = next.collect();
        Ok(())
    }

    /// Takes in a measurement with density `density(i)` in state `i`; returns its density under the belief.
    ///
    /// # Errors
    /// [`ChainError::Impossible`] if that is 0; the belief stays as it was.
    pub fn correct(&mut self, density: impl Fn(usize) -> f64) -> Result<f64, ChainError> {
        let weighted = self.belief.iter().enumerate().map(|(i, b)| b * density(i));
        let weighted: Vec<f64> = weighted.collect();
        let total: f64 = weighted.iter().sum();
        if !(total > 0.0 && total.is_finite()) {
            return Err(ChainError::Impossible {
                step: self.measurements,
            });
        }
        self.measurements += 1;
        self.belief = weighted.into_iter().map(|w| w / total).collect();
        Ok(total)
    }
}
