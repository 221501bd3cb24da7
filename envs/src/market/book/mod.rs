//! A limit order book with price-time priority.
//!
//! ```
//! use palaestra_envs::market::book::{Book, BookConfig, End};
//! use palaestra_envs::market::event::Ignore;
//! use palaestra_envs::market::order::{Message, NewOrder, OrderId, Side, TraderId};
//!
//! let mut book = Book::new(BookConfig::default())?;
//! let ask = NewOrder::limit(OrderId(1), TraderId(0), Side::Sell, 300, 100_100);
//! let buy = NewOrder::market(OrderId(2), TraderId(1), Side::Buy, 100);
//! book.submit(0, &Message::New(ask), &mut Ignore);
//! let outcome = book.submit(5, &Message::New(buy), &mut Ignore);
//! assert_eq!((outcome.end, outcome.traded), (End::Filled, 100));
//! assert_eq!(book.best(Side::Sell), Some(100_100));
//! assert_eq!(book.last_price(), Some(100_100));
//! # Ok::<(), palaestra_envs::market::book::BookConfigError>(())
//! ```
//!
//! Within a price, displayed orders trade before hidden ones, and within each the earlier before the later. Orders trade at
//! the price of the one that rested. The semantics of every order type:
//!
//! | | |
//! |---|---|
//! | market | what cannot trade is discarded |
//! | IOC, FOK | the remainder is discarded; all of it or nothing, reserves and hidden orders counted |
//! | post-only | refused if it could trade, with hidden orders too |
//! | iceberg | shows a tranche; when that is used up, the next one goes to the back of the queue, and prints apart |
//! | hidden | rests behind all displayed orders at its price |
//! | stop | a buy is released by a trade at or above its stop, a sell by one at or below; in order of entry, once the order that traded is through; at once if the last price says so |
//! | modify | a smaller size keeps the place (a reserve shrinks first); a larger size or another price enters anew and may trade |
//! | replace | cancels, and enters under another id |
//!
//! The structure: price levels in an array around the touch with a set of those occupied (`ladder`, `bits`), orders in a slab,
//! linked by handles (`slab`), ids found in tables without allocating (`ids`). Room for stop orders, for levels far from the touch
//! and for auctions is made when the first of each comes, room for more orders, where that is allowed, when there is none left;
//! beside that nothing allocates.

mod auction;
mod bits;
mod change;
mod config;
mod enter;
mod ids;
mod image;
mod inspect;
mod ladder;
mod slab;
mod stops;
mod take;
mod view;

pub use auction::AuctionPrint;
pub use config::{Band, BookConfig, BookConfigError, Ids, Rules, SelfTrade};
pub use image::BookImage;
pub use view::{Depth, Resting, Snapshot};

use auction::Pool;
use ids::IdTable;
use ladder::{Ladder, MAX_TICK};
use slab::Slab;
use stops::Stops;

use super::event::{Event, EventSink, Phase, Reject};
use super::order::{Message, Price, Size, Time};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// Trades of the order itself, not of stop orders that it released.
    pub fills: u32,
    /// Shares that it traded.
    pub traded: Size,
}

impl Outcome {
    pub(super) fn refused(reason: Reject) -> Self {
        Self::without_trade(End::Rejected(reason))
    }

    #[inline]
    pub(super) fn without_trade(end: End) -> Self {
        Self {
            end,
            fills: 0,
            traded: 0,
        }
    }
}

/// How the processing of a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// What was left of the order rests.
    Rested,
    /// All of the order traded.
    Filled,
    /// The remainder of a market or IOC order was discarded.
    Discarded,
    /// A FOK order was killed.
    Killed,
    /// What was left of the order was lost to an order of the same trader.
    SelfTrade,
    /// A stop order waits for its price.
    Held,
    /// The order waits for a call auction.
    Pooled,
    /// The order was cancelled.
    Cancelled,
    /// The order was reduced, and keeps its place.
    Reduced,
    /// Nothing was done.
    Rejected(Reject),
}

/// A limit order book of one instrument; see the [module](self).
#[derive(Debug, Clone)]
pub struct Book {
    config: BookConfig,
    /// ⌊2⁶⁴ / tick⌋ + 1, to divide by the tick.
    tick_reciprocal: u64,
    phase: Phase,
    time: Time,
    /// Tick of the last trade, or −1.
    last: i32,
    /// Lowest and highest tick traded at since stop orders were last looked at; empty if the first is the larger.
    printed: (i32, i32),
    ladder: Ladder,
    orders: Slab,
    ids: IdTable,
    /// Hidden orders of each side in the book.
    hidden: [u32; 2],
    /// Iceberg orders in the book.
    icebergs: u32,
    stops: Stops,
    pool: Pool,
}

/// No tick was traded at.
const NOTHING_PRINTED: (i32, i32) = (i32::MAX, i32::MIN);

impl Book {
    /// An empty book in continuous trading.
    ///
    /// # Errors
    /// If a value of `config` is out of its range, which the error names.
    pub fn new(config: BookConfig) -> Result<Self, BookConfigError> {
        let check = |key, found: i64, range: std::ops::RangeInclusive<i64>, expected| {
            if range.contains(&found) {
                Ok(())
            } else {
                Err(BookConfigError {
                    key,
                    found,
                    expected,
                })
            }
        };
        let rules = &config.rules;
        let (capacity, window) = (i64::from(config.capacity), i64::from(config.window));
        check("rules.tick", rules.tick, 1..=100_000, "1 to 100,000")?;
        check("rules.lot", rules.lot, 1..=1 << 31, "1 to 2^31")?;
        check(
            "rules.max_size",
            rules.max_size,
            1..=u32::MAX.into(),
            "1 to 2^32 - 1",
        )?;
        check("capacity", capacity, 1..=1 << 26, "1 to 2^26 orders")?;
        let grows_to = i64::from(config.grows_to);
        check("grows_to", grows_to, 0..=1 << 26, "at most 2^26 orders")?;
        check("window", window, 0..=1 << 20, "at most 2^20 levels")?;
        Ok(Self {
            tick_reciprocal: (u64::MAX / rules.tick as u64).saturating_add(1),
            phase: Phase::Continuous,
            time: Time::MIN,
            last: -1,
            printed: NOTHING_PRINTED,
            ladder: Ladder::new(config.window.max(64).next_power_of_two(), config.capacity),
            orders: Slab::new(config.capacity),
            ids: IdTable::new(config.ids, config.capacity),
            hidden: [0; 2],
            icebergs: 0,
            stops: Stops::default(),
            pool: Pool::default(),
            config,
        })
    }

    /// What it was made with.
    pub fn config(&self) -> &BookConfig {
        &self.config
    }

    /// Sets the prices of the day.
    pub fn set_band(&mut self, band: Option<Band>) {
        self.config.rules.band = band;
    }

    /// Forgets all orders, the last price and the time; nobody is told.
    pub fn clear(&mut self) {
        self.phase = Phase::Continuous;
        self.time = Time::MIN;
        self.last = -1;
        self.printed = NOTHING_PRINTED;
        self.ladder.clear();
        self.orders.clear();
        self.ids.clear();
        self.hidden = [0; 2];
        self.icebergs = 0;
        self.stops.clear();
        self.pool.clear();
    }

    /// Does what `message` asks for, at `time`, and tells `sink` everything that changes.
    ///
    /// Whatever the message is, the book stays sound: one that cannot be followed is refused, with a reason, and changes
    /// nothing.
    #[inline]
    pub fn submit(&mut self, time: Time, message: &Message, sink: &mut impl EventSink) -> Outcome {
        let done = self.follow(time, message, sink);
        let outcome = match done {
            Ok(outcome) => outcome,
            Err(reason) => {
                let id = message.id();
                sink.event(self.time.max(time), Event::Rejected { id, reason });
                Outcome::refused(reason)
            }
        };
        if self.printed.0 <= self.printed.1 {
            self.release_stops(sink);
        }
        outcome
    }

    #[inline]
    fn follow(
        &mut self,
        time: Time,
        message: &Message,
        sink: &mut impl EventSink,
    ) -> Result<Outcome, Reject> {
        if time < self.time {
            return Err(Reject::Time);
        }
        self.time = time;
        match self.phase {
            Phase::Continuous | Phase::Auction => {}
            Phase::Closed => return Err(Reject::Closed),
            Phase::Halted => match message {
                Message::Cancel { .. } | Message::Reduce { .. } => {}
                _ => return Err(Reject::Halted),
            },
        }
        match *message {
            Message::New(ref order) => self.new_order(order, sink),
            Message::Cancel { id } => self.cancel(id, sink),
            Message::Reduce { id, by } => self.reduce(id, by, sink),
            Message::Modify { id, size, price } => self.modify(id, size, price, sink),
            Message::Replace {
                id,
                new_id,
                size,
                price,
            } => self.replace(id, new_id, size, price, sink),
        }
    }

    /// Index of a price.
    #[inline]
    fn tick(&self, price: Price) -> Result<i32, Reject> {
        let step = self.config.rules.tick;
        // Exact for all prices up to `MAX_TICK` ticks, as tick² 2³⁰ < 2⁶⁴. A remainder shows in the product.
        let tick = if step == 1 {
            price
        } else {
            ((price as u64 as u128 * u128::from(self.tick_reciprocal)) >> 64) as i64
        };
        if tick.wrapping_mul(step) == price && (0..=i64::from(MAX_TICK)).contains(&tick) {
            Ok(tick as i32)
        } else {
            Err(Reject::Tick)
        }
    }

    #[inline]
    fn price(&self, tick: i32) -> Price {
        i64::from(tick) * self.config.rules.tick
    }

    /// A trade at `tick`.
    #[inline]
    fn print(&mut self, tick: i32) {
        self.last = tick;
        self.printed = (self.printed.0.min(tick), self.printed.1.max(tick));
    }
}

#[cfg(test)]
pub(in crate::market) mod tests;
