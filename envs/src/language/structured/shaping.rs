//! Rewards that count how good the outcome is for both.

use crate::{error::EnvError, sim::EnvSpec};

/// No weight is larger.
const HEAVIEST: f64 = 1000.0;

/// Weights of the measures in the rewards of both players, with the last step of an episode.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Shaping {
    efficiency: f64,
    fairness: f64,
}

impl Shaping {
    /// # Errors
    /// [`EnvError::Argument`] for a weight that is not finite or beyond 1000.
    pub(super) fn new(efficiency: f64, fairness: f64) -> Result<Self, EnvError> {
        let weights = [
            ("efficiency_weight", efficiency),
            ("fairness_weight", fairness),
        ];
        for (name, weight) in weights {
            // Written so that NaN fails.
            if !(-HEAVIEST..=HEAVIEST).contains(&weight) {
                let problem =
                    format!("must lie between -{HEAVIEST} and {HEAVIEST}, found {weight}");
                return Err(EnvError::argument(name, problem));
            }
        }
        Ok(Self {
            efficiency,
            fairness,
        })
    }

    /// The first argument that asks for a measure in the rewards.
    pub(super) fn argument(self) -> Option<&'static str> {
        let weights = [
            ("efficiency_weight", self.efficiency),
            ("fairness_weight", self.fairness),
        ];
        let asked = weights.into_iter().find(|(_, weight)| *weight != 0.0);
        asked.map(|(name, _)| name)
    }

    /// What is added for these measures, each clipped to [0, 1]; nothing for one that is not defined.
    pub(super) fn bonus(self, efficiency: f64, fairness: f64) -> f64 {
        let clipped = |x: f64| if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) };
        self.efficiency * clipped(efficiency) + self.fairness * clipped(fairness)
    }

    /// Widens the range of rewards.
    pub(super) fn widen(self, spec: &mut EnvSpec) {
        let (low, high) = &mut spec.reward_range;
        for weight in [self.efficiency, self.fairness] {
            *low += weight.min(0.0);
            *high += weight.max(0.0);
        }
        // As rewards are, in single precision; the next number out, whatever rounding did.
        if self != Self::default() {
            *low = f64::from((*low as f32).next_down());
            *high = f64::from((*high as f32).next_up());
        }
    }
}
