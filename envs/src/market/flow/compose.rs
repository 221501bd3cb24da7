//! Two flows as one: side by side, or one after the other.

use super::{OrderFlow, SavedFlow};
use crate::error::EnvError;
use crate::market::book::Resting;
use crate::market::event::Event;
use crate::market::kernel::{Delays, Desk, Symbol};
use crate::market::order::{Side, Time};
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
        self.first.adopt(symbol, order);
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

    fn observe(&mut self, time: Time, symbol: Symbol, event: &Event) {
        self.first.observe(time, symbol, event);
        self.second.observe(time, symbol, event);
    }
}

/// One flow until a time, another one from then on, which takes over the orders that rest.
///
/// Messages of the first that are on their way then still arrive; its wake-ups do not happen any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver<A, B> {
    flows: Both<A, B>,
    at: Time,
    passed_on: bool,
}

impl<A: OrderFlow, B: OrderFlow> HandOver<A, B> {
    /// `first` until `at`, then `second`.
    pub fn new(first: A, second: B, at: Time) -> Self {
        Self {
            flows: Both { first, second },
            at,
            passed_on: false,
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
            let resting = Side::BOTH.into_iter().flat_map(|side| book.resting(side));
            for order in resting.chain(book.pooled()) {
                if desk.number_of(order.trader, before).is_some() {
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
        self.flows.reset(stream);
    }

    fn start(&mut self, desk: &mut Desk<'_>) {
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

    fn observe(&mut self, time: Time, symbol: Symbol, event: &Event) {
        if !self.passed_on {
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
        write_value(&self.passed_on, out)?;
        self.flows.save(out)
    }

    fn load(&mut self, bytes: &mut &[u8]) -> Result<(), EnvError> {
        self.passed_on = read_value(bytes)?;
        self.flows.load(bytes)
    }
}
