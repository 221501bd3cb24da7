//! What the tests of planners share: golden instances by name and random instances.

use palaestra_envs::bandits::{ArmConfig, Instance, InstanceConfig, NoiseConfig, StartConfig};
use palaestra_envs::stream::Stream;
use rand::RngExt;

/// The golden instances that are monotone, for [`preset`].
pub(super) const MONOTONE: [&str; 15] = [
    "stat3",
    "stat3 k=2",
    "block244",
    "block236",
    "block237",
    "exp3",
    "lin4",
    "geo3",
    "log3",
    "burst2",
    "geo5k2",
    "step2",
    "depr10",
    "big50_1",
    "big50_5",
];

/// A preset; `NAME k=2` is the preset `NAME` with two plays.
pub(super) fn preset(id: &str) -> Instance {
    let (id, plays) = id.split_once(" k=").unwrap_or((id, ""));
    let mut config = InstanceConfig::preset(id).unwrap();
    if let Ok(plays) = plays.parse() {
        config.plays = plays;
        config.optimal_rate = None;
    }
    config.build().unwrap()
}

/// What a random instance may be like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Whether payoffs never fall with rest and never rise with plays; else they are arbitrary.
    pub(super) monotone: bool,
    /// Whether some arms have a period.
    pub(super) wraps: bool,
    pub(super) exact: bool,
}

impl Shape {
    pub(super) const MONOTONE: Self = Self {
        monotone: true,
        wraps: false,
        exact: false,
    };
}

/// Up to `arms` arms with caps up to `cap`, tables of random payoffs and a random number of plays; one in three starts
/// elsewhere than rested.
pub(super) fn random_instance(seed: u64, shape: Shape, arms: usize, cap: usize) -> Instance {
    let rng = &mut Stream::new(seed, 0, "test.instance");
    let count = rng.random_range(1..=arms);
    let arms: Vec<ArmConfig> = (0..count).map(|_| random_arm(rng, shape, cap)).collect();
    let start = if seed % 3 == 1 {
        StartConfig::JustPlayed
    } else {
        StartConfig::Rested
    };
    InstanceConfig {
        plays: rng.random_range(1..=count),
        arms,
        exact: shape.exact,
        start,
        noise: NoiseConfig::default(),
        horizon: 100,
        optimal_rate: None,
    }
    .build()
    .unwrap()
}

fn random_arm(rng: &mut Stream, shape: Shape, cap: usize) -> ArmConfig {
    let (played, idle) = (rng.random_range(1..=cap), rng.random_range(1..=cap));
    let mut payoffs: Vec<f64> = (0..played + idle).map(|_| rng.random()).collect();
    // Some arms pay nothing in some states, some pay the same in several.
    if rng.random::<f64>() < 0.5 {
        let grain = 0.25;
        payoffs
            .iter_mut()
            .for_each(|p| *p = (*p / grain).floor() * grain);
    }
    if shape.monotone {
        payoffs.sort_by(f64::total_cmp);
    }
    let rested = payoffs.split_off(played);
    payoffs.reverse();
    let period = if shape.wraps && !shape.monotone {
        rng.random_range(1..=idle) as u16
    } else {
        1
    };
    ArmConfig::StateTable {
        rested,
        satiated: payoffs,
        period,
    }
}
