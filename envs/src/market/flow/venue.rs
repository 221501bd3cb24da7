//! What a flow asks of the market that it trades in.

use crate::market::{
    book::{BookConfig, Ids, Rules},
    order::{OrderId, Price, Time},
};

/// What a market must be like for a flow to trade in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Venue {
    /// The book.
    pub book: BookConfig,
    /// A price about which it trades.
    pub reference: Price,
    /// When trading begins.
    pub opening: Time,
    /// When it ends, if it does.
    pub closing: Option<Time>,
    /// The first id that is not the flow's.
    pub first_id: OrderId,
}

/// Orders that every book of an environment has room for from the beginning, and those that it makes room for if need be.
const ROOM: u32 = 4096;
const MOST_ORDERS: u32 = 1 << 20;

impl Venue {
    /// A market of a flow that begins with up to `orders` orders.
    pub(super) fn new(tick: Price, orders: u32, window: u32, reference: Price) -> Self {
        let capacity = orders.saturating_add(ROOM);
        Self {
            book: BookConfig {
                rules: Rules {
                    tick,
                    ..Rules::default()
                },
                capacity,
                grows_to: capacity.max(MOST_ORDERS),
                window,
                ..BookConfig::default()
            },
            reference,
            opening: 0,
            closing: None,
            first_id: OrderId(1),
        }
    }

    /// The market of two flows, at the prices of the first, or of the second if the first has none of its own.
    pub(super) fn of_both(self, other: Self, without_prices: [bool; 2]) -> Self {
        let [reference, tick] = if without_prices[0] && !without_prices[1] {
            [other.reference, other.tick()]
        } else {
            [self.reference, self.tick()]
        };
        let ids = match (self.book.ids, other.book.ids) {
            (Ids::Sequential, Ids::Sequential) => Ids::Sequential,
            _ => Ids::Any,
        };
        Self {
            book: BookConfig {
                rules: Rules {
                    tick,
                    ..self.book.rules
                },
                capacity: self.book.capacity.saturating_add(other.book.capacity),
                grows_to: self.book.grows_to.max(other.book.grows_to),
                window: self.book.window.max(other.book.window),
                ids,
                ..self.book
            },
            reference,
            first_id: self.first_id.max(other.first_id),
            ..self
        }
    }

    /// Distance of two prices.
    pub fn tick(&self) -> Price {
        self.book.rules.tick
    }
}
