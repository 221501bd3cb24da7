//! Small instances of every family whose optimum is known; [`PRESETS`](super::PRESETS) says what each is.
//!
//! Unless stated: at most one play a round, all arms rested, Bernoulli payoffs, 1000 rounds. The optimal rates come
//! from value iteration whose lower and upper bounds agree to 1e-10; that of `depr10` is reached by a round robin.

use super::rested;
use crate::bandits::{ArmConfig, InstanceConfig};

pub(super) fn stat3() -> InstanceConfig {
    let arm = |mean| ArmConfig::Constant { mean };
    rested([0.5, 0.4, 0.3].map(arm).to_vec(), Some(0.5))
}

pub(super) fn blocking(arms: &[(f64, u16)], optimal_rate: f64) -> InstanceConfig {
    let arm = |&(mean, delay): &(f64, u16)| ArmConfig::Blocking { mean, delay };
    rested(arms.iter().map(arm).collect(), Some(optimal_rate))
}

pub(super) fn exp3() -> InstanceConfig {
    let arm = |(mean, decay)| ArmConfig::ExpRecharge {
        mean,
        decay,
        max_delay: 16,
    };
    let arms = [(1.0, 0.5), (0.8, 0.7), (0.6, 0.9)].map(arm);
    rested(arms.to_vec(), Some(0.606_323_696_2))
}

pub(super) fn lin4() -> InstanceConfig {
    let arm = |(mean, full_delay)| ArmConfig::LinearRecharge { mean, full_delay };
    let arms = [(1.0, 3), (0.9, 4), (0.8, 5), (0.7, 6)].map(arm);
    rested(arms.to_vec(), Some(0.825))
}

fn geo(
    [rested, base, deprivation, satiation]: [f64; 4],
    idle_cap: u16,
    played_cap: u16,
) -> ArmConfig {
    ArmConfig::Geo {
        rested,
        base,
        deprivation,
        satiation,
        idle_cap,
        played_cap,
    }
}

pub(super) fn geo3() -> InstanceConfig {
    let arms = [
        [1.0, 0.4, 0.6, 0.5],
        [0.8, 0.5, 0.5, 0.8],
        [0.6, 0.5, 0.3, 0.95],
    ];
    rested(arms.map(|p| geo(p, 12, 4)).to_vec(), Some(0.7))
}

pub(super) fn log3() -> InstanceConfig {
    let arm = |[low, high, center, width]: [f64; 4]| ArmConfig::Logistic {
        low,
        high,
        center,
        width,
        idle_cap: 8,
        played_cap: 4,
    };
    let arms = [
        [0.0, 1.0, 2.0, 1.0],
        [0.1, 0.8, 0.0, 1.5],
        [0.2, 0.6, -2.0, 1.0],
    ];
    rested(arms.map(arm).to_vec(), Some(0.662_458_415_3))
}

pub(super) fn burst2() -> InstanceConfig {
    let arm = |[low, high, center, width, satiation]: [f64; 5]| ArmConfig::Sigdep {
        low,
        high,
        center,
        width,
        satiation,
        idle_cap: 10,
        played_cap: 8,
    };
    let arms = [[0.40, 1.0, 4.0, 1.0, 0.95], [0.45, 0.9, 6.0, 1.0, 0.97]];
    rested(arms.map(arm).to_vec(), Some(0.493_439_424_1))
}

pub(super) fn sea3() -> InstanceConfig {
    let arm = |(base, amplitude, period, satiation)| ArmConfig::Seasonal {
        base,
        amplitude,
        period,
        satiation,
        played_cap: 3,
    };
    let arms = [(0.5, 0.4, 4, 0.5), (0.45, 0.35, 6, 0.5), (0.4, 0.1, 5, 0.9)];
    rested(arms.map(arm).to_vec(), Some(0.582_043_342_7))
}

pub(super) fn geo5k2() -> InstanceConfig {
    let arms = [
        [1.0, 0.3, 0.6, 0.5],
        [0.9, 0.4, 0.5, 0.6],
        [0.8, 0.4, 0.5, 0.8],
        [0.7, 0.4, 0.3, 0.9],
        [0.6, 0.5, 0.3, 0.95],
    ];
    InstanceConfig {
        plays: 2,
        ..rested(arms.map(|p| geo(p, 6, 2)).to_vec(), Some(1.331))
    }
}

pub(super) fn depr10() -> InstanceConfig {
    let arm = ArmConfig::Step {
        state: 9,
        low: 0.0,
        high: 1.0,
    };
    rested(vec![arm; 10], Some(1.0))
}
