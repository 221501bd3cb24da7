//! Markets: recordings of them, and how real they look ([`realism`]).
//!
//! Recordings are opened whatever their format, counted and converted. The formats themselves are in
//! [`palaestra_envs::market::data`]; this adds what is about files: compression, telling formats apart, and a table format of
//! our own in Parquet ([`table`]). Everything streams: memory does not grow with the file.

mod convert;
mod error;
mod facts;
mod format;
mod input;
mod quantiles;
pub mod realism;
mod recording;
mod stats;
pub mod table;
mod units;

pub use convert::{Conversion, ConvertOptions, convert};
pub use error::MarketError;
pub use facts::{FactsTape, Parts, RecordedFacts};
pub use format::Format;
pub use quantiles::{Quantiles, Summary};
pub use recording::{Options, Recording};
pub use stats::{MarketStats, StatsReport};
pub use units::{decimal, shown_time};
