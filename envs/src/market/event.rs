//! What an exchange tells: one event for every change of its state, and for every request that it refuses.
//!
//! The events of a market are a complete account of it. A ledger, the notices to traders, a LOBSTER file and an observer's
//! statistics are all made from them and from nothing else, so each event names the trader and repeats the limit that a
//! reservation was made at.

use serde::{Deserialize, Serialize};

use super::book::Book;
use super::order::{OrderId, Price, Side, Size, Time, TraderId};

/// Takes the events of a market as they happen.
///
/// A closure `|time, event| …` is one; [`Ignore`] costs nothing; [`EventLog`] keeps them.
pub trait EventSink {
    /// `event` happened at `time`. Times never decrease.
    fn event(&mut self, time: Time, event: Event);

    /// A message has been dealt with, and `book` is what has become of the book of its instrument.
    #[inline]
    fn settled(&mut self, time: Time, book: &Book) {
        let _ = (time, book);
    }

    /// Whether `trader` can pay for `size` shares at whatever they cost in `book` now. Asked when a stop order to buy that has no
    /// limit is released: nothing could be reserved for it. If not, it is discarded ([`CancelReason::Cash`]).
    #[inline]
    fn affords(&mut self, book: &Book, trader: TraderId, size: Size) -> bool {
        let _ = (book, trader, size);
        true
    }
}

impl<F: FnMut(Time, Event)> EventSink for F {
    #[inline]
    fn event(&mut self, time: Time, event: Event) {
        self(time, event);
    }
}

/// Takes events and forgets them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ignore;

impl EventSink for Ignore {
    #[inline]
    fn event(&mut self, _: Time, _: Event) {}
}

/// Keeps events in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventLog {
    /// Time and event.
    pub entries: Vec<(Time, Event)>,
}

impl EventSink for EventLog {
    #[inline]
    fn event(&mut self, time: Time, event: Event) {
        self.entries.push((time, event));
    }
}

/// One change of the state of a market.
///
/// A new order gives `Accepted`, then its trades, then what becomes of its remainder (`Rested`, `Held` or `Cancelled`), if
/// there is one; or `Rejected` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// An order was let in.
    Accepted {
        /// The order.
        id: OrderId,
        /// Its owner.
        trader: TraderId,
        /// Its side.
        side: Side,
        /// All of its size.
        size: Size,
        /// Its limit; `None` for a market order.
        limit: Option<Price>,
    },
    /// What was left of an order went into the book, behind the others.
    Rested {
        /// The order.
        id: OrderId,
        /// Its owner.
        trader: TraderId,
        /// Its side.
        side: Side,
        /// Its limit.
        price: Price,
        /// All that is left of it.
        size: Size,
        /// What of it everybody sees: `size`, a tranche, or 0 of a hidden order.
        displayed: Size,
    },
    /// Two orders traded, at the price of the one that rested.
    Trade(Trade),
    /// An iceberg order, its tranche used up, showed the next one at the back of the displayed queue.
    Refilled {
        /// The order.
        id: OrderId,
        /// Its side.
        side: Side,
        /// Its limit.
        price: Price,
        /// Size of the tranche.
        displayed: Size,
    },
    /// All that was left of an order is gone without a trade.
    Cancelled {
        /// The order.
        id: OrderId,
        /// Its owner.
        trader: TraderId,
        /// Its side.
        side: Side,
        /// Its limit; `None` for a market order.
        limit: Option<Price>,
        /// What was left of it.
        size: Size,
        /// What of that had been displayed in the book.
        displayed: Size,
        /// Why.
        reason: CancelReason,
    },
    /// A part of an order is gone without a trade; the rest keeps its place.
    Reduced {
        /// The order.
        id: OrderId,
        /// Its owner.
        trader: TraderId,
        /// Its side.
        side: Side,
        /// Its limit; `None` for a market order.
        limit: Option<Price>,
        /// Shares taken away.
        size: Size,
        /// What of them had been displayed in the book.
        displayed: Size,
        /// Shares left.
        left: Size,
        /// Why.
        reason: CancelReason,
    },
    /// An order left its place to enter anew with another size or price, which the next events tell of.
    Modified {
        /// The order.
        id: OrderId,
        /// Its owner.
        trader: TraderId,
        /// Its side.
        side: Side,
        /// Limit until now.
        old_price: Price,
        /// What was left until now.
        old_size: Size,
        /// What of that had been displayed.
        old_displayed: Size,
        /// Limit from now on.
        price: Price,
        /// What is left from now on.
        size: Size,
    },
    /// An order was cancelled and another one entered, which the next events tell of.
    Replaced {
        /// The order that is gone.
        id: OrderId,
        /// The order in its stead.
        new_id: OrderId,
        /// Owner of both.
        trader: TraderId,
        /// Side of both.
        side: Side,
        /// Limit of the first.
        old_price: Price,
        /// What was left of the first.
        old_size: Size,
        /// What of that had been displayed.
        old_displayed: Size,
        /// Limit of the second.
        price: Price,
        /// Size of the second.
        size: Size,
    },
    /// A stop order waits for its price.
    Held {
        /// The order.
        id: OrderId,
        /// Its owner.
        trader: TraderId,
        /// Its side.
        side: Side,
        /// The last price that releases it.
        stop: Price,
        /// Its size.
        size: Size,
    },
    /// A stop order was released; its trades and its rest follow.
    Triggered {
        /// The order.
        id: OrderId,
        /// Its owner.
        trader: TraderId,
        /// The last price that released it.
        stop: Price,
    },
    /// A call auction found a price.
    AuctionPrint {
        /// The price at which all of it trades.
        price: Price,
        /// Shares that trade.
        volume: Size,
        /// Buys minus sells that could trade at this price.
        imbalance: Size,
    },
    /// An order traded in a call auction.
    AuctionFill {
        /// The order.
        id: OrderId,
        /// Its owner.
        trader: TraderId,
        /// Its side.
        side: Side,
        /// Its limit.
        limit: Price,
        /// The price of the auction.
        price: Price,
        /// Shares.
        size: Size,
        /// What of them had been displayed in the book before the auction.
        displayed: Size,
        /// Shares left.
        left: Size,
    },
    /// Another phase of trading began.
    Phase(Phase),
    /// A request was refused; nothing has changed.
    Rejected {
        /// The order that the request was about.
        id: OrderId,
        /// Why.
        reason: Reject,
    },
}

/// A trade in continuous trading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trade {
    /// Price, the limit of the maker.
    pub price: Price,
    /// Shares.
    pub size: Size,
    /// The order that rested.
    pub maker: OrderId,
    /// The order that came.
    pub taker: OrderId,
    /// Owner of the maker.
    pub maker_trader: TraderId,
    /// Owner of the taker.
    pub taker_trader: TraderId,
    /// Side of the taker.
    pub aggressor: Side,
    /// The maker was hidden.
    pub hidden: bool,
    /// Limit of the taker; `None` for a market order.
    pub taker_limit: Option<Price>,
    /// What is left of the maker, its reserve included.
    pub maker_left: Size,
    /// What is left of the taker.
    pub taker_left: Size,
}

/// Why an order, or a part of it, is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CancelReason {
    /// Its owner asked for it.
    Requested,
    /// The remainder of an IOC order.
    Ioc,
    /// The remainder of a market order.
    Market,
    /// A FOK order that could not be filled.
    Killed,
    /// It met an order of the same trader.
    SelfTrade,
    /// A stop order without a limit, for which its owner could not pay when it was released.
    Cash,
}

impl CancelReason {
    /// It never rested: conservation counts it as discarded, not as cancelled.
    pub fn is_discard(self) -> bool {
        matches!(self, Self::Ioc | Self::Market | Self::Killed | Self::Cash)
    }
}

/// Phases of trading.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Phase {
    /// Nothing is let in.
    Closed,
    /// Orders are collected for a call auction.
    Auction,
    /// Orders trade as they come.
    #[default]
    Continuous,
    /// Orders can be cancelled but not entered.
    Halted,
}

/// Why a request was refused.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    thiserror::Error,
    Serialize,
    Deserialize,
)]
#[non_exhaustive]
pub enum Reject {
    /// The market has no such instrument.
    #[error("the market has no such instrument")]
    UnknownSymbol,
    /// No such order is live.
    #[error("no order with this id is live")]
    UnknownOrder,
    /// An order with this id is live.
    #[error("an order with this id is live already")]
    DuplicateId,
    /// The order belongs to somebody else.
    #[error("the order belongs to another trader")]
    NotOwner,
    /// Zero, negative, too large for the book, or more than is left of the order.
    #[error("the size is not positive, or more than is left or allowed")]
    Size,
    /// Larger than the largest order allowed.
    #[error("the size is more than an order may have")]
    MaxSize,
    /// Not a multiple of the lot.
    #[error("the size is not a multiple of the lot")]
    Lot,
    /// Not a multiple of the tick, or not a price that the book can hold.
    #[error("the price is not a multiple of the tick, or out of range")]
    Tick,
    /// Outside the price band of the day.
    #[error("the price is outside the band of the day")]
    PriceBand,
    /// A post-only order that could trade at once.
    #[error("a post-only order would trade at once")]
    PostOnly,
    /// A combination of attributes that has no meaning.
    #[error("these attributes do not go together")]
    Attributes,
    /// Modify or replace of a stop order that still waits.
    #[error("the order waits for its stop price: cancel it and enter another")]
    PendingStop,
    /// All places for orders are taken.
    #[error("the book is full: raise its capacity")]
    Capacity,
    /// The market is closed.
    #[error("the market is closed")]
    Closed,
    /// The market is halted.
    #[error("the market is halted")]
    Halted,
    /// A call auction takes limit orders, good till cancelled, and stop orders only.
    #[error("a call auction takes only limit orders that are good till cancelled")]
    Auction,
    /// Earlier than the request before.
    #[error("the time is before that of the last request")]
    Time,
    /// The trader cannot pay for it.
    #[error("the cash that is available does not pay for the order")]
    Cash,
    /// The trader does not hold what it wants to sell.
    #[error("the holdings that are available are less than the order sells")]
    Holdings,
}
