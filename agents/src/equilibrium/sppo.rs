//! SPPO: Wu et al., *Self-Play Preference Optimization for Language Model Alignment* (arXiv 2405.00675).
//!
//! Multiplicative weights in self-play, `π' ∝ π exp(η P π)`. With `η` of the order of `1 / √T` the average of `T`
//! policies has a gap of the order of `1 / √T`. The last policy cycles where preferences do: deploy the average there,
//! or another method.

use palaestra_envs::math;
use serde::{Deserialize, Serialize};

use super::{PreferenceGame, Room, Rule, SolverError, simplex};

/// SPPO with exact preferences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sppo {
    /// Step size.
    pub eta: f64,
}

impl Sppo {
    /// The step size `√(8 ln n / T)` for `iterations` iterations with `n` responses, whose average has a gap of at most
    /// `√(2 ln n / T)`.
    pub fn for_horizon(n: usize, iterations: u64) -> Self {
        let eta = math::sqrt(8.0 * math::ln(n as f64) / iterations as f64);
        Self { eta }
    }
}

impl Rule for Sppo {
    fn temperature(&self) -> f64 {
        0.0
    }

    fn check(&self, _: usize) -> Result<(), SolverError> {
        SolverError::positive("eta", self.eta)
    }

    fn update(&mut self, game: &PreferenceGame, _: u64, logits: &mut [f64], room: &mut Room) {
        simplex::softmax(logits, &mut room.policy);
        game.against(&room.policy, &mut room.b);
        for (v, wins) in logits.iter_mut().zip(&room.b) {
            *v += self.eta * wins;
        }
        simplex::centre(logits);
    }
}

/// SPPO's loss for one response: `(log(π(y) / π_t(y)) - η (P(y beats π_t) - 1/2))²`, with the preference estimated from
/// samples. The normaliser's logarithm is taken as `η / 2`.
pub fn sppo_loss(log_ratio: f64, wins: f64, eta: f64) -> f64 {
    let error = log_ratio - eta * (wins - 0.5);
    error * error
}
