//! Nash-MD: Munos et al., *Nash Learning from Human Feedback* (arXiv 2312.00886).
//!
//! Mirror descent against a geometric mixture of oneself and the reference: `π_mix ∝ π^(1-ητ) μ^(ητ)`, then
//! `π' ∝ π_mix exp(η P π_mix)`. With the step `2 / (τ (t + 2))` the last iterate converges:
//! `KL(π*_τ, π_T) ≤ 8 / (τ² (T + 1))`. With a fixed step the mixture converges to the equilibrium of a hotter game, at
//! the temperature `τ / (1 - ητ)`, and `π` to the best reply to it.

use serde::{Deserialize, Serialize};

use super::{PreferenceGame, Room, Rule, SolverError, simplex};

/// Step sizes of [`NashMd`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum StepSize {
    /// `2 / (τ (t + 2))`, `t` from 0: converges to the equilibrium.
    Decaying,
    /// The same in every iteration: converges linearly to a point nearby.
    Fixed(f64),
}

/// Nash-MD with exact preferences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NashMd {
    /// Temperature.
    pub tau: f64,
    /// Step size; a fixed one times `tau` must be at most 1.
    pub step: StepSize,
}

impl Default for NashMd {
    fn default() -> Self {
        Self {
            tau: 0.1,
            step: StepSize::Decaying,
        }
    }
}

impl NashMd {
    /// The step size of an iteration, counted from 0.
    pub fn step_size(&self, iteration: u64) -> f64 {
        match self.step {
            StepSize::Decaying => 2.0 / (self.tau * (iteration as f64 + 2.0)),
            StepSize::Fixed(eta) => eta,
        }
    }
}

impl Rule for NashMd {
    fn temperature(&self) -> f64 {
        self.tau
    }

    fn check(&self, _: usize) -> Result<(), SolverError> {
        SolverError::positive("tau", self.tau)?;
        match self.step {
            StepSize::Decaying => Ok(()),
            StepSize::Fixed(eta) => {
                SolverError::positive("eta", eta)?;
                SolverError::fraction("eta * tau", eta * self.tau)
            }
        }
    }

    fn update(
        &mut self,
        game: &PreferenceGame,
        iteration: u64,
        logits: &mut [f64],
        room: &mut Room,
    ) {
        let eta = self.step_size(iteration);
        let reference = game.log_reference();
        simplex::geometric_mixture(logits, reference, eta * self.tau, &mut room.a);
        simplex::softmax(&room.a, &mut room.policy);
        game.against(&room.policy, &mut room.b);
        for ((v, mixed), wins) in logits.iter_mut().zip(&room.a).zip(&room.b) {
            *v = mixed + eta * wins;
        }
        simplex::centre(logits);
    }
}

/// Nash-MD-PG with exact gradients: policy gradient of the preference against the mixture with weight `mixture` on the
/// reference, minus `tau` times the log-ratio to the reference.
///
/// The stationary point is that of [`IpoMd`](super::IpoMd). 0 is self-play, 1 plays the best reply to the
/// reference; the paper's best weights lie between 0.125 and 0.375.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NashMdPg {
    /// Temperature.
    pub tau: f64,
    /// Learning rate of plain gradient ascent on the logits; times `tau` at most 1.
    pub rate: f64,
    /// Weight of the reference in the opponent, 0 to 1.
    pub mixture: f64,
}

impl Default for NashMdPg {
    fn default() -> Self {
        Self {
            tau: 0.1,
            rate: 0.1,
            mixture: 0.125,
        }
    }
}

impl Rule for NashMdPg {
    fn temperature(&self) -> f64 {
        self.tau
    }

    fn check(&self, _: usize) -> Result<(), SolverError> {
        SolverError::positive("tau", self.tau)?;
        SolverError::positive("rate", self.rate)?;
        SolverError::fraction("rate * tau", self.rate * self.tau)?;
        SolverError::fraction("mixture", self.mixture)
    }

    fn update(&mut self, game: &PreferenceGame, _: u64, logits: &mut [f64], room: &mut Room) {
        let reference = game.log_reference();
        simplex::geometric_mixture(logits, reference, self.mixture, &mut room.a);
        simplex::softmax(&room.a, &mut room.policy);
        game.against(&room.policy, &mut room.b);
        let total = simplex::log_sum_exp(logits);
        for ((w, v), log) in room.b.iter_mut().zip(&*logits).zip(reference) {
            *w -= self.tau * (v - total - log);
        }
        simplex::softmax(logits, &mut room.policy);
        let mean = simplex::dot(&room.policy, &room.b);
        for ((v, p), w) in logits.iter_mut().zip(&room.policy).zip(&room.b) {
            *v += self.rate * p * (w - mean);
        }
        simplex::centre(logits);
    }
}
