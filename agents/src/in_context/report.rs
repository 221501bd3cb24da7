//! What a learner tells of itself: means of the loss terms between two points of the metrics.

use serde::{Deserialize, Serialize};

use super::{loss::LossTerms, rollout::Estimates};

const NAMES: [&str; 6] = [
    "losses/policy_loss",
    "losses/value_loss",
    "losses/entropy",
    "losses/approx_kl",
    "losses/clip_fraction",
    "losses/gradient_norm",
];

/// Sums since the last point of the metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    minibatches: u64,
    sums: [f64; 6],
    updates: u64,
    explained_variance: f64,
    learning_rate: f64,
}

impl Report {
    /// Takes in a minibatch: the terms of its loss and the norm of its gradient.
    pub(super) fn add(&mut self, terms: &LossTerms, gradient_norm: f64) {
        let values = [
            terms.policy_loss,
            terms.value_loss,
            terms.entropy,
            terms.approx_kl,
            terms.clip_fraction,
            gradient_norm,
        ];
        for (sum, value) in self.sums.iter_mut().zip(values) {
            *sum += value;
        }
        self.minibatches += 1;
    }

    /// Takes in that an update is over. Explained variance is 1 − Var(R − V) / Var(R), and R − V = A.
    pub(super) fn end_update(&mut self, estimates: &Estimates, learning_rate: f64) {
        let unexplained = variance(&estimates.advantage) / variance(&estimates.target);
        // Without any variance there is nothing to explain.
        self.explained_variance += if unexplained.is_finite() {
            1.0 - unexplained
        } else {
            0.0
        };
        self.learning_rate = learning_rate;
        self.updates += 1;
    }

    /// Tells the means and starts anew; nothing if there was no update.
    pub(super) fn tell(&mut self, record: &mut dyn FnMut(&str, f64)) {
        if self.updates == 0 {
            return;
        }
        for (name, sum) in NAMES.iter().zip(self.sums) {
            record(name, sum / self.minibatches as f64);
        }
        let explained = self.explained_variance / self.updates as f64;
        record("losses/explained_variance", explained);
        record("charts/learning_rate", self.learning_rate);
        *self = Self::default();
    }
}

fn variance(x: &[f32]) -> f64 {
    let n = x.len() as f64;
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    x.iter()
        .map(|&x| (f64::from(x) - mean).powi(2))
        .sum::<f64>()
        / n
}
