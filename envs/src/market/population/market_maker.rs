//! Adaptive market makers: a ladder of quotes around the mid-price, as wide as the spread has been, as large as what traded.
//!
//! When nearly all that rests is on one side of the book, they quote once more, beside what they have.
//!
//! A ladder after Chakraborty and Kearns, *Market making and mean reversion* (EC 2011), as ABIDES adapts it.

use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Floor, exponential};
use crate::market::order::{OrderId, Side, Size, Time};

/// What market makers do, prices in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MarketMakerConfig {
    /// Mean time between two wake-ups, ns; also how far back the volume is counted.
    pub pause: f64,
    /// Size at each level, as a share of that volume.
    pub participation: f64,
    /// Least size at each level.
    pub min_size: Size,
    /// Levels on each side.
    pub levels: u32,
    /// How many times its size each level has more than the one before: with 1 the `k`-th level has `k` times the first one's.
    pub size_growth: f64,
    /// Distance of two levels, in spreads.
    pub level_spacing: f64,
    /// Weight of the newest spread in the moving average of spreads.
    pub spread_weight: f64,
    /// The moving average at the start.
    pub initial_spread: f64,
    /// How far the ladder moves towards where all trades went.
    pub price_skew: f64,
    /// Time between the cancellations and the quotes of a wake-up, ns.
    pub quote_delay: Time,
    /// They are told when one side of the book has more than all but this share: 0.9 for ten times as much as the other side, as
    /// in ABIDES, 1 for never.
    pub imbalance: f64,
}

impl Default for MarketMakerConfig {
    fn default() -> Self {
        Self {
            pause: 60e9,
            participation: 0.025,
            min_size: 1,
            levels: 10,
            size_growth: 0.0,
            level_spacing: 5.0,
            spread_weight: 0.75,
            initial_spread: 50.0,
            price_skew: 4.0,
            quote_delay: 50,
            imbalance: 1.0,
        }
    }
}

impl MarketMakerConfig {
    pub(super) fn pause(&self, rng: &mut impl Rng) -> Time {
        exponential(rng, self.pause) as Time
    }
}

/// A market maker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarketMaker {
    /// Moving average of the spread.
    spread: f64,
    /// The last mid-price.
    mid: Option<i64>,
    live: Vec<OrderId>,
    /// Size of the first level and shift of the ladder, since the first wake-up.
    quoted: Option<(Size, f64)>,
    /// When it will have heard of an imbalance.
    alarm: Option<Time>,
}

impl MarketMaker {
    pub(super) fn new(config: &MarketMakerConfig) -> Self {
        Self {
            spread: config.initial_spread,
            mid: None,
            live: Vec::with_capacity(2 * config.levels as usize),
            quoted: None,
            alarm: None,
        }
    }

    /// Forgets everything, in the same memory.
    pub(super) fn restart(&mut self, config: &MarketMakerConfig) {
        self.live.clear();
        self.live.reserve(2 * config.levels as usize);
        *self = Self {
            spread: config.initial_spread,
            mid: None,
            live: std::mem::take(&mut self.live),
            quoted: None,
            alarm: None,
        };
    }

    /// It will have heard of an imbalance at `time`; whether that is news to it.
    pub(super) fn hear(&mut self, time: Time) -> bool {
        let news = self.quoted.is_some() && self.alarm.is_none();
        if news {
            self.alarm = Some(time);
        }
        news
    }

    pub(super) fn wake(&mut self, floor: &mut Floor<'_, '_>) {
        let config = floor.config.market_makers.1;
        let now = floor.desk.now();
        if self.alarm.take_if(|alarm| *alarm <= now).is_some() {
            self.quote(floor);
            return;
        }
        let pause = config.pause(&mut floor.rng);
        floor.sleep(pause);
        for id in self.live.drain(..) {
            floor.cancel(id);
        }
        if let [Some(bid), Some(ask)] = floor.touch() {
            self.mid = Some((bid + ask).div_euclid(2));
            let weight = config.spread_weight;
            self.spread = weight * (ask - bid) as f64 + (1.0 - weight) * self.spread;
        }
        let [bought, sold] = floor.tape.volume(floor.desk.now() - config.pause as Time);
        let total = bought + sold;
        let size = ((config.participation * total as f64).round() as Size).max(config.min_size);
        let skew = if total > 0 {
            (bought - sold) as f64 / total as f64 * config.price_skew
        } else {
            0.0
        };
        self.quoted = Some((size, skew));
        floor.after = config.quote_delay;
        self.quote(floor);
    }

    /// Sends a ladder about the last mid-price.
    fn quote(&mut self, floor: &mut Floor<'_, '_>) {
        let config = floor.config.market_makers.1;
        let (Some(mid), Some((size, skew))) = (self.mid, self.quoted) else {
            return;
        };
        let centre = (mid as f64 + skew) as i64;
        let half = 0.5 * self.spread;
        let step = ((config.level_spacing * self.spread).round() as i64).max(1);
        for (side, best) in [
            (Side::Buy, centre - half.floor() as i64),
            (Side::Sell, centre + half.ceil() as i64),
        ] {
            for level in 0..i64::from(config.levels) {
                let size = (size as f64 * (1.0 + config.size_growth * level as f64)) as Size;
                let id = floor.limit(side, size, best - side.sign() * level * step);
                self.live.push(id);
            }
        }
    }
}
