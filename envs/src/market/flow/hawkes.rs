//! Order flow of a Hawkes process: six types of orders that excite each other, with marks for price and size.
//!
//! The types are those of Large, *Measuring the resiliency of an electronic limit order book* (Journal of Financial Markets 10, 2007),
//! without a distinction by aggressiveness; what price and size an order has, is drawn from what orders of its kind had at such a
//! spread.

use rand::{Rng, RngExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OrderFlow, SavedFlow, own_orders::OwnOrders};
use crate::{
    error::EnvError,
    market::{
        book::Resting,
        hawkes::{Hawkes, HawkesError, Thinning},
        kernel::{Desk, SECOND, Symbol},
        order::{Message, NewOrder, Price, Side, Size, Time, TraderId},
    },
    sim::{read_value, write_value},
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
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

/// What a [`HawkesFlow`] is made with. Types of events are in the order of [`FlowEvent::ALL`], times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HawkesFlowConfig {
    /// `μ`: rate of each type without excitation, six numbers >= 0.
    pub base_rates: Vec<f64>,
    /// `a`: what an event of a type adds to the rate of another, 36 numbers >= 0, receiver by receiver.
    pub jumps: Vec<f64>,
    /// `b`: how fast that decays, 36 numbers > 0.
    pub decays: Vec<f64>,
    /// Prices and sizes.
    pub marks: Marks,
    /// Tick in 1/10,000, at least 1.
    pub tick: Price,
    /// Price around which trading begins, in 1/10,000.
    pub start_price: Price,
    /// Orders on each side before it does.
    pub start_orders: u32,
}

impl Default for HawkesFlowConfig {
    /// About four events a second, most of which have led to a further one of their type.
    fn default() -> Self {
        let jump = |entry: usize| if entry / 6 == entry % 6 { 0.5 } else { 0.02 };
        Self {
            base_rates: vec![0.1, 0.1, 0.6, 0.6, 0.4, 0.4],
            jumps: (0..36).map(jump).collect(),
            decays: vec![2.0; 36],
            marks: Marks::default(),
            tick: 100,
            start_price: 1_000_000,
            start_orders: 50,
        }
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

    /// A flow of the first instrument.
    ///
    /// # Errors
    /// [`EnvError::Argument`] with the key that is wrong.
    pub fn from_config(config: &HawkesFlowConfig) -> Result<Self, EnvError> {
        let Marks { offsets, sizes } = &config.marks;
        let checks = [
            ((1..=100_000).contains(&config.tick), "tick", "1 to 100,000"),
            (
                config.start_price > config.tick && config.start_price <= 1 << 40,
                "start_price",
                "above tick, at most 2^40",
            ),
            (
                config.start_orders <= 10_000,
                "start_orders",
                "at most 10,000",
            ),
            (
                sizes
                    .iter()
                    .flatten()
                    .all(|size| (1..=1 << 31).contains(size)),
                "marks.sizes",
                "1 to 2^31",
            ),
            (
                sizes.iter().all(|seen| !seen.is_empty()),
                "marks.sizes",
                "two lists with a size at least",
            ),
            (
                offsets.iter().any(|seen| !seen.is_empty()),
                "marks.offsets",
                "three lists, one of them with a distance at least",
            ),
            (
                offsets.iter().flatten().all(|ticks| ticks.abs() <= 100_000),
                "marks.offsets",
                "at most 100,000 ticks",
            ),
        ];
        if let Some((_, path, range)) = checks.into_iter().find(|(fine, ..)| !fine) {
            return Err(EnvError::argument(path, format!("must be {range}")));
        }
        if config.base_rates.len() != FlowEvent::ALL.len() {
            let message = format!("must have 6 entries, not {}", config.base_rates.len());
            return Err(EnvError::argument("base_rates", message));
        }
        let process = Hawkes::new(&config.base_rates, &config.jumps, &config.decays);
        let start = (config.start_price, config.start_orders);
        let made = process.and_then(|process| {
            Self::new(Symbol(0), process, config.marks.clone(), config.tick, start)
        });
        made.map_err(|error| {
            let path = match &error {
                HawkesError::Shape { matrix: "b", .. }
                | HawkesError::Parameter { name: "b", .. } => "decays",
                HawkesError::Parameter { name: "mu", .. } => "base_rates",
                _ => "jumps",
            };
            EnvError::argument(path, error.to_string())
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
            FlowEvent::Limit(side) => {
                self.own[side.index()].tidy(desk.book(self.symbol));
                self.limit(side, desk);
            }
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

    fn takes_over(&self) -> bool {
        true
    }

    fn wake(&mut self, _: u32, desk: &mut Desk<'_>) {
        if let Some(event) = self.next.take() {
            self.act(event, desk);
        }
        self.wait(desk);
    }
}

impl SavedFlow for HawkesFlow {
    fn save(&self, out: &mut Vec<u8>) -> Result<(), EnvError> {
        let (time, excitation) = self.process.past();
        write_value(
            &(
                &self.rng,
                &self.own,
                self.origin,
                self.next,
                time,
                excitation,
            ),
            out,
        )
    }

    fn load(&mut self, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let (time, excitation): (f64, Vec<f64>);
        (self.rng, self.own, self.origin, self.next, time, excitation) = read_value(bytes)?;
        if self.process.resume(time, &excitation) {
            Ok(())
        } else {
            Err(EnvError::Snapshot("no past of this Hawkes process".into()))
        }
    }
}
