//! D-UCB: upper confidence bounds with discounted memory, for payoffs that change.
//!
//! Garivier, Moulines, *On Upper-Confidence Bound Policies for Switching Bandit Problems*, ALT 2011, section 2.1
//! (first proposed by Kocsis, Szepesvári, 2006).
//!
//! Difference: the discount defaults to `1 - 1 / (4 sqrt T)`, the paper's choice without knowledge of the number of
//! changes.

use palaestra_envs::{math::ln, stream::Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, LearnerSettings, Play, Round, Rule, Table,
    setup::{LearnerArgs, check, horizon},
};
use crate::{AgentContext, AgentError};

/// `m_i + 2 sqrt(ξ ln(Σ n) / n_i)`, where plays `n_i` and means `m_i` are discounted by `γ` a round; arms never
/// played come first.
#[derive(Debug, Clone, PartialEq)]
pub struct DUcb {
    /// `γ`, in `(0, 1]`.
    pub discount: f64,
    /// `ξ`.
    pub xi: f64,
}

impl Rule for DUcb {
    /// Discounted plays `n_i` and sums of payoffs.
    type Memory = (Table, Table);

    fn memory(&self, seats: usize, arms: usize) -> Self::Memory {
        (Table::new(seats, arms), Table::new(seats, arms))
    }

    fn indices(&self, memory: &mut Self::Memory, round: &mut Round<'_>, index: &mut [f64]) {
        let (n, sum) = (memory.0.row(round.seat), memory.1.row(round.seat));
        let ln_n = ln(n.iter().sum::<f64>().max(1.0));
        let (unplayed, bonus) = if round.greedy {
            (f64::MIN, 0.0)
        } else {
            (f64::INFINITY, 4.0 * self.xi * ln_n)
        };
        for (index, (n, sum)) in index.iter_mut().zip(n.iter().zip(sum)) {
            *index = if *n > 0.0 {
                sum / n + (bonus / n).sqrt()
            } else {
                unplayed
            };
        }
    }

    fn learn(&self, memory: &mut Self::Memory, seat: usize, plays: &[Play], _rng: &mut Stream) {
        let (n, sum) = (memory.0.row_mut(seat), memory.1.row_mut(seat));
        n.iter_mut()
            .chain(&mut *sum)
            .for_each(|x| *x *= self.discount);
        for play in plays {
            n[play.arm] += 1.0;
            sum[play.arm] += play.payoff;
        }
    }
}

/// Arguments of `d_ucb`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DUcbArgs {
    /// Discount `γ` a round, above 0 and at most 1. Default `1 - 1 / (4 sqrt T)`.
    pub discount: Option<f64>,
    /// `ξ` in the bonus `2 sqrt(ξ ln(Σ n) / n_i)`, at least 0. Default 0.6.
    pub xi: f64,
    /// Rounds `T` that the default of `discount` is for. Default: the length of an episode or of the run,
    /// whichever is shorter; that of the run if nothing is forgotten.
    pub horizon: Option<u64>,
    /// Rewards that count as 0 and as 1. Default: the environment's range if finite, else 0 and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl Default for DUcbArgs {
    fn default() -> Self {
        Self {
            discount: None,
            xi: 0.6,
            horizon: None,
            reward_range: None,
            keep_across_episodes: false,
        }
    }
}

impl LearnerArgs for DUcbArgs {
    type Rule = DUcb;
    const ID: &'static str = "d_ucb";
    const SUMMARY: &'static str = "D-UCB: UCB that gradually forgets.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, context: &AgentContext, _arms: &Arms) -> Result<DUcb, AgentError> {
        let range = f64::MIN_POSITIVE..=1.0;
        let discount = if let Some(discount) = self.discount {
            check("discount", discount, range, "above 0 and at most 1")?
        } else {
            1.0 - 0.25 / horizon(context, self.horizon, self.keep_across_episodes)?.sqrt()
        };
        let xi = check("xi", self.xi, 0.0.., "at least 0")?;
        Ok(DUcb { discount, xi })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bandits::testbed::Trial;

    #[test]
    fn the_index_has_discounted_means_and_bonus() {
        let rule = DUcb {
            discount: 0.5,
            xi: 0.6,
        };
        let mut trial = Trial::new(&rule, 3);
        assert_eq!(trial.indices(1), [f64::INFINITY; 3]);
        trial.learn(&[(0, 1.0)]);
        trial.learn(&[(1, 1.0)]);
        trial.learn(&[(0, 0.0)]);
        // n = (1/4 + 1, 1/2, 0), sums = (1/4, 1/2, 0), Σn = 7/4.
        let index = trial.indices(4);
        let bonus = |n: f64| 2.0 * (0.6 * 1.75_f64.ln() / n).sqrt();
        assert!((index[0] - (0.2 + bonus(1.25))).abs() < 1e-15);
        assert!((index[1] - (1.0 + bonus(0.5))).abs() < 1e-15);
        assert_eq!(index[2], f64::INFINITY);
    }

    proptest! {
        /// Discounted sums as their definition has them, to 1e-12.
        #[test]
        fn discounted_sums_are_those_of_the_definition(
            rounds in prop::collection::vec(prop::collection::vec((0usize..3, -1.0..2.0f64), 0..3), 1..60),
            discount in 0.01..=1.0f64,
        ) {
            let rule = DUcb { discount, xi: 0.6 };
            let mut trial = Trial::new(&rule, 3);
            rounds.iter().for_each(|plays| trial.learn(plays));
            for arm in 0..3 {
                let (mut n, mut sum) = (0.0, 0.0);
                for (age, plays) in rounds.iter().rev().enumerate() {
                    for play in plays.iter().filter(|play| play.0 == arm) {
                        n += discount.powi(age as i32);
                        sum += discount.powi(age as i32) * play.1;
                    }
                }
                prop_assert!((trial.memory.0.row(0)[arm] - n).abs() < 1e-12);
                prop_assert!((trial.memory.1.row(0)[arm] - sum).abs() < 1e-12);
            }
        }
    }
}
