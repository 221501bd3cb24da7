//! A-LoL: Baheti et al., *Leftover Lunch: Advantage-based Offline Reinforcement Learning for Language Models* (arXiv
//! 2305.14718).
//!
//! A whole text is a single action. Its advantage is its reward minus what the reference policy earns on average; texts
//! without advantage are dropped, and the others' log-likelihood is weighted by advantage times importance ratio, the
//! ratio clipped and not differentiated. Dropping makes the estimate lean towards what the reference policy writes: look
//! at the [kept fraction](Weights::kept_fraction).

use palaestra_envs::math;

use super::super::{SolverError, simplex};

/// Which ratio weighs a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ratio {
    /// That of the policy to the reference, clipped to `[1 - clip, 1 + clip]`; the authors use 0.9.
    Clipped {
        /// Above 0.
        clip: f64,
    },
    /// None: the reference-free variant.
    Free,
    /// None, but a penalty on the distance to the reference: the KL variant. What is followed is
    /// `A ∇ log π - β ∇ log(π / ref)`, so that a text weighs its advantage less `β`.
    Penalty {
        /// Weight of the penalty, above 0.
        beta: f64,
    },
}

/// Weights of a batch of texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Reward minus the reference policy's value.
    pub advantages: Vec<f64>,
    /// Advantage times ratio, or less the penalty; 0 for texts that are dropped.
    pub weights: Vec<f64>,
    /// Probabilities of drawing each text for a batch, in proportion to positive advantages.
    pub priorities: Vec<f64>,
}

impl Weights {
    /// Weights of texts with these rewards and logarithms of `π / ref`, where the reference policy earns `baseline` on
    /// average (0 gives the R-LoL variant).
    ///
    /// # Errors
    /// [`SolverError::Setting`] if the clip is not positive, [`SolverError::Saved`] if the lists have different lengths.
    pub fn new(
        rewards: &[f64],
        log_ratios: &[f64],
        baseline: f64,
        ratio: Ratio,
    ) -> Result<Self, SolverError> {
        SolverError::misfit("log-ratios", log_ratios.len(), rewards.len())?;
        if let Ratio::Clipped { clip } = ratio {
            SolverError::positive("clip", clip)?;
        }
        if let Ratio::Penalty { beta } = ratio {
            SolverError::positive("beta", beta)?;
        }
        let advantages: Vec<f64> = rewards.iter().map(|r| r - baseline).collect();
        let weight = |(&advantage, &log): (&f64, &f64)| match ratio {
            _ if advantage <= 0.0 => 0.0,
            Ratio::Clipped { clip } => advantage * clipped_ratio(log, clip),
            Ratio::Free => advantage,
            Ratio::Penalty { beta } => advantage - beta,
        };
        let weights = advantages.iter().zip(log_ratios).map(weight).collect();
        let mut priorities: Vec<f64> = advantages.iter().map(|a| a.max(0.0)).collect();
        if priorities.iter().any(|p| *p > 0.0) {
            simplex::normalise(&mut priorities);
        }
        Ok(Self {
            advantages,
            weights,
            priorities,
        })
    }

    /// Share of the texts that have an advantage.
    pub fn kept_fraction(&self) -> f64 {
        let kept = self.advantages.iter().filter(|a| **a > 0.0).count();
        kept as f64 / self.advantages.len().max(1) as f64
    }
}

/// `π / ref` from its logarithm, within `clip` of 1.
pub fn clipped_ratio(log_ratio: f64, clip: f64) -> f64 {
    math::exp(log_ratio).clamp(1.0 - clip, 1.0 + clip)
}

/// The sequence variant: weights of the tokens of a text with this advantage, each by its own ratio, from the logarithms
/// of `π / ref` token by token; all 0 for a text without advantage.
///
/// # Errors
/// [`SolverError::Setting`] if the clip is not positive.
pub fn token_weights(
    advantage: f64,
    log_ratios: &[f64],
    clip: f64,
) -> Result<Vec<f64>, SolverError> {
    SolverError::positive("clip", clip)?;
    let kept = advantage.max(0.0);
    Ok(log_ratios
        .iter()
        .map(|&log| kept * clipped_ratio(log, clip))
        .collect())
}
