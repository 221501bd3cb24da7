//! APO: *Accelerated Preference Optimization for Large Language Model Alignment* (arXiv 2410.06293).
//!
//! Nesterov's momentum on the logits of iterative preference optimisation: after the base method's step to `π̂'`,
//! extrapolate, `π' ∝ π̂' (π̂' / π̂)^α`. Under a fixed reward the logits grow `1 / (1 - α)` times as fast. Momentum does
//! not cure the cycling of the last policy where preferences cycle.

use serde::{Deserialize, Serialize};

use super::{PreferenceGame, Room, Rule, SolverError, simplex};

/// APO upon the step of [`Sppo`](super::Sppo), with exact preferences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Apo {
    /// Step size of the base method.
    pub eta: f64,
    /// Momentum, 0 to below 1; 0 is the base method.
    pub alpha: f64,
    /// Logits of the base method's last step.
    base: Vec<f64>,
}

impl Apo {
    /// APO with these settings.
    pub fn new(eta: f64, alpha: f64) -> Self {
        Self {
            eta,
            alpha,
            base: Vec::new(),
        }
    }
}

impl Rule for Apo {
    fn temperature(&self) -> f64 {
        0.0
    }

    fn check(&self, n: usize) -> Result<(), SolverError> {
        SolverError::positive("eta", self.eta)?;
        let holds = (0.0..1.0).contains(&self.alpha);
        SolverError::check("alpha", self.alpha, holds, "at least 0 and below 1")?;
        SolverError::misfit("logits of the base method", self.base.len(), n)
    }

    fn start(&mut self, logits: &[f64]) {
        self.base = logits.to_vec();
        simplex::centre(&mut self.base);
    }

    fn update(&mut self, game: &PreferenceGame, _: u64, logits: &mut [f64], room: &mut Room) {
        simplex::softmax(logits, &mut room.policy);
        game.against(&room.policy, &mut room.b);
        for (v, wins) in logits.iter_mut().zip(&room.b) {
            *v += self.eta * wins;
        }
        simplex::centre(logits);
        for (v, base) in logits.iter_mut().zip(&mut self.base) {
            let step = *v;
            *v += self.alpha * (step - *base);
            *base = step;
        }
    }
}
