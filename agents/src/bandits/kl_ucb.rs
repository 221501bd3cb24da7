//! KL-UCB: confidence bounds from the Kullback-Leibler divergence of Bernoulli payoffs.
//!
//! Garivier, Cappé, *The KL-UCB Algorithm for Bounded Stochastic Bandits and Beyond*, COLT 2011, algorithm 1.
//!
//! Difference: `ln ln t` is negative before round 3; it counts as 0 there.

use palaestra_envs::{
    math::{exp, ln},
    stream::Stream,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, Averages, LearnerSettings, Play, Round, Rule,
    setup::{LearnerArgs, check},
};
use crate::{AgentContext, AgentError};

/// `max { q : n_i kl(m_i, q) <= ln t + c ln ln t }`; arms never played come first.
#[derive(Debug, Clone, PartialEq)]
pub struct KlUcb {
    /// `c`.
    pub c: f64,
}

impl Rule for KlUcb {
    type Memory = Averages;
    const UNIT_PAYOFFS: bool = true;

    fn memory(&self, seats: usize, arms: usize) -> Averages {
        Averages::new(seats, arms)
    }

    fn indices(&self, memory: &mut Averages, round: &mut Round<'_>, index: &mut [f64]) {
        if round.greedy {
            return memory.greedy(round.seat, index);
        }
        let ln_t = ln(round.t as f64);
        let level = ln_t + self.c * ln(ln_t.max(1.0));
        memory.write(round.seat, index, f64::INFINITY, |n, m| {
            kl_upper_bound(m, level / n)
        });
    }

    fn learn(&self, memory: &mut Averages, seat: usize, plays: &[Play], _rng: &mut Stream) {
        memory.add_all(seat, plays);
    }
}

/// The largest `q` in `[p, 1]` with `kl(p, q) <= level`, where
/// `kl(p, q) = p ln(p/q) + (1-p) ln((1-p)/(1-q))`; accurate to about 1e-12.
///
/// `kl(p, ·)` is convex and rises on `[p, 1]`, so Newton's method descends to the root from any point above it.
/// It starts at the lower of two such points: Pinsker's `kl >= 2 (q-p)²`, tight near `p`, and
/// `kl >= -(1-p) ln(1-q) - h(p)` with the entropy `h`, tight near 1. Four or five steps are the rule.
pub fn kl_upper_bound(p: f64, level: f64) -> f64 {
    if p >= 1.0 || level <= 0.0 {
        return p.min(1.0);
    }
    if p <= 0.0 {
        return 1.0 - exp(-level); // kl(0, q) = -ln(1-q)
    }
    let entropy = -p * ln(p) - (1.0 - p) * ln(1.0 - p);
    let near_p = p + (level / 2.0).sqrt();
    let near_one = 1.0 - exp(-(level + entropy) / (1.0 - p));
    let mut q = near_p.min(near_one);
    for _ in 0..MAX_STEPS {
        if q >= 1.0 {
            return 1.0; // The root differs from 1 by less than a rounding error.
        }
        let excess = -entropy - p * ln(q) - (1.0 - p) * ln(1.0 - q) - level;
        let slope = (q - p) / (q * (1.0 - q));
        let next = (q - excess / slope).max(p);
        if q - next <= TOLERANCE {
            return next;
        }
        q = next;
    }
    q
}

const MAX_STEPS: usize = 16;
/// Newton's last step squares the error, so a step this short has arrived.
const TOLERANCE: f64 = 1e-12;

/// Arguments of `kl_ucb`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KlUcbArgs {
    /// `c` in `n_i kl(m_i, q) <= ln t + c ln ln t`, at least 0. Default 3, as in the theorem; the paper's
    /// experiments take 0.
    pub c: f64,
    /// Rewards that count as 0 and as 1; others are clipped. Default: the environment's range if finite, else 0
    /// and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl Default for KlUcbArgs {
    fn default() -> Self {
        Self {
            c: 3.0,
            reward_range: None,
            keep_across_episodes: false,
        }
    }
}

impl LearnerArgs for KlUcbArgs {
    type Rule = KlUcb;
    const ID: &'static str = "kl_ucb";
    const SUMMARY: &'static str =
        "KL-UCB: the largest mean that is likely by the Kullback-Leibler divergence.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, _context: &AgentContext, _arms: &Arms) -> Result<KlUcb, AgentError> {
        Ok(KlUcb {
            c: check("c", self.c, 0.0.., "at least 0")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bandits::testbed::{index_after, learn_all};

    fn kl(p: f64, q: f64) -> f64 {
        let term = |a: f64, b: f64| if a == 0.0 { 0.0 } else { a * (a / b).ln() };
        term(p, q) + term(1.0 - p, 1.0 - q)
    }

    #[test]
    fn known_bounds() {
        // kl(1/2, q) = -ln(4 q (1-q)) / 2 = ln 2 gives q (1-q) = 1/16, so q = (1 + sqrt(3/4)) / 2.
        let expected = 0.5 + 0.75_f64.sqrt() / 2.0;
        assert!((kl_upper_bound(0.5, std::f64::consts::LN_2) - expected).abs() < 1e-12);
        assert!((kl_upper_bound(0.0, std::f64::consts::LN_2) - 0.5).abs() < 1e-15);
        assert_eq!(kl_upper_bound(1.0, 0.3), 1.0);
        assert_eq!(kl_upper_bound(0.3, 0.0), 0.3);
        assert_eq!(kl_upper_bound(0.3, 1e6), 1.0);
    }

    #[test]
    fn the_index_uses_the_exploration_level_of_the_round() {
        let rule = KlUcb { c: 3.0 };
        let mut memory = rule.memory(1, 3);
        learn_all(&rule, &mut memory, 0, &[(0, 1.0), (0, 0.0), (1, 0.0)]);
        let index = index_after(&rule, &mut memory, 0, 20, 3);
        let level = 20_f64.ln() + 3.0 * 20_f64.ln().ln();
        assert!((2.0 * kl(0.5, index[0]) - level).abs() < 1e-9);
        assert!((index[1] - (1.0 - (-level).exp())).abs() < 1e-12);
        assert_eq!(index[2], f64::INFINITY);
        // In round 2, ln ln 2 < 0 counts as 0.
        let early = index_after(&rule, &mut memory, 0, 2, 3);
        assert!((early[1] - 0.5).abs() < 1e-12);
    }

    proptest! {
        /// The root lies within 1e-9 of the index; where the equation is well conditioned (its slope is below
        /// 1e6), the index also solves it to 1e-9.
        #[test]
        fn the_index_solves_its_equation(p in 0.0..=1.0f64, log_level in -12.0..3.0f64) {
            let level = 10f64.powf(log_level);
            let q = kl_upper_bound(p, level);
            prop_assert!((p..=1.0).contains(&q));
            let (below, above) = (q - 1e-9, q + 1e-9);
            prop_assert!(below <= p || kl(p, below) <= level + 1e-15, "{q} is too large");
            prop_assert!(above >= 1.0 || kl(p, above) >= level - 1e-15, "{q} is too small");
            if q < 1.0 && (q - p) / (q * (1.0 - q)) < 1e6 {
                prop_assert!((kl(p, q) - level).abs() <= 1e-9, "off by {}", kl(p, q) - level);
            }
        }

        #[test]
        fn extreme_means_are_no_trouble(tiny in 0.0..1e-12f64, level in 0.0..50.0f64) {
            for p in [tiny, 1.0 - tiny] {
                let q = kl_upper_bound(p, level);
                prop_assert!(q >= p && q <= 1.0, "{p} {level} {q}");
            }
        }
    }
}
