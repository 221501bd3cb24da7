//! What a bandit's instance allows, and how its arms were played.

use serde::Serialize;

use crate::stats::{Interval, Summary};

/// What can be earned in the instances that were played, and how near the agents came to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BanditReport {
    /// The different instances; mostly one.
    pub instances: Vec<BanditInstance>,
    /// Mean payoffs as shares of the bound.
    pub normalised: NormalisedScores,
    /// What was played, and what should have been.
    pub schedules: SchedulesReport,
}

/// An instance, and what can be earned in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BanditInstance {
    /// The preset's name, or that it is given in the configuration.
    pub name: String,
    /// The agents that played it.
    pub agents: Vec<String>,
    /// `N`: arms.
    pub arms: usize,
    /// `k`: plays a round.
    pub plays: usize,
    /// Whether exactly so many must be played.
    pub exact: bool,
    /// Whether more rest never pays less, and more plays in a row never pay more.
    pub monotone: bool,
    /// `OPT`: the largest long-run mean payoff a round.
    pub opt: Told,
    /// `LP`: the upper bound of the relaxation.
    pub lp: Told,
    /// `ρ` of the planner that `regret_planner` is measured against.
    pub planner: Told,
    /// `G`: what virtual cycles are certain to earn.
    pub g: Told,
    /// `γ_k`: the share of `LP` that virtual cycles are certain to earn with monotone arms.
    pub gamma: Told,
}

/// A quantity and where it is from; or no quantity, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// The quantity.
    pub value: Option<f64>,
    /// Where it is from, or why it is not known.
    pub provenance: String,
}

/// Mean payoffs as shares of the bound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NormalisedScores {
    /// Name of the picture.
    pub plot: String,
    /// What is divided by what, in a sentence.
    pub meaning: String,
    /// `expected payoff`, or `reward` if the environment does not tell expectations.
    pub quantity: String,
    /// One for each agent with a known bound.
    pub rows: Vec<NormalisedRow>,
}

/// The normalised scores of one agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NormalisedRow {
    /// Name of the agent.
    pub agent: String,
    /// The bound.
    pub lp: f64,
    /// `OPT / LP`, where the optimum is known.
    pub opt: Option<f64>,
    /// Rounds per row of the last part of the run.
    pub late_rounds: f64,
    /// Score of the last part of the run, per seed.
    pub late_values: Vec<f64>,
    /// Their mean with its interval.
    pub late: Interval,
    /// Score of the whole run, per seed.
    pub whole_values: Vec<f64>,
    /// Their mean with its interval.
    pub whole: Interval,
}

/// Schedules, or why there are none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SchedulesReport {
    /// Shown.
    Shown(Schedules),
    /// Not shown, and why.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// Schedules: what was played, and what earns most.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Schedules {
    /// Name of the picture.
    pub plot: String,
    /// What is shown, in sentences.
    pub meaning: String,
    /// The best plan known of each instance.
    pub planned: Vec<PlannedStrip>,
    /// The last rounds of the first logged episode of each agent.
    pub played: Vec<AgentStrip>,
}

/// The cycle of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedStrip {
    /// The instance, as in [`BanditInstance::name`].
    pub instance: String,
    /// The planner.
    pub planner: &'static str,
    /// Whether it is the optimum.
    pub optimal: bool,
    /// Its mean payoff a round.
    pub rate: f64,
    /// Rounds of the cycle; absent if none was found.
    pub cycle_length: Option<u64>,
    /// `payoffs[arm][round]`: mean payoff of a play, `null` without one; the cycle is repeated to fill the picture.
    pub payoffs: Vec<Vec<Option<f64>>>,
}

/// What an agent played.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentStrip {
    /// Name of the agent.
    pub agent: String,
    /// Name of the trial.
    pub trial: String,
    /// The episode.
    pub episode: String,
    /// Number of the first round shown, from 1.
    pub first: u64,
    /// `payoffs[arm][round]`: mean payoff of a play, `null` without one.
    pub payoffs: Vec<Vec<Option<f64>>>,
}

/// Pulls and visited states, or why there are none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ArmsReport {
    /// Counted.
    Counted(Arms),
    /// Not counted, and why.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// Pulls and visited states of a bandit's arms.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Arms {
    /// Name of the picture of the pulls.
    pub plot: String,
    /// Where the counts are from.
    pub basis: String,
    /// One for each agent whose episodes are logged.
    pub agents: Vec<AgentArms>,
}

/// The arms as one agent played them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentArms {
    /// Name of the agent.
    pub agent: String,
    /// Name of the picture of the states.
    pub plot: String,
    /// Trials with logged episodes.
    pub trials: usize,
    /// Logged rounds of all these trials.
    pub rounds: u64,
    /// Pulls of each arm in a trial.
    pub pulls: Vec<Summary>,
    /// The states that occurred, ascending.
    pub states: Vec<i16>,
    /// `visits[arm][state]`: rounds of all trials in which the arm was in that state when the agent chose.
    pub visits: Vec<Vec<u64>>,
    /// `plays[arm][state]`: those of them in which it was played.
    pub plays: Vec<Vec<u64>>,
}
