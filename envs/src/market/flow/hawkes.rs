//! Order flow of a Hawkes process: six types of orders that excite each other, with marks for price and size.
//!
//! The types are those of Large, *Measuring the resiliency of an electronic limit order book* (Journal of Financial Markets 10, 2007),
//! without a distinction by aggressiveness; what price and size an order has, is drawn from what orders of its kind had at such a
//! spread.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::{OrderFlow, own_orders::OwnOrders};
use crate::{
    market::{
        book::Resting,
        hawkes::{Hawkes, HawkesError, Thinning},
        kernel::{Desk, SECOND, Symbol},
        order::{Message, NewOrder, Price, Side, Size, Time, TraderId},
    },
    stream::Stream,
};

/// The types of events, in the order of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowEvent {
    /// A market order to buy or sell.
    Market(Side),
    /// A limit order.
    Limit(Side),
    /// A cancellation.
    Cancel(Side),
}

impl FlowEvent {
    /// All six: market buy and sell, limit bid and ask, cancelled bid and ask.
    pub const ALL: [Self; 6] = [
        Self::Market(Side::Buy),
        Self::Market(Side::Sell),
        Self::Limit(Side::Buy),
        Self::Limit(Side::Sell),
        Self::Cancel(Side::Buy),
        Self::Cancel(Side::Sell),
    ];
}

/// Prices and sizes as they were seen, to be drawn from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Marks {
    /// Ticks behind the own best price (negative: inside the spread), where the spread was 1, 2, or more ticks.
    offsets: [Vec<i32>; 3],
    /// Sizes of market orders and of limit orders.
    sizes: [Vec<Size>; 2],
}

impl Default for Marks {
    /// A few offsets and sizes as they are usual in stocks with small ticks.
    fn default() -> Self {
        let behind = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 7, 10];
        let inside = |most: i32| (1..=most).map(|ticks| -ticks).chain(behind).collect();
        Self {
            offsets: [behind.to_vec(), inside(1), inside(4)],
            sizes: [
                vec![100, 100, 100, 200, 200, 300, 500],
                vec![100, 100, 100, 100, 200, 200, 300, 400, 500, 1000],
            ],
        }
    }
}

impl Marks {
    /// Nothing seen yet.
    pub fn empty() -> Self {
        Self {
            offsets: Default::default(),
            sizes: Default::default(),
        }
    }

    /// Takes in a market order.
    pub fn market(&mut self, size: Size) {
        self.sizes[0].push(size);
    }

    /// Takes in a limit order that came `offset` ticks behind the best price of its side when the spread was `spread` ticks.
    pub fn limit(&mut self, spread: i64, offset: i32, size: Size) {
        self.offsets[Self::class(spread)].push(offset);
        self.sizes[1].push(size);
    }

    fn class(spread: i64) -> usize {
        (spread.clamp(1, 3) - 1) as usize
    }

    fn draw<T: Copy>(values: &[T], rng: &mut impl Rng) -> Option<T> {
        (!values.is_empty()).then(|| values[rng.random_range(0..values.len())])
    }

    /// An offset at a spread; at one that was never seen, as at the nearest that was.
    fn offset(&self, spread: i64, rng: &mut impl Rng) -> i64 {
        let class = Self::class(spread);
        let mut nearest = [0, 1, 2];
        nearest.sort_by_key(|other: &usize| other.abs_diff(class));
        let seen = nearest
            .into_iter()
            .find(|&class| !self.offsets[class].is_empty());
        let offset = seen.and_then(|class| Self::draw(&self.offsets[class], rng));
        // Inside the spread, not across it.
        i64::from(offset.unwrap_or(0)).max(1 - spread.max(1))
    }
}

/// The flow: one trader in whose name everything happens.
#[derive(Debug, Clone)]
pub struct HawkesFlow {
    symbol: Symbol,
    process: Thinning,
    marks: Marks,
    tick: Price,
    /// Price around which trading begins, and orders on each side before it does.
    start: (Price, u32),
    rng: Stream,
    own: [OwnOrders; 2],
    /// When the process began.
    origin: Time,
    next: Option<FlowEvent>,
}

/// Longest time between two events, in seconds, before the process is taken to have ended.
const PATIENCE: f64 = 1e6;

impl HawkesFlow {
    /// A flow of the events of `process`, which counts time in seconds and types as [`FlowEvent::ALL`].
    ///
    /// # Errors
    /// [`HawkesError::Unstable`], and [`HawkesError::Shape`] unless there are six types.
    pub fn new(
        symbol: Symbol,
        process: Hawkes,
        marks: Marks,
        tick: Price,
        start: (Price, u32),
    ) -> Result<Self, HawkesError> {
        process.check_stable()?;
        if process.kinds() != FlowEvent::ALL.len() {
            return Err(HawkesError::Shape {
                matrix: "a",
                found: process.a().len(),
                kinds: FlowEvent::ALL.len(),
            });
        }
        Ok(Self {
            symbol,
            process: Thinning::new(process),
            marks,
            tick: tick.max(1),
            start,
            rng: Stream::new(0, 0, "market.hawkes"),
            own: Default::default(),
            origin: 0,
            next: None,
        })
    }

    fn limit(&mut self, side: Side, desk: &mut Desk<'_>) {
        let book = desk.book(self.symbol);
        let [bid, ask] = Side::BOTH.map(|side| book.best(side));
        let spread = bid.zip(ask).map_or(1, |(bid, ask)| (ask - bid) / self.tick);
        let offset = self.marks.offset(spread, &mut self.rng);
        let size = Marks::draw(&self.marks.sizes[1], &mut self.rng).unwrap_or(1);
        // An empty side begins a tick behind the other one, an empty book where the last trade was.
        let (own, other) = if side == Side::Buy {
            (bid, ask)
        } else {
            (ask, bid)
        };
        let behind = other.map(|price| price - side.sign() * self.tick);
        let best = own.or(behind).or(book.last_price()).unwrap_or(self.start.0);
        self.enter(side, size, best - side.sign() * offset * self.tick, desk);
    }

    fn enter(&mut self, side: Side, size: Size, price: Price, desk: &mut Desk<'_>) {
        let (id, trader) = (desk.new_id(), desk.id_of(0));
        self.own[side.index()].push(trader, id);
        let order = NewOrder::limit(id, trader, side, size, price.max(self.tick));
        desk.send_as(trader, self.symbol, Message::New(order));
    }

    fn act(&mut self, event: FlowEvent, desk: &mut Desk<'_>) {
        match event {
            FlowEvent::Market(side) => {
                let size = Marks::draw(&self.marks.sizes[0], &mut self.rng).unwrap_or(1);
                let order = NewOrder::market(desk.new_id(), TraderId(0), side, size);
                desk.send(self.symbol, Message::New(order));
            }
            FlowEvent::Limit(side) => self.limit(side, desk),
            FlowEvent::Cancel(side) => {
                let Self {
                    own, rng, symbol, ..
                } = self;
                let own = &mut own[side.index()];
                // Orders that are gone do not count; without any, there is nothing to cancel.
                while own.len() > 0 && !own.cancel_one(*symbol, rng, desk) {}
            }
        }
    }

    fn wait(&mut self, desk: &mut Desk<'_>) {
        let now = (desk.now() - self.origin) as f64 / SECOND as f64;
        let rng = &mut self.rng;
        let event = self.process.next_event(now + PATIENCE, || rng.random());
        self.next = event.map(|event| FlowEvent::ALL[event.kind]);
        if let Some(event) = event {
            let at = self.origin + (event.time * SECOND as f64) as Time;
            desk.wake_trader_at(0, at.max(desk.now()));
        }
    }
}

impl OrderFlow for HawkesFlow {
    fn reset(&mut self, stream: Stream) {
        self.rng = stream;
        self.process.restart();
        self.own.iter_mut().for_each(OwnOrders::clear);
        self.next = None;
    }

    fn start(&mut self, desk: &mut Desk<'_>) {
        self.origin = desk.now();
        let (price, orders) = self.start;
        for _ in 0..orders {
            for side in Side::BOTH {
                let offset = self.marks.offset(1, &mut self.rng).max(0) + 1;
                let size = Marks::draw(&self.marks.sizes[1], &mut self.rng).unwrap_or(1);
                self.enter(side, size, price - side.sign() * offset * self.tick, desk);
            }
        }
        self.wait(desk);
    }

    fn adopt(&mut self, symbol: Symbol, order: &Resting) {
        if symbol == self.symbol {
            self.own[order.side.index()].push(order.trader, order.id);
        }
    }

    fn wake(&mut self, _: u32, desk: &mut Desk<'_>) {
        if let Some(event) = self.next.take() {
            self.act(event, desk);
        }
        self.wait(desk);
    }
}
