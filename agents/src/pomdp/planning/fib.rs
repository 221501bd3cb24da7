//! The fast informed bound: Hauskrecht, *Value-Function Approximations for Partially Observable Markov Decision
//! Processes* (JAIR 13, 2000).
//!
//! `α_a(s) = r(s, a) + γ Σ_o max_a' Σ_s' T(s' | s, a) O(o | a, s') α_a'(s')`. It bounds the optimum from above, at least
//! as tightly as QMDP, from which iterating starts; every iterate is a bound. Where transitions are certain it equals
//! QMDP.

use std::sync::Arc;

use palaestra_envs::pomdp::Pomdp;

use super::{
    AlphaPolicy, Progress, Solver, SolverError, ValueIteration, largest,
    value_iteration::{QTable, work},
};
use crate::pomdp::Belief;

/// The fast informed bound.
#[derive(Debug, Clone)]
pub struct Fib {
    model: Arc<Pomdp>,
    start: Belief,
    state: QTable,
    work: u64,
}

impl Fib {
    /// Starts from QMDP, which is solved first.
    ///
    /// # Errors
    /// [`SolverError::Undiscounted`].
    pub fn new(model: Arc<Pomdp>) -> Result<Self, SolverError> {
        let mut qmdp = ValueIteration::new(model.clone())?;
        qmdp.run(u64::MAX);
        Ok(Self::after(&qmdp))
    }

    /// Starts from a QMDP that is solved as far as it is worth.
    pub(super) fn after(qmdp: &ValueIteration) -> Self {
        Self::of(qmdp.model().clone(), QTable::new(qmdp.state().q.clone()))
    }

    fn of(model: Arc<Pomdp>, state: QTable) -> Self {
        Self {
            start: Belief::start(&model),
            work: work(&model) * model.num_actions() as u64,
            state,
            model,
        }
    }

    /// The vectors of the bound, `[actions][states]`.
    pub fn vectors(&self) -> &[Vec<f64>] {
        &self.state.q
    }
}

impl Solver for Fib {
    type State = QTable;

    fn resume(model: Arc<Pomdp>, state: QTable) -> Result<Self, SolverError> {
        super::discounted("FIB", &model)?;
        state.check(&model)?;
        Ok(Self::of(model, state))
    }

    fn state(&self) -> &QTable {
        &self.state
    }

    fn step(&mut self) -> Progress {
        let (model, alpha) = (&self.model, &self.state.q);
        let (actions, gamma) = (model.num_actions(), model.discount());
        // For each observation that was seen, a sum for each action after it.
        let mut sums = vec![0.0; model.num_observations() * actions];
        let mut seen: Vec<usize> = Vec::new();
        let mut is_seen = vec![false; model.num_observations()];
        let mut next = vec![Vec::with_capacity(model.num_states()); actions];
        for (a, next) in next.iter_mut().enumerate() {
            for s in 0..model.num_states() {
                for (to, p) in model.transition(s, a).iter() {
                    for (o, q) in model.observation(a, to).iter() {
                        let sums = &mut sums[o * actions..(o + 1) * actions];
                        if !std::mem::replace(&mut is_seen[o], true) {
                            seen.push(o);
                        }
                        for (sum, alpha) in sums.iter_mut().zip(alpha) {
                            *sum += p * q * alpha[to];
                        }
                    }
                }
                let mut value = 0.0;
                for o in seen.drain(..) {
                    is_seen[o] = false;
                    let sums = &mut sums[o * actions..(o + 1) * actions];
                    value += largest(sums.iter().copied());
                    sums.fill(0.0);
                }
                next.push(model.reward(s, a) + gamma * value);
            }
        }
        self.state.replace(next);
        self.progress()
    }

    fn progress(&self) -> Progress {
        Progress {
            iteration: self.state.iteration(),
            lower: f64::NEG_INFINITY,
            upper: self.state.value(&self.start),
        }
    }

    fn converged(&self) -> bool {
        self.state.converged(self.model.discount(), self.work)
    }

    fn policy(&self) -> AlphaPolicy {
        self.state.policy()
    }
}
