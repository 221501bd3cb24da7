//! Planning with full information: how much the best player could earn in an LSD bandit, and schedules that come near.
//!
//! A planner takes an [`Instance`] and returns a [`Plan`]: a policy, what it is worth in the long run, and what it cost
//! to find. All arithmetic is in `f64`; no planner changes the instance.
//!
//! [`plan()`] plans by a [`PlannerConfig`], and [`PLANNERS`] lists all planners with where they come from. [`best()`], the
//! default, compares several.

mod actions;
mod blocks;
mod catalogue;
pub mod config;
mod delay;
mod derandomise;
pub mod exact;
mod filler;
pub mod graph;
pub mod harmonic;
pub mod hull;
pub mod look_ahead;
pub mod phase_mean;
pub mod policy_iteration;
pub mod portfolio;
pub mod ranking;
pub mod relaxation;
pub mod rounding;
#[cfg(test)]
mod testbed;
pub mod virtual_cycles;
pub mod virtual_policy;
pub mod virtual_values;

pub use blocks::{
    BlockOracle, MAX_BLOCKS, MAX_ORACLE_SIZE, best_repeated_block, calibrated_block, isi_block,
};
pub use catalogue::{PLANNERS, PlannerInfo};
pub use config::{PlannerConfig, plan};
pub use delay::is_concave_recharging;
pub use exact::{GraphPolicy, Optimum, exact, finite_horizon, optimum};
pub use graph::Graph;
pub use harmonic::harmonic;
pub use hull::{Column, Hull, Vertex};
pub use look_ahead::{LookAhead, look_ahead};
pub use phase_mean::{PhaseMean, phase_mean};
pub use policy_iteration::Solution;
pub use portfolio::best;
pub(super) use portfolio::best_within;
pub use ranking::ranking;
pub use relaxation::Relaxation;
pub use rounding::{independent, independent_value, interleaved, interleaved_value, rotation};
pub use virtual_cycles::{Basis, Phases, VirtualCyclesConfig, promise_basis, virtual_cycles};
pub use virtual_policy::{Score, VirtualCycle, VirtualPolicy};
pub use virtual_values::{gamma, guarantee};

use palaestra_envs::bandits::{
    DeterministicPolicy, EvaluationError, Greedy, Instance, long_run_mean, total_mean,
};

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

impl Plan {
    /// [`Self::evaluated_within`] a fraction of a second of looking for a cycle, whatever the number of arms, and in any
    /// case a few periods of the policy. With many arms greedy play meets no state twice for a very long time, and the
    /// mean of more rounds says no more.
    fn evaluated(
        planner: &'static str,
        instance: &Instance,
        policy: Box<dyn DeterministicPolicy + Send + Sync>,
        size: u64,
        notes: Vec<String>,
    ) -> Result<Self, PlanError> {
        // Brent's search takes up to three times as many rounds as a cycle has.
        let periods = 4 * policy.period() as u64;
        let max_rounds = ((1 << 22) / (instance.num_arms() as u64 + 16)).max(periods);
        Self::evaluated_within(max_rounds, planner, instance, policy, size, notes)
    }

    /// The plan of `policy` with the value of its cycle. If it shows none within `max_rounds` rounds, the rate is the
    /// mean of the later half of a long run, as a note then says.
    ///
    /// # Errors
    /// If the policy makes an illegal choice.
    fn evaluated_within(
        max_rounds: u64,
        planner: &'static str,
        instance: &Instance,
        policy: Box<dyn DeterministicPolicy + Send + Sync>,
        size: u64,
        mut notes: Vec<String>,
    ) -> Result<Self, PlanError> {
        let (rate, cycle_length) = match long_run_mean(instance, &*policy, max_rounds) {
            Ok(value) => (value.mean, Some(value.cycle_length)),
            Err(EvaluationError::NoCycle { .. }) => {
                // The first half is left out, because arms that start rested pay more than they can in the long run.
                let half = (max_rounds / 4).max(1);
                let early = total_mean(instance, &*policy, half)?;
                let all = total_mean(instance, &*policy, 2 * half)?;
                notes.push(format!(
                    "No cycle was found; the rate is the mean of {half} rounds after as many others."
                ));
                ((all - early) / half as f64, None)
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            planner,
            policy,
            value: PlanValue {
                rate,
                cycle_length,
                certified: None,
            },
            cost: PlanCost { size },
            notes,
        })
    }
}

/// Oracle greedy: the arms that pay most now. Its guarantee, `1 − 1/e` of the optimum, is for blocking bandits only
/// (Basu, Sen, Sanghavi, Shakkottai, arXiv 1907.11975, abstract).
///
/// # Errors
/// None for an instance that is valid.
pub fn greedy(instance: &Instance) -> Result<Plan, PlanError> {
    Plan::evaluated("greedy", instance, Box::new(Greedy), 1, Vec::new())
}

/// The long-run worth of a plan, in mean payoff a round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanValue {
    /// `ρ`: mean payoff a round over the cycle that the policy runs into.
    pub rate: f64,
    /// Rounds of that cycle. `None` if none was found within the allowed number of rounds: `rate` is then the mean of
    /// a long run, as the notes say.
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
