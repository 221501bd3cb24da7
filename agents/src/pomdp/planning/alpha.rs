//! Policies made of α-vectors: `V(b) = max_α Σ b(s) α(s)`, and the action of the vector that attains it.

use std::borrow::Cow;

use palaestra_envs::pomdp::Pomdp;
use serde::{Deserialize, Serialize};

use super::{Blocks, SolverError};
use crate::pomdp::Belief;

/// A vector of values with the action that earns them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlphaVector {
    /// The action.
    pub action: u32,
    /// A value for each state of its block.
    pub values: Vec<f64>,
}

/// A set of α-vectors, by block of the states (one block, where the planner does not divide them).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlphaPolicy {
    /// The blocks.
    pub blocks: Blocks,
    /// The vectors of each block; at least one each.
    pub vectors: Vec<Vec<AlphaVector>>,
}

/// A policy in a file, with the [digest](Pomdp::digest) of its model.
#[derive(Serialize, Deserialize)]
struct PolicyFile<'a> {
    model: String,
    #[serde(flatten)]
    policy: Cow<'a, AlphaPolicy>,
}

impl AlphaPolicy {
    /// Vectors over all states.
    pub fn whole(vectors: Vec<AlphaVector>) -> Self {
        let states = vectors.first().map_or(0, |v| v.values.len());
        Self {
            blocks: Blocks::single(states),
            vectors: vec![vectors],
        }
    }

    /// The policy for `model` as JSON, numbers with all their digits.
    ///
    /// # Errors
    /// [`SolverError::Saved`] for values that are not finite, which JSON cannot hold.
    pub fn to_json(&self, model: &Pomdp) -> Result<String, SolverError> {
        let mut values = self.vectors.iter().flatten().flat_map(|v| &v.values);
        if values.any(|value| !value.is_finite()) {
            return Err(SolverError::Saved("a value is not finite".into()));
        }
        let file = PolicyFile {
            model: model.digest(),
            policy: Cow::Borrowed(self),
        };
        serde_json::to_string(&file).map_err(|e| SolverError::Saved(e.to_string()))
    }

    /// A policy for `model` from [`to_json`](Self::to_json).
    ///
    /// # Errors
    /// [`SolverError::Saved`] if it is none, or one for another model.
    pub fn from_json(text: &str, model: &Pomdp) -> Result<Self, SolverError> {
        let file: PolicyFile<'_> =
            serde_json::from_str(text).map_err(|e| SolverError::Saved(e.to_string()))?;
        let policy = file.policy.into_owned();
        if file.model != model.digest() {
            return Err(SolverError::Saved(
                "it is a policy for another model (other probabilities, rewards, discount or names)".into(),
            ));
        }
        let sound = policy.blocks.is_sound()
            && policy.fits(model)
            && policy.vectors.iter().all(|of_block| !of_block.is_empty());
        if sound {
            Ok(policy)
        } else {
            Err(SolverError::Saved(
                "its parts do not belong together".into(),
            ))
        }
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.vectors.iter().map(Vec::len).sum()
    }

    /// Whether there is no vector.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The best vector at a belief of `block`, and its value there; of several the first.
    fn best(&self, block: usize, belief: &Belief) -> Option<(&AlphaVector, f64)> {
        let indices: Vec<u32> = belief
            .states
            .iter()
            .map(|&s| self.blocks.index(block, s))
            .collect();
        let mut best: Option<(&AlphaVector, f64)> = None;
        for vector in &self.vectors[block] {
            let terms = indices.iter().zip(&belief.probabilities);
            let value = terms.map(|(&i, p)| p * vector.values[i as usize]).sum();
            if best.is_none_or(|(_, most)| value > most) {
                best = Some((vector, value));
            }
        }
        best
    }

    /// `V(b)`; none for a belief that cannot follow the initial one (it fits into no block).
    pub fn value(&self, belief: &Belief) -> Option<f64> {
        let block = self.blocks.block_of(belief)?;
        self.best(block, belief).map(|(_, value)| value)
    }

    /// The action at a belief. One that cannot follow the initial one is treated as its part in the most likely
    /// block, and action 0 is taken where no block is known at all.
    pub fn action(&self, belief: &Belief) -> usize {
        let best = if let Some(block) = self.blocks.block_of(belief) {
            self.best(block, belief)
        } else {
            let part = self.blocks.main_part(belief);
            part.and_then(|(block, part)| self.best(block, &part))
        };
        best.map_or(0, |(vector, _)| vector.action as usize)
    }

    /// Whether it belongs to a model of this size.
    pub fn fits(&self, model: &Pomdp) -> bool {
        let sizes_agree = |(block, vectors): (usize, &Vec<AlphaVector>)| {
            let size = self.blocks.members(block).len();
            let fits = |v: &AlphaVector| {
                v.values.len() == size && (v.action as usize) < model.num_actions()
            };
            vectors.iter().all(fits)
        };
        self.blocks.states() == model.num_states()
            && self.vectors.len() == self.blocks.len()
            && self.vectors.iter().enumerate().all(sizes_agree)
    }
}
