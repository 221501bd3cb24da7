//! Order-book markets: how real they look.

pub mod realism;
