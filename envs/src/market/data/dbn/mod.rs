//! Databento Binary Encoding (DBN), schema MBO: every order of some instruments.
//!
//! A file is `DBN`, a version, metadata that names the instruments, and then records: little-endian, each beginning with its
//! length in words of four bytes and its type. Versions 1 to 3 are read, version 2 is written. Files are mostly compressed with
//! Zstandard; that is undone before they come here. Records of other types are passed over.
//!
//! The vendor splits a trade into T (the aggressor), F for each order it met, and then C or M for what that did to the book. The
//! reader puts F and what follows it together again:
//!
//! | records | event |
//! |---|---|
//! | A, R, N | [`Kind::Add`], [`Kind::Clear`], [`Kind::Other`] |
//! | C | [`Kind::Reduce`], which the book makes a [`Kind::Delete`] when nothing is left |
//! | M | [`Kind::Modify`] |
//! | F, then C of the same order | [`Kind::Execute`] |
//! | F, then M of the same order | [`Kind::Execute`], then [`Kind::Modify`] to what is left |
//! | T without F | [`Kind::Hidden`] |
//!
//! Time is `ts_event`, the exchange's own, or `ts_recv` in snapshots and where the exchange gives none.
//!
//! The vendor's crate `dbn` (Apache-2.0) is not used: of its many schemas one is wanted, which is a record of 56 bytes, and
//! the crate comes with its own dates, CSV and JSON writers and, for compressed files, C code.
//!
//! [`Kind::Add`]: super::Kind::Add
//! [`Kind::Clear`]: super::Kind::Clear
//! [`Kind::Other`]: super::Kind::Other
//! [`Kind::Reduce`]: super::Kind::Reduce
//! [`Kind::Delete`]: super::Kind::Delete
//! [`Kind::Modify`]: super::Kind::Modify
//! [`Kind::Execute`]: super::Kind::Execute
//! [`Kind::Hidden`]: super::Kind::Hidden

mod metadata;
mod reader;
mod record;
mod writer;

pub use metadata::Metadata;
pub use reader::DbnReader;
pub use record::{Action, MboRecord, flags};
pub use writer::DbnWriter;

use super::{Clock, Units};

/// The units of these files.
pub const UNITS: Units = Units {
    clock: Clock::Epoch,
    price_decimals: 9,
    size_decimals: 0,
};
