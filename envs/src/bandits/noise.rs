//! Payoff noise with common random numbers.
//!
//! The noise of (episode, round, arm) is a pure function of a stream key, drawn by counter and not in sequence.
//! So two policies on one instance meet the same luck in every (round, arm), played or not, and a log replays bit
//! for bit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::math;
use crate::stream::{StreamKey, unit_f64};

/// How a payoff is drawn around its mean.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NoiseConfig {
    /// 1 with probability equal to the mean, else 0.
    #[default]
    Bernoulli,
    /// The mean plus a normal deviate; not clipped, so payoffs may leave `[0, 1]`.
    Gaussian {
        /// Standard deviation, at least 0.
        sigma: f64,
    },
    /// The mean itself.
    None,
}

impl NoiseConfig {
    /// One payoff with mean `mean` from the 128 random bits of [`payoff_bits`].
    ///
    /// Bernoulli: `[u < mean]` with `u` uniform from the first 64 bits. Gaussian: Box and Muller's (1958) cosine
    /// deviate of both halves.
    #[inline]
    pub fn payoff(self, mean: f32, bits: [u32; 4]) -> f32 {
        match self {
            Self::Bernoulli => f32::from(u8::from(unit_f64(bits[0], bits[1]) < f64::from(mean))),
            Self::Gaussian { sigma } => (f64::from(mean) + sigma * normal_deviate(bits)) as f32,
            Self::None => mean,
        }
    }

    /// Smallest and largest payoff that one play can have (infinite for Gaussian noise).
    pub fn payoff_range(self) -> (f32, f32) {
        match self {
            Self::Gaussian { sigma } if sigma > 0.0 => (f32::NEG_INFINITY, f32::INFINITY),
            _ => (0.0, 1.0),
        }
    }
}

/// The random bits of (`episode`, `round`, `arm`) under `key`.
///
/// `key` must be of a purpose of its own: a sequential stream under the same key would meet the same bits.
#[inline]
pub fn payoff_bits(key: StreamKey, episode: u64, round: u32, arm: u32) -> [u32; 4] {
    key.block(episode, u64::from(round) << 32 | u64::from(arm))
}

fn normal_deviate(bits: [u32; 4]) -> f64 {
    // 1 - u lies in (0, 1], so that the logarithm is finite.
    let radius = math::sqrt(-2.0 * math::ln(1.0 - unit_f64(bits[0], bits[1])));
    radius * math::cos(std::f64::consts::TAU * unit_f64(bits[2], bits[3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u32 = 200_000;

    fn payoffs(noise: NoiseConfig, mean: f32) -> Vec<f64> {
        let key = StreamKey::new(11, 0, "test.payoff");
        (0..DRAWS)
            .map(|round| f64::from(noise.payoff(mean, payoff_bits(key, 3, round, 1))))
            .collect()
    }

    /// Mean and standard deviation within 4 standard errors.
    #[test]
    fn payoffs_have_the_mean_and_spread_they_name() {
        let n = f64::from(DRAWS);
        for (noise, mean, sd) in [
            (NoiseConfig::Bernoulli, 0.3_f32, (0.3_f64 * 0.7).sqrt()),
            (NoiseConfig::Gaussian { sigma: 0.1 }, 0.5, 0.1),
            (NoiseConfig::None, 0.7, 0.0),
        ] {
            let draws = payoffs(noise, mean);
            let m = draws.iter().sum::<f64>() / n;
            let s = (draws.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / n).sqrt();
            assert!((m - f64::from(mean)).abs() <= 4.0 * sd / n.sqrt() + 1e-7);
            assert!(
                (s - sd).abs() <= 4.0 * sd / n.sqrt() + 1e-7,
                "{noise:?}: {s}"
            );
        }
    }

    #[test]
    fn the_normal_deviate_is_symmetric_and_has_normal_tails() {
        let draws = payoffs(NoiseConfig::Gaussian { sigma: 1.0 }, 0.0);
        let share = |f: &dyn Fn(f64) -> bool| {
            draws.iter().filter(|x| f(**x)).count() as f64 / f64::from(DRAWS)
        };
        // 4 standard errors of each share.
        assert!((share(&|x| x > 0.0) - 0.5).abs() < 0.0045);
        assert!((share(&|x| x.abs() < 1.0) - 0.682_689).abs() < 0.0042);
        assert!((share(&|x| x.abs() > 2.0) - 0.045_500).abs() < 0.0019);
        assert!(draws.iter().all(|x| x.is_finite()));
    }

    #[test]
    fn sure_and_impossible_payoffs_are_certain() {
        assert!(
            payoffs(NoiseConfig::Bernoulli, 1.0)
                .iter()
                .all(|x| *x == 1.0)
        );
        assert!(
            payoffs(NoiseConfig::Bernoulli, 0.0)
                .iter()
                .all(|x| *x == 0.0)
        );
    }

    #[test]
    fn a_larger_mean_never_pays_less_under_common_random_numbers() {
        let low = payoffs(NoiseConfig::Bernoulli, 0.4);
        let high = payoffs(NoiseConfig::Bernoulli, 0.6);
        assert!(low.iter().zip(&high).all(|(l, h)| l <= h));
    }
}
