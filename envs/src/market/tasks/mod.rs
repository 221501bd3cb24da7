//! Tasks in simulated markets, and one against a stochastic model of a market.

mod inventory_market_making;
mod market_making;

pub use inventory_market_making::{
    InventoryMarketMaking, InventoryMarketMakingArgs, MarketMakingReward,
};
pub use market_making::{MarketMaking, MarketMakingArgs};

use crate::market::host::MarketPlugin;
use crate::registry::Registry;
use crate::sim::BatchPlugin;

pub(super) fn register(registry: &mut Registry) {
    registry.register(
        "market_making-v1",
        "market",
        "Quote on both sides of an order book in which zero-intelligence flow trades, without piling up an inventory.",
        |args: MarketMakingArgs| Ok(Box::new(MarketPlugin::new(MarketMaking::new(args)?))),
    );
    registry.register(
        "inventory_market_making-v1",
        "market",
        "Quote a bid and an ask around a Brownian mid-price and keep the inventory small (Avellaneda and Stoikov's \
         problem, as in mbt-gym).",
        |args: InventoryMarketMakingArgs| {
            Ok(Box::new(BatchPlugin(InventoryMarketMaking::new(&args)?)))
        },
    );
}

#[cfg(test)]
mod tests;
