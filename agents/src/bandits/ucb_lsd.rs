//! UCB-LSD: optimistic replanning for arms that recover or tire.
//!
//! Every `max(16, ⌊√t⌋)` rounds it plans as if each state of each arm paid its upper confidence bound, and follows that
//! plan. Unlike index policies it plans the rests of arms; unlike block policies it plans without blocks.
//!
//! Our own derivation. That a learner can have sublinear regret against a planner with full information is from the
//! abstract of Foussoul, Goyal, Papadigenopoulos, Zeevi, ICML 2023 (arXiv 2306.00338), whose algorithm was not
//! compared. With the exact planner we expect regret of about `√T`; measured on `log3`, the slope of regret against
//! rounds in logarithms is about one half.

use palaestra_envs::stream::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, Averages, LearnerSettings,
    replanning::{Belief, LearnerPlanner, Problem, Replanning, upper_confidence},
    setup::{LearnerArgs, check},
};
use crate::{AgentContext, AgentError};

/// `U(s) = min(1, m + sqrt(α ln(t + 2) / n))`; where payoffs are monotone, the least of these bounds over all states at
/// or beyond `s`.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimism {
    /// `α`.
    pub exploration: f64,
}

impl Belief for Optimism {
    fn write(
        &self,
        problem: &Problem,
        averages: &Averages,
        seat: usize,
        t: u64,
        _rng: &mut Stream,
        table: &mut [f64],
    ) {
        averages.write(seat, table, 1.0, |n, m| {
            upper_confidence(self.exploration, t, n, m)
        });
        problem.tighten(table);
    }
}

/// Arguments of `ucb_lsd`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UcbLsdArgs {
    /// `α` in the bonus `sqrt(α ln(t + 2) / n)`, at least 0. Default 1/2; 1/8 usually learns faster.
    pub exploration: f64,
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

impl Default for UcbLsdArgs {
    fn default() -> Self {
        Self {
            exploration: 0.5,
            monotone: false,
            planner: LearnerPlanner::default(),
            reward_range: None,
            keep_across_episodes: false,
        }
    }
}

impl LearnerArgs for UcbLsdArgs {
    type Rule = Replanning<Optimism>;
    const ID: &'static str = "ucb_lsd";
    const SUMMARY: &'static str =
        "UCB-LSD: plans for upper confidence bounds on the payoff of each state of each arm.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<Self::Rule, AgentError> {
        let exploration = check("exploration", self.exploration, 0.0.., "at least 0")?;
        Ok(Replanning {
            belief: Optimism { exploration },
            problem: Problem::new(Self::ID, context, arms, self.planner, self.monotone)?,
        })
    }
}
