//! Thompson-LSD: planning for sampled payoffs, for arms that recover or tire.
//!
//! As [UCB-LSD](super::ucb_lsd), but each plan is made for payoffs drawn from their posteriors, `Beta(1 + S, 1 + F)`
//! with the successes `S` and failures `F` in each state of each arm; a payoff between 0 and 1 counts as that share of
//! a success. Where payoffs are monotone, the sample is projected: the nearest monotone table, weighted by `n + 2`.
//!
//! Our own derivation: no regret bound is claimed.

use palaestra_envs::stream::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, Averages, LearnerSettings,
    replanning::{Belief, LearnerPlanner, Problem, Replanning},
    sampling::beta,
    setup::LearnerArgs,
};
use crate::{AgentContext, AgentError};

/// A sample of `Beta(1 + S, 1 + F)` for each state of each arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Posterior;

impl Belief for Posterior {
    fn write(
        &self,
        problem: &Problem,
        averages: &Averages,
        seat: usize,
        _t: u64,
        rng: &mut Stream,
        table: &mut [f64],
    ) {
        let mut weights = Vec::with_capacity(table.len());
        for (table, (n, m)) in table.iter_mut().zip(averages.arms(seat)) {
            let successes = (n * m).clamp(0.0, n);
            *table = beta(1.0 + successes, 1.0 + n - successes, rng);
            weights.push(n + 2.0);
        }
        problem.project(table, &weights);
    }
}

/// Arguments of `thompson_lsd`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ThompsonLsdArgs {
    /// Whether payoffs are known not to fall with rest and not to rise with consecutive plays. This makes learning
    /// faster; where it is not true (seasonal arms), it spoils the estimates. Default false.
    pub monotone: bool,
    /// The planner. Default `exact`, for small instances.
    pub planner: LearnerPlanner,
    /// Rewards that count as 0 and as 1; others are clipped. Default: the environment's range if finite, else 0
    /// and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl LearnerArgs for ThompsonLsdArgs {
    type Rule = Replanning<Posterior>;
    const ID: &'static str = "thompson_lsd";
    const SUMMARY: &'static str =
        "Thompson-LSD: plans for payoffs drawn from the posterior of each state of each arm.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<Self::Rule, AgentError> {
        Ok(Replanning {
            belief: Posterior,
            problem: Problem::new(Self::ID, context, arms, self.planner, self.monotone)?,
        })
    }
}
