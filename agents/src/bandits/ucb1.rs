//! UCB1: optimism in the face of uncertainty.
//!
//! Auer, Cesa-Bianchi, Fischer, *Finite-time Analysis of the Multiarmed Bandit Problem*, Machine Learning 47, 2002,
//! figure 1. Several plays at once take the largest indices, each arm learning from its own payoff, as CUCB does
//! (Chen, Wang, Yuan, ICML 2013).

use palaestra_envs::{math::ln, stream::Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, Averages, LearnerSettings, Play, Round, Rule,
    setup::{LearnerArgs, check},
};
use crate::{AgentContext, AgentError};

/// `m_i + sqrt(c ln t / n_i)`; arms never played come first.
#[derive(Debug, Clone, PartialEq)]
pub struct Ucb1 {
    /// `c`.
    pub exploration: f64,
}

impl Rule for Ucb1 {
    type Memory = Averages;

    fn memory(&self, seats: usize, arms: usize) -> Averages {
        Averages::new(seats, arms)
    }

    #[inline]
    fn indices(&self, memory: &mut Averages, round: &mut Round<'_>, index: &mut [f64]) {
        if round.greedy {
            return memory.greedy(round.seat, index);
        }
        let c_ln_t = self.exploration * ln(round.t as f64);
        memory.write(round.seat, index, f64::INFINITY, |n, m| {
            m + (c_ln_t / n).sqrt()
        });
    }

    #[inline]
    fn learn(&self, memory: &mut Averages, seat: usize, plays: &[Play], _rng: &mut Stream) {
        memory.add_all(seat, plays);
    }
}

/// Arguments of `ucb1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ucb1Args {
    /// `c` in the bonus `sqrt(c ln t / n_i)`, at least 0. Default 2, as in the paper.
    pub exploration: f64,
    /// Rewards that count as 0 and as 1. Default: the environment's range if finite, else 0 and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl Default for Ucb1Args {
    fn default() -> Self {
        Self {
            exploration: 2.0,
            reward_range: None,
            keep_across_episodes: false,
        }
    }
}

impl LearnerArgs for Ucb1Args {
    type Rule = Ucb1;
    const ID: &'static str = "ucb1";
    const SUMMARY: &'static str = "UCB1: the largest mean payoff plus sqrt(2 ln t / n).";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, _context: &AgentContext, _arms: &Arms) -> Result<Ucb1, AgentError> {
        Ok(Ucb1 {
            exploration: check("exploration", self.exploration, 0.0.., "at least 0")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bandits::testbed::{index_after, learn_all};

    #[test]
    fn the_index_is_the_mean_plus_the_papers_bonus() {
        let rule = Ucb1 { exploration: 2.0 };
        let mut memory = rule.memory(2, 3);
        // Arm 0 paid 1 and 0, arm 1 paid 1; arm 2 was not played. The other seat knows nothing.
        learn_all(&rule, &mut memory, 1, &[(0, 1.0), (1, 1.0), (0, 0.0)]);
        let index = index_after(&rule, &mut memory, 1, 4, 3);
        // ln 4 = 1.3862943611198906
        assert!((index[0] - (0.5 + 1.386_294_361_119_890_6_f64.sqrt())).abs() < 1e-15);
        assert!((index[1] - (1.0 + 2.772_588_722_239_781_f64.sqrt())).abs() < 1e-15);
        assert_eq!(index[2], f64::INFINITY);
        assert_eq!(index_after(&rule, &mut memory, 0, 1, 3), [f64::INFINITY; 3]);
    }
}
