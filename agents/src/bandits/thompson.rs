//! Thompson sampling: play an arm with the probability that it is best.
//!
//! Thompson, *On the Likelihood that One Unknown Probability Exceeds Another in View of the Evidence of Two
//! Samples*, Biometrika 25, 1933. Beta posterior with a Bernoulli trial for payoffs between 0 and 1: Agrawal, Goyal,
//! *Analysis of Thompson Sampling for the Multi-armed Bandit Problem*, COLT 2012, algorithm 2. Gaussian: Agrawal,
//! Goyal, *Near-optimal Regret Bounds for Thompson Sampling*, JACM 64, 2017.
//!
//! Several plays at once take the largest samples (Komiyama, Honda, Nakagawa, ICML 2015).

use palaestra_envs::stream::Stream;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, Averages, LearnerSettings, Play, Round, Rule, Table,
    sampling::{beta, normal_pair},
    setup::{LearnerArgs, check},
};
use crate::{AgentContext, AgentError};

/// A sample of `Beta(1 + S_i, 1 + F_i)`, with the successes `S_i` and failures `F_i` of every arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ThompsonBeta;

impl Rule for ThompsonBeta {
    /// Successes and failures.
    type Memory = (Table, Table);
    const UNIT_PAYOFFS: bool = true;

    fn memory(&self, seats: usize, arms: usize) -> Self::Memory {
        (Table::new(seats, arms), Table::new(seats, arms))
    }

    fn indices(&self, memory: &mut Self::Memory, round: &mut Round<'_>, index: &mut [f64]) {
        let (s, f) = (memory.0.row(round.seat), memory.1.row(round.seat));
        for (index, (s, f)) in index.iter_mut().zip(s.iter().zip(f)) {
            *index = if round.greedy {
                (1.0 + s) / (2.0 + s + f)
            } else {
                beta(1.0 + s, 1.0 + f, round.rng)
            };
        }
    }

    fn learn(&self, memory: &mut Self::Memory, seat: usize, plays: &[Play], rng: &mut Stream) {
        for &Play { arm, payoff } in plays {
            // A trial for a payoff that is neither success nor failure.
            let success = payoff >= 1.0 || (payoff > 0.0 && rng.random::<f64>() < payoff);
            let table = if success {
                &mut memory.0
            } else {
                &mut memory.1
            };
            table.row_mut(seat)[arm] += 1.0;
        }
    }
}

/// A sample of `N(m_i, sigma² / (n_i + 1))`.
#[derive(Debug, Clone, PartialEq)]
pub struct ThompsonGaussian {
    /// `sigma`.
    pub sigma: f64,
}

impl Rule for ThompsonGaussian {
    type Memory = Averages;

    fn memory(&self, seats: usize, arms: usize) -> Averages {
        Averages::new(seats, arms)
    }

    fn indices(&self, memory: &mut Averages, round: &mut Round<'_>, index: &mut [f64]) {
        if round.greedy {
            return memory.greedy(round.seat, index);
        }
        for pair in index.chunks_mut(2) {
            let deviates = normal_pair(round.rng);
            pair.copy_from_slice(&deviates[..pair.len()]);
        }
        for (index, (n, m)) in index.iter_mut().zip(memory.arms(round.seat)) {
            *index = m + *index * self.sigma / (n + 1.0).sqrt();
        }
    }

    fn learn(&self, memory: &mut Averages, seat: usize, plays: &[Play], _rng: &mut Stream) {
        memory.add_all(seat, plays);
    }
}

/// Arguments of `thompson_beta`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ThompsonBetaArgs {
    /// Rewards that count as 0 and as 1; others are clipped. Default: the environment's range if finite, else 0
    /// and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl LearnerArgs for ThompsonBetaArgs {
    type Rule = ThompsonBeta;
    const ID: &'static str = "thompson_beta";
    const SUMMARY: &'static str = "Thompson sampling from Beta posteriors.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, _context: &AgentContext, _arms: &Arms) -> Result<ThompsonBeta, AgentError> {
        Ok(ThompsonBeta)
    }
}

/// Arguments of `thompson_gaussian`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ThompsonGaussianArgs {
    /// Standard deviation of one payoff on the scale of `reward_range`, at least 0. Default 1/2, the largest that
    /// payoffs in [0, 1] can have.
    pub sigma: f64,
    /// Rewards that count as 0 and as 1. Default: the environment's range if finite, else 0 and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl Default for ThompsonGaussianArgs {
    fn default() -> Self {
        Self {
            sigma: 0.5,
            reward_range: None,
            keep_across_episodes: false,
        }
    }
}

impl LearnerArgs for ThompsonGaussianArgs {
    type Rule = ThompsonGaussian;
    const ID: &'static str = "thompson_gaussian";
    const SUMMARY: &'static str = "Thompson sampling from Gaussian posteriors.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, _context: &AgentContext, _arms: &Arms) -> Result<ThompsonGaussian, AgentError> {
        Ok(ThompsonGaussian {
            sigma: check("sigma", self.sigma, 0.0.., "at least 0")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bandits::testbed::{index_after, learn_all};

    #[test]
    fn the_posterior_counts_successes_and_failures() {
        let mut memory = ThompsonBeta.memory(2, 2);
        let plays = [(0, 1.0), (0, 1.0), (0, 0.0), (1, 0.0)];
        learn_all(&ThompsonBeta, &mut memory, 1, &plays);
        assert_eq!(
            (memory.0.row(1), memory.1.row(1)),
            (&[2.0, 0.0][..], &[1.0, 1.0][..])
        );
        assert_eq!(
            (memory.0.row(0), memory.1.row(0)),
            (&[0.0; 2][..], &[0.0; 2][..])
        );
    }

    #[test]
    fn a_payoff_between_is_a_success_with_its_own_probability() {
        let mut memory = ThompsonBeta.memory(1, 1);
        let n = 40_000;
        learn_all(&ThompsonBeta, &mut memory, 0, &vec![(0, 0.3); n]);
        let (s, f) = (memory.0.row(0)[0], memory.1.row(0)[0]);
        assert_eq!(s + f, n as f64);
        // Five standard errors.
        assert!(
            (s / n as f64 - 0.3).abs() < 5.0 * (0.21 / n as f64).sqrt(),
            "{s}"
        );
    }

    #[test]
    fn gaussian_samples_have_the_posteriors_mean_and_spread() {
        let rule = ThompsonGaussian { sigma: 0.5 };
        let mut memory = rule.memory(1, 3);
        learn_all(
            &rule,
            &mut memory,
            0,
            &[(0, 1.0), (0, 0.5), (0, 0.0), (2, 1.0)],
        );
        let mut rng = Stream::new(3, 0, "test");
        let n = 100_000;
        let mut sums = [[0.0; 2]; 3];
        for _ in 0..n {
            let mut index = [0.0; 3];
            let mut round = Round {
                seat: 0,
                t: 5,
                elapsed: 0,
                plays: 1,
                mask: &[],
                greedy: false,
                means: &[],
                states: &[],
                rng: &mut rng,
            };
            rule.indices(&mut memory, &mut round, &mut index);
            for (sum, x) in sums.iter_mut().zip(index) {
                sum[0] += x;
                sum[1] += x * x;
            }
        }
        // sigma / sqrt(n_i + 1) with n = 3, 0, 1.
        let expected = [(0.5, 0.25), (0.0, 0.5), (1.0, 0.5 / 2_f64.sqrt())];
        for (sum, (mean, sd)) in sums.iter().zip(expected) {
            let m = sum[0] / n as f64;
            let s = (sum[1] / n as f64 - m * m).sqrt();
            // Five standard errors of the mean and of the standard deviation.
            assert!((m - mean).abs() < 5.0 * sd / (n as f64).sqrt());
            assert!((s - sd).abs() < 5.0 * sd / (2.0 * n as f64).sqrt());
        }
        assert_eq!(
            index_after(&ThompsonGaussian { sigma: 0.0 }, &mut memory, 0, 5, 3),
            [0.5, 0.0, 1.0]
        );
    }
}
