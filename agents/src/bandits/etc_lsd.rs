//! ETC-LSD: explore, then commit, for arms that recover or tire.
//!
//! First every state of every arm is visited `m` times, `m = max(1, ⌊c·T^{2/3} / cost⌋)` with the rounds that one visit
//! of each costs; then a plan is made from the means and followed to the end.
//!
//! Our own derivation, with a regret of about `T^{2/3}` against a planner with full information. That such learners
//! exist is from the abstract of Foussoul, Goyal, Papadigenopoulos, Zeevi, ICML 2023 (arXiv 2306.00338), whose
//! algorithm was not compared.

use palaestra_envs::{math::powf, stream::Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, LearnerSettings, Play, Round, Rule,
    replanning::{LearnerPlanner, PlanMemory, Problem, write},
    setup::{LearnerArgs, check, horizon},
};
use crate::{AgentContext, AgentError};
use schedule::{Exploration, cost_per_sample};

mod schedule;

/// Plays a fixed schedule that visits every state, then a plan for the means.
#[derive(Debug)]
pub struct EtcLsd {
    problem: Problem,
    exploration: Exploration,
}

impl Rule for EtcLsd {
    type Memory = PlanMemory;
    const UNIT_PAYOFFS: bool = true;
    const NEEDS_STATES: bool = true;

    fn memory(&self, seats: usize, _arms: usize) -> PlanMemory {
        self.problem.memory(seats)
    }

    fn indices(&self, memory: &mut PlanMemory, round: &mut Round<'_>, index: &mut [f64]) {
        if round.greedy {
            return self.problem.exploit(memory, round, index);
        }
        let explored = round.t - 1;
        if explored < self.exploration.length() {
            memory.remember(round);
            return write(self.exploration.arms(explored), index);
        }
        // A new episode begins in other states than the plan led to.
        if memory.planned[round.seat] == 0 || round.elapsed == 0 {
            let means = self.problem.estimates(&memory.averages, round.seat);
            memory.plan(round, &means);
        }
        self.problem.follow(memory, round, index);
    }

    fn learn(&self, memory: &mut PlanMemory, seat: usize, plays: &[Play], _rng: &mut Stream) {
        if memory.planned[seat] == 0 {
            self.problem.learn(memory, seat, plays);
        }
    }
}

/// Arguments of `etc_lsd`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EtcLsdArgs {
    /// `c`, above 0: every state is visited `max(1, c·T^{2/3} / cost)` times, with the rounds that it costs to visit
    /// each once. Default 1.
    pub exploration: f64,
    /// Whether payoffs are known not to fall with rest and not to rise with consecutive plays: estimates are then made
    /// monotone. Where it is not true (seasonal arms), that spoils them. Default false.
    pub monotone: bool,
    /// The planner. Default `exact`, for small instances.
    pub planner: LearnerPlanner,
    /// Rounds `T`. Default: the length of an episode or of the run, whichever is shorter; that of the run if nothing is
    /// forgotten.
    pub horizon: Option<u64>,
    /// Rewards that count as 0 and as 1; others are clipped. Default: the environment's range if finite, else 0
    /// and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl Default for EtcLsdArgs {
    fn default() -> Self {
        Self {
            exploration: 1.0,
            monotone: false,
            planner: LearnerPlanner::default(),
            horizon: None,
            reward_range: None,
            keep_across_episodes: false,
        }
    }
}

impl LearnerArgs for EtcLsdArgs {
    type Rule = EtcLsd;
    const ID: &'static str = "etc_lsd";
    const SUMMARY: &'static str =
        "ETC-LSD: visits every state of every arm, then follows a plan for the means.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<Self::Rule, AgentError> {
        let c = check(
            "exploration",
            self.exploration,
            f64::MIN_POSITIVE..,
            "above 0",
        )?;
        let problem = Problem::new(Self::ID, context, arms, self.planner, self.monotone)?;
        let rounds = horizon(context, self.horizon, self.keep_across_episodes)?;
        let visits = c * powf(rounds, 2.0 / 3.0) / cost_per_sample(problem.structure()) as f64;
        // More visits than rounds are never made.
        let samples = visits.clamp(1.0, rounds) as u64;
        Ok(EtcLsd {
            exploration: Exploration::new(problem.structure(), samples),
            problem,
        })
    }
}
