//! Blind policies: the same action for ever, whatever is seen. Hauskrecht, *Incremental Methods for Computing Bounds in
//! Partially Observable Markov Decision Processes* (AAAI 1997).
//!
//! `α_a(s) = r(s, a) + γ Σ T(s' | s, a) α_a(s')`. The best of them bounds the optimum from below. Iterates rise towards
//! the fixed point from below, so that each is a bound.

use std::sync::Arc;

use palaestra_envs::pomdp::Pomdp;

use super::{
    AlphaPolicy, Progress, Solver, SolverError, discounted,
    value_iteration::{QTable, backed_up, work},
};
use crate::pomdp::Belief;

/// The blind policies of a model.
#[derive(Debug, Clone)]
pub struct Blind {
    model: Arc<Pomdp>,
    start: Belief,
    state: QTable,
    work: u64,
}

impl Blind {
    /// Starts below every possible value.
    ///
    /// # Errors
    /// [`SolverError::Undiscounted`].
    pub fn new(model: Arc<Pomdp>) -> Result<Self, SolverError> {
        let gamma = discounted("blind policies", &model)?;
        let least = model.reward_range().0 / (1.0 - gamma);
        Ok(Self {
            start: Belief::start(&model),
            state: QTable::constant(&model, least),
            work: work(&model),
            model,
        })
    }
}

impl Solver for Blind {
    type State = QTable;

    fn resume(model: Arc<Pomdp>, state: QTable) -> Result<Self, SolverError> {
        state.check(&model)?;
        Ok(Self {
            state,
            ..Self::new(model)?
        })
    }

    fn state(&self) -> &QTable {
        &self.state
    }

    fn step(&mut self) -> Progress {
        let vectors = self.state.q.iter().enumerate();
        let next = vectors.map(|(action, alpha)| backed_up(&self.model, action, alpha));
        let next = next.collect();
        self.state.replace(next);
        self.progress()
    }

    fn progress(&self) -> Progress {
        Progress {
            iteration: self.state.iteration(),
            lower: self.state.value(&self.start),
            upper: f64::INFINITY,
        }
    }

    fn converged(&self) -> bool {
        self.state.converged(self.model.discount(), self.work)
    }

    fn policy(&self) -> AlphaPolicy {
        self.state.policy()
    }
}
