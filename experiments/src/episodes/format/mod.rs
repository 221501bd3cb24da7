//! Parquet files written quickly, in which a wrong byte is noticed.
//!
//! The Parquet library's own writer looks at every value of every column: it builds levels, gathers statistics,
//! fills dictionaries. The columns of a log are known beforehand: which rows are null is the same for all of
//! them, lists have a fixed length, numbers of physics do not compress. So columns are encoded here, mostly by
//! copying memory, and only the footer is left to the library.

mod bits;
mod encode;
mod file;
mod seal;
#[cfg(test)]
mod tests;

pub(super) use bits::Bits;
pub(super) use encode::{Levels, Values, delta_i32, delta_i64, place_bytes, place_runs};
pub(super) use file::{FileSchema, FileWriter};
#[cfg(test)]
pub(super) use seal::check;
pub(super) use seal::{open, read_metadata};
