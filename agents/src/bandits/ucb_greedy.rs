//! UCB-greedy for blocking arms: the largest upper confidence bounds of the arms that are free.
//!
//! Basu, Sen, Sanghavi, Shakkottai, *Blocking Bandits*, NeurIPS 2019 (arXiv 1907.11975). From the paper's abstract:
//! playing the best free arms is asymptotically `(1 − 1/e)`-optimal, and this learner's regret against that is
//! logarithmic in `T`. The constant 8 is that of a public replication; the paper's own text was not compared. (The
//! replication takes logarithms to base 10, which we hold to be a slip.)
//!
//! An arm is free if the action mask allows it. Without a mask (environment argument `mask_unavailable`) it is free
//! when it is fully rested, which is the same for blocking arms with delays of 2 and more.

use palaestra_envs::{math::ln, stream::Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, Averages, LearnerSettings, Play, Round, Rule, Table,
    cells::structure,
    setup::{LearnerArgs, check},
};
use crate::{AgentContext, AgentError};

/// `m_i + sqrt(c ln t / n_i)` of free arms; free arms never played come first, and blocked ones are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct UcbGreedy {
    /// `c`.
    pub exploration: f64,
    /// State in which each arm is fully rested, `[N]`.
    pub rested: Vec<f64>,
}

impl Rule for UcbGreedy {
    /// Plays of free arms and their means, and 1 for each arm that was certainly free at the last choice.
    type Memory = (Averages, Table);
    const NEEDS_STATES: bool = true;

    fn memory(&self, seats: usize, arms: usize) -> Self::Memory {
        (Averages::new(seats, arms), Table::new(seats, arms))
    }

    fn indices(&self, memory: &mut Self::Memory, round: &mut Round<'_>, index: &mut [f64]) {
        let (averages, free) = memory;
        if round.greedy {
            averages.greedy(round.seat, index);
        } else {
            let c_ln_t = self.exploration * ln(round.t as f64);
            averages.write(round.seat, index, f64::INFINITY, |n, m| {
                m + (c_ln_t / n).sqrt()
            });
        }
        // A mask that allows all arms may do so because too few are free, and something must be played.
        let told = round.mask.contains(&0);
        for (arm, index) in index.iter_mut().enumerate() {
            let rested = round.states[arm] >= self.rested[arm];
            let allowed = !round.mask.is_empty() && round.mask[arm] != 0;
            if !(allowed || round.mask.is_empty() && rested) {
                *index = f64::NEG_INFINITY;
            }
            if !round.greedy {
                let free_for_sure = rested || told && allowed;
                free.row_mut(round.seat)[arm] = f64::from(u8::from(free_for_sure));
            }
        }
    }

    fn learn(&self, memory: &mut Self::Memory, seat: usize, plays: &[Play], _rng: &mut Stream) {
        let (averages, free) = memory;
        // Where something must be played, a blocked arm may be; it tells nothing about the payoff of a free one.
        for play in plays.iter().filter(|play| free.row(seat)[play.arm] > 0.0) {
            averages.add(seat, play.arm, play.payoff);
        }
    }
}

/// Arguments of `ucb_greedy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UcbGreedyArgs {
    /// `c` in the bonus `sqrt(c ln t / n_i)`, at least 0. Default 8.
    pub exploration: f64,
    /// Rewards that count as 0 and as 1. Default: the environment's range if finite, else 0 and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl Default for UcbGreedyArgs {
    fn default() -> Self {
        Self {
            exploration: 8.0,
            reward_range: None,
            keep_across_episodes: false,
        }
    }
}

impl LearnerArgs for UcbGreedyArgs {
    type Rule = UcbGreedy;
    const ID: &'static str = "ucb_greedy";
    const SUMMARY: &'static str = "UCB-greedy: the largest upper confidence bounds of free arms.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<UcbGreedy, AgentError> {
        let structure = structure(Self::ID, context, arms)?;
        let rested = (0..arms.count()).map(|arm| f64::from(structure.caps(arm).idle));
        Ok(UcbGreedy {
            exploration: check("exploration", self.exploration, 0.0.., "at least 0")?,
            rested: rested.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bandits::testbed::Trial;

    #[test]
    fn blocked_arms_are_left_out_and_teach_nothing() {
        let rule = UcbGreedy {
            exploration: 8.0,
            rested: vec![1.0, 3.0],
        };
        let mut trial = Trial::new(&rule, 2);
        trial.states = vec![1.0, 3.0];
        assert_eq!(trial.indices(1), [f64::INFINITY; 2]);
        trial.learn(&[(0, 1.0)]);
        trial.states = vec![-1.0, 2.0];
        assert_eq!(trial.indices(2), [f64::NEG_INFINITY; 2]);
        trial.learn(&[(0, 0.0)]);
        trial.states = vec![1.0, 2.0];
        // 8 ln 3 = 8.788_898_309_344_878
        let index = trial.indices(3);
        assert!((index[0] - (1.0 + 8.788_898_309_344_878_f64.sqrt())).abs() < 1e-14);
        assert_eq!(index[1], f64::NEG_INFINITY);
        // A mask says better which arms are free.
        trial.mask = vec![0, 1];
        assert_eq!(trial.indices(3), [f64::NEG_INFINITY, f64::INFINITY]);
    }
}
