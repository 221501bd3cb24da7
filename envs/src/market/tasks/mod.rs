//! Tasks in simulated markets.

mod market_making;

pub use market_making::{MarketMaking, MarketMakingArgs};

use crate::market::host::MarketPlugin;
use crate::registry::Registry;

pub(super) fn register(registry: &mut Registry) {
    registry.register(
        "market_making-v1",
        "market",
        "Quote on both sides of an order book in which zero-intelligence flow trades, without piling up an inventory.",
        |args: MarketMakingArgs| Ok(Box::new(MarketPlugin::new(MarketMaking::new(args)?))),
    );
}

#[cfg(test)]
mod tests;
