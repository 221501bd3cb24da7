//! Zero-intelligence order flow: orders come by chance alone.
//!
//! Limit orders, market orders and cancellations are independent Poisson processes. A limit order is placed at a distance from
//! the opposite best price that has a power-law tail, sizes are log-normal in whole lots, and every order that rests is
//! cancelled at the same rate. Spread, depth and price impact come out of this without anybody wanting them. In a call auction,
//! market orders become limit orders as far beyond the opposite best price as others are behind it.
//!
//! Sources: Daniels, Farmer, Gillemot, Iori, Smith, *Quantitative Model of Price Diffusion and Market Friction Based on Trading
//! as a Mechanistic Random Process*, arXiv cond-mat/0112422 (the model); Bouchaud, Mézard, Potters, *Statistical properties of
//! stock order books*, arXiv cond-mat/0203511 (the power law of placement).

use std::sync::Arc;

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OrderFlow, SavedFlow, own_orders::is_crowded, table::Table};
use crate::error::EnvError;
use crate::market::book::Resting;
use crate::market::event::Phase;
use crate::market::kernel::{Desk, SECOND, Symbol};
use crate::market::order::{Message, NewOrder, OrderId, Price, Side, Size};
use crate::math;
use crate::sim::{read_value, write_value};
use crate::stream::Stream;

/// What a [`ZeroIntelligence`] flow is made with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ZeroIntelligenceConfig {
    /// Limit orders per second on each side, 0 to 1,000,000.
    pub limit_rate: f64,
    /// Market orders per second on each side, 0 to 1,000,000.
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
    /// Mean of the logarithm of the size in lots, of which whole numbers from 1 on occur.
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
        let within_rate = |x: f64| (0.0..=1e6).contains(&x);
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let checks = [
            // Faster than any market, and so slow that a step ends.
            (within_rate(self.limit_rate), "limit_rate", "0 to 1,000,000"),
            (
                within_rate(self.market_rate),
                "market_rate",
                "0 to 1,000,000",
            ),
            (rate(self.cancel_rate), "cancel_rate", ">= 0"),
            (
                positive(self.limit_rate + self.market_rate),
                "limit_rate",
                "> 0",
            ),
            (positive(self.distance_exponent), "distance_exponent", "> 0"),
            (positive(self.distance_scale), "distance_scale", "> 0"),
            (
                (1..=100_000).contains(&self.max_distance),
                "max_distance",
                "1 to 100,000",
            ),
            (self.log_size_mean.is_finite(), "log_size_mean", "a number"),
            (rate(self.log_size_std), "log_size_std", ">= 0"),
            (
                (1..=100_000).contains(&self.max_lots),
                "max_lots",
                "1 to 100,000",
            ),
            ((1..=10_000).contains(&self.lot), "lot", "1 to 10,000"),
            ((1..=100_000).contains(&self.tick), "tick", "1 to 100,000"),
            (
                self.start_levels <= 100_000,
                "start_levels",
                "at most 100,000",
            ),
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

/// What is drawn from, worked out once and shared by all that have the same configuration.
#[derive(Debug, PartialEq)]
struct Tables {
    /// Ticks from the opposite best price.
    distance: Table,
    /// Lots.
    lots: Table,
}

impl Tables {
    fn new(config: &ZeroIntelligenceConfig) -> Self {
        // Chance of more than `d` ticks.
        let beyond = |d: u32| {
            let ratio = 1.0 + f64::from(d) / config.distance_scale;
            math::powf(ratio, -config.distance_exponent)
        };
        let distance = Table::new((1..=config.max_distance).map(|d| {
            if d == config.max_distance {
                beyond(d - 1)
            } else {
                beyond(d - 1) - beyond(d)
            }
        }));
        // The density of the logarithm at each number of lots, which is that of a log-normal but for a factor.
        let lots = Table::new((1..=config.max_lots).map(|lots| {
            let lots = f64::from(lots);
            let spread = config.log_size_std.max(1e-3);
            let z = (math::ln(lots) - config.log_size_mean) / spread;
            math::exp(-0.5 * z * z) / lots
        }));
        Self { distance, lots }
    }
}

/// Zero-intelligence flow of one instrument, as one trader at the exchange.
#[derive(Debug, Clone, PartialEq)]
pub struct ZeroIntelligence {
    config: ZeroIntelligenceConfig,
    tables: Arc<Tables>,
    rng: Stream,
    /// Orders that have been sent; those that are gone leave when they are chosen.
    sent: Vec<OrderId>,
}

impl SavedFlow for ZeroIntelligence {
    fn save(&self, out: &mut Vec<u8>) -> Result<(), EnvError> {
        write_value(&(&self.rng, &self.sent), out)
    }

    fn load(&mut self, bytes: &mut &[u8]) -> Result<(), EnvError> {
        (self.rng, self.sent) = read_value(bytes)?;
        Ok(())
    }
}

impl ZeroIntelligence {
    /// A flow whose configuration has been checked.
    pub fn new(config: ZeroIntelligenceConfig) -> Self {
        Self {
            tables: Arc::new(Tables::new(&config)),
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

    fn wait(&mut self, desk: &mut Desk<'_>) {
        // The chance is uniform in (0, 1].
        let chance = 1.0 - self.rng.random::<f64>();
        let seconds = -math::ln(chance) / self.rate();
        let nanoseconds = (seconds * SECOND as f64).min(1e15) as i64;
        desk.wake_at(desk.now() + nanoseconds.max(1));
    }

    /// Keeps in mind an order that may be cancelled one day.
    fn remember(&mut self, id: OrderId) {
        if self.config.cancel_rate > 0.0 {
            self.sent.push(id);
        }
    }

    /// Forgets those that are gone if they have become many more than those that are not: when orders are cancelled seldom, they are
    /// chosen so seldom that most of them would stay for ever.
    fn tidy(&mut self, desk: &Desk<'_>) {
        let book = desk.book(Symbol(0));
        if is_crowded(self.sent.len(), book) {
            self.sent.retain(|&id| book.order(id).is_some());
        }
    }

    fn size(&mut self) -> Size {
        self.tables.lots.value(self.rng.random()) * self.config.lot
    }

    /// A limit order at a distance from the opposite best price: behind it with 1, beyond it with −1.
    fn limit(&mut self, side: Side, behind: i64, desk: &mut Desk<'_>) -> Message {
        let config = self.config;
        let book = desk.book(Symbol(0));
        // Where a side is empty, from where it would be if the spread were one tick.
        let opposite = book.best(side.opposite());
        let reference =
            opposite.or_else(|| book.best(side).map(|own| own + config.tick * side.sign()));
        let reference = reference
            .or(book.last_price())
            .unwrap_or(config.start_price);
        let distance = self.tables.distance.value(self.rng.random());
        let price = reference - side.sign() * behind * distance * config.tick;
        let id = desk.new_id();
        self.remember(id);
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
                self.remember(id);
                desk.send(Symbol(0), Message::New(order));
            }
        }
        self.wait(desk);
    }

    fn adopt(&mut self, _: Symbol, order: &Resting) {
        self.remember(order.id);
    }

    fn takes_over(&self) -> bool {
        self.config.cancel_rate > 0.0
    }

    fn wake(&mut self, _: u32, desk: &mut Desk<'_>) {
        let config = self.config;
        self.tidy(desk);
        let side = if self.rng.random() {
            Side::Buy
        } else {
            Side::Sell
        };
        let chosen = self.rate() * self.rng.random::<f64>();
        if chosen < 2.0 * config.limit_rate {
            let message = self.limit(side, 1, desk);
            desk.send(Symbol(0), message);
        } else if chosen < 2.0 * (config.limit_rate + config.market_rate) {
            // A call auction takes no market orders: who wants to trade there offers a better price than the other side.
            if desk.book(Symbol(0)).phase() == Phase::Auction {
                let message = self.limit(side, -1, desk);
                desk.send(Symbol(0), message);
                return self.wait(desk);
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::book::BookConfig;
    use crate::market::event::{CancelReason, Event};
    use crate::market::kernel::{Kernel, KernelConfig, TraderTables};
    use crate::market::order::Time;

    #[test]
    fn tables_invert_their_distributions() {
        let table = Table::new([3.0, 0.0, 1.0, 4.0].into_iter());
        for (u, value) in [
            (0.0, 1),
            (0.374, 1),
            (0.375, 3),
            (0.499, 3),
            (0.5, 4),
            (0.999, 4),
        ] {
            assert_eq!(table.value(u), value);
        }
        // A power law with exponent 1 and scale 4: more than 4 ticks half of the time.
        let config = ZeroIntelligenceConfig::default();
        let tables = Tables::new(&config);
        assert!((tables.distance.cumulative[3] - 0.5).abs() < 1e-12);
        assert_eq!(
            tables.distance.cumulative.len(),
            config.max_distance as usize
        );
    }

    /// Orders and cancellations come at the rates that were asked for, within five standard errors.
    #[test]
    fn messages_come_at_their_rates() {
        let config = ZeroIntelligenceConfig::default();
        let mut flow = ZeroIntelligence::new(config);
        let mut kernel = Kernel::new(KernelConfig::single(BookConfig::default())).unwrap();
        let mut tables = TraderTables::new(1, 1);
        let (mut limits, mut markets, mut cancels) = (0.0, 0.0, 0.0);
        let (mut live, mut live_seconds, mut last) = (0.0, 0.0, 0);
        let mut watch = |time: Time, event: Event| {
            live_seconds += live * (time - last) as f64 / SECOND as f64;
            last = time;
            match event {
                Event::Accepted { limit: Some(_), .. } => limits += 1.0,
                Event::Accepted { .. } => markets += 1.0,
                Event::Rested { .. } => live += 1.0,
                Event::Trade(trade) if trade.maker_left == 0 => live -= 1.0,
                Event::Cancelled {
                    reason: CancelReason::Requested,
                    ..
                } => {
                    cancels += 1.0;
                    live -= 1.0;
                }
                _ => {}
            }
        };
        let seconds = 2000;
        let stream = Stream::new(4, 0, "test");
        kernel.open(0, &mut flow, stream, &mut tables.view(), &mut watch);
        kernel.run(seconds * SECOND, &mut flow, &mut tables.view(), &mut watch);
        let near = |count: f64, expected: f64| {
            assert!(
                (count - expected).abs() < 5.0 * math::sqrt(expected),
                "{count} {expected}"
            );
        };
        let standing = 2.0 * f64::from(config.start_levels);
        near(limits - standing, 2.0 * config.limit_rate * seconds as f64);
        near(markets, 2.0 * config.market_rate * seconds as f64);
        near(cancels, config.cancel_rate * live_seconds);
    }
}
