//! Planning with full information: how much the best player could earn in an LSD bandit, and schedules that come near.
//!
//! A planner takes an [`Instance`] and returns a [`Plan`]: a policy, what it is worth in the long run, and what it cost
//! to find. All arithmetic is in `f64`; no planner changes the instance.

use palaestra_envs::bandits::{DeterministicPolicy, EvaluationError};

/// A policy with full information and what is known about it.
pub struct Plan {
    /// The planner that made it, as configs name it.
    pub planner: &'static str,
    /// What to play from the instance's starting states on. Deterministic, so its value is that of the cycle it runs
    /// into; a randomised planner has drawn its random numbers when it made the plan.
    pub policy: Box<dyn DeterministicPolicy + Send + Sync>,
    /// What it earns.
    pub value: PlanValue,
    /// What it cost to find.
    pub cost: PlanCost,
    /// What a user must know to read the numbers: a bound that does not hold for this instance, a planner that stood
    /// in for another. Whole sentences.
    pub notes: Vec<String>,
}

/// The long-run worth of a plan, in mean payoff a round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanValue {
    /// `ρ`: mean payoff a round over the cycle that the policy runs into.
    pub rate: f64,
    /// Rounds of that cycle. `None` if none was found within the allowed number of rounds: `rate` is then the mean of
    /// those rounds, as the notes say.
    pub cycle_length: Option<u64>,
    /// A proven lower bound on the expected rate, where the planner has one for this instance.
    pub certified: Option<f64>,
}

/// What finding a plan cost. Memory is proportional to `size`; time is for whoever calls to measure, so that a plan
/// depends on nothing but its instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanCost {
    /// States, columns or sequences that were looked at: what the planner's running time is proportional to.
    pub size: u64,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("planner", &self.planner)
            .field("value", &self.value)
            .field("cost", &self.cost)
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The instance is larger than the planner accepts.
    #[error("{planner}: {size} {what} are above the limit of {limit}; {help}")]
    TooLarge {
        /// The planner.
        planner: &'static str,
        /// What there are too many of, in the plural.
        what: &'static str,
        /// How many, at least.
        size: u64,
        /// The largest number accepted.
        limit: u64,
        /// What to do instead.
        help: &'static str,
    },
    /// The planner has no meaning for this instance.
    #[error("{planner}: {reason}")]
    Unsuitable {
        /// The planner.
        planner: &'static str,
        /// What is missing, and what to use instead.
        reason: String,
    },
    /// The plan breaks the instance's rules, or has no cycle.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
}
