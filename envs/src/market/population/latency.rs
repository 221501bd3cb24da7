//! How long the messages of a trader are on their way.

use rand::{Rng, RngExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::market::order::Time;

/// What is added to the time that light takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LatencyConfig {
    /// Nothing.
    #[default]
    Deterministic,
    /// A random time with a long tail for each message to the exchange.
    Cubic(CubicLatency),
}

/// `a / x³` units, where a unit is a part of the time that light takes and `x` is drawn evenly from `clip` to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CubicLatency {
    /// `a`, 0 to 1.
    pub jitter: f64,
    /// Least `x`, 0.001 to 1: the larger, the shorter the tail.
    pub clip: f64,
    /// Units in the time that light takes, 0.001 to 1e9.
    pub unit: f64,
}

impl Default for CubicLatency {
    fn default() -> Self {
        Self {
            jitter: 0.5,
            clip: 0.1,
            unit: 10.0,
        }
    }
}

impl LatencyConfig {
    /// What is added for a message of a trader whose way takes `way`.
    pub(super) fn late(&self, way: Time, rng: &mut impl Rng) -> Time {
        match self {
            Self::Deterministic => 0,
            Self::Cubic(CubicLatency { jitter, clip, unit }) => {
                let x = 1.0 - (1.0 - clip) * rng.random::<f64>();
                (jitter / (x * x * x) * (way as f64 / unit)) as Time
            }
        }
    }
}
