//! The last trades of a market, for its picture.

use serde::{Deserialize, Serialize};

use crate::market::event::{Event, Trade};
use crate::market::order::{Size, Time};

/// Trades that are remembered.
const LENGTH: usize = 6;

/// The trades since the players decided last: the newest of them, and sums.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tape {
    /// A ring.
    newest: [Option<(Time, Trade)>; LENGTH],
    trades: usize,
    volume: Size,
}

impl Tape {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    #[inline]
    pub(super) fn note(&mut self, time: Time, event: &Event) {
        match event {
            Event::Trade(trade) => {
                self.newest[self.trades % LENGTH] = Some((time, *trade));
                self.trades += 1;
                self.volume += trade.size;
            }
            Event::AuctionPrint { volume, .. } => self.volume += volume,
            _ => {}
        }
    }

    /// How many there were, and their shares.
    pub(super) fn sums(&self) -> (usize, Size) {
        (self.trades, self.volume)
    }

    /// The newest trades, the newest first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &(Time, Trade)> {
        let known = self.trades.min(LENGTH);
        (1..=known).filter_map(|back| self.newest[(self.trades - back) % LENGTH].as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::order::{OrderId, Side, TraderId};

    #[test]
    fn the_newest_trades_come_first() {
        let mut tape = Tape::default();
        for size in 1..=10 {
            let trade = Trade {
                price: 100,
                size,
                maker: OrderId(1),
                taker: OrderId(2),
                maker_trader: TraderId(0),
                taker_trader: TraderId(1),
                aggressor: Side::Buy,
                hidden: false,
                taker_limit: None,
                maker_left: 0,
                taker_left: 0,
            };
            tape.note(size, &Event::Trade(trade));
        }
        assert_eq!(tape.sums(), (10, 55));
        let sizes: Vec<Size> = tape.newest().map(|(_, trade)| trade.size).collect();
        assert_eq!(sizes, [10, 9, 8, 7, 6, 5]);
        tape.clear();
        assert_eq!(tape.newest().count(), 0);
    }
}
