//! The order-book market.
//!
//! An exchange with price-time priority, traders that react to it with latency, recorded and simulated order flow, and tasks
//! for agents: executing a large order, making a market, investing through a day.
//!
//! Source of the design: *MarS: a Financial Market Simulation Engine Powered by Generative Foundation Model*
//! (arXiv 2409.07486), and ABIDES (*ABIDES: Towards High-Fidelity Market Simulation for AI Research*, arXiv 1904.12066) for the
//! population of traders. Prices are integers in ten-thousandths of a currency unit, sizes integers in shares, times integers
//! in nanoseconds after midnight; nothing in book or ledger is a float.
//!
//! * [`order`]: orders and messages; [`event`]: everything that an exchange tells.
//! * [`book`]: the matching engine.
//! * [`kernel`]: time, latency and accounts around it.
//! * [`flow`]: what trades beside the players. [`population`]: traders that react to each other.
//! * [`hawkes`]: order flow that excites itself.
//! * [`data`]: recorded order flow, in the formats of exchanges and vendors.
//! * [`tokens`]: orders as words for models of order flow.
//! * [`host`]: many markets as a batch of environments; [`tasks`]: the environments.

pub mod book;
pub mod data;
pub mod event;
pub mod flow;
pub mod hawkes;
pub mod host;
pub mod kernel;
pub mod order;
pub mod population;
pub mod tasks;
pub mod tokens;

use crate::registry::Registry;

/// Registers the environments of this family.
pub fn register(registry: &mut Registry) {
    tasks::register(registry);
}
