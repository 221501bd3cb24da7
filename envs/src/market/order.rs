//! Orders and the messages that traders send to an exchange.
//!
//! One [`Message`] is one request. It is plain data of one cache line, so that a day of them is a slice, read from a file or
//! generated, and a million of them can wait in a queue without a box for each.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nanoseconds after midnight, or after any other origin that a market agrees on.
pub type Time = i64;

/// Ten-thousandths of a currency unit: 10.00 is 100,000.
pub type Price = i64;

/// Shares. Positive in every order; 0 to `u32::MAX` inside the book.
pub type Size = i64;

/// Cash or a value, in the same ten-thousandths as a [`Price`].
pub type Cash = i64;

/// Names an order. Unique among all orders that a book has seen; whoever assigns ids sees to that.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct OrderId(pub u64);

impl OrderId {
    /// Asks the exchange of a market to assign an id when the order arrives.
    pub const ASSIGN: Self = Self(0);
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Numbers the traders of one market from 0.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TraderId(pub u32);

impl fmt::Display for TraderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The side of an order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// A bid.
    Buy,
    /// An ask, or offer.
    Sell,
}

impl Side {
    /// Both sides, in the order in which arrays by side are indexed.
    pub const BOTH: [Self; 2] = [Self::Buy, Self::Sell];

    /// The other side.
    #[inline]
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// +1 for a buy, −1 for a sell: the change of the holdings by a fill of one share.
    #[inline]
    pub fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }

    /// 0 for a buy, 1 for a sell.
    #[inline]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// What happens to the part of an order that does not trade at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeInForce {
    /// Good till cancelled: it rests in the book.
    #[default]
    Gtc,
    /// Immediate or cancel: it is discarded.
    Ioc,
    /// Fill or kill: unless all of the order can trade at once, none of it does.
    Fok,
}

/// A new order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NewOrder {
    /// Name of the order; see [`OrderId`].
    pub id: OrderId,
    /// Who sends it.
    pub trader: TraderId,
    /// Side.
    pub side: Side,
    /// Shares, > 0, the reserve of an iceberg order included.
    pub size: Size,
    /// The limit; `None` for a market order, of which nothing ever rests.
    pub price: Option<Price>,
    /// What happens to the rest. A market order behaves as IOC whenever it is not FOK.
    pub tif: TimeInForce,
    /// Refused when it could trade at once, with hidden orders too.
    pub post_only: bool,
    /// Rests without being seen, behind all displayed orders at its price.
    pub hidden: bool,
    /// Of an iceberg order, the size of a displayed tranche; 0 when all of it is displayed.
    pub display: Size,
    /// Of a stop order, the last price that releases it: at or above for a buy, at or below for a sell.
    pub stop: Option<Price>,
}

impl NewOrder {
    /// A displayed limit order, good till cancelled.
    #[inline]
    pub fn limit(id: OrderId, trader: TraderId, side: Side, size: Size, price: Price) -> Self {
        Self {
            id,
            trader,
            side,
            size,
            price: Some(price),
            tif: TimeInForce::Gtc,
            post_only: false,
            hidden: false,
            display: 0,
            stop: None,
        }
    }

    /// A market order: its remainder is discarded.
    #[inline]
    pub fn market(id: OrderId, trader: TraderId, side: Side, size: Size) -> Self {
        Self {
            price: None,
            tif: TimeInForce::Ioc,
            ..Self::limit(id, trader, side, size, 0)
        }
    }
}

/// A request to an exchange about one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// Enter an order.
    New(NewOrder),
    /// Remove an order.
    Cancel {
        /// The order.
        id: OrderId,
    },
    /// Cancel a part of an order, which keeps its place in the queue; a reduction by all that is left removes it.
    Reduce {
        /// The order.
        id: OrderId,
        /// Shares to take away, > 0 and at most what is left.
        by: Size,
    },
    /// Change an order under its id. A smaller size at the same price keeps its place; anything else enters anew, behind the
    /// others, and may trade. Size 0 removes the order.
    Modify {
        /// The order.
        id: OrderId,
        /// What is to be left of it from now on; `None` leaves the size.
        size: Option<Size>,
        /// The new limit; `None` leaves the price.
        price: Option<Price>,
    },
    /// Cancel an order and enter another in its stead, with the same trader, side and display.
    Replace {
        /// The order to cancel.
        id: OrderId,
        /// Name of the other.
        new_id: OrderId,
        /// Shares, > 0.
        size: Size,
        /// Limit.
        price: Price,
    },
}

impl Message {
    /// The order that the message is about.
    #[inline]
    pub fn id(&self) -> OrderId {
        match *self {
            Self::New(NewOrder { id, .. })
            | Self::Cancel { id }
            | Self::Reduce { id, .. }
            | Self::Modify { id, .. }
            | Self::Replace { id, .. } => id,
        }
    }
}

// A queue of messages is read line by line.
const _: () = assert!(size_of::<Message>() == 64);
