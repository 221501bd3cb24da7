//! Named instances: published ones with their exact parameters, and golden ones whose optimum is known.
//!
//! `optimal_rate` is set where the largest long-run mean payoff is known: by value iteration with matching lower and
//! upper bounds (to 1e-10), or because a schedule reaches an upper bound. Where it is `None`, the summary names the
//! best bound.

use rand::{Rng, RngExt};

use super::arm::ArmConfig;
use super::config::{InstanceConfig, StartConfig};
use super::noise::NoiseConfig;

mod golden;
mod published;

const LSD_PAPER: &str = "Laforgue, Clerici, Cesa-Bianchi, Gilad-Bachrach, AISTATS 2022 (arXiv 2110.11819), released code";
const RECOVERING_PAPER: &str =
    "Pike-Burke, Grünewälder, NeurIPS 2019 (arXiv 1910.14354), released code";
const GOLDEN: &str = "Palaestra golden instance";

/// A named instance.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name, as in `InstanceConfig::preset(id)`.
    pub id: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// Where its parameters come from.
    pub source: &'static str,
    build: fn() -> InstanceConfig,
}

/// There is no preset of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown bandit instance `{id}`; the nearest name is `{nearest}`")]
pub struct UnknownPreset {
    /// The name asked for.
    pub id: String,
    /// The known name that looks most like it.
    pub nearest: &'static str,
}

/// All named instances. Beside these, `big{N}_{k}` names [`InstanceConfig::big`] of any size.
pub const PRESETS: [Preset; 18] = [
    Preset {
        id: "spike5",
        summary: "5 arms, exactly 1 play; 0.95 at delay 3 and 0.96 from delay 9 against 0.15; greedy is caught at 0.152",
        source: LSD_PAPER,
        build: published::spike5,
    },
    Preset {
        id: "step2",
        summary: "2 arms, exactly 1 play; alternating pays 0.5, greedy 0.06",
        source: LSD_PAPER,
        build: published::step2,
    },
    Preset {
        id: "pb_log10",
        summary: "10 logistic recovering arms, exactly 1 play, noise 0.1; optimum at most 0.53635672, greedy 0.48551703",
        source: RECOVERING_PAPER,
        build: published::pb_log10,
    },
    Preset {
        id: "pb_gamma10",
        summary: "10 hump-shaped arms, exactly 1 play, noise 0.1; optimum at most 0.25693022, greedy 0.14720648",
        source: RECOVERING_PAPER,
        build: published::pb_gamma10,
    },
    Preset {
        id: "stat3",
        summary: "3 stationary arms: an ordinary bandit",
        source: GOLDEN,
        build: golden::stat3,
    },
    Preset {
        id: "block244",
        summary: "3 blocking arms with delays 2, 4, 4 that fit together perfectly",
        source: GOLDEN,
        build: || golden::blocking(&[(0.9, 2), (0.6, 4), (0.5, 4)], 0.725),
    },
    Preset {
        id: "block236",
        summary: "3 blocking arms with delays 2, 3, 6 that cannot all be served",
        source: GOLDEN,
        build: || golden::blocking(&[(1.0, 2), (0.8, 3), (0.6, 6)], 0.775),
    },
    Preset {
        id: "block237",
        summary: "3 blocking arms with delays 2, 3, 7 that cannot all be served",
        source: GOLDEN,
        build: || golden::blocking(&[(1.0, 2), (1.0, 3), (0.9, 7)], 0.8625),
    },
    Preset {
        id: "exp3",
        summary: "3 arms that recharge exponentially",
        source: GOLDEN,
        build: golden::exp3,
    },
    Preset {
        id: "lin4",
        summary: "4 arms that recharge linearly",
        source: GOLDEN,
        build: golden::lin4,
    },
    Preset {
        id: "geo3",
        summary: "3 arms with geometric deprivation and satiation",
        source: GOLDEN,
        build: golden::geo3,
    },
    Preset {
        id: "log3",
        summary: "3 arms with logistic payoffs on both sides; the learning-curve instance",
        source: GOLDEN,
        build: golden::log3,
    },
    Preset {
        id: "burst2",
        summary: "2 arms on which bursts of consecutive plays are optimal",
        source: GOLDEN,
        build: golden::burst2,
    },
    Preset {
        id: "sea3",
        summary: "3 seasonal arms; not monotone",
        source: GOLDEN,
        build: golden::sea3,
    },
    Preset {
        id: "geo5k2",
        summary: "5 geometric arms, up to 2 plays",
        source: GOLDEN,
        build: golden::geo5k2,
    },
    Preset {
        id: "depr10",
        summary: "10 equal arms that pay only from 9 idle rounds on; random phases lose a third",
        source: GOLDEN,
        build: golden::depr10,
    },
    Preset {
        id: "big50_1",
        summary: "50 geometric arms, 1 play; optimum at most 0.96965225",
        source: GOLDEN,
        build: || InstanceConfig::big(50, 1),
    },
    Preset {
        id: "big50_5",
        summary: "50 geometric arms, up to 5 plays; optimum at most 4.31795364, greedy about 4.273",
        source: GOLDEN,
        build: || InstanceConfig::big(50, 5),
    },
];

/// Blocking times of the instances of [`InstanceConfig::block_basu`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BasuDelays {
    /// Uniform on `1..=10`.
    Small,
    /// Uniform on `11..=20`.
    Large,
    /// All 10.
    Fixed,
}

impl InstanceConfig {
    /// The named instance `id`: one of [`PRESETS`], or `big{N}_{k}`.
    ///
    /// ```
    /// use palaestra_envs::bandits::InstanceConfig;
    ///
    /// let config = InstanceConfig::preset("spike5").unwrap();
    /// assert_eq!((config.arms.len(), config.horizon), (5, 3600));
    /// assert_eq!(InstanceConfig::preset("big200_10").unwrap().plays, 10);
    /// assert_eq!(InstanceConfig::preset("spike6").unwrap_err().nearest, "spike5");
    /// ```
    ///
    /// # Errors
    /// If no instance has this name.
    pub fn preset(id: &str) -> Result<Self, UnknownPreset> {
        if let Some(preset) = PRESETS.iter().find(|preset| preset.id == id) {
            return Ok((preset.build)());
        }
        let size = id.strip_prefix("big").and_then(|size| size.split_once('_'));
        if let Some((arms, plays)) = size
            && let (Ok(arms), Ok(plays)) = (arms.parse::<u16>(), plays.parse::<u16>())
        {
            return Ok(Self::big(usize::from(arms), usize::from(plays)));
        }
        let nearest = (PRESETS.iter().map(|preset| preset.id))
            .min_by_key(|known| strsim::damerau_levenshtein(known, id))
            .unwrap_or_default();
        Err(UnknownPreset {
            id: id.to_owned(),
            nearest,
        })
    }

    /// `N` geometric arms with up to `k` plays, for measurements of scale: `M = 1 − i/2N`, `b = M/2`,
    /// `a = 0.4 + i/2N`, `r = 0.9 − 0.3i/N`, `D = 64`, `C = 16`.
    pub fn big(arms: usize, plays: usize) -> Self {
        let arm = |i: usize| {
            let share = i as f64 / arms as f64;
            let rested = 1.0 - 0.5 * share;
            ArmConfig::Geo {
                rested,
                base: 0.5 * rested,
                deprivation: 0.4 + 0.5 * share,
                satiation: 0.9 - 0.3 * share,
                idle_cap: 64,
                played_cap: 16,
            }
        };
        Self {
            plays,
            horizon: 5000,
            ..rested((0..arms).map(arm).collect(), None)
        }
    }

    /// A random instance of the experiments of Basu, Sen, Sanghavi, Shakkottai (*Blocking Bandits*, arXiv 1907.11975):
    /// 20 blocking arms, 10⁴ rounds, gaps between successive means uniform on `(0.01, 0.05)`, the first from 0.
    ///
    /// The parameters are those of a public replication that reports them to match the paper; the paper's own text
    /// was not compared.
    pub fn block_basu(delays: BasuDelays, rng: &mut impl Rng) -> Self {
        const ARMS: usize = 20;
        let mut mean = 0.0;
        let mut arms = Vec::with_capacity(ARMS);
        for _ in 0..ARMS {
            mean += 0.01 + 0.04 * rng.random::<f64>();
            let tenth = (10.0 * rng.random::<f64>()) as u16;
            let delay = match delays {
                BasuDelays::Small => 1 + tenth,
                BasuDelays::Large => 11 + tenth,
                BasuDelays::Fixed => 10,
            };
            arms.push(ArmConfig::Blocking {
                mean: mean.min(1.0),
                delay,
            });
        }
        Self {
            horizon: 10_000,
            ..rested(arms, None)
        }
    }
}

/// One play at most, rested start, Bernoulli payoffs, 1000 rounds.
fn rested(arms: Vec<ArmConfig>, optimal_rate: Option<f64>) -> InstanceConfig {
    InstanceConfig {
        arms,
        plays: 1,
        exact: false,
        start: StartConfig::Rested,
        noise: NoiseConfig::Bernoulli,
        horizon: 1000,
        optimal_rate,
    }
}
