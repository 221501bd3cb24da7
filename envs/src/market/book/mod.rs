//! A limit order book with price-time priority.

mod config;
mod view;

pub use config::{Band, BookConfig, BookConfigError, Ids, Rules, SelfTrade};
pub use view::{Depth, Resting, Snapshot};
