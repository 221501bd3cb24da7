//! ε-greedy: mostly the best arm so far, sometimes any.
//!
//! Constant ε: Sutton, Barto, *Reinforcement Learning*, 2nd edition, section 2.2. Falling ε: Auer, Cesa-Bianchi,
//! Fischer, *Finite-time Analysis of the Multiarmed Bandit Problem*, Machine Learning 47, 2002, figure 3, whose
//! `c / d²` is one parameter here.

use palaestra_envs::stream::Stream;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, Averages, LearnerSettings, Play, Round, Rule,
    setup::{LearnerArgs, check},
    uniform::draw_uniformly,
};
use crate::{AgentContext, AgentError};

/// With probability `ε` a uniform choice, else the largest mean; arms never played come first.
#[derive(Debug, Clone, PartialEq)]
pub struct EpsilonGreedy {
    /// `ε`, in `[0, 1]`; not used if `decay` is given.
    pub epsilon: f64,
    /// `c` in `ε = min(1, c N / t)`.
    pub decay: Option<f64>,
}

impl EpsilonGreedy {
    /// `ε` in round `t` with `arms` arms.
    pub fn epsilon(&self, t: u64, arms: usize) -> f64 {
        match self.decay {
            Some(c) => (c * arms as f64 / t as f64).min(1.0),
            None => self.epsilon,
        }
    }
}

impl Rule for EpsilonGreedy {
    type Memory = Averages;

    fn memory(&self, seats: usize, arms: usize) -> Averages {
        Averages::new(seats, arms)
    }

    fn indices(&self, memory: &mut Averages, round: &mut Round<'_>, index: &mut [f64]) {
        if round.greedy {
            memory.greedy(round.seat, index);
        } else if round.rng.random::<f64>() < self.epsilon(round.t, index.len()) {
            draw_uniformly(round, index);
        } else {
            memory.write(round.seat, index, f64::INFINITY, |_, m| m);
        }
    }

    fn learn(&self, memory: &mut Averages, seat: usize, plays: &[Play], _rng: &mut Stream) {
        memory.add_all(seat, plays);
    }

    fn metrics(&self, memory: &Averages, rounds: &[u64], record: &mut dyn FnMut(&str, f64)) {
        let sum: f64 = rounds
            .iter()
            .map(|t| self.epsilon(t + 1, memory.num_arms()))
            .sum();
        record("bandit/epsilon", sum / rounds.len().max(1) as f64);
    }
}

/// Arguments of `epsilon_greedy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EpsilonGreedyArgs {
    /// Probability `ε` of a uniform choice, within [0, 1]. Default 0.1.
    pub epsilon: f64,
    /// `c` of a falling `ε = min(1, c N / t)` in round t with N arms, at least 0; then `epsilon` does not count.
    /// Default: ε does not fall.
    pub decay: Option<f64>,
    /// Rewards that count as 0 and as 1; the choice of arms does not depend on them. Default: the environment's
    /// range if finite, else 0 and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl Default for EpsilonGreedyArgs {
    fn default() -> Self {
        Self {
            epsilon: 0.1,
            decay: None,
            reward_range: None,
            keep_across_episodes: false,
        }
    }
}

impl LearnerArgs for EpsilonGreedyArgs {
    type Rule = EpsilonGreedy;
    const ID: &'static str = "epsilon_greedy";
    const SUMMARY: &'static str =
        "The largest mean payoff, or with probability epsilon a uniform choice.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, _context: &AgentContext, _arms: &Arms) -> Result<EpsilonGreedy, AgentError> {
        let decay = self.decay.map(|c| check("decay", c, 0.0.., "at least 0"));
        Ok(EpsilonGreedy {
            epsilon: check("epsilon", self.epsilon, 0.0..=1.0, "within [0, 1]")?,
            decay: decay.transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bandits::testbed::Trial;

    #[test]
    fn without_exploration_it_tries_each_arm_and_keeps_the_best() {
        let rule = EpsilonGreedy {
            epsilon: 0.0,
            decay: None,
        };
        let mut trial = Trial::new(&rule, 2);
        assert_eq!(trial.indices(1), [f64::INFINITY; 2]);
        trial.learn(&[(0, 0.25)]);
        assert_eq!(trial.indices(2), [0.25, f64::INFINITY]);
        trial.learn(&[(1, 0.5)]);
        trial.learn(&[(1, 0.0)]);
        assert_eq!(trial.indices(4), [0.25, 0.25]);
    }

    /// Share of uniform choices within 5 standard errors of ε.
    #[test]
    fn it_explores_as_often_as_it_says() {
        let rule = EpsilonGreedy {
            epsilon: 0.3,
            decay: None,
        };
        let mut trial = Trial::new(&rule, 4);
        (0..4).for_each(|arm| trial.learn(&[(arm, 0.1)]));
        let n = 20_000;
        let explored = (0..n).filter(|_| trial.indices(5)[..] != [0.1; 4]).count() as f64;
        assert!((explored / f64::from(n) - 0.3).abs() < 5.0 * (0.21 / f64::from(n)).sqrt());
    }

    #[test]
    fn epsilon_falls_with_the_rounds() {
        let rule = EpsilonGreedy {
            epsilon: 0.9,
            decay: Some(2.0),
        };
        assert_eq!(
            [1, 6, 12, 60].map(|t| rule.epsilon(t, 3)),
            [1.0, 1.0, 0.5, 0.1]
        );
        let mut reported = Vec::new();
        let memory = rule.memory(2, 3);
        rule.metrics(&memory, &[11, 59], &mut |name, value| {
            reported.push((name.to_owned(), value));
        });
        assert_eq!(reported, [("bandit/epsilon".to_owned(), 0.3)]);
    }
}
