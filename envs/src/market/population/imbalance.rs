//! Imbalance of the whole book, of which the exchange tells market makers when it becomes large.

use serde::{Deserialize, Serialize};

use crate::market::{
    event::Event,
    order::{Side, Size},
};

/// Displayed shares of each side, from the events that change them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Imbalance {
    shares: [Size; 2],
    /// The side that market makers were told of last.
    pub(super) told: Option<Side>,
}

impl Imbalance {
    pub(super) fn note(&mut self, event: &Event) {
        let (side, change) = match *event {
            Event::Rested {
                side, displayed, ..
            }
            | Event::Refilled {
                side, displayed, ..
            } => (side, displayed),
            Event::Cancelled {
                side, displayed, ..
            }
            | Event::Reduced {
                side, displayed, ..
            }
            | Event::AuctionFill {
                side, displayed, ..
            } => (side, -displayed),
            Event::Modified {
                side,
                old_displayed,
                ..
            }
            | Event::Replaced {
                side,
                old_displayed,
                ..
            } => (side, -old_displayed),
            Event::Trade(trade) if !trade.hidden => (trade.aggressor.opposite(), -trade.size),
            _ => return,
        };
        self.shares[side.index()] += change;
    }

    /// The side that has the more, if the other has less than a share of `1 - threshold` of it.
    pub(super) fn side(&self, threshold: f64) -> Option<Side> {
        let [bids, asks] = self.shares;
        let (side, more, less) = if bids > asks {
            (Side::Buy, bids, asks)
        } else {
            (Side::Sell, asks, bids)
        };
        (more > 0 && 1.0 - less as f64 / more as f64 > threshold).then_some(side)
    }

    #[cfg(test)]
    pub(super) fn shares(&self) -> [Size; 2] {
        self.shares
    }
}
