//! The exact belief over the states of an explicit model.

use std::sync::Arc;

use palaestra_envs::pomdp::Pomdp;

use crate::pomdp::{Belief, Workspace};

/// An observation that the model says cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "observation {observation} after action {action} in step {step} is impossible under the model"
)]
pub struct ImpossibleObservation {
    /// Updates before this one.
    pub step: u64,
    /// The action.
    pub action: usize,
    /// The observation.
    pub observation: usize,
}

/// Tracks the belief exactly.
#[derive(Debug, Clone)]
pub struct ExactFilter {
    model: Arc<Pomdp>,
    belief: Belief,
    step: u64,
    work: Workspace,
}

impl ExactFilter {
    /// Starts at the initial belief.
    pub fn new(model: Arc<Pomdp>) -> Self {
        Self {
            belief: Belief::start(&model),
            work: Workspace::new(&model),
            step: 0,
            model,
        }
    }

    /// The belief now.
    pub fn belief(&self) -> &Belief {
        &self.belief
    }

    /// `b'(s') ∝ O(o | a, s') Σ_s T(s' | s, a) b(s)`; returns `P(o | b, a)`.
    ///
    /// # Errors
    /// [`ImpossibleObservation`] if that is 0; the belief stays as it was.
    pub fn update(
        &mut self,
        action: usize,
        observation: usize,
    ) -> Result<f64, ImpossibleObservation> {
        let next = self
            .belief
            .update(&self.model, action, observation, &mut self.work);
        let (belief, probability) = next.ok_or(ImpossibleObservation {
            step: self.step,
            action,
            observation,
        })?;
        self.belief = belief;
        self.step += 1;
        Ok(probability)
    }

    /// Goes back to the initial belief.
    pub fn reset(&mut self) {
        self.belief = Belief::start(&self.model);
        self.step = 0;
    }
}
