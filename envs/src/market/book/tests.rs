//! The book against recorded markets and worked-out cases; `tests/golden/README.md` tells where they come from.

mod against_naive;
mod auctions;
#[allow(unreachable_pub, reason = "the fuzz target includes this file as well")]
mod naive;
#[allow(unreachable_pub, reason = "the fuzz target includes this file as well")]
mod pair;
mod random;
mod recorded;
mod scenarios;
#[allow(unreachable_pub, reason = "other crates include this file as well")]
pub(in crate::market) mod steps;

use super::*;
use crate::market::event::CancelReason;
use crate::market::order::{NewOrder, OrderId, Side, TraderId};

/// A book for a tick of one price unit.
fn book(self_trade: SelfTrade) -> Book {
    Book::new(BookConfig {
        rules: Rules {
            tick: 1,
            ..Rules::default()
        },
        capacity: 1024,
        window: 256,
        self_trade,
        ids: Ids::Any,
        ..BookConfig::default()
    })
    .unwrap()
}
