//! GenARM: Xu et al., *GenARM: Reward Guided Generation with Autoregressive Reward Model for Test-time Alignment*
//! (arXiv 2410.08193).
//!
//! A reward model that gives a probability to every next token, trained on preferences between whole texts, steers a
//! frozen model while it writes: `p ∝ base · arm^α`. Several of them multiply.

use palaestra_envs::math;

use super::{super::simplex, token_mdp::dpo_loss};

/// Writes the next token's probabilities from the logarithms of the base model's and of each reward model's, with its
/// weight `α`.
pub fn decode(log_base: &[f64], rewards: &[(&[f64], f64)], out: &mut [f64]) {
    out.copy_from_slice(log_base);
    for (log_arm, alpha) in rewards {
        for (o, log) in out.iter_mut().zip(*log_arm) {
            // A weight of 0 leaves out even what the reward model excludes.
            if *alpha != 0.0 {
                *o += alpha * log;
            }
        }
    }
    let total = simplex::log_sum_exp(out);
    out.iter_mut().for_each(|o| *o = math::exp(*o - total));
}

/// The reward model's loss for a pair of texts, `-log σ(β (log p(preferred) - log p(other)))`; there is no reference
/// model in it.
pub fn loss(beta: f64, log_preferred: f64, log_other: f64) -> f64 {
    dpo_loss(beta * (log_preferred - log_other))
}
