//! EXP3 and EXP3.M: exponential weights on importance-weighted gains, mixed with uniform exploration.
//!
//! One play: Auer, Cesa-Bianchi, Freund, Schapire, *The Nonstochastic Multiarmed Bandit Problem*, SIAM J. Comput. 32,
//! 2002, figure 1, γ from corollary 3.2. Several plays: Uchiya, Nakamura, Kudo, *Algorithms for Adversarial Bandit
//! Problems with Multiple Plays*, ALT 2010, figure 3; with `k = 1` it is EXP3.
//!
//! Differences: weights are kept as logarithms, so that no horizon is too long; under an action mask the
//! probabilities are those over the allowed arms.

use palaestra_envs::{math::ln, stream::Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, LearnerSettings, Play, Round, Rule, Table,
    marginals::{dependent_rounding, draw_one, marginals},
    setup::{LearnerArgs, check, horizon},
};
use crate::{AgentContext, AgentError};

/// `p_i = k ((1-γ) w_i / Σ w + γ/N)`, and `w_i *= exp(k γ x_i / (p_i N))` for a played arm with gain `x_i`.
///
/// Weights that would make `p_i` exceed 1 are cut for the round, and their arms do not learn in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exp3 {
    /// `N`.
    pub arms: usize,
    /// `k`.
    pub plays: usize,
    /// `γ`, in `[0, 1]`.
    pub gamma: f64,
}

impl Rule for Exp3 {
    /// `ln w_i` and the probabilities `p_i` of the last round.
    type Memory = (Table, Table);
    const UNIT_PAYOFFS: bool = true;

    fn memory(&self, seats: usize, arms: usize) -> Self::Memory {
        (Table::new(seats, arms), Table::new(seats, arms))
    }

    fn indices(&self, memory: &mut Self::Memory, round: &mut Round<'_>, index: &mut [f64]) {
        let (log_w, p) = (memory.0.row(round.seat), memory.1.row_mut(round.seat));
        if round.greedy {
            return index.copy_from_slice(log_w);
        }
        // With γ = 1 the weights do not count, and the cap has no meaning.
        let gamma = self.gamma.min(1.0 - 1e-12);
        marginals(log_w, round.mask, round.plays, gamma, p);
        index.copy_from_slice(p);
        draw(index, round);
    }

    fn learn(&self, memory: &mut Self::Memory, seat: usize, plays: &[Play], _rng: &mut Stream) {
        let (log_w, p) = (memory.0.row_mut(seat), memory.1.row(seat));
        let rate = self.plays as f64 * self.gamma / self.arms as f64;
        for &Play { arm, payoff } in plays {
            if p[arm] > 0.0 && p[arm] < 1.0 {
                log_w[arm] += rate * payoff / p[arm];
            }
        }
    }

    fn metrics(&self, memory: &Self::Memory, rounds: &[u64], record: &mut dyn FnMut(&str, f64)) {
        record("bandit/entropy", mean_entropy(&memory.1, rounds));
    }
}

/// Replaces the probabilities in `index` by 1 for the arms drawn and `-inf` for the rest.
pub(super) fn draw(index: &mut [f64], round: &mut Round<'_>) {
    if round.plays == 1 {
        draw_one(index, round.rng);
    } else {
        dependent_rounding(index, round.rng);
    }
    for x in index {
        if *x == 0.0 {
            *x = f64::NEG_INFINITY;
        }
    }
}

/// `-Σ q ln q` of `q = p / Σ p`, averaged over the seats that have played; 0 if none has.
pub(super) fn mean_entropy(p: &Table, rounds: &[u64]) -> f64 {
    let (mut total, mut seats) = (0.0, 0.0_f64);
    for (p, _) in p.rows().zip(rounds).filter(|(_, rounds)| **rounds > 0) {
        let sum: f64 = p.iter().sum();
        let shares = p.iter().map(|x| x / sum).filter(|q| *q > 0.0);
        total -= shares.map(|q| q * ln(q)).sum::<f64>();
        seats += 1.0;
    }
    total / seats.max(1.0)
}

/// Arguments of `exp3`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Exp3Args {
    /// Share `γ` of uniform exploration, within [0, 1]. Default `min(1, sqrt(N ln(N/k) / ((e-1) k T)))`.
    pub gamma: Option<f64>,
    /// Rounds `T` that the default of `gamma` is for. Default: the length of an episode or of the run,
    /// whichever is shorter; that of the run if nothing is forgotten.
    pub horizon: Option<u64>,
    /// Rewards that count as 0 and as 1; others are clipped. Default: the environment's range if finite, else 0
    /// and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl LearnerArgs for Exp3Args {
    type Rule = Exp3;
    const ID: &'static str = "exp3";
    const SUMMARY: &'static str =
        "EXP3 (several plays: EXP3.M): exponential weights against an adversary.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<Exp3, AgentError> {
        let gamma = if let Some(gamma) = self.gamma {
            check("gamma", gamma, 0.0..=1.0, "within [0, 1]")?
        } else {
            let t = horizon(context, self.horizon, self.keep_across_episodes)?;
            default_gamma(arms.count() as f64, arms.plays() as f64, t)
        };
        Ok(Exp3 {
            arms: arms.count(),
            plays: arms.plays(),
            gamma,
        })
    }
}

fn default_gamma(n: f64, k: f64, t: f64) -> f64 {
    (n * ln(n / k) / ((std::f64::consts::E - 1.0) * k * t))
        .sqrt()
        .min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bandits::testbed::{Trial, learn_all};

    #[test]
    fn the_first_steps_are_those_of_the_paper() {
        // N = 2, γ = 0.5. Round 1: p = (1/2, 1/2). A gain of 1 from arm 0 makes w_0 = exp(0.5 / (1/2 · 2)) = e^(1/2).
        let rule = Exp3 {
            arms: 2,
            plays: 1,
            gamma: 0.5,
        };
        let mut trial = Trial::new(&rule, 2);
        trial.indices(1);
        assert_eq!(trial.memory.1.row(0), [0.5, 0.5]);
        learn_all(&rule, &mut trial.memory, 0, &[(0, 1.0)]);
        assert!((trial.memory.0.row(0)[0] - 0.5).abs() < 1e-15);
        // Round 2: p_0 = 0.5 · e^(1/2) / (e^(1/2) + 1) + 0.25.
        trial.indices(2);
        let e = 0.5_f64.exp();
        let p = 0.5 * e / (e + 1.0) + 0.25;
        assert!((trial.memory.1.row(0)[0] - p).abs() < 1e-15);
        // A gain of 0.6 from arm 1.
        learn_all(&rule, &mut trial.memory, 0, &[(1, 0.6)]);
        let gained = 0.5 * 0.6 / ((1.0 - p) * 2.0);
        assert!((trial.memory.0.row(0)[1] - gained).abs() < 1e-15);
    }

    #[test]
    fn probabilities_sum_to_the_plays_throughout() {
        for plays in [1, 3] {
            let rule = Exp3 {
                arms: 6,
                plays,
                gamma: 0.1,
            };
            let mut trial = Trial::new(&rule, 6);
            trial.plays = plays;
            for t in 1..=5000 {
                let drawn = trial.indices(t);
                let arms: Vec<usize> = (0..6).filter(|&i| drawn[i] == 1.0).collect();
                assert_eq!(arms.len(), plays);
                let p = trial.memory.1.row(0);
                assert!((p.iter().sum::<f64>() - plays as f64).abs() < 1e-12);
                // Arms 0 and 1 always pay, so that with three plays they reach the cap.
                let gains: Vec<_> = arms
                    .iter()
                    .map(|&i| (i, f64::from(u8::from(i < 2))))
                    .collect();
                trial.learn(&gains);
            }
            let p = trial.memory.1.row(0);
            assert!(p[0] + p[1] > 0.8 * plays.min(2) as f64, "{p:?}");
        }
    }

    #[test]
    fn the_default_exploration_is_the_corollarys() {
        // N = 5, T = 3600: sqrt(5 ln 5 / ((e-1) 3600)) = 0.036068133…
        let gamma = default_gamma(5.0, 1.0, 3600.0);
        assert!((gamma - 0.036_068_133).abs() < 1e-9, "{gamma}");
        assert_eq!(default_gamma(5.0, 1.0, 1.0), 1.0);
        assert_eq!(default_gamma(3.0, 3.0, 10.0), 0.0);
    }
}
