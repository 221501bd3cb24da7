//! RISE: Qu et al., *Recursive Introspection: Teaching Language Model Agents How to Self-Improve* (arXiv 2407.18219).
//!
//! One prompt becomes a process of several attempts, each of which sees those before. Attempts are fitted with weights
//! `exp(reward / temperature)`, after filtering; at the end the answer is the most frequent one, or the first that
//! succeeds if that can be known.

use palaestra_envs::math;

use super::super::{SolverError, simplex};

/// Which attempts are learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// All.
    All,
    /// Those with a larger reward than the one before; the first always.
    Better,
    /// Those with the largest reward.
    Best,
    /// Those with at least the reward of a success, 1.
    Successful,
}

/// Weights of the attempts of one prompt, which sum to 1 over those that pass the filter; all 0 if none does.
///
/// # Errors
/// [`SolverError::Setting`] for a temperature that is not positive.
pub fn weights(rewards: &[f64], temperature: f64, filter: Filter) -> Result<Vec<f64>, SolverError> {
    SolverError::positive("temperature", temperature)?;
    let largest = rewards.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let passes = |turn: usize| match filter {
        Filter::All => true,
        Filter::Better => turn == 0 || rewards[turn] > rewards[turn - 1],
        Filter::Best => rewards[turn] >= largest,
        Filter::Successful => rewards[turn] >= 1.0,
    };
    let logits: Vec<f64> = (0..rewards.len())
        .map(|turn| {
            if passes(turn) {
                rewards[turn] / temperature
            } else {
                f64::NEG_INFINITY
            }
        })
        .collect();
    let total = simplex::log_sum_exp(&logits);
    if total == f64::NEG_INFINITY {
        return Ok(vec![0.0; rewards.len()]);
    }
    Ok(logits.iter().map(|v| math::exp(v - total)).collect())
}

/// The most frequent answer; of equally frequent ones the one given first. Nothing without answers.
pub fn majority<T: PartialEq>(answers: &[T]) -> Option<&T> {
    let mut best: Option<(&T, usize)> = None;
    for answer in answers {
        let count = answers.iter().filter(|other| *other == answer).count();
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((answer, count));
        }
    }
    best.map(|(answer, _)| answer)
}
