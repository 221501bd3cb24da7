//! UCB-Z: an upper confidence bound for each arm and covariate `z`, its number of idle rounds.
//!
//! The baseline of Pike-Burke, Grünewälder, *Recovering Bandits*, NeurIPS 2019 (arXiv 1910.14354), with the bonus of
//! its released code.
//!
//! Differences: pairs that were not played yet come first, where the code plays the arms at every covariate in a fixed
//! order with random plays in between; and each number of plays in a row is a pair of its own too, so that the policy
//! also suits arms that tire. (The released code counts plays instead of adding up rewards in that first phase.)

use palaestra_envs::{math::ln, stream::Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, Averages, LearnerSettings, Play, Round, Rule,
    cells::{Cells, structure},
    setup::{LearnerArgs, check},
    state_aware::StateAware,
};
use crate::{AgentContext, AgentError};

/// `m + sqrt(2 σ² (2 + 6 ln(t Z K)) / n)` for each pair; pairs never played come first.
#[derive(Debug, Clone, PartialEq)]
pub struct UcbZ {
    /// `σ²`: variance of a payoff, or a bound on it in the sense of sub-Gaussian noise.
    pub variance: f64,
    /// `Z K`: the number of covariates times the number of arms.
    pub pairs: f64,
}

impl Rule for UcbZ {
    type Memory = Averages;

    fn memory(&self, seats: usize, arms: usize) -> Averages {
        Averages::new(seats, arms)
    }

    fn indices(&self, memory: &mut Averages, round: &mut Round<'_>, index: &mut [f64]) {
        if round.greedy {
            return memory.greedy(round.seat, index);
        }
        let width = 2.0 * self.variance * (2.0 + 6.0 * ln(round.t as f64 * self.pairs));
        memory.write(round.seat, index, f64::INFINITY, |n, m| {
            m + (width / n).sqrt()
        });
    }

    fn learn(&self, memory: &mut Averages, seat: usize, plays: &[Play], _rng: &mut Stream) {
        memory.add_all(seat, plays);
    }
}

/// Arguments of `ucb_z`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UcbZArgs {
    /// Variance of one payoff on the scale of `reward_range`, at least 0. Default: the environment's if it states
    /// Gaussian noise, else 1/4, the largest that payoffs in [0, 1] can have.
    pub variance: Option<f64>,
    /// Rewards that count as 0 and as 1. Default: the environment's range if finite, else 0 and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl LearnerArgs for UcbZArgs {
    type Rule = StateAware<UcbZ>;
    const ID: &'static str = "ucb_z";
    const SUMMARY: &'static str = "UCB-Z: an upper confidence bound for each arm and rest time.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<Self::Rule, AgentError> {
        let structure = structure(Self::ID, context, arms)?;
        let cells = Cells::new(&structure);
        let variance = match self.variance {
            Some(variance) => check("variance", variance, 0.0.., "at least 0")?,
            None => super::rgp::noise_variance(&structure, self.reward_range).max(1e-6),
        };
        let rule = UcbZ {
            variance,
            pairs: (cells.most_states() * cells.arms()) as f64,
        };
        Ok(StateAware::new(rule, cells))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bandits::testbed::{index_after, learn_all};

    #[test]
    fn the_index_is_the_mean_plus_the_codes_bonus() {
        let rule = UcbZ {
            variance: 0.25,
            pairs: 62.0,
        };
        let mut memory = rule.memory(1, 3);
        learn_all(&rule, &mut memory, 0, &[(0, 1.0), (1, 1.0), (0, 0.0)]);
        let index = index_after(&rule, &mut memory, 0, 4, 3);
        // 2 + 6 ln 248 = 35.080_572_476_990, half of it for one play, a quarter for two.
        assert!(
            (index[0] - (0.5 + 8.770_143_119_247_5_f64.sqrt())).abs() < 1e-12,
            "{index:?}"
        );
        assert!(
            (index[1] - (1.0 + 17.540_286_238_495_f64.sqrt())).abs() < 1e-12,
            "{index:?}"
        );
        assert_eq!(index[2], f64::INFINITY);
    }
}
