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
//! is for problems with a handful of states. A model with more than [`IncrementalPruning::MAX_STATES`] states is refused, and a step in which
//! more would have to be pruned than takes some seconds is given up: the solver is stuck at the horizon before. After
//! `h` iterations the value of infinitely many steps lies within `γ^h max|r| / (1 - γ)`, and between the blind policies
//! and the fast informed bound anyway.

use std::sync::Arc;

use palaestra_envs::pomdp::Pomdp;
use serde::{Deserialize, Serialize};

use super::{
    AlphaPolicy, AlphaVector, Informed, Progress, Solver, SolverError, largest, misfit,
    prune::{Budget, TooMuch, prune},
};
use crate::pomdp::Belief;

/// Exact value iteration.
#[derive(Debug, Clone)]
pub struct IncrementalPruning {
    model: Arc<Pomdp>,
    start: Belief,
    state: Horizon,
    /// The blind policies' value and the fast informed bound.
    known: (f64, f64),
    /// Whether the next step needs more pruning than can be done.
    stuck: bool,
}

/// The optimal value of some number of steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Horizon {
    /// The α-vectors over all states.
    pub vectors: Vec<AlphaVector>,
    /// Number of steps.
    pub steps: u64,
}

/// Pruning done in one step, at most: some seconds' worth.
const BUDGET: Budget = Budget(2_000_000_000);
/// Vectors of the largest set that is built.
const MAX_VECTORS: usize = 2_000_000;

/// Bounds nearer than this count as converged.
const PRECISION: f64 = 1e-8;

impl IncrementalPruning {
    /// States of the largest model that is accepted.
    pub const MAX_STATES: usize = 500;

    /// Starts with no steps, worth nothing. A discount of 1 is allowed: then only finite horizons mean something.
    ///
    /// # Errors
    /// [`SolverError::TooLarge`] for more than [`MAX_STATES`](Self::MAX_STATES) states.
    pub fn new(model: Arc<Pomdp>) -> Result<Self, SolverError> {
        let informed = if model.discount() < 1.0 {
            Some(Informed::new(&model)?)
        } else {
            None
        };
        Self::from_bounds(model, informed.as_ref())
    }

    /// As [`new`](Self::new) with tables of the same model; without them the bounds are those of the horizon alone.
    ///
    /// # Errors
    /// [`SolverError::TooLarge`].
    pub fn from_bounds(
        model: Arc<Pomdp>,
        informed: Option<&Informed>,
    ) -> Result<Self, SolverError> {
        let states = model.num_states();
        if states > Self::MAX_STATES {
            return Err(SolverError::TooLarge {
                planner: "incremental pruning",
                model: format!("{states} states"),
                most: format!("at most {}", Self::MAX_STATES),
            });
        }
        let nothing = AlphaVector {
            action: 0,
            values: vec![0.0; model.num_states()],
        };
        let known = informed.map_or((f64::NEG_INFINITY, f64::INFINITY), |informed| {
            (informed.bounds.blind, informed.bounds.fib)
        });
        Ok(Self {
            known,
            start: Belief::start(&model),
            state: Horizon {
                vectors: vec![nothing],
                steps: 0,
            },
            stuck: false,
            model,
        })
    }

    /// The optimal value at the initial belief of as many steps as iterations were done.
    pub fn value(&self) -> f64 {
        largest(self.state.vectors.iter().map(|v| self.start.dot(&v.values)))
    }

    /// `Γ'`.
    fn backed_up(&self) -> Result<Vec<AlphaVector>, TooMuch> {
        let (model, mut budget) = (&self.model, BUDGET);
        let mut union = Vec::new();
        for action in 0..model.num_actions() {
            let mut sum = vec![AlphaVector {
                action: action as u32,
                values: model.rewards(action).to_vec(),
            }];
            for observation in 0..model.num_observations() {
                let set = self.projected(action, observation, &mut budget)?;
                sum = cross_sum(&sum, &set, &mut budget)?;
            }
            union.extend(sum);
        }
        prune(union, &mut budget)
    }

    /// `Γ_a,o`.
    fn projected(
        &self,
        action: usize,
        observation: usize,
        budget: &mut Budget,
    ) -> Result<Vec<AlphaVector>, TooMuch> {
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
        prune(all, budget)
    }
}

/// All sums of one vector from each set, pruned.
fn cross_sum(
    left: &[AlphaVector],
    right: &[AlphaVector],
    budget: &mut Budget,
) -> Result<Vec<AlphaVector>, TooMuch> {
    let states = left.first().map_or(0, |v| v.values.len());
    if left.len().saturating_mul(right.len()) > MAX_VECTORS / states.max(1) {
        return Err(TooMuch);
    }
    let pairs = left.iter().flat_map(|x| right.iter().map(move |y| (x, y)));
    let sum = |(x, y): (&AlphaVector, &AlphaVector)| AlphaVector {
        action: x.action,
        values: x.values.iter().zip(&y.values).map(|(a, b)| a + b).collect(),
    };
    prune(pairs.map(sum).collect(), budget)
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
            ..Self::new(model)?
        })
    }

    fn state(&self) -> &Horizon {
        &self.state
    }

    fn step(&mut self) -> Progress {
        if !self.stuck {
            match self.backed_up() {
                Ok(vectors) => {
                    self.state.vectors = vectors;
                    self.state.steps += 1;
                }
                Err(TooMuch) => self.stuck = true,
            }
        }
        self.progress()
    }

    fn progress(&self) -> Progress {
        let (low, high) = self.model.reward_range();
        let gamma = self.model.discount();
        let left =
            palaestra_envs::math::powf(gamma, self.state.steps as f64) * low.abs().max(high.abs());
        let left = if gamma < 1.0 {
            left / (1.0 - gamma)
        } else {
            f64::INFINITY
        };
        let (lower, upper) = self.known;
        Progress {
            iteration: self.state.steps,
            lower: (self.value() - left).max(lower),
            upper: (self.value() + left).min(upper),
        }
    }

    fn converged(&self) -> bool {
        let progress = self.progress();
        progress.upper - progress.lower < PRECISION
    }

    fn policy(&self) -> AlphaPolicy {
        AlphaPolicy::whole(self.state.vectors.clone())
    }

    fn stuck(&self) -> Option<String> {
        self.stuck.then(|| {
            format!(
                "step {} would have to prune too many vectors: there are {} over {} states already",
                self.state.steps + 1,
                self.state.vectors.len(),
                self.model.num_states()
            )
        })
    }
}
