//! Planners by name, with their parameters, as written in experiment files and on the command line.

use std::num::{NonZeroU32, NonZeroUsize};

use palaestra_envs::bandits::Instance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Plan, PlanError, Relaxation, VirtualCyclesConfig, best, best_repeated_block, calibrated_block,
    exact, graph, greedy, harmonic, independent, interleaved, isi_block, look_ahead, ranking,
    rotation, virtual_cycles,
};

/// A planner and its parameters; every parameter has a default.
///
/// ```
/// use palaestra_agents::bandits::planning::{PlannerConfig, plan};
/// use palaestra_envs::bandits::InstanceConfig;
///
/// let config: PlannerConfig = serde_json::from_str(r#"{"planner": "harmonic"}"#)?;
/// let lin4 = InstanceConfig::preset("lin4")?.build()?;
/// let plan = plan(&config, &lin4)?;
/// assert_eq!(plan.planner, "harmonic");
/// assert!((plan.value.rate - 0.8083333333).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "planner", rename_all = "snake_case", deny_unknown_fields)]
pub enum PlannerConfig {
    /// The arms that pay most now.
    Greedy {},
    /// The first choice of the best next rounds, chosen anew every round.
    LookAhead {
        /// Rounds to look ahead, at least 1. Default 2.
        #[serde(default = "default::depth")]
        depth: NonZeroU32,
        /// Rounds in which a cycle is looked for; else the rate is the mean of a run. Default 10000.
        #[serde(default = "default::max_rounds")]
        max_rounds: u64,
    },
    /// The optimum, for small instances.
    Exact {
        /// Largest number of states times choices. Default 2000000.
        #[serde(default = "default::max_edges")]
        max_edges: u64,
    },
    /// The best cycle over the first `m` arms by rested payoff.
    Ranking {},
    /// The best block that is repeated for ever.
    BestBlock {
        /// Rounds of the block, at least 1. Default: 6, or as many as can be searched if that is less.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        length: Option<NonZeroUsize>,
    },
    /// The best block whatever the states before it, repeated for ever.
    IsiBlock {
        /// Rounds of the block, at least 1. Default: 6, or as many as can be searched if that is less.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        length: Option<NonZeroUsize>,
    },
    /// The best block that begins with all arms in turn, repeated for ever.
    CalibratedBlock {
        /// Rounds of the block after all arms' turns, at least 1. Default: 6, or as many as can be searched if that is less.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        length: Option<NonZeroUsize>,
    },
    /// Fixed periods `b·2^j` that fit without gaps.
    Harmonic {
        /// The largest base `b` tried, at least 1. Default 64.
        #[serde(default = "default::largest_base")]
        largest_base: u64,
    },
    /// Virtual cycles with phases fixed one after another: the planner with a proven share of the optimum.
    VirtualCycles(VirtualCyclesConfig),
    /// Every round an arm drawn at the rates of the relaxation. One play a round; safe for concave recharging only.
    Independent {
        /// Rounds of the schedule that is drawn and repeated. Default 4096.
        #[serde(default = "default::rounds")]
        rounds: usize,
        /// Seed of the draws. Default 0.
        #[serde(default)]
        seed: u64,
    },
    /// The arms' evenly spaced plays with random offsets, in the order of their times. One play a round; safe for
    /// concave recharging only.
    Interleaved {
        /// Schedules drawn, of which the best is taken; at least 1. Default 32.
        #[serde(default = "default::draws")]
        draws: u64,
        /// Longest schedule, in rounds. Default 4096.
        #[serde(default = "default::rounds")]
        rounds: usize,
        /// Seed of the draws. Default 0.
        #[serde(default)]
        seed: u64,
    },
    /// Arms as intervals of a circle that turns by the golden ratio. One play a round; safe for concave recharging only.
    Rotation {},
    /// The best plan of several planners.
    Best {
        /// Interleaved schedules drawn. Default 32.
        #[serde(default = "default::draws")]
        draws: u64,
        /// Longest interleaved schedule, in rounds. Default 4096.
        #[serde(default = "default::rounds")]
        rounds: usize,
        /// Seed of the draws. Default 0.
        #[serde(default)]
        seed: u64,
    },
}

/// Default parameters.
mod default {
    use std::num::NonZeroU32;

    pub(super) fn depth() -> NonZeroU32 {
        NonZeroU32::MIN.saturating_add(1)
    }
    pub(super) fn max_rounds() -> u64 {
        10_000
    }
    pub(super) fn max_edges() -> u64 {
        super::graph::MAX_EDGES
    }
    /// The longest block.
    pub(super) const LENGTH: usize = 6;
    pub(super) fn largest_base() -> u64 {
        super::harmonic::LARGEST_BASE
    }
    pub(super) fn rounds() -> usize {
        4096
    }
    pub(super) fn draws() -> u64 {
        32
    }
}

impl Default for PlannerConfig {
    /// The portfolio, [`Best`](Self::Best).
    fn default() -> Self {
        Self::Best {
            draws: default::draws(),
            rounds: default::rounds(),
            seed: 0,
        }
    }
}

/// Plans `instance` from its starting states as `config` says.
///
/// # Errors
/// [`PlanError`] if the instance is too large or unsuitable for the planner; its text says what to use instead.
pub fn plan(config: &PlannerConfig, instance: &Instance) -> Result<Plan, PlanError> {
    let rates = || Relaxation::new(instance).rates();
    match *config {
        PlannerConfig::Greedy {} => greedy(instance),
        PlannerConfig::LookAhead { depth, max_rounds } => {
            look_ahead(instance, depth.get(), max_rounds)
        }
        PlannerConfig::Exact { max_edges } => exact(instance, max_edges),
        PlannerConfig::Ranking {} => ranking(instance),
        PlannerConfig::BestBlock { length } => blocks(best_repeated_block, instance, length),
        PlannerConfig::IsiBlock { length } => blocks(isi_block, instance, length),
        PlannerConfig::CalibratedBlock { length } => blocks(calibrated_block, instance, length),
        PlannerConfig::Harmonic { largest_base } => harmonic(instance, largest_base),
        PlannerConfig::VirtualCycles(config) => virtual_cycles(instance, &config),
        PlannerConfig::Independent { rounds, seed } => {
            independent(instance, &rates(), rounds, seed)
        }
        PlannerConfig::Interleaved {
            draws,
            rounds,
            seed,
        } => interleaved(instance, &rates(), draws, rounds, seed),
        PlannerConfig::Rotation {} => rotation(instance, &rates()),
        PlannerConfig::Best {
            draws,
            rounds,
            seed,
        } => best(instance, draws, rounds, seed),
    }
}

/// The plan of a block planner for blocks of `length` rounds; by default of as many up to 6 as it accepts.
fn blocks(
    planner: impl Fn(&Instance, usize) -> Result<Plan, PlanError>,
    instance: &Instance,
    length: Option<NonZeroUsize>,
) -> Result<Plan, PlanError> {
    if let Some(length) = length {
        return planner(instance, length.get());
    }
    let mut length = default::LENGTH;
    loop {
        match planner(instance, length) {
            Err(PlanError::TooLarge { .. }) if length > 1 => length -= 1,
            Ok(mut plan) if length < default::LENGTH => {
                plan.notes.push(format!(
                    "There are too many blocks of {} rounds; this is the best of {length}.",
                    length + 1
                ));
                return Ok(plan);
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::InstanceConfig;
    use serde_json::json;

    use super::{super::catalogue::PLANNERS, *};

    fn parse(value: serde_json::Value) -> Result<PlannerConfig, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn every_planner_is_known_by_its_name_and_plans_under_it() {
        let mut config = InstanceConfig::preset("exp3").unwrap();
        config.plays = 1;
        let instance = config.build().unwrap();
        for info in PLANNERS {
            let config = parse(json!({ "planner": info.id })).unwrap();
            let plan = plan(&config, &instance).unwrap();
            assert!(plan.value.rate > 0.4, "{}", info.id);
            if info.id != "best" {
                assert_eq!(plan.planner, info.id);
            }
            let written = serde_json::to_value(&config).unwrap();
            assert_eq!(written["planner"], info.id);
            assert_eq!(parse(written).unwrap(), config);
            for text in [info.summary, info.provenance] {
                assert!(text.ends_with('.') && !text.contains('\n'), "{}", info.id);
            }
        }
        let schema = serde_json::to_value(schemars::schema_for!(PlannerConfig)).unwrap();
        let variants = schema["oneOf"].as_array().unwrap().iter();
        let names: Vec<&str> = variants
            .map(|variant| variant["properties"]["planner"]["const"].as_str().unwrap())
            .collect();
        assert_eq!(names, PLANNERS.map(|info| info.id));
    }

    #[test]
    fn parameters_reach_the_planner() {
        let step2 = InstanceConfig::preset("step2").unwrap().build().unwrap();
        // All arms in turn and two rounds more alternate; with one more they cannot.
        for (length, rate) in [(2, 0.5), (3, (0.05 * 3.0 + 0.95 + 0.95) / 5.0)] {
            let config = parse(json!({ "planner": "calibrated_block", "length": length })).unwrap();
            let found = plan(&config, &step2).unwrap().value.rate;
            assert!(found >= rate - 1e-12, "{length}: {found}");
        }
        let geo3 = InstanceConfig::preset("geo3").unwrap().build().unwrap();
        let config = parse(json!({ "planner": "look_ahead", "depth": 4 })).unwrap();
        assert!((plan(&config, &geo3).unwrap().value.rate - 0.7).abs() < 1e-9);
        let config = parse(json!({ "planner": "harmonic", "largest_base": 1 })).unwrap();
        assert!(plan(&config, &geo3).unwrap().value.rate < 0.7 - 1e-9);
        let config = parse(json!({ "planner": "exact", "max_edges": 10 })).unwrap();
        assert!(matches!(
            plan(&config, &geo3),
            Err(PlanError::TooLarge { .. })
        ));
    }

    #[test]
    fn blocks_are_as_long_as_can_be_searched() {
        let planned = |planner: &str, length: Option<usize>, arms, plays| {
            let mut config = json!({ "planner": planner });
            if let Some(length) = length {
                config["length"] = length.into();
            }
            let instance = InstanceConfig::big(arms, plays).build().unwrap();
            plan(&parse(config).unwrap(), &instance)
        };
        for planner in ["best_block", "isi_block", "calibrated_block"] {
            for (arms, longest) in [(50, 3), (3, 6)] {
                let by_default = planned(planner, None, arms, 1).unwrap();
                let explicit = planned(planner, Some(longest), arms, 1).unwrap();
                assert_eq!(by_default.value, explicit.value, "{planner}");
                assert_eq!(by_default.notes.is_empty(), longest == 6, "{by_default:?}");
            }
            assert!(planned(planner, Some(4), 50, 1).is_err(), "{planner}");
            // Several plays of many arms are too many sets whatever the length.
            let error = planned(planner, None, 50, 5).unwrap_err().to_string();
            assert!(error.contains("sets of arms"), "{error}");
        }
    }

    #[test]
    fn misspelt_names_and_parameters_are_refused() {
        for wrong in [
            json!({ "planner": "harmonics" }),
            json!({ "planner": "greedy", "depth": 3 }),
            json!({ "planner": "harmonic", "base": 3 }),
            json!({ "largest_base": 3 }),
            json!({ "planner": "virtual_cycles", "largest_base": 3 }),
            json!({ "planner": "look_ahead", "depth": 0 }),
            json!({ "planner": "isi_block", "length": 0 }),
        ] {
            let error = parse(wrong.clone()).unwrap_err();
            assert!(
                ["unknown", "missing", "nonzero"]
                    .iter()
                    .any(|word| error.contains(word)),
                "{wrong}: {error}"
            );
        }
    }
}
