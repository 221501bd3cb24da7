//! Binance differences of depth: the sizes of levels, as they change.
//!
//! A file has a JSON document per line, as a capture of the stream leaves it: `depthUpdate` messages, bare, within
//! `{"stream": …, "data": …}`, or after a local time stamp; and the answers of the REST interface with the whole book, which
//! have a `lastUpdateId`. Messages of other streams are passed over.
//!
//! An update covers the ids from `U` to `u`. The rules for joining both, from Binance's documentation:
//!
//! 1. updates that come before the snapshot wait for it;
//! 2. those with `u` ≤ `lastUpdateId` are in the snapshot already, and dropped;
//! 3. the first of the others must begin at or before `lastUpdateId` + 1;
//! 4. from there on each begins where the last one ended: `U` is one more than its `u`, or, for futures, `pu` equals it.
//!
//! There are no orders, so nothing is known of queues, and a trade is no more than a smaller size. Prices and quantities are
//! decimal texts and read exactly, in units of 1e-8.

mod json;
mod reader;

pub use reader::DepthReader;

use super::{Clock, Units};

/// The units of these files.
pub const UNITS: Units = Units {
    clock: Clock::Epoch,
    price_decimals: 8,
    size_decimals: 8,
};
