//! What a POMDP allows, and what was earned in it.

use serde::Serialize;

use crate::stats::Interval;

/// What can be earned in the POMDPs that were played, or why that is not known.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PomdpReport {
    /// Bounds computed from exact models, where there are some, and returns.
    Known(Box<PomdpsReport>),
    /// There is no model.
    Unknown {
        /// Why.
        reason: String,
    },
}

impl PomdpReport {
    /// Heading of its section.
    pub(in crate::report) fn heading(&self) -> &'static str {
        match self {
            Self::Known(known) if known.problems.is_empty() => "What was earned",
            _ => "What can be earned",
        }
    }
}

/// The problems and the returns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PomdpsReport {
    /// The different problems with tables; mostly one, and none if simulators only were played.
    pub problems: Vec<PomdpProblem>,
    /// What the agents earned.
    pub returns: DiscountedReturns,
}

/// A problem, and what can be earned in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PomdpProblem {
    /// The environment with the arguments that were given.
    pub name: String,
    /// The agents that played it.
    pub agents: Vec<String>,
    /// Number of states.
    pub states: usize,
    /// Number of actions.
    pub actions: usize,
    /// Number of observations.
    pub observations: usize,
    /// `γ`.
    pub discount: f64,
    /// Bounds on the optimal value at the initial belief, from the largest to the smallest; none if they could not be
    /// computed.
    pub bounds: Vec<PomdpBound>,
    /// Why there are no bounds, or what they are not of.
    pub remark: Option<String>,
    /// How the bounds of SARSOP moved.
    pub trace: Option<BoundsTrace>,
    /// The α-vectors of SARSOP, if there are two states.
    pub vectors: Option<AlphaPicture>,
}

impl PomdpProblem {
    /// The bound called `id`.
    pub fn bound(&self, id: &str) -> Option<f64> {
        let mut bounds = self.bounds.iter();
        bounds.find(|bound| bound.id == id).map(|bound| bound.value)
    }
}

/// A bound on the optimal value at the initial belief.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PomdpBound {
    /// `mdp`, `qmdp`, `fib`, `sarsop_upper`, `sarsop_lower` or `blind`.
    pub id: &'static str,
    /// The bound.
    pub value: f64,
    /// What it is the value of, and where that is from.
    pub provenance: String,
}

/// Bounds along a solver's iterations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BoundsTrace {
    /// Name of the picture; none if the solver needed no iteration.
    pub plot: Option<String>,
    /// Iterations done, ascending from 0.
    pub iterations: Vec<u64>,
    /// Lower bound after each.
    pub lower: Vec<f64>,
    /// Upper bound after each.
    pub upper: Vec<f64>,
    /// Whether the bounds have met.
    pub converged: bool,
}

/// The α-vectors over the beliefs of two states.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlphaPicture {
    /// Name of the picture.
    pub plot: String,
    /// Names of the two states.
    pub states: [String; 2],
    /// The vectors.
    pub vectors: Vec<AlphaLine>,
}

/// An α-vector of two states.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlphaLine {
    /// Name of its action.
    pub action: String,
    /// Its value in each of the two states.
    pub values: [f64; 2],
}

/// Discounted returns of all agents with logged episodes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiscountedReturns {
    /// Name of the picture.
    pub plot: String,
    /// What they are, in sentences.
    pub meaning: String,
    /// One for each agent with a complete logged episode.
    pub rows: Vec<DiscountedRow>,
}

/// Discounted returns of one agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiscountedRow {
    /// Name of the agent.
    pub agent: String,
    /// Whether the episodes are those of the last evaluation, not of training.
    pub evaluated: bool,
    /// Number of episodes.
    pub episodes: usize,
    /// Those of them that the time limit cut.
    pub truncated: usize,
    /// Mean over episodes, with a bootstrap interval over them.
    pub discounted_return: Interval,
    /// Mean of each trial's episodes.
    pub values: Vec<f64>,
}
