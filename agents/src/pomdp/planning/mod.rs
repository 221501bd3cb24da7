//! Planners for POMDPs with an explicit model, and online planners for simulators.
//!
//! | planner | what it is |
//! |---|---|
//! | [`ValueIteration`] | the MDP under full information; with [`qmdp`](ValueIteration::qmdp) the QMDP policy |
//! | [`Fib`] | the fast informed bound |
//! | [`Blind`] | always the same action: a lower bound |
//! | [`MostLikelyState`] | the MDP's action in the most likely state |
//! | [`IncrementalPruning`] | exact, for small problems |
//! | [`Pbvi`] | point-based value iteration |
//! | [`Sarsop`] | point-based, near the beliefs that optimal policies reach; anytime bounds from both sides |
//! | [`Pomcp`] | online: Monte Carlo tree search over histories |
//! | [`Despot`] | online: bounds on a tree of sampled scenarios |
//! | [`plan_beliefs`] | belief-space LQR: trajectories of Gaussian beliefs |
//!
//! Offline planners are [`Solver`]s: they do one iteration at a time and tell bounds on the optimal value at the initial
//! belief. No clock is read here: who wants to stop after a time looks at a clock between steps. A solver can be
//! saved, and goes on after loading as if it had not been stopped.

mod alpha;
mod backup;
mod belief_lqr;
mod blind;
mod blocks;
mod despot;
mod fib;
mod incremental_pruning;
mod informed;
mod most_likely_state;
mod pbvi;
mod pomcp;
mod prune;
mod sarsop;
mod value_iteration;

use std::sync::Arc;

pub use alpha::{AlphaPolicy, AlphaVector};
pub use belief_lqr::{BeliefPlan, GaussianBelief, plan_beliefs};
pub use blind::Blind;
pub use blocks::Blocks;
pub use despot::{Despot, DespotSettings, ScenarioBounds, TableBounds};
pub use fib::Fib;
pub use incremental_pruning::IncrementalPruning;
pub use informed::{Informed, InformedBounds};
pub use most_likely_state::MostLikelyState;
use palaestra_envs::{
    pomdp::Pomdp,
    sim::{read_value, write_value},
};
pub use pbvi::{Pbvi, PbviSettings};
pub use pomcp::{Pomcp, PomcpSettings, uniform_rollout};
pub use sarsop::{Sampling, Sarsop, SarsopSettings};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
pub use value_iteration::{QTable, ValueIteration};

/// How far a solver is: bounds on the optimal value at the initial belief.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Iterations done.
    pub iteration: u64,
    /// The optimum is at least this; `-∞` if the solver gives no lower bound.
    pub lower: f64,
    /// The optimum is at most this; `∞` if the solver gives no upper bound.
    pub upper: f64,
}

/// Why a solver cannot work on a model, or cannot be loaded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SolverError {
    /// A discount of 1, with which sums over an infinite future need not be finite.
    #[error("`{0}` needs a discount below 1")]
    Undiscounted(&'static str),
    /// A model whose size is beyond the solver.
    #[error("{model} are too much for `{planner}`, which takes {most}")]
    TooLarge {
        /// The solver.
        planner: &'static str,
        /// How large the model is.
        model: String,
        /// What can be solved.
        most: String,
    },
    /// A saved solver of another model or kind.
    #[error("the saved state does not fit: {0}")]
    Saved(String),
}

/// An offline planner that works in steps.
pub trait Solver {
    /// What it has found so far.
    type State: Serialize + DeserializeOwned;

    /// A solver that takes up `state`.
    ///
    /// # Errors
    /// [`SolverError::Saved`] if it is of another model.
    fn resume(model: Arc<Pomdp>, state: Self::State) -> Result<Self, SolverError>
    where
        Self: Sized;

    /// What it has found so far.
    fn state(&self) -> &Self::State;

    /// Does one iteration.
    fn step(&mut self) -> Progress;

    /// How far it is.
    fn progress(&self) -> Progress;

    /// Whether more iterations would change nothing that matters.
    fn converged(&self) -> bool;

    /// The policy found so far.
    fn policy(&self) -> AlphaPolicy;

    /// Why it cannot go on although it has not converged; a [`step`](Self::step) then does nothing.
    fn stuck(&self) -> Option<String> {
        None
    }

    /// Steps until it has converged or is stuck, at most `iterations` times.
    fn run(&mut self, iterations: u64) -> Progress {
        for _ in 0..iterations {
            if self.converged() || self.stuck().is_some() {
                break;
            }
            self.step();
        }
        self.progress()
    }

    /// The state as bytes.
    ///
    /// # Errors
    /// [`SolverError::Saved`] if it cannot be written.
    fn save(&self) -> Result<Vec<u8>, SolverError> {
        let mut bytes = Vec::new();
        let written = write_value(self.state(), &mut bytes);
        written.map_err(|e| SolverError::Saved(e.to_string()))?;
        Ok(bytes)
    }

    /// A solver that goes on from saved bytes.
    ///
    /// # Errors
    /// [`SolverError::Saved`] if they are not of such a solver, or of another model.
    fn load(model: Arc<Pomdp>, mut bytes: &[u8]) -> Result<Self, SolverError>
    where
        Self: Sized,
    {
        let state = read_value(&mut bytes).map_err(|e| SolverError::Saved(e.to_string()))?;
        Self::resume(model, state)
    }
}

/// Refuses a discount of 1.
fn discounted(planner: &'static str, model: &Pomdp) -> Result<f64, SolverError> {
    let gamma = model.discount();
    if gamma < 1.0 {
        Ok(gamma)
    } else {
        Err(SolverError::Undiscounted(planner))
    }
}

/// A saved state has a vector of another length.
fn misfit(what: &str, found: usize, expected: usize) -> SolverError {
    SolverError::Saved(format!("it has {found} {what} instead of {expected}"))
}

/// Index of the largest value; of several the first.
fn argmax(values: impl IntoIterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (i, value) in values.into_iter().enumerate() {
        if value > best.1 {
            best = (i, value);
        }
    }
    best.0
}

/// Largest of some values.
fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(f64::NEG_INFINITY, f64::max)
}

#[cfg(test)]
mod tests;
