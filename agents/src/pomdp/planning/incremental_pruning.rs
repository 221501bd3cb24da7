//! Exact value iteration by incremental pruning: Cassandra, Littman, Zhang, *Incremental Pruning: A Simple, Fast, Exact
//! Method for Partially Observable Markov Decision Processes* (UAI 1997).
//!
//! ```text
//! Γ_a,o = { γ Σ_s' T(s' | s, a) O(o | a, s') α(s') : α ∈ Γ }
//! Γ_a   = prune(… prune(prune(Γ_a,1) ⊕ prune(Γ_a,2)) ⊕ …)      ⊕: all sums of one from each
//! Γ'    = prune(∪_a { r(·, a) + α : α ∈ Γ_a })
//! ```
//!
//! Iteration `h` gives the optimal value of `h` steps exactly. The number of vectors can grow doubly exponentially: this
//! is for problems with a handful of states. After `h` iterations the value of infinitely many steps lies within
//! `γ^h max|r| / (1 - γ)`.

use std::sync::Arc;

use palaestra_envs::pomdp::Pomdp;
use serde::{Deserialize, Serialize};

use super::{
    AlphaPolicy, AlphaVector, Progress, Solver, SolverError, largest, misfit, prune::prune,
};
use crate::pomdp::Belief;

/// Exact value iteration.
#[derive(Debug, Clone)]
pub struct IncrementalPruning {
    model: Arc<Pomdp>,
    start: Belief,
    state: Horizon,
}

/// The optimal value of some number of steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Horizon {
    /// The α-vectors over all states.
    pub vectors: Vec<AlphaVector>,
    /// Number of steps.
    pub steps: u64,
}

/// Bounds nearer than this count as converged.
const PRECISION: f64 = 1e-8;

impl IncrementalPruning {
    /// Starts with no steps, worth nothing. A discount of 1 is allowed: then only finite horizons mean something.
    pub fn new(model: Arc<Pomdp>) -> Self {
        let nothing = AlphaVector {
            action: 0,
            values: vec![0.0; model.num_states()],
        };
        Self {
            start: Belief::start(&model),
            state: Horizon {
                vectors: vec![nothing],
                steps: 0,
            },
            model,
        }
    }

    /// The optimal value at the initial belief of as many steps as iterations were done.
    pub fn value(&self) -> f64 {
        largest(self.state.vectors.iter().map(|v| self.start.dot(&v.values)))
    }

    /// `Γ_a,o`.
    fn projected(&self, action: usize, observation: usize) -> Vec<AlphaVector> {
        let model = &self.model;
        let mut all = Vec::new();
        for alpha in &self.state.vectors {
            let value = |s| {
                let terms = model.transition(s, action);
                let terms = terms.iter().map(|(next, p)| {
                    p * model.observation(action, next).get(observation) * alpha.values[next]
                });
                model.discount() * terms.sum::<f64>()
            };
            all.push(AlphaVector {
                action: action as u32,
                values: (0..model.num_states()).map(value).collect(),
            });
        }
        prune(all)
    }
}

/// All sums of one vector from each set, pruned.
fn cross_sum(left: &[AlphaVector], right: &[AlphaVector]) -> Vec<AlphaVector> {
    let pairs = left.iter().flat_map(|x| right.iter().map(move |y| (x, y)));
    let sum = |(x, y): (&AlphaVector, &AlphaVector)| AlphaVector {
        action: x.action,
        values: x.values.iter().zip(&y.values).map(|(a, b)| a + b).collect(),
    };
    prune(pairs.map(sum).collect())
}

impl Solver for IncrementalPruning {
    type State = Horizon;

    fn resume(model: Arc<Pomdp>, state: Horizon) -> Result<Self, SolverError> {
        let states = model.num_states();
        if let Some(vector) = state.vectors.iter().find(|v| v.values.len() != states) {
            return Err(misfit("states", vector.values.len(), states));
        }
        Ok(Self {
            state,
            ..Self::new(model)
        })
    }

    fn state(&self) -> &Horizon {
        &self.state
    }

    fn step(&mut self) -> Progress {
        let model = self.model.clone();
        let mut union = Vec::new();
        for action in 0..model.num_actions() {
            let rewards = AlphaVector {
                action: action as u32,
                values: model.rewards(action).to_vec(),
            };
            let sets = (0..model.num_observations()).map(|o| self.projected(action, o));
            union.extend(sets.fold(vec![rewards], |sum, set| cross_sum(&sum, &set)));
        }
        self.state = Horizon {
            vectors: prune(union),
            steps: self.state.steps + 1,
        };
        self.progress()
    }

    fn progress(&self) -> Progress {
        let (low, high) = self.model.reward_range();
        let gamma = self.model.discount();
        let left =
            palaestra_envs::math::powf(gamma, self.state.steps as f64) * low.abs().max(high.abs());
        let left = left / (1.0 - gamma);
        Progress {
            iteration: self.state.steps,
            lower: self.value() - left,
            upper: self.value() + left,
        }
    }

    fn converged(&self) -> bool {
        let progress = self.progress();
        progress.upper - progress.lower < PRECISION
    }

    fn policy(&self) -> AlphaPolicy {
        AlphaPolicy::whole(self.state.vectors.clone())
    }
}
