//! Playing the market-making environments by a rule for quotes.

use std::sync::Arc;

use palaestra_envs::{
    market::tasks::{InventoryMarketMakingArgs, MarketMakingProblem},
    sim::{ActView, Model, Selection},
    space::Columns,
};

use crate::{Agent, AgentContext, AgentEntry, AgentError};

/// The info field that the agents of these problems need.
const INVENTORY: &str = "inventory";
/// The one that they need in an order book.
const SPREAD: &str = "spread";
/// Ticks behind the touch that can be chosen there at most.
const FARTHEST: f64 = 9.0;

/// Asks for the info fields.
pub(super) fn needs(entry: &mut AgentEntry) {
    entry.needs_info(INVENTORY).wants_info(SPREAD, |_| true);
}

/// A market to quote in.
pub(super) enum Market {
    /// A model of one: distances are in units of the price, the inventory in shares.
    Model(Arc<InventoryMarketMakingArgs>),
    /// An order book: distances are in ticks, the inventory in quotes.
    Book(Arc<MarketMakingProblem>),
}

/// The market that `context` is about.
///
/// # Errors
/// [`AgentError::Unsupported`] unless it is one to quote in, without a wrapper that changes rewards or dynamics.
pub(super) fn market(id: &str, context: &AgentContext) -> Result<Market, AgentError> {
    let model = context.env.model.as_ref();
    let book = || model.and_then(Model::get).map(Market::Book);
    let found = model.and_then(Model::get).map(Market::Model).or_else(book);
    found.ok_or_else(|| AgentError::Unsupported {
        agent: id.into(),
        env: context.env.id.clone(),
        reason: "it needs `inventory_market_making-v1` or `market_making-v1`, without wrappers that change rewards or \
                 dynamics"
            .into(),
    })
}

/// The parameters of the model that `context` is about.
///
/// # Errors
/// [`AgentError::Unsupported`] unless it is `inventory_market_making-v1` without a wrapper that changes rewards or dynamics.
pub(super) fn problem(
    id: &str,
    context: &AgentContext,
) -> Result<Arc<InventoryMarketMakingArgs>, AgentError> {
    let model = context.env.model.as_ref();
    model.and_then(Model::get).ok_or_else(|| AgentError::Unsupported {
        agent: id.into(),
        env: context.env.id.clone(),
        reason: "it needs `inventory_market_making-v1`, without wrappers that change rewards or dynamics".into(),
    })
}

/// Quotes as a function of the steps made and the inventory.
pub(super) trait Quotes: Send + 'static {
    /// Distances `(bid, ask)` from the mid-price.
    fn depths(&self, step: u32, inventory: f64) -> (f64, f64);
}

/// An agent that quotes by a rule; it learns nothing and has no state.
pub(super) struct Dealer<Q> {
    pub(super) id: &'static str,
    pub(super) market: Market,
    pub(super) quotes: Q,
}

impl<Q: Quotes> Dealer<Q> {
    fn column<'a>(&self, view: &'a ActView<'_>, name: &str) -> Result<&'a [f64], AgentError> {
        let column = view.info.index_of(name);
        let column = column.ok_or_else(|| AgentError::Failed {
            agent: self.id.into(),
            reason: format!("the info field `{name}` was not asked for"),
        })?;
        Ok(view.info.f64(column))
    }
}

impl<Q: Quotes> Agent for Dealer<Q> {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        let inventory = self.column(view, INVENTORY)?;
        let acting = rows.rows().filter(|&row| view.acting[row]);
        match &self.market {
            Market::Model(_) => {
                let out = actions.f32_mut(0);
                for row in acting {
                    let (bid, ask) = self.quotes.depths(view.elapsed[row], inventory[row]);
                    out[row * 2..row * 2 + 2].copy_from_slice(&[bid as f32, ask as f32]);
                }
            }
            Market::Book(problem) => {
                let spread = self.column(view, SPREAD)?;
                let out = actions.i32_mut(0);
                for row in acting {
                    let held = inventory[row] / f64::from(problem.size);
                    let (bid, ask) = self.quotes.depths(view.elapsed[row], held);
                    // From the mid-price to the touch it is half the spread.
                    let behind = |depth: f64| {
                        (depth - 0.5 * spread[row]).round().clamp(0.0, FARTHEST) as i32
                    };
                    out[row * 2..row * 2 + 2].copy_from_slice(&[behind(bid), behind(ask)]);
                }
            }
        }
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        Ok(Vec::new())
    }

    fn load(&mut self, _: &[u8]) -> Result<(), AgentError> {
        Ok(())
    }
}
