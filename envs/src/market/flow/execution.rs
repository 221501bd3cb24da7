//! One trader that works a large order with market orders: in even slices, or in proportion to what others trade.
//!
//! Beside another flow ([`Both`](super::Both)) it makes the counterfactual of a market impact: the same market with the order and,
//! of size 0, without it. The second pace is the percentage-of-volume agent of ABIDES's `rmsc03`.

use serde::{Deserialize, Serialize};

use super::{OrderFlow, SavedFlow};
use crate::{
    error::EnvError,
    market::{
        event::Event,
        kernel::{Desk, Symbol},
        order::{Message, NewOrder, OrderId, Side, Size, Time, TraderId},
    },
    sim::{read_value, write_value},
    stream::Stream,
};

/// How an order is parted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// In proportion to the time that has passed.
    Even,
    /// This share of what others traded since the last slice.
    Participation(f64),
}

/// The order and its trader.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Execution {
    /// The instrument.
    pub symbol: Symbol,
    /// The side.
    pub side: Side,
    /// Shares in all; with 0 it does nothing.
    pub size: Size,
    /// Time of the first slice.
    pub from: Time,
    /// Time at which the last slice is sent at the latest.
    pub until: Time,
    /// Time between two slices, > 0.
    pub every: Time,
    /// How much each takes.
    pub pace: Pace,
    sent: Size,
    /// What others have traded since the last slice.
    traded: Size,
    /// Its id, once it is known.
    own: Option<TraderId>,
}

impl Execution {
    /// Even slices of `size` shares from `from` until `until`.
    pub fn even(side: Side, size: Size, from: Time, until: Time, every: Time) -> Self {
        Self {
            symbol: Symbol(0),
            side,
            size,
            from,
            until,
            every: every.max(1),
            pace: Pace::Even,
            sent: 0,
            traded: 0,
            own: None,
        }
    }

    /// What should have been sent by `now`.
    fn due(&self, now: Time) -> Size {
        match self.pace {
            Pace::Even => {
                // The slice sent now is for the time until the next one.
                let slices = ((self.until - self.from) / self.every).max(0) + 1;
                let slice = ((now - self.from) / self.every).max(0) + 1;
                (i128::from(self.size) * i128::from(slice.min(slices)) / i128::from(slices)) as Size
            }
            Pace::Participation(share) => {
                let more = (share * self.traded as f64).round() as Size;
                self.sent.saturating_add(more.max(0)).min(self.size)
            }
        }
    }
}

impl OrderFlow for Execution {
    fn reset(&mut self, _: Stream) {
        (self.sent, self.traded, self.own) = (0, 0, None);
    }

    fn start(&mut self, desk: &mut Desk<'_>) {
        self.own = Some(desk.id_of(0));
        if self.size > 0 {
            desk.wake_trader_at(0, self.from);
        }
    }

    fn wake(&mut self, _: u32, desk: &mut Desk<'_>) {
        let now = desk.now();
        let slice = self.due(now) - self.sent;
        self.traded = 0;
        if slice > 0 {
            let order = NewOrder::market(OrderId::ASSIGN, TraderId(0), self.side, slice);
            desk.send(self.symbol, Message::New(order));
            self.sent += slice;
        }
        if self.sent < self.size && now + self.every <= self.until {
            desk.wake_at(now + self.every);
        }
    }

    fn observe(&mut self, _: Time, symbol: Symbol, event: &Event) {
        if let Event::Trade(trade) = event
            && symbol == self.symbol
            && Some(trade.taker_trader) != self.own
        {
            self.traded += trade.size;
        }
    }
}

impl SavedFlow for Execution {
    fn save(&self, out: &mut Vec<u8>) -> Result<(), EnvError> {
        write_value(&(self.sent, self.traded, self.own), out)
    }

    fn load(&mut self, bytes: &mut &[u8]) -> Result<(), EnvError> {
        (self.sent, self.traded, self.own) = read_value(bytes)?;
        Ok(())
    }
}
