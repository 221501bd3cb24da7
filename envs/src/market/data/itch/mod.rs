//! NASDAQ TotalView-ITCH 5.0: every message of the exchange on a day, in binary.
//!
//! All numbers are big-endian. A message begins with its type (a letter), the stock's number of that day (*locate*), a tracking
//! number and the time in nanoseconds after midnight (48 bits). Prices have four decimals, those of the market-wide circuit
//! breaker eight. In the files that NASDAQ offers, each message is preceded by its length in 16 bits; a length of 0 ends the
//! session.
//!
//! [`Message`] holds every type with all its fields, so that [`Message::decode`] and [`Message::encode`] are inverse to each
//! other; [`ItchReader`] reads framed files as events:
//!
//! | message | event |
//! |---|---|
//! | A, F | [`Kind::Add`] |
//! | E; C | [`Kind::Execute`]; C not printable: [`Kind::ExecuteUnprinted`] |
//! | X, D, U | [`Kind::Reduce`], [`Kind::Delete`], [`Kind::Replace`] |
//! | P | [`Kind::Hidden`] |
//! | Q | [`Kind::Cross`], if shares were matched |
//! | H | [`Kind::Halt`] (H, P), [`Kind::Quote`] (Q), [`Kind::Resume`] (T) |
//! | all others | [`Kind::Other`] |
//!
//! Source: *Nasdaq TotalView-ITCH 5.0*, Nasdaq.
//!
//! [`Kind::Add`]: super::Kind::Add
//! [`Kind::Execute`]: super::Kind::Execute
//! [`Kind::ExecuteUnprinted`]: super::Kind::ExecuteUnprinted
//! [`Kind::Reduce`]: super::Kind::Reduce
//! [`Kind::Delete`]: super::Kind::Delete
//! [`Kind::Replace`]: super::Kind::Replace
//! [`Kind::Hidden`]: super::Kind::Hidden
//! [`Kind::Cross`]: super::Kind::Cross
//! [`Kind::Halt`]: super::Kind::Halt
//! [`Kind::Quote`]: super::Kind::Quote
//! [`Kind::Resume`]: super::Kind::Resume
//! [`Kind::Other`]: super::Kind::Other

mod message;
mod reader;
mod wire;
mod writer;

pub use message::{Header, Message, messages};
pub(super) use reader::fill;
pub use reader::{FrameReader, ItchReader};
pub use writer::ItchWriter;

use super::{Clock, Units};

/// The units of these files.
pub const UNITS: Units = Units {
    clock: Clock::Midnight,
    price_decimals: 4,
    size_decimals: 0,
};
