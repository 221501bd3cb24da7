//! What a market is made with, and what its kernel says when it comes back.

use serde::{Deserialize, Serialize};

use super::{Calendar, Fees};
use crate::market::book::BookConfig;
use crate::market::event::Event;
use crate::market::order::{OrderId, Price, Time, TraderId};

/// Numbers the instruments of a market from 0.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Symbol(pub u16);

/// What a market is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelConfig {
    /// The book of each instrument.
    pub books: Vec<BookConfig>,
    /// Phases of the day; without any the market is always in continuous trading.
    pub calendar: Option<Calendar>,
    /// Price that settles a tie in an auction before there was a trade, for each instrument; missing ones are 0.
    pub references: Vec<Price>,
    /// Fees.
    pub fees: Fees,
    /// The first id that the exchange assigns.
    pub first_id: OrderId,
}

impl KernelConfig {
    /// A market of one instrument, always in continuous trading, without fees.
    pub fn single(book: BookConfig) -> Self {
        Self {
            books: vec![book],
            calendar: None,
            references: Vec::new(),
            fees: Fees::default(),
            first_id: OrderId(1),
        }
    }
}

/// Why [`Kernel::run`](super::Kernel::run) came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// A player woke up, at this time of its clock. The others wait until the kernel runs again.
    Awake(TraderId, Time),
    /// The time that it was to run to has come.
    Until,
    /// So many messages of the flow have reached the exchange as were allowed.
    Spent,
    /// Nothing is left to happen.
    Idle,
}

/// An event that a player has heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The player.
    pub trader: TraderId,
    /// When it heard.
    pub time: Time,
    /// The instrument.
    pub symbol: Symbol,
    /// What happened.
    pub event: Event,
}
