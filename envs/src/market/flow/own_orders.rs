//! The live orders of a flow, to pick one of at random.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::market::{
    book::Book,
    kernel::{Desk, Symbol},
    order::{Message, OrderId, TraderId},
};

/// Whether so many orders are kept in mind that most of them must be gone from `book`.
pub(super) fn is_crowded(kept: usize, book: &Book) -> bool {
    const FEW: usize = 4096;
    kept >= FEW + 4 * book.live_orders() as usize
}

/// Ids of orders that were live when they were entered here; those that are gone are found out when they are picked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::market) struct OwnOrders(Vec<(TraderId, OrderId)>);

impl OwnOrders {
    pub(in crate::market) fn clear(&mut self) {
        self.0.clear();
    }

    /// How many there are at most.
    pub(in crate::market) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets those that are gone if they have become many more than those that are not.
    pub(in crate::market) fn tidy(&mut self, book: &Book) {
        if is_crowded(self.0.len(), book) {
            self.0.retain(|&(_, id)| book.order(id).is_some());
        }
    }

    pub(in crate::market) fn push(&mut self, trader: TraderId, id: OrderId) {
        self.0.push((trader, id));
    }

    /// Cancels one of them, each with the same probability; whether the one that was picked was still there. An order that is not
    /// is forgotten.
    pub(in crate::market) fn cancel_one(
        &mut self,
        symbol: Symbol,
        rng: &mut impl Rng,
        desk: &mut Desk<'_>,
    ) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let picked = rng.random_range(0..self.0.len());
        let (trader, id) = self.0.swap_remove(picked);
        let is_live = desk.book(symbol).order(id).is_some();
        if is_live {
            desk.send_as(trader, symbol, Message::Cancel { id });
        }
        is_live
    }
}
