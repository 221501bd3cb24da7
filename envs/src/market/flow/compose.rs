//! Two flows as one: side by side, or one after the other.

use super::{OrderFlow, SavedFlow};
use crate::error::EnvError;
use crate::market::book::Resting;
use crate::market::event::Event;
use crate::market::kernel::{Delays, Desk, Symbol};
use crate::market::order::{Side, Time, TraderId};
use crate::sim::{read_value, write_value};
use crate::stream::Stream;
use rand::RngExt;

/// Two flows that trade side by side: the traders of `second` come after those of `first`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Both<A, B> {
    /// The flow whose traders come first.
    pub first: A,
    /// The other one.
    pub second: B,
}

impl<A: OrderFlow, B: OrderFlow> Both<A, B> {
    /// Calls that of the two whose trader it is.
    #[inline]
    fn route<T>(
        &mut self,
        trader: u32,
        desk: &mut Desk<'_>,
        first: impl FnOnce(&mut A, u32, &mut Desk<'_>) -> T,
        second: impl FnOnce(&mut B, u32, &mut Desk<'_>) -> T,
    ) -> T {
        let before = self.first.traders();
        if trader < before {
            first(&mut self.first, trader, desk)
        } else {
            second(&mut self.second, trader - before, &mut desk.shifted(before))
        }
    }
}

impl<A: OrderFlow, B: OrderFlow> OrderFlow for Both<A, B> {
    fn traders(&self) -> u32 {
        self.first.traders() + self.second.traders()
    }

    fn delays(&self, trader: u32) -> Delays {
        match trader.checked_sub(self.first.traders()) {
            None => self.first.delays(trader),
            Some(trader) => self.second.delays(trader),
        }
    }

    fn reset(&mut self, mut stream: Stream) {
        let of_second = Stream::new(stream.random(), 1, "market.second_flow");
        self.second.reset(of_second);
        self.first.reset(stream);
    }

    fn start(&mut self, desk: &mut Desk<'_>) {
        self.first.start(desk);
        let before = self.first.traders();
        self.second.start(&mut desk.shifted(before));
    }

    fn adopt(&mut self, symbol: Symbol, order: &Resting) {
        // An order has one owner.
        if self.first.takes_over() {
            self.first.adopt(symbol, order);
        } else {
            self.second.adopt(symbol, order);
        }
    }

    fn takes_over(&self) -> bool {
        self.first.takes_over() || self.second.takes_over()
    }

    fn wake(&mut self, trader: u32, desk: &mut Desk<'_>) {
        self.route(trader, desk, A::wake, B::wake);
    }

    fn notice(&mut self, trader: u32, symbol: Symbol, event: &Event, desk: &mut Desk<'_>) {
        self.route(
            trader,
            desk,
            |flow, trader, desk| flow.notice(trader, symbol, event, desk),
            |flow, trader, desk| flow.notice(trader, symbol, event, desk),
        );
    }

    fn wants_notices(&self) -> bool {
        self.first.wants_notices() || self.second.wants_notices()
    }

    fn follows_book(&self) -> bool {
        self.first.follows_book() || self.second.follows_book()
    }

    fn settled(&mut self, symbol: Symbol, desk: &mut Desk<'_>) {
        self.first.settled(symbol, desk);
        let before = self.first.traders();
        self.second.settled(symbol, &mut desk.shifted(before));
    }

    fn observe(&mut self, time: Time, symbol: Symbol, event: &Event) {
        self.first.observe(time, symbol, event);
        self.second.observe(time, symbol, event);
    }
}

/// One flow until a time, another one from then on, which takes over the orders that rest.
///
/// Messages of the first that are on their way then still arrive, and their orders are taken over, too; its wake-ups do
/// not happen any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver<A, B> {
    flows: Both<A, B>,
    at: Time,
    passed_on: bool,
    /// Id of the first trader.
    base: u32,
    /// Traders, in ascending order, whose orders this flow was given when it took over itself.
    inherited: Vec<TraderId>,
}

impl<A: OrderFlow, B: OrderFlow> HandOver<A, B> {
    /// `first` until `at`, then `second`.
    pub fn new(first: A, second: B, at: Time) -> Self {
        Self {
            flows: Both { first, second },
            at,
            passed_on: false,
            base: 0,
            inherited: Vec::new(),
        }
    }

    /// The first and the second.
    pub fn flows(&self) -> (&A, &B) {
        (&self.flows.first, &self.flows.second)
    }

    /// Whether a trader is one of the first flow's.
    fn is_of_first(&self, trader: TraderId) -> bool {
        let number = trader.0.checked_sub(self.base);
        number.is_some_and(|number| number < self.flows.first.traders())
    }

    /// Takes over an order that has come after the hand-over. Where nothing of it comes to rest, there will be nothing to take back.
    fn adopt_late(&mut self, symbol: Symbol, event: &Event) {
        let (id, trader, side, price, size) = match *event {
            Event::Accepted {
                id,
                trader,
                side,
                size,
                limit: Some(price),
            } => (id, trader, side, price, size),
            Event::Replaced {
                new_id,
                trader,
                side,
                price,
                size,
                ..
            } => (new_id, trader, side, price, size),
            _ => return,
        };
        if self.is_of_first(trader) {
            let order = Resting {
                id,
                trader,
                side,
                price: Some(price),
                open: size,
                reserve: 0,
                hidden: false,
                stop: None,
            };
            self.flows.second.adopt(symbol, &order);
        }
    }

    /// Lets the second begin, if it is time and it has not yet.
    fn pass_on(&mut self, desk: &mut Desk<'_>) -> bool {
        if self.passed_on || desk.now() < self.at {
            return false;
        }
        self.passed_on = true;
        let before = self.flows.first.traders();
        desk.drop_wakes(before);
        self.flows.second.start(&mut desk.shifted(before));
        for symbol in (0..desk.symbols()).map(|symbol| Symbol(symbol as u16)) {
            let book = desk.book(symbol);
            let sides = Side::BOTH.into_iter();
            let waiting = sides.flat_map(|side| book.resting(side).chain(book.stops(side)));
            for order in waiting.chain(book.pooled()) {
                let inherited = self.inherited.binary_search(&order.trader).is_ok();
                if self.is_of_first(order.trader) || inherited {
                    self.flows.second.adopt(symbol, &order);
                }
            }
        }
        true
    }
}

impl<A: OrderFlow, B: OrderFlow> OrderFlow for HandOver<A, B> {
    fn traders(&self) -> u32 {
        self.flows.traders()
    }

    fn delays(&self, trader: u32) -> Delays {
        self.flows.delays(trader)
    }

    fn reset(&mut self, stream: Stream) {
        self.passed_on = false;
        self.inherited.clear();
        self.flows.reset(stream);
    }

    fn adopt(&mut self, symbol: Symbol, order: &Resting) {
        if let Err(place) = self.inherited.binary_search(&order.trader) {
            self.inherited.insert(place, order.trader);
        }
        if self.passed_on {
            self.flows.second.adopt(symbol, order);
        } else {
            self.flows.first.adopt(symbol, order);
        }
    }

    fn takes_over(&self) -> bool {
        self.flows.takes_over()
    }

    fn start(&mut self, desk: &mut Desk<'_>) {
        self.base = desk.id_of(0).0;
        self.flows.first.start(desk);
        desk.wake_trader_at(0, self.at);
    }

    fn wake(&mut self, trader: u32, desk: &mut Desk<'_>) {
        if !self.pass_on(desk) {
            self.flows.wake(trader, desk);
        }
    }

    fn notice(&mut self, trader: u32, symbol: Symbol, event: &Event, desk: &mut Desk<'_>) {
        // Notices of what the first has done come to nobody once the second trades.
        if !self.passed_on || trader >= self.flows.first.traders() {
            self.flows.notice(trader, symbol, event, desk);
        }
    }

    fn wants_notices(&self) -> bool {
        self.flows.wants_notices()
    }

    fn follows_book(&self) -> bool {
        self.flows.follows_book()
    }

    fn settled(&mut self, symbol: Symbol, desk: &mut Desk<'_>) {
        if self.passed_on {
            let before = self.flows.first.traders();
            self.flows.second.settled(symbol, &mut desk.shifted(before));
        } else {
            self.flows.first.settled(symbol, desk);
        }
    }

    fn observe(&mut self, time: Time, symbol: Symbol, event: &Event) {
        if self.passed_on {
            self.adopt_late(symbol, event);
        } else {
            self.flows.first.observe(time, symbol, event);
        }
        // The second sees what comes before it, to begin in the middle of it.
        self.flows.second.observe(time, symbol, event);
    }
}

impl<A: SavedFlow, B: SavedFlow> SavedFlow for Both<A, B> {
    fn save(&self, out: &mut Vec<u8>) -> Result<(), EnvError> {
        self.first.save(out)?;
        self.second.save(out)
    }

    fn load(&mut self, bytes: &mut &[u8]) -> Result<(), EnvError> {
        self.first.load(bytes)?;
        self.second.load(bytes)
    }
}

impl<A: SavedFlow, B: SavedFlow> SavedFlow for HandOver<A, B> {
    fn save(&self, out: &mut Vec<u8>) -> Result<(), EnvError> {
        let Self {
            passed_on,
            base,
            inherited,
            ..
        } = self;
        write_value(&(passed_on, base, inherited), out)?;
        self.flows.save(out)
    }

    fn load(&mut self, bytes: &mut &[u8]) -> Result<(), EnvError> {
        (self.passed_on, self.base, self.inherited) = read_value(bytes)?;
        self.flows.load(bytes)
    }
}
