//! Playing `inventory_market_making-v1` by a table of quotes.

use std::sync::Arc;

use palaestra_envs::{
    market::tasks::InventoryMarketMakingArgs,
    sim::{ActView, Model, Selection},
    space::Columns,
};

use crate::{Agent, AgentContext, AgentError};

/// The info field that the agents of this problem need.
pub(super) const INVENTORY: &str = "inventory";

/// The parameters of the problem that `context` is about.
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
    fn depths(&self, step: u32, inventory: i32) -> (f64, f64);
}

/// An agent that quotes by a table; it learns nothing and has no state.
pub(super) struct Dealer<Q> {
    pub(super) id: &'static str,
    pub(super) quotes: Q,
}

impl<Q: Quotes> Agent for Dealer<Q> {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        let column = view.info.index_of(INVENTORY);
        let column = column.ok_or_else(|| AgentError::Failed {
            agent: self.id.into(),
            reason: format!("the info field `{INVENTORY}` was not asked for"),
        })?;
        let inventory = view.info.f64(column);
        let out = actions.f32_mut(0);
        for row in rows.rows().filter(|&row| view.acting[row]) {
            let (bid, ask) = self.quotes.depths(view.elapsed[row], inventory[row] as i32);
            out[row * 2..row * 2 + 2].copy_from_slice(&[bid as f32, ask as f32]);
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
