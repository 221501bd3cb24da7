//! Tasks in simulated markets, and one against a stochastic model of a market.

mod abides;
mod execution;
mod inventory_market_making;
mod jax_lob_execution;
mod market_making;
mod mars_execution;
mod orders;
mod ranges;
mod sessions;
mod shared;
pub mod twap;

pub use abides::{
    AbidesDailyInvestor, AbidesDailyInvestorArgs, AbidesExecution, AbidesExecutionArgs, RewardMode,
};
pub use execution::{ARRIVING, Controls, ELAPSED, EXECUTED, ExecutionProblem, VOLUME};
pub use inventory_market_making::{
    InventoryMarketMaking, InventoryMarketMakingArgs, MarketMakingReward,
};
pub use jax_lob_execution::{JaxLobExecution, JaxLobExecutionArgs};
pub use market_making::{MarketMaking, MarketMakingArgs, MarketMakingProblem};
pub use mars_execution::{Benchmark, MarsExecution, MarsExecutionArgs};
pub use sessions::Sessions;

use crate::market::host::MarketPlugin;
use crate::registry::Registry;
use crate::sim::BatchPlugin;

pub(super) fn register(registry: &mut Registry) {
    registry.register(
        "market_making-v1",
        "market",
        "Quote on both sides of an order book in which others trade, without piling up an inventory.",
        |args: MarketMakingArgs| Ok(Box::new(MarketPlugin::new(MarketMaking::new(args)?))),
    );
    registry.register(
        "mars_execution-v1",
        "market",
        "Turn the dials of a schedule that executes a large order in five minutes (the task of MarS).",
        |args: MarsExecutionArgs| Ok(Box::new(MarketPlugin::new(MarsExecution::new(args)?))),
    );
    registry.register(
        "abides_execution-v1",
        "market",
        "Execute an order among the traders of ABIDES's rmsc04, with market orders, limit orders or patience (ABIDES-Gym).",
        |args: AbidesExecutionArgs| Ok(Box::new(MarketPlugin::new(AbidesExecution::new(args)?))),
    );
    registry.register(
        "abides_daily_investor-v1",
        "market",
        "Buy and sell through a day among the traders of ABIDES's rmsc04 (ABIDES-Gym).",
        |args: AbidesDailyInvestorArgs| {
            Ok(Box::new(MarketPlugin::new(AbidesDailyInvestor::new(args)?)))
        },
    );
    registry.register(
        "jax_lob_execution-v1",
        "market",
        "Execute an order by quantities at four prices, once for every hundred messages of the others (JAX-LOB).",
        |args: JaxLobExecutionArgs| Ok(Box::new(MarketPlugin::new(JaxLobExecution::new(args)?))),
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
