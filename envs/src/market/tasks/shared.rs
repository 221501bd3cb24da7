//! What the tasks have in common: the market they are set in, and what is seen of it.

use serde::{Deserialize, Serialize};

use super::sessions::Sessions;
use crate::error::EnvError;
use crate::market::book::Book;
use crate::market::event::{Event, Phase};
use crate::market::flow::{Background, BackgroundConfig, Venue};
use crate::market::host::{Floor, MarketSetup, PlayerSetup};
use crate::market::kernel::{Calendar, Delays, Fees, SECOND, Seat, Symbol};
use crate::market::order::{Cash, Price, Side, Size, Time, TraderId};
use crate::sim::{InfoField, InfoKind, RowObservation};
use crate::space::{BoxSpace, DType, Space};

/// The instrument of a task.
pub(super) const SYMBOL: Symbol = Symbol(0);

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

/// Who trades in the market of a task beside its player, what the market must be like for it, and its phases.
#[derive(Debug, Clone)]
pub(super) struct Marketplace {
    pub(super) background: Background,
    pub(super) venue: Venue,
    calendar: Option<Calendar>,
}

impl Marketplace {
    /// The market of two arguments, which its player joins after `lead` seconds, the argument `lead_key`.
    ///
    /// # Errors
    /// [`EnvError::Argument`] with the key that is wrong, below `background` or `sessions`, or `lead_key`.
    pub(super) fn new(
        background: &BackgroundConfig,
        sessions: &Sessions,
        lead: f64,
        lead_key: &'static str,
    ) -> Result<Self, EnvError> {
        let (background, venue) = background.build()?;
        let calendar = sessions.calendar(venue.opening)?;
        let market = Self {
            background,
            venue,
            calendar,
        };
        let open = market.close().map(|close| close - market.venue.opening);
        match open.filter(|open| nanoseconds(lead) >= *open) {
            None => Ok(market),
            Some(open) => Err(EnvError::argument(
                lead_key,
                format!(
                    "must be below {}: the market, or the recording in it, ends so many seconds after it begins",
                    open as f64 / SECOND as f64
                ),
            )),
        }
    }

    /// Distance of two prices.
    pub(super) fn tick(&self) -> Price {
        self.venue.tick()
    }

    /// When the market closes, if it does.
    pub(super) fn close(&self) -> Option<Time> {
        let last = self.calendar.as_ref().and_then(|c| c.changes().last());
        let close = last.filter(|(_, phase)| *phase == Phase::Closed);
        [self.venue.closing, close.map(|(time, _)| *time)]
            .into_iter()
            .flatten()
            .min()
    }

    /// The market with one player, who is `latency` ms from the exchange, joins after `lead` seconds and then decides every
    /// `interval` seconds.
    pub(super) fn setup(
        &self,
        fees: Fees,
        lead: f64,
        interval: f64,
        latency: f64,
        cash: Cash,
    ) -> MarketSetup {
        MarketSetup {
            venue: self.venue.clone(),
            calendar: self.calendar.clone(),
            fees,
            warm_up: nanoseconds(lead),
            interval: nanoseconds(interval).max(1),
            players: vec![PlayerSetup {
                seat: Seat {
                    delays: Delays {
                        communication: nanoseconds(latency / 1e3),
                        computation: 0,
                    },
                    ..Seat::default()
                },
                cash,
                shares: 0,
            }],
        }
    }
}

/// The mid price times two. Where a side is empty, the best price of the other one, and `last` where both are: what who measures
/// prices in each moment would read off this book.
pub(super) fn twice_mid_or_best(book: &Book, last: Price) -> Price {
    match Side::BOTH.map(|side| book.best(side)) {
        [Some(bid), Some(ask)] => bid + ask,
        [Some(price), None] | [None, Some(price)] => 2 * price,
        [None, None] => 2 * last,
    }
}

/// The mid price times two. Where a side is empty, that of before, `twice_last`: who is paid for the change of its value must not
/// gain by half a spread when its last ask is taken away.
pub(super) fn twice_mid_or_last(book: &Book, twice_last: Price) -> Price {
    match Side::BOTH.map(|side| book.best(side)) {
        [Some(bid), Some(ask)] => bid + ask,
        _ => twice_last,
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
    pub(super) fn note(&mut self, time: Time, all: Size, own: Size) {
        let number = time.div_euclid(Self::PART);
        let part = &mut self.parts[number.rem_euclid(6) as usize];
        if part.0 != number {
            *part = (number, 0, 0);
        }
        part.1 += all;
        part.2 += own;
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

/// Shares that an event says have traded: all of them, and those of `trader`.
///
/// A call auction tells of all of its shares once, and then of each order's.
#[inline]
pub(super) fn traded(event: &Event, trader: TraderId) -> (Size, Size) {
    match event {
        Event::Trade(trade) => {
            let is_own = trade.maker_trader == trader || trade.taker_trader == trader;
            (trade.size, if is_own { trade.size } else { 0 })
        }
        Event::AuctionPrint { volume, .. } => (*volume, 0),
        Event::AuctionFill {
            trader: other,
            size,
            ..
        } if *other == trader => (0, *size),
        _ => (0, 0),
    }
}

/// The info field that tells the phase of trading.
const PHASE: &str = "phase";

/// That field.
pub(super) fn phase_info() -> InfoField {
    let summary = "Phase of trading: 0 closed, 1 call auction, 2 continuous, 3 halted.";
    number(PHASE, 0.0, 3.0, summary)
}

/// Tells it.
pub(super) fn tell_phase(out: &mut RowObservation<'_>, book: &Book) {
    let phase = match book.phase() {
        Phase::Closed => 0.0,
        Phase::Auction => 1.0,
        Phase::Continuous => 2.0,
        Phase::Halted => 3.0,
    };
    out.info(PHASE, &[phase]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_minute_is_the_last_six_parts() {
        let mut minute = LastMinute::default();
        minute.note(5 * SECOND, 100, 100);
        minute.note(15 * SECOND, 300, 0);
        assert_eq!(minute.share(15 * SECOND), 0.25);
        // The first part is older than a minute now.
        assert_eq!(minute.share(61 * SECOND), 0.0);
        minute.note(65 * SECOND, 100, 100);
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
