//! Magnetic mirror descent: Sokota et al., *A Unified Approach to Reinforcement Learning, Quantal Response Equilibria, and
//! Two-Player Zero-Sum Games* (arXiv 2206.05825).
//!
//! `π' ∝ (π μ^(ηα) exp(η P π))^(1 / (1 + ηα))`: a mirror descent step whose pull to the magnet `μ` is taken implicitly.
//! Its fixed point is the regularised equilibrium at the temperature `α`, which it approaches linearly for steps of the
//! order of `α`.

use serde::{Deserialize, Serialize};

use super::{PreferenceGame, Room, Rule, SolverError, simplex};

/// Magnetic mirror descent with exact preferences; the magnet is the game's reference policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mmd {
    /// Temperature.
    pub alpha: f64,
    /// Step size.
    pub eta: f64,
}

impl Default for Mmd {
    fn default() -> Self {
        Self {
            alpha: 0.1,
            eta: 0.1,
        }
    }
}

impl Rule for Mmd {
    fn temperature(&self) -> f64 {
        self.alpha
    }

    fn check(&self, _: usize) -> Result<(), SolverError> {
        SolverError::positive("alpha", self.alpha)?;
        SolverError::positive("eta", self.eta)
    }

    fn update(&mut self, game: &PreferenceGame, _: u64, logits: &mut [f64], room: &mut Room) {
        simplex::softmax(logits, &mut room.policy);
        game.against(&room.policy, &mut room.b);
        let pull = self.eta * self.alpha;
        for ((v, magnet), wins) in logits.iter_mut().zip(game.log_reference()).zip(&room.b) {
            *v = (*v + pull * magnet + self.eta * wins) / (1.0 + pull);
        }
        simplex::centre(logits);
    }
}
