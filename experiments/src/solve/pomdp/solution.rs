//! The document `solve-pomdp/1`: what [`solve_pomdp`](super::solve_pomdp) finds.

use palaestra_agents::pomdp::planning::InformedBounds;
use serde::Serialize;

use super::{PomdpPlanner, PomdpProblem, Stop, TracePoint};

/// The document `solve-pomdp/1`.
#[derive(Debug, Clone, Serialize)]
pub struct PomdpSolution {
    /// What was solved.
    pub problem: SolvedPomdp,
    /// Bounds on the optimal value at the initial belief.
    pub bounds: Bounds,
    /// Whether blind ≤ lower ≤ upper ≤ FIB ≤ QMDP ≤ MDP, but for rounding.
    pub chain_holds: bool,
    /// What each planner found, in the order asked for.
    pub planners: Vec<PomdpPlannerReport>,
    /// What a reader must know to read the numbers. Whole sentences.
    pub notes: Vec<String>,
}

/// The problem.
#[derive(Debug, Clone, Serialize)]
pub struct SolvedPomdp {
    /// `pomdp`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What it is.
    pub summary: Option<String>,
    /// The file or environment.
    pub source: String,
    /// Number of states.
    pub states: usize,
    /// Number of actions.
    pub actions: usize,
    /// Number of observations.
    pub observations: usize,
    /// The discount factor.
    pub discount: f64,
    /// States in which it may start.
    pub start_states: usize,
    /// Names of the actions.
    pub action_names: Vec<String>,
    /// Name of the last state: beliefs over two states are shown by its probability.
    #[serde(skip)]
    pub last_state: String,
}

impl SolvedPomdp {
    pub(super) fn new(problem: &PomdpProblem) -> Self {
        let model = &problem.model;
        Self {
            kind: "pomdp",
            name: problem.name.clone(),
            summary: problem.summary.clone(),
            source: problem.source.clone(),
            states: model.num_states(),
            actions: model.num_actions(),
            observations: model.num_observations(),
            discount: model.discount(),
            start_states: model.start().columns.len(),
            action_names: model.parts().actions.clone(),
            last_state: model.parts().states.last().cloned().unwrap_or_default(),
        }
    }
}

/// Bounds on the optimal value at the initial belief, from the smallest; those that were not found are `null`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bounds {
    /// The best single action for ever.
    pub blind: Option<f64>,
    /// The best lower bound of all planners.
    pub lower: Option<f64>,
    /// The best upper bound of all planners.
    pub upper: Option<f64>,
    /// The fast informed bound.
    pub fib: Option<f64>,
    /// The state is known from the next step on.
    pub qmdp: Option<f64>,
    /// The state is always known.
    pub mdp: Option<f64>,
}

impl Bounds {
    pub(super) fn new(informed: Option<InformedBounds>, planners: &[PomdpPlannerReport]) -> Self {
        let lowers = planners.iter().filter_map(|planner| planner.lower);
        let uppers = planners.iter().filter_map(|planner| planner.upper);
        let blind = informed.map(|bounds| bounds.blind);
        let fib = informed.map(|bounds| bounds.fib);
        Self {
            blind,
            lower: lowers.chain(blind).reduce(f64::max),
            upper: uppers.chain(fib).reduce(f64::min),
            fib,
            qmdp: informed.map(|bounds| bounds.qmdp),
            mdp: informed.map(|bounds| bounds.mdp),
        }
    }

    /// Names and values of those that are known, from the smallest.
    pub fn chain(&self) -> Vec<(&'static str, f64)> {
        let all = [
            ("blind", self.blind),
            ("lower", self.lower),
            ("upper", self.upper),
            ("FIB", self.fib),
            ("QMDP", self.qmdp),
            ("MDP", self.mdp),
        ];
        let known = all
            .iter()
            .filter_map(|(name, bound)| Some((*name, (*bound)?)));
        known.collect()
    }

    /// Whether each is at most the next one, but for rounding.
    pub fn holds(&self) -> bool {
        let chain = self.chain();
        let largest = chain
            .iter()
            .fold(1.0, |m: f64, (_, value)| m.max(value.abs()));
        chain
            .windows(2)
            .all(|pair| pair[0].1 <= pair[1].1 + 1e-8 * largest)
    }

    /// Distance of the best bounds.
    pub fn gap(&self) -> Option<f64> {
        Some(self.upper? - self.lower?)
    }
}

/// What a planner found.
#[derive(Debug, Clone, Serialize)]
pub struct PomdpPlannerReport {
    /// As asked for.
    pub label: String,
    /// The planner with its parameters.
    pub config: PomdpPlanner,
    /// The optimal value at the initial belief is at least this; `null` if the planner does not say.
    pub lower: Option<f64>,
    /// The optimal value at the initial belief is at most this; `null` if the planner does not say.
    pub upper: Option<f64>,
    /// Iterations done.
    pub iterations: u64,
    /// Seconds spent, on starting too.
    pub seconds: f64,
    /// α-vectors of the policy.
    pub vectors: usize,
    /// Beliefs visited, by planners that visit some.
    pub beliefs: Option<usize>,
    /// Why it stopped.
    pub stop: Stop,
    /// How its bounds moved.
    pub trace: Vec<TracePoint>,
}
