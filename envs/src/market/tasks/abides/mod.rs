//! The tasks of *ABIDES-Gym: Gym Environments for Multi-Agent Discrete Event Simulation and Application to Financial Markets*
//! (Amrouni et al., arXiv 2110.14771): one trader with few actions among the traders of `rmsc04`.
//!
//! Money is in cents in observations and rewards, as there. The player decides at the end of each interval and its messages reach the
//! exchange at once, unless a latency is given; in ABIDES its distance is drawn like that of every trader.

mod daily_investor;
mod execution;

pub use daily_investor::{AbidesDailyInvestor, AbidesDailyInvestorArgs, RewardMode};
pub use execution::{AbidesExecution, AbidesExecutionArgs};

use serde::{Deserialize, Serialize};

use super::shared::twice_mid_or_best;
use crate::market::book::Book;
use crate::market::order::{Cash, Price, Side, Size};

/// Ten-thousandths in a cent.
const CENT: f64 = 100.0;
/// Mid prices that are remembered, and so returns plus one.
const HISTORY: usize = 4;

/// Cents as the exchange counts money.
fn ten_thousandths(cents: u32) -> Cash {
    Cash::from(cents) * CENT as Cash
}

/// What both tasks see of the market.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// Mid prices at the last decisions times two, the newest last.
    twice_mids: [Price; HISTORY],
    /// How many of them there are.
    known: usize,
    /// Price of the last trade.
    last: Price,
}

impl Seen {
    /// A first look; `reference` stands in for the last trade where there was none.
    fn begin(book: &Book, reference: Price) -> Self {
        let mut seen = Self {
            last: reference,
            ..Self::default()
        };
        seen.look(book);
        seen
    }

    /// Looks at the book of a further decision.
    fn look(&mut self, book: &Book) {
        self.last = book.last_price().unwrap_or(self.last);
        self.twice_mids.rotate_left(1);
        self.twice_mids[HISTORY - 1] = twice_mid_or_best(book, self.last);
        self.known = (self.known + 1).min(HISTORY);
    }

    /// The newest mid price times two.
    fn twice_mid(&self) -> Price {
        self.twice_mids[HISTORY - 1]
    }

    /// Distance of the best prices in cents, the mid price standing in for one that is missing.
    fn spread(&self, book: &Book) -> f64 {
        let [bid, ask] = Side::BOTH.map(|side| {
            let best = book.best(side).map(|price| 2 * price);
            best.unwrap_or(self.twice_mid()) as f64
        });
        (ask - bid) / 2.0 / CENT
    }

    /// The mid price less that of the last trade, in cents.
    fn direction(&self) -> f64 {
        (self.twice_mid() - 2 * self.last) as f64 / 2.0 / CENT
    }

    /// Changes of the mid price between decisions in cents, the newest last; 0 before the first.
    fn returns(&self) -> [f64; HISTORY - 1] {
        std::array::from_fn(|i| {
            let change = self.twice_mids[i + 1] - self.twice_mids[i];
            if i + self.known >= HISTORY {
                change as f64 / 2.0 / CENT
            } else {
                0.0
            }
        })
    }
}

/// bid / (bid + ask) of the displayed sizes in so many levels: 0.5 in an empty book.
fn bid_share(book: &Book, levels: usize) -> f64 {
    let [bid, ask] = Side::BOTH.map(|side| {
        let sizes = book.levels(side).take(levels).map(|level| level.size);
        sizes.sum::<Size>() as f64
    });
    if bid + ask > 0.0 {
        bid / (bid + ask)
    } else {
        0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_begin_with_the_second_look() {
        let mut seen = Seen {
            twice_mids: [0, 0, 0, 20_000],
            known: 1,
            last: 10_000,
        };
        assert_eq!(seen.returns(), [0.0; 3]);
        seen.twice_mids = [0, 0, 20_000, 20_300];
        seen.known = 2;
        assert_eq!(seen.returns(), [0.0, 0.0, 1.5]);
        assert_eq!(seen.direction(), 1.5);
    }
}
