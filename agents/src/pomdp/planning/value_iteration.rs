//! Value iteration on the MDP behind a POMDP, and QMDP.
//!
//! `Q(s, a) = r(s, a) + γ Σ T(s' | s, a) max_a' Q(s', a')`, Bellman 1957. Under full information this is the optimum, so
//! it bounds the POMDP's from above: `V*(b) ≤ Σ b(s) max_a Q(s, a)`. QMDP (Littman, Cassandra, Kaelbling 1995) acts as
//! if all would be known after the next step, `argmax_a Σ b(s) Q(s, a)`, a tighter bound. Iterates fall towards the
//! fixed point from above, so that each is a bound.

use std::sync::Arc;

use palaestra_envs::pomdp::Pomdp;
use serde::{Deserialize, Serialize};

use super::{AlphaPolicy, AlphaVector, Progress, Solver, SolverError, discounted, largest, misfit};
use crate::pomdp::Belief;

/// Largest change of a value at which iterating stops, relative to `1 - γ`.
pub(super) const PRECISION: f64 = 1e-9;
/// So many iterations reach it for a discount of 0.98.
const FEWEST_ITERATIONS: u64 = 1500;
/// Multiplications after which more iterations are too many: a discount near 1 could ask for any number. Every iterate is
/// a bound, only not as tight.
const MOST_WORK: u64 = 1_000_000_000;

/// Value iteration on the underlying MDP.
#[derive(Debug, Clone)]
pub struct ValueIteration {
    model: Arc<Pomdp>,
    start: Belief,
    state: QTable,
    work: u64,
}

/// A table of values for actions and states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QTable {
    /// `Q`, `[actions][states]`.
    pub q: Vec<Vec<f64>>,
    iteration: u64,
    change: f64,
}

impl QTable {
    /// A table with the same value everywhere.
    pub(super) fn constant(model: &Pomdp, value: f64) -> Self {
        Self::new(vec![vec![value; model.num_states()]; model.num_actions()])
    }

    pub(super) fn new(q: Vec<Vec<f64>>) -> Self {
        Self {
            q,
            iteration: 0,
            change: f64::INFINITY,
        }
    }

    /// Replaces the table by the next iterate.
    pub(super) fn replace(&mut self, next: Vec<Vec<f64>>) {
        let rows = self.q.iter().flatten().zip(next.iter().flatten());
        self.change = rows.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        self.q = next;
        self.iteration += 1;
    }

    pub(super) fn iteration(&self) -> u64 {
        self.iteration
    }

    /// Whether the fixed point of a γ-contraction is within the precision, or too much has been done already in
    /// iterations of so much `work`.
    pub(super) fn converged(&self, gamma: f64, work: u64) -> bool {
        self.change <= PRECISION * (1.0 - gamma)
            || self.iteration >= FEWEST_ITERATIONS.max(MOST_WORK / work)
    }

    /// A vector for each action.
    pub(super) fn policy(&self) -> AlphaPolicy {
        let vector = |(action, values): (usize, &Vec<f64>)| AlphaVector {
            action: action as u32,
            values: values.clone(),
        };
        AlphaPolicy::whole(self.q.iter().enumerate().map(vector).collect())
    }

    /// `max_a Σ b(s) Q(s, a)`.
    pub(super) fn value(&self, belief: &Belief) -> f64 {
        largest(self.q.iter().map(|q| belief.dot(q)))
    }

    /// `max_a Q(s, a)` for each state.
    pub fn best(&self) -> Vec<f64> {
        let states = self.q.first().map_or(0, Vec::len);
        (0..states)
            .map(|s| largest(self.q.iter().map(|q| q[s])))
            .collect()
    }

    pub(super) fn check(&self, model: &Pomdp) -> Result<(), SolverError> {
        if self.q.len() != model.num_actions() {
            return Err(misfit("actions", self.q.len(), model.num_actions()));
        }
        let strange = self.q.iter().find(|q| q.len() != model.num_states());
        strange.map_or(Ok(()), |q| {
            Err(misfit("states", q.len(), model.num_states()))
        })
    }
}

/// Multiplications of a backup of all states by all actions, and what it costs besides.
pub(super) fn work(model: &Pomdp) -> u64 {
    let pairs = (0..model.num_actions()).flat_map(|a| (0..model.num_states()).map(move |s| (a, s)));
    let successors = pairs.map(|(a, s)| model.transition(s, a).columns.len() as u64);
    successors.sum::<u64>() + 200
}

/// `r(s, a) + γ Σ T(s' | s, a) V(s')` for each state.
pub(super) fn backed_up(model: &Pomdp, action: usize, values: &[f64]) -> Vec<f64> {
    let rewards = model.rewards(action).iter().enumerate();
    let value = |(s, r): (usize, &f64)| {
        let successors = model.transition(s, action);
        let terms = successors.iter().map(|(next, p)| p * values[next]);
        r + model.discount() * terms.sum::<f64>()
    };
    rewards.map(value).collect()
}

impl ValueIteration {
    /// Starts above every possible value.
    ///
    /// # Errors
    /// [`SolverError::Undiscounted`].
    pub fn new(model: Arc<Pomdp>) -> Result<Self, SolverError> {
        let gamma = discounted("value iteration", &model)?;
        let most = model.reward_range().1 / (1.0 - gamma);
        Ok(Self {
            start: Belief::start(&model),
            state: QTable::constant(&model, most),
            work: work(&model),
            model,
        })
    }

    pub(super) fn model(&self) -> &Arc<Pomdp> {
        &self.model
    }

    /// `V(s) = max_a Q(s, a)`, `[states]`.
    pub fn values(&self) -> Vec<f64> {
        self.state.best()
    }

    /// The QMDP policy: a vector `Q(·, a)` for each action. Its [`value`](AlphaPolicy::value) is the QMDP bound.
    pub fn qmdp(&self) -> AlphaPolicy {
        self.state.policy()
    }
}

impl Solver for ValueIteration {
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
        let (model, best) = (&self.model, self.state.best());
        let next = (0..model.num_actions()).map(|a| backed_up(model, a, &best));
        self.state.replace(next.collect());
        self.progress()
    }

    /// The upper bound is the MDP's value; the QMDP bound is tighter.
    fn progress(&self) -> Progress {
        Progress {
            iteration: self.state.iteration(),
            lower: f64::NEG_INFINITY,
            upper: self.start.dot(&self.state.best()),
        }
    }

    fn converged(&self) -> bool {
        self.state.converged(self.model.discount(), self.work)
    }

    fn policy(&self) -> AlphaPolicy {
        self.qmdp()
    }
}
