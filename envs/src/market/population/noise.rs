//! Noise traders: one order each, at some time of the day.

use rand::{Rng, RngExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Floor, order_size};
use crate::market::{
    kernel::clock,
    order::{Side, Time},
};

/// When noise traders come: with a density that is a parabola around the middle of the day, and highest at its ends. Who would
/// come before the opening comes with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NoiseConfig {
    /// Begin of the parabola.
    pub from: Time,
    /// Its end.
    pub until: Time,
}

impl Default for NoiseConfig {
    fn default() -> Self {
        Self {
            from: clock(9, 0, 0),
            until: clock(16, 0, 0),
        }
    }
}

impl NoiseConfig {
    /// Draws the time of an arrival.
    pub(super) fn arrival(&self, rng: &mut impl Rng) -> Time {
        // Distribution function ((x - middle)³ + half³) / (2 half³).
        let half = 0.5 * (self.until - self.from) as f64;
        let cube = 2.0 * rng.random::<f64>() - 1.0;
        self.from + (half * (1.0 + libm::cbrt(cube))) as Time
    }
}

/// A noise trader: buys at the ask or sells at the bid, whichever a coin says.
pub(super) fn wake(floor: &mut Floor<'_, '_>) {
    let side = if floor.rng.random() {
        Side::Buy
    } else {
        Side::Sell
    };
    let size = order_size(&mut floor.rng);
    let touch = floor.touch()[side.opposite().index()];
    if let Some(price) = touch.filter(|_| size > 0) {
        floor.limit(side, size, price);
    }
}
