//! RSO: Liu et al., *Statistical Rejection Sampling Improves Preference Optimization* (arXiv 2309.06657).
//!
//! Draws from a policy, accepted with probability `exp((r - r_max) / β)`, are draws from `π exp(r / β)`. The bound must
//! hold for all rewards: with the best of a batch instead, better ones that were not drawn are accepted too rarely.

use palaestra_envs::{math, stream::Stream};
use rand::RngExt;

use super::{super::SolverError, token_mdp::dpo_loss};

/// Probability with which a draw is accepted; never more than 1, where the largest reward was underestimated.
pub fn acceptance(reward: f64, largest: f64, beta: f64) -> f64 {
    math::exp(((reward - largest) / beta).min(0.0))
}

/// Picks `keep` of a batch of candidates, by their rewards: goes over those left as often as needed, with the best
/// reward among them as the bound. Indices in the order of acceptance.
///
/// # Errors
/// [`SolverError::Setting`] if `beta` is not positive, a reward is not finite, or more are to be kept than there are.
pub fn select(
    rewards: &[f64],
    keep: usize,
    beta: f64,
    stream: &mut Stream,
) -> Result<Vec<usize>, SolverError> {
    SolverError::positive("beta", beta)?;
    let enough = keep <= rewards.len();
    SolverError::check(
        "keep",
        keep as f64,
        enough,
        "at most the number of candidates",
    )?;
    for &reward in rewards {
        SolverError::check("reward", reward, reward.is_finite(), "finite")?;
    }
    let mut accepted = Vec::with_capacity(keep);
    let mut left: Vec<usize> = (0..rewards.len()).collect();
    while accepted.len() < keep {
        let largest = left.iter().map(|&i| rewards[i]).fold(f64::MIN, f64::max);
        left.retain(|&i| {
            let full = accepted.len() == keep;
            let taken = !full && stream.random::<f64>() < acceptance(rewards[i], largest, beta);
            if taken {
                accepted.push(i);
            }
            !taken
        });
    }
    Ok(accepted)
}

/// The loss `-log σ(γ margin)` on the difference of log-ratios between the preferred text and the other.
pub fn sigmoid_norm_loss(gamma: f64, margin: f64) -> f64 {
    dpo_loss(gamma * margin)
}

/// The loss `max(0, 1 - γ margin)` on the same difference.
pub fn hinge_norm_loss(gamma: f64, margin: f64) -> f64 {
    (1.0 - gamma * margin).max(0.0)
}
