//! Arguments of `mars_execution-v1`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::ranges::{self, check, within};
use super::super::sessions::Sessions;
use crate::error::EnvError;
use crate::market::flow::BackgroundConfig;
use crate::market::order::Side;

/// What prices are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Benchmark {
    /// The mid price when the order arrived.
    Arrival,
    /// What a fixed schedule pays in the same market.
    Twap,
}

/// Arguments of `mars_execution-v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MarsExecutionArgs {
    /// Side of the order.
    pub side: Side,
    /// Shares of the order, at least 1.
    pub size: u32,
    /// Sizes of its parts are rounded up to multiples of this, at least 1.
    pub lot: u32,
    /// Slices, at least 1.
    pub slices: u32,
    /// Seconds of the passive stage of a slice, at least 1.
    pub passive: u32,
    /// Seconds of the aggressive one, at least 1.
    pub aggressive: u32,
    /// Whether the action is continuous.
    pub continuous: bool,
    /// What prices are compared with.
    pub benchmark: Benchmark,
    /// Reward for an advantage of one basis point on the whole order, >= 0.
    pub price_weight: f64,
    /// Seconds that the others trade before the order arrives, >= 0.
    pub warm_up: f64,
    /// Milliseconds from the player to the exchange, and back, >= 0.
    pub latency: f64,
    /// Fee of trades in which the player's order rested, as parts per million of their value; negative is a rebate.
    pub maker_fee: i64,
    /// Fee of trades in which it did not.
    pub taker_fee: i64,
    /// Who trades beside the player.
    pub background: BackgroundConfig,
    /// Call auctions, halts and the close of the market.
    pub sessions: Sessions,
}

impl Default for MarsExecutionArgs {
    /// About three tenths of what the default background trades in the time.
    fn default() -> Self {
        Self {
            side: Side::Buy,
            size: 24_000,
            lot: 100,
            slices: 10,
            passive: 25,
            aggressive: 5,
            continuous: false,
            benchmark: Benchmark::Arrival,
            price_weight: 0.1,
            warm_up: 60.0,
            latency: 0.0,
            maker_fee: 0,
            taker_fee: 0,
            background: BackgroundConfig::default(),
            sessions: Sessions::default(),
        }
    }
}

impl MarsExecutionArgs {
    /// Refuses the first that is out of its range.
    pub(super) fn check(&self) -> Result<(), EnvError> {
        let seconds = |x: u32| (1..=86_400).contains(&x);
        check(&[
            ranges::shares(self.size, "size"),
            (
                (1..=self.size).contains(&self.lot),
                "lot",
                "at least 1, at most `size`",
            ),
            (
                (1..=100_000).contains(&self.slices),
                "slices",
                "1 to 100,000",
            ),
            (seconds(self.passive), "passive", "1 to 86,400 s"),
            (seconds(self.aggressive), "aggressive", "1 to 86,400 s"),
            (
                within(self.price_weight, 0.0, 1e6),
                "price_weight",
                "0 to 1,000,000",
            ),
            ranges::lead(self.warm_up, "warm_up"),
            ranges::latency(self.latency),
            ranges::fee(self.maker_fee, "maker_fee"),
            ranges::fee(self.taker_fee, "taker_fee"),
        ])
    }

    /// Seconds for the whole order.
    pub(super) fn seconds(&self) -> u32 {
        self.slices * (self.passive + self.aggressive)
    }
}
