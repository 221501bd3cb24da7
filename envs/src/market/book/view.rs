//! What can be seen of a book.

use crate::market::order::{OrderId, Price, Side, Size, TraderId};

/// One displayed price level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Depth {
    /// Price.
    pub price: Price,
    /// Displayed shares.
    pub size: Size,
    /// Displayed orders.
    pub count: u32,
}

/// The best levels of both sides, in buffers that are used again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    bids: Vec<Depth>,
    asks: Vec<Depth>,
    levels: usize,
}

impl Snapshot {
    /// Room for `levels` levels on each side.
    pub fn new(levels: usize) -> Self {
        Self {
            bids: Vec::with_capacity(levels),
            asks: Vec::with_capacity(levels),
            levels,
        }
    }

    /// The levels of `side` from the best on; as many as there are, at most those there is room for.
    #[inline]
    pub fn side(&self, side: Side) -> &[Depth] {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    /// Levels there is room for on each side.
    pub fn levels(&self) -> usize {
        self.levels
    }

    pub(super) fn side_mut(&mut self, side: Side) -> &mut Vec<Depth> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

/// An order in the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Resting {
    /// The order.
    pub id: OrderId,
    /// Its owner.
    pub trader: TraderId,
    /// Its side.
    pub side: Side,
    /// Its limit; `None` for a market order that waits for its stop price.
    pub price: Option<Price>,
    /// What trades before its place in the queue is lost: the tranche of an iceberg order, else all of it.
    pub open: Size,
    /// What an iceberg order has not shown yet.
    pub reserve: Size,
    /// Nobody sees it.
    pub hidden: bool,
    /// The last price that releases it, if it waits for one.
    pub stop: Option<Price>,
}

impl Resting {
    /// All that is left of it.
    #[inline]
    pub fn left(&self) -> Size {
        self.open + self.reserve
    }

    /// What everybody sees of it.
    #[inline]
    pub fn displayed(&self) -> Size {
        if self.hidden || self.stop.is_some() {
            0
        } else {
            self.open
        }
    }
}
