//! What the tasks have in common: ranges of arguments, what is seen of a book, and a player's own orders.

use serde::{Deserialize, Serialize};

use crate::error::EnvError;
use crate::market::book::{Book, Resting};
use crate::market::event::Trade;
use crate::market::host::{Floor, PlayerSetup};
use crate::market::kernel::{Delays, Desk, SECOND, Seat, Symbol};
use crate::market::order::{Cash, Message, NewOrder, OrderId, Price, Side, Size, Time, TraderId};
use crate::sim::{InfoField, InfoKind};
use crate::space::{BoxSpace, DType, Space};

/// The instrument of a task.
pub(super) const SYMBOL: Symbol = Symbol(0);

/// Refuses the first argument that is out of its range.
pub(super) fn check(ranges: &[(bool, &str, &str)]) -> Result<(), EnvError> {
    match ranges.iter().find(|(fine, ..)| !fine) {
        None => Ok(()),
        Some((_, path, range)) => Err(EnvError::argument(path, format!("must be {range}"))),
    }
}

/// Whether a number lies in a closed interval; NaN lies in none.
pub(super) fn within(x: f64, low: f64, high: f64) -> bool {
    (low..=high).contains(&x)
}

/// An info field that tells a number about the state.
pub(super) fn number(name: &str, low: f64, high: f64, summary: &str) -> InfoField {
    InfoField {
        name: name.into(),
        space: Space::Box(BoxSpace {
            dtype: DType::Float64,
            shape: vec![1],
            low: vec![low],
            high: vec![high],
        }),
        kind: InfoKind::State,
        summary: summary.into(),
    }
}

/// Seconds as nanoseconds.
pub(super) fn nanoseconds(seconds: f64) -> Time {
    (seconds * SECOND as f64) as Time
}

/// A player so many milliseconds from the exchange.
pub(super) fn player(latency: f64, cash: Cash) -> PlayerSetup {
    PlayerSetup {
        seat: Seat {
            delays: Delays {
                communication: nanoseconds(latency / 1e3),
                computation: 0,
            },
            ..Seat::default()
        },
        cash,
        shares: 0,
    }
}

/// The mid price times two; that of one side where the other is empty, and `last` where both are.
pub(super) fn twice_mid(book: &Book, last: Price) -> Price {
    match Side::BOTH.map(|side| book.best(side)) {
        [Some(bid), Some(ask)] => bid + ask,
        [Some(price), None] | [None, Some(price)] => 2 * price,
        [None, None] => 2 * last,
    }
}

/// Displayed shares of each side in its best 1, 5 and 10 levels.
pub(super) fn depths(book: &Book) -> [[f64; 3]; 2] {
    Side::BOTH.map(|side| {
        let (mut sum, mut depths) = (0, [0; 3]);
        for (i, level) in book.levels(side).take(10).enumerate() {
            sum += level.size;
            for (depth, levels) in depths.iter_mut().zip([1, 5, 10]) {
                *depth = if i < levels { sum } else { *depth };
            }
        }
        depths.map(|depth: Size| depth as f64)
    })
}

/// (bid − ask) / (bid + ask) of displayed sizes; 0 without any.
pub(super) fn imbalance(bid: f64, ask: f64) -> f64 {
    if bid + ask > 0.0 {
        (bid - ask) / (bid + ask)
    } else {
        0.0
    }
}

/// Orders that a player has sent, in order of entry. Those that are gone leave when somebody looks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct OwnOrders {
    /// Each with the time on the player's clock until which it may be on its way.
    sent: Vec<(OrderId, Time)>,
}

impl OwnOrders {
    /// Forgets all, with room for the orders of an episode that is to begin.
    pub(super) fn clear(&mut self) {
        self.sent.clear();
        self.sent.reserve(64);
    }

    /// Sends an order.
    pub(super) fn send(&mut self, desk: &mut Desk<'_>, side: Side, size: Size, how: How) {
        let (id, trader) = (desk.new_id(), desk.id_of(0));
        let order = match how {
            How::Market => NewOrder::market(id, trader, side, size),
            How::Limit(price) => {
                self.sent.push((id, desk.now() + 2 * desk.communication()));
                NewOrder::limit(id, trader, side, size, price)
            }
        };
        desk.send(SYMBOL, Message::New(order));
    }

    /// Takes back all that is left of them.
    pub(super) fn cancel_all(&mut self, desk: &mut Desk<'_>) {
        self.tidy(desk);
        for (id, _) in self.sent.drain(..) {
            desk.send(SYMBOL, Message::Cancel { id });
        }
    }

    /// Takes back `size` shares of those that rest at a price, the oldest first.
    pub(super) fn cancel(&self, desk: &mut Desk<'_>, price: Price, size: Size) {
        let mut left = size;
        for &(id, _) in &self.sent {
            let Some(order) = desk.book(SYMBOL).order(id) else {
                continue;
            };
            let by = order.left().min(left);
            if order.price != Some(price) || by == 0 {
                continue;
            }
            left -= by;
            let message = if by == order.left() {
                Message::Cancel { id }
            } else {
                Message::Reduce { id, by }
            };
            desk.send(SYMBOL, message);
        }
    }

    /// Forgets those that are gone.
    pub(super) fn tidy(&mut self, desk: &Desk<'_>) {
        let (now, book) = (desk.now(), desk.book(SYMBOL));
        self.sent
            .retain(|&(id, until)| now <= until || book.order(id).is_some());
    }

    /// Those that rest.
    pub(super) fn live<'a>(&'a self, book: &'a Book) -> impl Iterator<Item = Resting> + 'a {
        self.sent.iter().filter_map(|(id, _)| book.order(*id))
    }
}

/// How an order is sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum How {
    /// At any price; nothing of it rests.
    Market,
    /// At this price or better; the rest of it waits.
    Limit(Price),
}

/// What has been executed of an order: how much, at what sum of money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Executed {
    /// Shares, of the side of the order.
    pub(super) size: Size,
    /// Paid by a buyer, received by a seller, less fees.
    pub(super) value: Cash,
}

impl Executed {
    /// What the player has executed, who had nothing but `cash` at the start.
    pub(super) fn of(floor: &Floor<'_>, side: Side, cash: Cash) -> Self {
        Self {
            size: side.sign() * floor.position(0).held,
            value: side.sign() * (cash - floor.account(0).cash),
        }
    }

    /// What has come to it since `before`.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            size: self.size - before.size,
            value: self.value - before.value,
        }
    }

    /// Money saved, or gained, against a price: positive is good.
    pub(super) fn gain(self, side: Side, price: f64) -> f64 {
        // A zero without a sign.
        side.sign() as f64 * (price * self.size as f64 - self.value as f64) + 0.0
    }
}

/// Shares that traded in the last minute, all and the player's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastMinute {
    /// For each sixth of a minute: its number since midnight, all shares, own ones.
    parts: [(Time, Size, Size); 6],
}

impl LastMinute {
    const PART: Time = 10 * SECOND;

    #[inline]
    pub(super) fn note(&mut self, time: Time, size: Size, is_own: bool) {
        let number = time.div_euclid(Self::PART);
        let part = &mut self.parts[number.rem_euclid(6) as usize];
        if part.0 != number {
            *part = (number, 0, 0);
        }
        part.1 += size;
        part.2 += if is_own { size } else { 0 };
    }

    /// The player's share, of all that traded.
    pub(super) fn share(&self, now: Time) -> f64 {
        let number = now.div_euclid(Self::PART);
        let recent = self.parts.iter().filter(|part| part.0 > number - 6);
        let (all, own) = recent.fold((0, 0), |(all, own), part| (all + part.1, own + part.2));
        if all > 0 {
            own as f64 / all as f64
        } else {
            0.0
        }
    }
}

/// Whether a trader is a side of a trade.
#[inline]
pub(super) fn takes_part(trade: &Trade, trader: TraderId) -> bool {
    trade.maker_trader == trader || trade.taker_trader == trader
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_minute_is_the_last_six_parts() {
        let mut minute = LastMinute::default();
        minute.note(5 * SECOND, 100, true);
        minute.note(15 * SECOND, 300, false);
        assert_eq!(minute.share(15 * SECOND), 0.25);
        // The first part is older than a minute now.
        assert_eq!(minute.share(61 * SECOND), 0.0);
        minute.note(65 * SECOND, 100, true);
        assert_eq!(minute.share(65 * SECOND), 0.25);
        assert_eq!(minute.share(1000 * SECOND), 0.0);
    }

    #[test]
    fn a_gain_is_positive_for_a_good_price() {
        let executed = Executed {
            size: 10,
            value: 990,
        };
        assert_eq!(executed.gain(Side::Buy, 100.0), 10.0);
        assert_eq!(executed.gain(Side::Sell, 100.0), -10.0);
    }
}
