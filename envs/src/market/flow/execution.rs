//! One trader that works a large order with market orders: in even slices, or in proportion to what others trade.
//!
//! Beside another flow ([`Both`](super::Both)) it makes the counterfactual of a market impact: the same market with the order and,
//! of size 0, without it. The second pace is the percentage-of-volume agent of ABIDES's `rmsc03`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OrderFlow, SavedFlow};
use crate::{
    error::EnvError,
    market::{
        event::Event,
        kernel::{Desk, SECOND, Symbol},
        order::{Message, NewOrder, OrderId, Side, Size, Time, TraderId},
    },
    sim::{read_value, write_value},
    stream::Stream,
};

/// How an order is parted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// In proportion to the time that has passed.
    Even,
    /// This share of what others traded since the last slice.
    Participation(f64),
}

/// What an [`Execution`] is made with; times are in seconds from when it begins to trade.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExecutionConfig {
    /// The side.
    pub side: Side,
    /// Shares in all, 0 to 1,000,000,000; with 0 it does nothing.
    pub size: Size,
    /// Time of the first slice, >= 0.
    pub from: f64,
    /// Time at which the last slice is sent at the latest, from `from` to 1,000,000.
    pub until: f64,
    /// Time between two slices, at least 0.001.
    pub every: f64,
    /// How much each takes: `"even"`, or `{ participation = 0.1 }` of what others trade, above 0 and at most 1.
    pub pace: Pace,
}

impl Default for ExecutionConfig {
    /// 10,000 shares bought within ten minutes, a slice a minute.
    fn default() -> Self {
        Self {
            side: Side::Buy,
            size: 10_000,
            from: 0.0,
            until: 600.0,
            every: 60.0,
            pace: Pace::Even,
        }
    }
}

impl ExecutionConfig {
    /// The flow.
    ///
    /// # Errors
    /// [`EnvError::Argument`] with the key that is wrong.
    pub fn build(&self) -> Result<Execution, EnvError> {
        let within = |x: f64, low: f64, high: f64| (low..=high).contains(&x);
        let share = match self.pace {
            Pace::Even => 1.0,
            Pace::Participation(share) => share,
        };
        let checks = [
            (
                (0..=1_000_000_000).contains(&self.size),
                "size",
                "0 to 1,000,000,000",
            ),
            (within(self.from, 0.0, 1e6), "from", "0 to 1,000,000 s"),
            (
                within(self.until, self.from, 1e6),
                "until",
                "`from` to 1,000,000 s",
            ),
            (
                within(self.every, 1e-3, 1e6),
                "every",
                "0.001 to 1,000,000 s",
            ),
            (
                share > 0.0 && share <= 1.0,
                "pace.participation",
                "above 0, at most 1",
            ),
        ];
        if let Some((_, key, range)) = checks.into_iter().find(|(fine, ..)| !fine) {
            return Err(EnvError::argument(key, format!("must be {range}")));
        }
        let [from, until, every] =
            [self.from, self.until, self.every].map(|seconds| (seconds * SECOND as f64) as Time);
        Ok(Execution {
            pace: self.pace,
            from_start: true,
            ..Execution::even(self.side, self.size, from, until, every)
        })
    }
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
    /// Whether the times count from when it begins to trade.
    from_start: bool,
    /// When it began, if so, else 0.
    origin: Time,
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
            from_start: false,
            origin: 0,
            sent: 0,
            traded: 0,
            own: None,
        }
    }

    /// What should have been sent by `now`.
    fn due(&self, now: Time) -> Size {
        let now = now - self.origin;
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
        (self.origin, self.sent, self.traded, self.own) = (0, 0, 0, None);
    }

    fn start(&mut self, desk: &mut Desk<'_>) {
        (self.own, self.traded) = (Some(desk.id_of(0)), 0);
        if self.from_start {
            self.origin = desk.now();
        }
        if self.size > 0 {
            desk.wake_trader_at(0, self.origin + self.from);
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
        if self.sent < self.size && now + self.every <= self.origin + self.until {
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
        write_value(&(self.origin, self.sent, self.traded, self.own), out)
    }

    fn load(&mut self, bytes: &mut &[u8]) -> Result<(), EnvError> {
        (self.origin, self.sent, self.traded, self.own) = read_value(bytes)?;
        Ok(())
    }
}
