//! EXP3-IX: exponential weights with implicit exploration.
//!
//! Neu, *Explore no more: Improved high-probability regret bounds for non-stochastic bandits*, NIPS 2015,
//! algorithm 1 with the constants of theorem 1.
//!
//! Several plays are an extension of ours: probabilities are capped at 1 as in EXP3.M, but weights stay cut (mirror
//! descent on k-subsets), and `η = sqrt(2 k ln(N/k) / (N T))`. With `k = 1` it is the paper's algorithm.

use palaestra_envs::{math::ln, stream::Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, LearnerSettings, Play, Round, Rule, Table,
    exp3::{draw, mean_entropy},
    marginals::marginals,
    setup::{LearnerArgs, check, horizon},
};
use crate::{AgentContext, AgentError};

/// `p_i = w_i / Σ w`, and `w_i *= exp(-η (1 - x_i) / (p_i + η/2))` for a played arm with payoff `x_i`.
#[derive(Debug, Clone, PartialEq)]
pub struct Exp3Ix {
    /// `η`, above 0.
    pub eta: f64,
}

impl Rule for Exp3Ix {
    /// `ln w_i` and the probabilities `p_i` of the last round.
    type Memory = (Table, Table);
    const UNIT_PAYOFFS: bool = true;

    fn memory(&self, seats: usize, arms: usize) -> Self::Memory {
        (Table::new(seats, arms), Table::new(seats, arms))
    }

    fn indices(&self, memory: &mut Self::Memory, round: &mut Round<'_>, index: &mut [f64]) {
        let (log_w, p) = (memory.0.row_mut(round.seat), memory.1.row_mut(round.seat));
        if round.greedy {
            return index.copy_from_slice(log_w);
        }
        let cap = marginals(log_w, round.mask, round.plays, 0.0, p);
        for (arm, w) in log_w.iter_mut().enumerate() {
            if round.allows(arm) {
                *w = w.min(cap);
            }
        }
        index.copy_from_slice(p);
        draw(index, round);
    }

    fn learn(&self, memory: &mut Self::Memory, seat: usize, plays: &[Play], _rng: &mut Stream) {
        let (log_w, p) = (memory.0.row_mut(seat), memory.1.row(seat));
        for &Play { arm, payoff } in plays {
            log_w[arm] -= self.eta * (1.0 - payoff) / (p[arm] + self.eta / 2.0);
        }
    }

    fn metrics(&self, memory: &Self::Memory, rounds: &[u64], record: &mut dyn FnMut(&str, f64)) {
        record("bandit/entropy", mean_entropy(&memory.1, rounds));
    }
}

/// Arguments of `exp3_ix`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Exp3IxArgs {
    /// Learning rate `η`, above 0. Default `sqrt(2 k ln(N/k) / (N T))`.
    pub eta: Option<f64>,
    /// Rounds `T` that the default of `eta` is for. Default: the length of an episode or of the run,
    /// whichever is shorter; that of the run if nothing is forgotten.
    pub horizon: Option<u64>,
    /// Rewards that count as 0 and as 1; others are clipped. Default: the environment's range if finite, else 0
    /// and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl LearnerArgs for Exp3IxArgs {
    type Rule = Exp3Ix;
    const ID: &'static str = "exp3_ix";
    const SUMMARY: &'static str =
        "EXP3-IX: exponential weights with implicit exploration of rare arms.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<Exp3Ix, AgentError> {
        let eta = if let Some(eta) = self.eta {
            check("eta", eta, f64::MIN_POSITIVE.., "above 0")?
        } else {
            let t = horizon(context, self.horizon, self.keep_across_episodes)?;
            default_eta(arms.count() as f64, arms.plays() as f64, t)
        };
        Ok(Exp3Ix { eta })
    }
}

fn default_eta(n: f64, k: f64, t: f64) -> f64 {
    (2.0 * k * ln(n / k) / (n * t)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bandits::testbed::Trial;

    #[test]
    fn the_first_steps_are_those_of_the_paper() {
        // N = 2, η = 0.4. Round 1: p = (1/2, 1/2). A loss of 1 from arm 1 is estimated as 1 / (0.5 + 0.2).
        let rule = Exp3Ix { eta: 0.4 };
        let mut trial = Trial::new(&rule, 2);
        trial.indices(1);
        assert_eq!(trial.memory.1.row(0), [0.5, 0.5]);
        trial.learn(&[(1, 0.0)]);
        let w = (-0.4 / 0.7_f64).exp();
        trial.indices(2);
        let p = trial.memory.1.row(0);
        assert!((p[1] - w / (1.0 + w)).abs() < 1e-15);
        // A payoff of 1 is no loss.
        let before = trial.memory.clone();
        trial.learn(&[(0, 1.0)]);
        assert_eq!(trial.memory, before);
    }

    #[test]
    fn with_several_plays_the_weights_of_certain_arms_stay_cut() {
        let rule = Exp3Ix { eta: 0.2 };
        let mut trial = Trial::new(&rule, 5);
        trial.plays = 2;
        for t in 1..=3000 {
            let drawn = trial.indices(t);
            let arms: Vec<usize> = (0..5).filter(|&i| drawn[i] == 1.0).collect();
            assert_eq!(arms.len(), 2);
            let p = trial.memory.1.row(0);
            assert!((p.iter().sum::<f64>() - 2.0).abs() < 1e-12, "{p:?}");
            // Arms 0 and 1 never lose at first; then arms 3 and 4 do not.
            let good = if t <= 1000 { [0, 1] } else { [3, 4] };
            let pays = |arm: &usize| (*arm, f64::from(u8::from(good.contains(arm))));
            let payoffs: Vec<_> = arms.iter().map(pays).collect();
            trial.learn(&payoffs);
            if t == 1000 {
                let p = trial.memory.1.row(0);
                assert!(p[0] + p[1] > 1.9, "{p:?}");
            }
        }
        // Had the weights of certain arms grown without bound, the change would not be noticed.
        let p = trial.memory.1.row(0);
        assert!(p[3] + p[4] > 1.9, "{p:?}");
    }

    #[test]
    fn the_default_rate_is_the_theorems() {
        // N = 5, T = 3600: sqrt(2 ln 5 / 18000) = 0.0133726…
        assert!((default_eta(5.0, 1.0, 3600.0) - 0.013_372_6).abs() < 1e-6);
    }
}
