//! Online IPO and IPO-MD: Calandriello et al., *Human Alignment of Large Language Models through Online Preference
//! Optimisation* (arXiv 2403.08635).
//!
//! The offline optimum for a behaviour policy `ν` is `π ∝ π_ref exp(P ν / τ)`. Playing against oneself instead, the
//! stationary point is the regularised equilibrium at `τ`; against the geometric mixture with weight `b` on the
//! reference it is a best reply, and the mixture is the equilibrium at `τ / (1 - b)`.

use serde::{Deserialize, Serialize};

use super::{PreferenceGame, Room, Rule, SolverError, metrics, regularised_nash::pull, simplex};

/// Logits of IPO's optimum for comparisons with draws from `behaviour`, `[n]`.
pub fn offline_ipo(game: &PreferenceGame, tau: f64, behaviour: &[f64]) -> Vec<f64> {
    let mut logits = vec![0.0; game.len()];
    metrics::regularised_reply(game, tau, behaviour, &mut logits);
    simplex::normalise_logs(&mut logits);
    logits
}

/// Logits of the geometric mixture of a policy with the game's reference, which has weight `mixture`.
pub fn mixed_with_reference(game: &PreferenceGame, logits: &[f64], mixture: f64) -> Vec<f64> {
    let mut out = vec![0.0; game.len()];
    simplex::geometric_mixture(logits, game.log_reference(), mixture, &mut out);
    simplex::normalise_logs(&mut out);
    out
}

/// IPO-MD with exact gradients of the loss over uniformly drawn pairs; without mixture it is online IPO, which in
/// these terms is optimistic-free online mirror descent (OMD).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IpoMd {
    /// Temperature.
    pub tau: f64,
    /// Step size, at most `1 / τ`; `4 rate / (n τ)` for gradient descent with that rate.
    pub eta: f64,
    /// Weight of the reference in the opponent, 0 to 1. As large as `eta * tau` it makes the step one of Nash-MD.
    pub mixture: f64,
}

impl Default for IpoMd {
    fn default() -> Self {
        Self {
            tau: 1.0,
            eta: 0.5,
            mixture: 0.125,
        }
    }
}

impl IpoMd {
    /// Online IPO: no mixture. Converges for `eta` of the order of `tau`, and cycles in many games for more.
    pub fn online(tau: f64, eta: f64) -> Self {
        Self {
            tau,
            eta,
            mixture: 0.0,
        }
    }
}

impl Rule for IpoMd {
    fn temperature(&self) -> f64 {
        self.tau
    }

    fn check(&self, _: usize) -> Result<(), SolverError> {
        SolverError::positive("tau", self.tau)?;
        SolverError::positive("eta", self.eta)?;
        SolverError::fraction("eta * tau", self.eta * self.tau)?;
        SolverError::fraction("mixture", self.mixture)
    }

    fn update(&mut self, game: &PreferenceGame, _: u64, logits: &mut [f64], room: &mut Room) {
        let reference = game.log_reference();
        simplex::geometric_mixture(logits, reference, self.mixture, &mut room.a);
        simplex::softmax(&room.a, &mut room.policy);
        pull(game, self.tau, self.eta, logits, &room.policy, &mut room.a);
        logits.copy_from_slice(&room.a);
        simplex::centre(logits);
    }
}

/// Online IPO whose pairs are both drawn from the policy, with exact gradients of
/// `Σ_ij π_i π_j ((h_i - h_j) - (P_ij - 1/2) / τ)²`, the weights not differentiated:
/// `4 π_i (h_i - ⟨π, h⟩ - ((P π)_i - 1/2) / τ)`.
///
/// That is a negative multiple, `-4 / τ`, of the gradient of the self-play objective (see [`self_play_gradient`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnlineIpo {
    /// Temperature.
    pub tau: f64,
    /// Learning rate, at most 1: `4 (diag π - π πᵀ)` has no eigenvalue above 2.
    pub rate: f64,
}

impl OnlineIpo {
    /// Writes the loss's gradient with respect to the logits to `room.b`.
    fn gradient(&self, game: &PreferenceGame, logits: &[f64], room: &mut Room) {
        simplex::softmax(logits, &mut room.policy);
        game.against(&room.policy, &mut room.b);
        let total = simplex::log_sum_exp(logits);
        for ((a, v), log) in room.a.iter_mut().zip(logits).zip(game.log_reference()) {
            *a = v - total - log;
        }
        let mean = simplex::dot(&room.policy, &room.a);
        for ((b, h), p) in room.b.iter_mut().zip(&room.a).zip(&room.policy) {
            *b = 4.0 * p * (h - mean - (*b - 0.5) / self.tau);
        }
    }

    /// The loss's gradient with respect to the logits.
    pub fn loss_gradient(&self, game: &PreferenceGame, logits: &[f64]) -> Vec<f64> {
        let mut room = Room::new(game.len());
        self.gradient(game, logits, &mut room);
        room.b
    }
}

impl Rule for OnlineIpo {
    fn temperature(&self) -> f64 {
        self.tau
    }

    fn check(&self, _: usize) -> Result<(), SolverError> {
        SolverError::positive("tau", self.tau)?;
        SolverError::positive("rate", self.rate)?;
        SolverError::fraction("rate", self.rate)
    }

    fn update(&mut self, game: &PreferenceGame, _: u64, logits: &mut [f64], room: &mut Room) {
        self.gradient(game, logits, room);
        for (v, g) in logits.iter_mut().zip(&room.b) {
            *v -= self.rate * g;
        }
        simplex::centre(logits);
    }
}

/// Gradient, with respect to the logits, of `π P o - τ KL(π, π_ref)` at `o = π`: what regularised self-play ascends.
pub fn self_play_gradient(game: &PreferenceGame, tau: f64, logits: &[f64]) -> Vec<f64> {
    let n = game.len();
    let (mut policy, mut value) = (vec![0.0; n], vec![0.0; n]);
    simplex::softmax(logits, &mut policy);
    game.against(&policy, &mut value);
    let total = simplex::log_sum_exp(logits);
    for ((w, v), log) in value.iter_mut().zip(logits).zip(game.log_reference()) {
        *w -= tau * (v - total - log);
    }
    let mean = simplex::dot(&policy, &value);
    policy
        .iter()
        .zip(&value)
        .map(|(p, w)| p * (w - mean))
        .collect()
}
