//! LOBSTER files: one stock, one day, every message and the best levels after each.
//!
//! A *message* file has lines `time,type,order id,size,price,direction`; line k of the *orderbook* file beside it holds the
//! best levels after message k as `ask price,ask size,bid price,bid size,…`, level by level. Time is in seconds after midnight
//! with up to nine decimals; it is read and written as an integer of nanoseconds. Prices are dollars times 10,000. Direction is the side of
//! the *resting* order: 1 a bid, −1 an ask.
//!
//! | type | event | book |
//! |---|---|---|
//! | 1 | [`Kind::Add`] | |
//! | 2 | [`Kind::Reduce`], size is what was taken | |
//! | 3 | [`Kind::Delete`], size is what was left | |
//! | 4 | [`Kind::Execute`] | |
//! | 5 | [`Kind::Hidden`], order id 0 | unchanged |
//! | 6 | [`Kind::Cross`] | unchanged |
//! | 7 | price −1 [`Kind::Halt`], 0 [`Kind::Quote`], 1 [`Kind::Resume`] | unchanged |
//!
//! An aggressive order shows as type 4 of the orders it meets, then as type 1 for what is left of it. A replacement shows as
//! 3 and 1. Empty levels are written 9999999999 (ask) or −9999999999 (bid) with size 0.
//!
//! The writer gives every time nine decimals, so a file that had fewer comes back with zeros added; everything else comes
//! back byte for byte.

mod message;
mod name;
mod row;
mod verify;
mod writer;

pub use message::MessageReader;
pub use name::FileName;
pub use row::{BookRow, RowLevel, RowReader};
pub use verify::{Difference, Verification, Verifier};
pub use writer::{write_message, write_row};

use super::{Clock, Kind, Units};

/// The units of these files.
pub const UNITS: Units = Units {
    clock: Clock::Midnight,
    price_decimals: 4,
    size_decimals: 0,
};

/// The price of an empty ask level; of a bid, its negative.
pub const EMPTY_PRICE: i64 = 9_999_999_999;

/// The types by their numbers, less 1; the three meanings of 7 are told apart by the price.
const KINDS: [Kind; 6] = [
    Kind::Add,
    Kind::Reduce,
    Kind::Delete,
    Kind::Execute,
    Kind::Hidden,
    Kind::Cross,
];

/// The states that messages of type 7 announce, by price.
const STATES: [(i64, Kind); 3] = [(-1, Kind::Halt), (0, Kind::Quote), (1, Kind::Resume)];
