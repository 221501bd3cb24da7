//! What every format is read into.

use super::{DataError, Position};
use crate::market::order::Side;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An order came to rest: id, side, size, price.
    Add,
    /// An order lost `size`, and kept its place in the queue.
    Reduce,
    /// An order was withdrawn; the book fills in the size that was left.
    Delete,
    /// A displayed order traded `size`; without a price, at its own.
    Execute,
    /// The same, but the exchange reports the trade elsewhere (as part of a cross), so it does not count as volume.
    ExecuteUnprinted,
    /// A trade against an order that is not displayed; the book does not change.
    Hidden,
    /// The one trade of an auction.
    Cross,
    /// An order was withdrawn for another one, `new_order_id`, of the same side, with `size` and `price`.
    Replace,
    /// An order now has `size` and `price`. It keeps its place unless the price changed or the size grew.
    Modify,
    /// A level now holds `size` in all; 0 removes it.
    SetLevel,
    /// All orders of the symbol are gone.
    Clear,
    /// Trading stopped.
    Halt,
    /// Quotes are taken again, trading not yet.
    Quote,
    /// Trading goes on.
    Resume,
    /// Something that neither trades nor changes a book.
    Other,
}

impl Kind {
    /// All kinds, in the order in which they are reported.
    pub const ALL: [Self; 15] = [
        Self::Add,
        Self::Reduce,
        Self::Delete,
        Self::Execute,
        Self::ExecuteUnprinted,
        Self::Hidden,
        Self::Cross,
        Self::Replace,
        Self::Modify,
        Self::SetLevel,
        Self::Clear,
        Self::Halt,
        Self::Quote,
        Self::Resume,
        Self::Other,
    ];

    /// The name by which tables and files call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Reduce => "reduce",
            Self::Delete => "delete",
            Self::Execute => "execute",
            Self::ExecuteUnprinted => "execute_unprinted",
            Self::Hidden => "hidden",
            Self::Cross => "cross",
            Self::Replace => "replace",
            Self::Modify => "modify",
            Self::SetLevel => "set_level",
            Self::Clear => "clear",
            Self::Halt => "halt",
            Self::Quote => "quote",
            Self::Resume => "resume",
            Self::Other => "other",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it counts as a trade on the tape.
    pub fn is_trade(self) -> bool {
        matches!(self, Self::Execute | Self::Hidden | Self::Cross)
    }
}

/// One fact of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedEvent {
    /// Nanoseconds since the origin of the reader's [`Clock`].
    pub time_ns: u64,
    /// Number of the symbol in this file (ITCH: stock locate; DBN: instrument id; else 0).
    pub symbol: u32,
    /// What happened.
    pub kind: Kind,
    /// Side of the resting order or level.
    pub side: Option<Side>,
    /// The order, 0 where there is none.
    pub order_id: u64,
    /// [`Kind::Replace`]: the order that takes its place; else 0.
    pub new_order_id: u64,
    /// In units of 10^−`size_decimals`.
    pub size: u64,
    /// In units of 10^−`price_decimals`.
    pub price: Option<i64>,
}

impl FeedEvent {
    /// An event that says nothing but its time.
    pub fn other(time_ns: u64, symbol: u32) -> Self {
        Self {
            time_ns,
            symbol,
            kind: Kind::Other,
            side: None,
            order_id: 0,
            new_order_id: 0,
            size: 0,
            price: None,
        }
    }
}

/// Where times are counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Midnight at the exchange, on the day of the recording.
    Midnight,
    /// 1970-01-01T00:00:00Z.
    Epoch,
}

/// The units of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Units {
    /// Where times are counted from.
    pub clock: Clock,
    /// A price of 1 is 10^−`price_decimals` units of currency.
    pub price_decimals: u8,
    /// A size of 1 is 10^−`size_decimals` shares, contracts or coins.
    pub size_decimals: u8,
}

/// A recording that is read event by event, with memory for one record.
pub trait FeedReader {
    /// The units of what is read.
    fn units(&self) -> Units;

    /// The next event, or `None` at the end. After an error, reading further is not meaningful.
    ///
    /// # Errors
    /// [`DataError`] with the position of the record that cannot be read.
    fn read(&mut self) -> Result<Option<FeedEvent>, DataError>;

    /// Where the event that was read last begins.
    fn position(&self) -> Position;

    /// The name of a symbol, once the file has told it.
    fn symbol(&self, number: u32) -> Option<&str>;

    /// All names that the file has told, by number.
    fn symbols(&self) -> Vec<(u32, String)>;

    /// At the end: what makes the whole doubtful, though every record could be read.
    fn doubt(&self) -> Option<&'static str> {
        None
    }
}

impl<R: FeedReader + ?Sized> FeedReader for Box<R> {
    fn units(&self) -> Units {
        (**self).units()
    }

    fn read(&mut self) -> Result<Option<FeedEvent>, DataError> {
        (**self).read()
    }

    fn position(&self) -> Position {
        (**self).position()
    }

    fn symbol(&self, number: u32) -> Option<&str> {
        (**self).symbol(number)
    }

    fn symbols(&self) -> Vec<(u32, String)> {
        (**self).symbols()
    }

    fn doubt(&self) -> Option<&'static str> {
        (**self).doubt()
    }
}
