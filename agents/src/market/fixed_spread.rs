//! The market maker that every other one is compared with: always the same distance from the mid-price on both sides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dealer::{Dealer, Quotes, market, needs};
use crate::{AgentError, Registry};

const ID: &str = "fixed_spread";

/// Arguments of `fixed_spread`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FixedSpreadArgs {
    /// Distance of both quotes from the mid-price, >= 0: in units of the price, in an order book in ticks. There a quote is never
    /// inside the spread of the others, nor more than nine ticks behind their best price.
    pub half_spread: f64,
}

impl Default for FixedSpreadArgs {
    fn default() -> Self {
        Self { half_spread: 1.0 }
    }
}

struct Constant(f64);

impl Quotes for Constant {
    fn depths(&self, _: u32, _: f64) -> (f64, f64) {
        (self.0, self.0)
    }
}

/// Registers `fixed_spread`.
pub(super) fn register(registry: &mut Registry) {
    let entry = registry.register(
        ID,
        "Quotes at a fixed distance from the mid-price on both sides.",
        |context, args: FixedSpreadArgs| {
            let half = args.half_spread;
            if !(half >= 0.0 && half.is_finite()) {
                let message = format!("must be at least 0 and finite, not {half}");
                return Err(AgentError::argument("half_spread", message));
            }
            Ok(Box::new(Dealer {
                id: ID,
                market: market(ID, context)?,
                quotes: Constant(half),
            }))
        },
    );
    needs(entry);
}
