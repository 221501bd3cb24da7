//! Momentum traders: they buy what has risen and sell what has fallen.

use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Floor, exponential, order_size};
use crate::market::order::{Side, Time};

/// What momentum traders do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MomentumConfig {
    /// Mean time between two wake-ups, ns.
    pub pause: f64,
    /// Mid-prices in the short mean.
    pub short: usize,
    /// Mid-prices in the long mean.
    pub long: usize,
}

impl Default for MomentumConfig {
    fn default() -> Self {
        Self {
            pause: 37e9,
            short: 20,
            long: 50,
        }
    }
}

impl MomentumConfig {
    pub(super) fn pause(&self, rng: &mut impl Rng) -> Time {
        exponential(rng, self.pause) as Time
    }
}

/// A momentum trader: compares two means of the mid-prices that it has seen at its wake-ups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Momentum {
    /// Twice the mid-prices, in ticks, as a ring.
    seen: Vec<i64>,
    /// How many were ever seen.
    count: usize,
}

impl Momentum {
    pub(super) fn new(config: &MomentumConfig) -> Self {
        Self {
            seen: vec![0; config.long.max(config.short).max(1)],
            count: 0,
        }
    }

    /// Forgets what it has seen.
    pub(super) fn restart(&mut self) {
        self.seen.fill(0);
        self.count = 0;
    }

    /// Whether it may be what a trader of `config` has become.
    pub(super) fn fits(&self, config: &MomentumConfig) -> bool {
        self.seen.len() == Self::new(config).seen.len()
    }

    /// Twice the mean of the last `length` mid-prices.
    fn mean(&self, length: usize) -> f64 {
        let last = (0..length).map(|back| self.seen[(self.count - 1 - back) % self.seen.len()]);
        last.sum::<i64>() as f64 / length.max(1) as f64
    }

    pub(super) fn wake(&mut self, floor: &mut Floor<'_, '_>) {
        let config = floor.config.momentum.1;
        let pause = config.pause(&mut floor.rng);
        floor.sleep(pause);
        let size = order_size(&mut floor.rng);
        let [Some(bid), Some(ask)] = floor.touch() else {
            return;
        };
        let place = self.count % self.seen.len();
        self.seen[place] = bid + ask;
        self.count += 1;
        // As many as the long mean takes and one more, as in the original.
        if self.count <= config.long || size == 0 {
            return;
        }
        if self.mean(config.short) >= self.mean(config.long) {
            floor.limit(Side::Buy, size, ask);
        } else {
            floor.limit(Side::Sell, size, bid);
        }
    }
}
