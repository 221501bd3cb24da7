//! Zero-intelligence order flow: orders come by chance alone.
//!
//! Limit orders, market orders and cancellations are independent Poisson processes. A limit order is placed at a distance from
//! the opposite best price that has a power-law tail, sizes are log-normal in whole lots, and every order that rests is
//! cancelled at the same rate. Spread, depth and price impact come out of this without anybody wanting them.
//!
//! Sources: Daniels, Farmer, Gillemot, Iori, Smith, *Quantitative Model of Price Diffusion and Market Friction Based on Trading
//! as a Mechanistic Random Process*, arXiv cond-mat/0112422 (the model); Bouchaud, Mézard, Potters, *Statistical properties of
//! stock order books*, arXiv cond-mat/0203511 (the power law of placement).

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OrderFlow;
use crate::market::book::Resting;
use crate::market::kernel::{Desk, SECOND, Symbol};
use crate::market::order::{Message, NewOrder, OrderId, Price, Side, Size};
use crate::math;
use crate::stream::Stream;

/// What a [`ZeroIntelligence`] flow is made with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ZeroIntelligenceConfig {
    /// Limit orders per second on each side, >= 0.
    pub limit_rate: f64,
    /// Market orders per second on each side, >= 0.
    pub market_rate: f64,
    /// Cancellations per second of each order that rests, >= 0.
    pub cancel_rate: f64,
    /// Exponent of the tail of the distance from the opposite best price, > 0: the chance of more than `d` ticks falls as `d`
    /// to the power of minus this.
    pub distance_exponent: f64,
    /// Ticks below which the power law is flat, > 0.
    pub distance_scale: f64,
    /// Largest distance in ticks, at least 1.
    pub max_distance: u32,
    /// Mean of the logarithm of the size in lots.
    pub log_size_mean: f64,
    /// Standard deviation of the logarithm of the size.
    pub log_size_std: f64,
    /// Largest size in lots, at least 1.
    pub max_lots: u32,
    /// Shares of a lot, at least 1.
    pub lot: Size,
    /// Tick in 1/10,000, at least 1.
    pub tick: Price,
    /// Middle of the market when it opens, in 1/10,000.
    pub start_price: Price,
    /// Levels on each side that stand when it opens, with one order each.
    pub start_levels: u32,
}

impl Default for ZeroIntelligenceConfig {
    /// About 20 messages a second around a price of 100.00 with a spread of a few ticks of 0.01.
    fn default() -> Self {
        Self {
            limit_rate: 5.0,
            market_rate: 0.6,
            cancel_rate: 0.06,
            distance_exponent: 1.0,
            distance_scale: 4.0,
            max_distance: 100,
            log_size_mean: 0.5,
            log_size_std: 0.8,
            max_lots: 50,
            lot: 100,
            tick: 100,
            start_price: 1_000_000,
            start_levels: 10,
        }
    }
}

impl ZeroIntelligenceConfig {
    /// Whether all values are in their ranges.
    ///
    /// # Errors
    /// The name of the first that is not, and what it may be.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let rate = |x: f64| x.is_finite() && x >= 0.0;
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let checks = [
            (rate(self.limit_rate), "limit_rate", ">= 0"),
            (rate(self.market_rate), "market_rate", ">= 0"),
            (rate(self.cancel_rate), "cancel_rate", ">= 0"),
            (
                positive(self.limit_rate + self.market_rate),
                "limit_rate",
                "> 0",
            ),
            (positive(self.distance_exponent), "distance_exponent", "> 0"),
            (positive(self.distance_scale), "distance_scale", "> 0"),
            (self.max_distance >= 1, "max_distance", "at least 1"),
            (self.log_size_mean.is_finite(), "log_size_mean", "a number"),
            (rate(self.log_size_std), "log_size_std", ">= 0"),
            (self.max_lots >= 1, "max_lots", "at least 1"),
            ((1..=10_000).contains(&self.lot), "lot", "1 to 10,000"),
            ((1..=100_000).contains(&self.tick), "tick", "1 to 100,000"),
            (
                self.start_price / self.tick.max(1)
                    > i64::from(self.max_distance.max(self.start_levels)),
                "start_price",
                "more ticks than max_distance and start_levels",
            ),
        ];
        match checks.into_iter().find(|(fine, ..)| !fine) {
            None => Ok(()),
            Some((_, name, range)) => Err((name, range)),
        }
    }
}

/// Zero-intelligence flow of one instrument, as one trader at the exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZeroIntelligence {
    config: ZeroIntelligenceConfig,
    rng: Stream,
    /// Orders that have been sent; those that are gone leave when they are chosen.
    sent: Vec<OrderId>,
}

impl ZeroIntelligence {
    /// A flow whose configuration has been checked.
    pub fn new(config: ZeroIntelligenceConfig) -> Self {
        Self {
            config,
            rng: Stream::new(0, 0, "market.flow"),
            sent: Vec::new(),
        }
    }

    /// Orders per second, cancellations included.
    fn rate(&self) -> f64 {
        let config = &self.config;
        2.0 * (config.limit_rate + config.market_rate) + config.cancel_rate * self.sent.len() as f64
    }

    /// Uniform in (0, 1].
    fn uniform(&mut self) -> f64 {
        1.0 - self.rng.random::<f64>()
    }

    fn wait(&mut self, desk: &mut Desk<'_>) {
        let seconds = -math::ln(self.uniform()) / self.rate();
        let nanoseconds = (seconds * SECOND as f64).min(1e15) as i64;
        desk.wake_at(desk.now() + nanoseconds.max(1));
    }

    fn size(&mut self) -> Size {
        let config = self.config;
        // Box and Muller.
        let radius = math::sqrt(-2.0 * math::ln(self.uniform()));
        let normal = radius * math::cos(std::f64::consts::TAU * self.uniform());
        let lots = math::exp(config.log_size_mean + config.log_size_std * normal);
        lots.clamp(1.0, f64::from(config.max_lots)) as i64 * config.lot
    }

    /// Ticks from the opposite best price, at least 1.
    fn distance(&mut self) -> i64 {
        let config = self.config;
        let tail = math::powf(self.uniform(), -1.0 / config.distance_exponent) - 1.0;
        let ticks = (config.distance_scale * tail).min(f64::from(config.max_distance - 1));
        1 + ticks as i64
    }

    fn limit(&mut self, side: Side, desk: &mut Desk<'_>) -> Message {
        let config = self.config;
        let book = desk.book(Symbol(0));
        // Where a side is empty, from where it would be if the spread were one tick.
        let opposite = book.best(side.opposite());
        let reference =
            opposite.or_else(|| book.best(side).map(|own| own + config.tick * side.sign()));
        let reference = reference
            .or(book.last_price())
            .unwrap_or(config.start_price);
        let price = reference - side.sign() * self.distance() * config.tick;
        let id = desk.new_id();
        self.sent.push(id);
        let price = price.max(config.tick);
        Message::New(NewOrder::limit(id, desk.id_of(0), side, self.size(), price))
    }
}

impl OrderFlow for ZeroIntelligence {
    fn reset(&mut self, stream: Stream) {
        self.rng = stream;
        self.sent.clear();
    }

    fn start(&mut self, desk: &mut Desk<'_>) {
        let config = self.config;
        for level in 1..=i64::from(config.start_levels) {
            for side in Side::BOTH {
                let id = desk.new_id();
                let price = config.start_price - side.sign() * level * config.tick;
                let order = NewOrder::limit(id, desk.id_of(0), side, self.size(), price);
                self.sent.push(id);
                desk.send(Symbol(0), Message::New(order));
            }
        }
        self.wait(desk);
    }

    fn adopt(&mut self, _: Symbol, order: &Resting) {
        self.sent.push(order.id);
    }

    fn wake(&mut self, _: u32, desk: &mut Desk<'_>) {
        let config = self.config;
        let side = if self.rng.random() {
            Side::Buy
        } else {
            Side::Sell
        };
        let chosen = self.rate() * self.rng.random::<f64>();
        if chosen < 2.0 * config.limit_rate {
            let message = self.limit(side, desk);
            desk.send(Symbol(0), message);
        } else if chosen < 2.0 * (config.limit_rate + config.market_rate) {
            let id = desk.new_id();
            let order = NewOrder::market(id, desk.id_of(0), side, self.size());
            desk.send(Symbol(0), Message::New(order));
        } else if !self.sent.is_empty() {
            let id = self
                .sent
                .swap_remove(self.rng.random_range(0..self.sent.len()));
            // In the name of its trader: it may have been another flow's.
            if let Some(order) = desk.book(Symbol(0)).order(id) {
                desk.send_as(order.trader, Symbol(0), Message::Cancel { id });
            }
        }
        self.wait(desk);
    }
}
