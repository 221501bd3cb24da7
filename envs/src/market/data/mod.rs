//! Recorded order flow: readers and writers of the formats in which exchanges and vendors publish it.
//!
//! | format | module | holds | clock | price unit |
//! |---|---|---|---|---|
//! | LOBSTER (lobsterdata.com) | [`lobster`] | every order of one stock and day, and the best levels after each message | since midnight | 1e-4 |
//! | NASDAQ TotalView-ITCH 5.0 | [`itch`] | every order of every stock of a day | since midnight | 1e-4 |
//! | Databento DBN, schema MBO | [`dbn`] | every order of some instruments | since 1970 | 1e-9 |
//! | Binance differences of depth | [`binance`] | sizes of levels, without orders | since 1970 | 1e-8 |
//!
//! All of them are read into one type, [`FeedEvent`], by one trait, [`FeedReader`]; [`RecordedBooks`] follow what the events say.
//! A recorded event is a fact (order 7 lost 20 shares to a trade), not a request, so it is applied and not matched again: a
//! matching engine would repeat the exchange's decisions on less than the exchange knew (hidden orders, orders from before
//! the file begins). That is also why the book here is a small one of its own: it takes prices in any unit, and knows
//! levels whose orders it has never seen.
//!
//! Readers stream: they hold one record, never the file. What they and the book find wrong is a [`DataError`] with its line and
//! column, byte offset or row.

pub mod binance;
mod book;
pub mod dbn;
mod engine;
mod error;
mod event;
pub mod itch;
mod lines;
pub mod lobster;

pub use super::order::Side;
pub use book::{Level, RecordedBook, RecordedBooks, RecordedOrder, Rules, Tally};
pub use engine::published;
pub use error::{DataError, Position, Problem, Unwritable};
pub use event::{Clock, FeedEvent, FeedReader, Kind, Units};

#[cfg(test)]
mod tests;
