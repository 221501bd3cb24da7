//! Value traders: they believe in a fundamental value and trade towards it.

use rand::{Rng, RngExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Floor, exponential, order_size};
use crate::{
    market::order::{OrderId, Side, Time},
    math::exp,
};

/// What value traders do, prices in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ValueConfig {
    /// Mean time between two wake-ups, ns.
    pub pause: f64,
    /// `κ`: speed at which they believe the value returns to its mean, 1/ns.
    pub reversion: f64,
    /// `σ_n`: variance of the error of what they hear of it.
    pub observation_variance: f64,
    /// `σ_s`: variance that they believe it gains per nanosecond.
    pub shock_variance: f64,
    /// Share of orders that cross the spread.
    pub aggressive: f64,
    /// If above 0, what traders want to earn at most, in ticks: an order's limit is the value believed, less a surplus drawn
    /// evenly from 0 to this, or none if the order is to cross the spread. With 0 orders are priced by the best prices.
    pub surplus: f64,
    /// Other orders lie up to so many spreads off the best price of the other side.
    pub depth: i64,
}

impl Default for ValueConfig {
    fn default() -> Self {
        Self {
            pause: 1.0 / 5.7e-12,
            reversion: 1.67e-15,
            observation_variance: 1000.0,
            shock_variance: 100_000.0,
            aggressive: 0.1,
            depth: 2,
            surplus: 0.0,
        }
    }
}

impl ValueConfig {
    pub(super) fn pause(&self, rng: &mut impl Rng) -> Time {
        exponential(rng, self.pause) as Time
    }
}

/// A value trader.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// Believed value, in ticks.
    estimate: f64,
    /// When it was last thought about.
    thought: Option<Time>,
    live: Option<OrderId>,
}

impl Value {
    pub(super) fn new(mean: f64) -> Self {
        Self {
            estimate: mean,
            thought: None,
            live: None,
        }
    }

    pub(super) fn wake(&mut self, floor: &mut Floor<'_, '_>) {
        let config = floor.config.value.1;
        let pause = config.pause(&mut floor.rng);
        floor.sleep(pause);
        if let Some(id) = self.live.take() {
            floor.cancel(id);
        }
        let fair = self.fair_value(floor);
        let crosses = floor.rng.random::<f64>() < config.aggressive;
        let off = floor.rng.random::<f64>();
        let coin = floor.rng.random::<bool>();
        let size = order_size(&mut floor.rng);
        if size == 0 {
            return;
        }
        let (side, price) = if let [Some(bid), Some(ask)] = floor.touch() {
            let surplus = (off * config.surplus) as i64;
            let reach = config.depth * (ask - bid);
            let off = if crosses {
                0
            } else {
                (off * reach as f64) as i64
            };
            if config.surplus > 0.0 {
                let surplus = if crosses { 0 } else { surplus };
                if fair < (bid + ask).div_euclid(2) {
                    (Side::Sell, fair + surplus)
                } else {
                    (Side::Buy, fair - surplus)
                }
            } else if fair < (bid + ask).div_euclid(2) {
                (Side::Sell, bid + off)
            } else {
                (Side::Buy, ask - off)
            }
        } else {
            (if coin { Side::Buy } else { Side::Sell }, fair)
        };
        self.live = Some(floor.limit(side, size, price));
    }

    /// The value at the close as the trader sees it now, in ticks: a Bayesian update of its belief with a noisy observation,
    /// brought forward to the close.
    fn fair_value(&mut self, floor: &mut Floor<'_, '_>) -> i64 {
        let config = &floor.config.value.1;
        let (now, mean) = (floor.desk.now(), floor.config.oracle.mean);
        let observed = floor
            .oracle
            .observe(now, config.observation_variance, &mut floor.rng);
        let elapsed = (now - self.thought.unwrap_or(floor.config.open)).max(0) as f64;
        let kept = exp(-config.reversion * elapsed);
        let prior = mean + (self.estimate - mean) * kept;
        // Σ_{i<Δ} (1 - κ)^{2i} σ_s. ABIDES starts from a variance of 0 and never updates it.
        let gained = if config.reversion * elapsed < 1e-9 {
            elapsed
        } else {
            (1.0 - kept * kept) / (2.0 * config.reversion)
        };
        let variance = gained * config.shock_variance;
        let trust = variance / (config.observation_variance + variance);
        self.estimate = prior + trust * (observed - prior);
        self.thought = Some(now);
        let left = (floor.config.close - now).max(0) as f64;
        let kept = exp(-config.reversion * left);
        (mean + (self.estimate - mean) * kept).round() as i64
    }
}
