//! GLEE: economic games that are played in language — bargaining, negotiation, persuasion.
//!
//! *Anchor: Shapira, Madmon, Reinman, Amouyal, Reichart, Tennenholtz, "GLEE: A Unified Framework and Benchmark for
//! Language-based Economic Environments", arXiv 2410.05254.*
//!
//! The rules are state machines without clocks, text or chance ([`Bargaining`], [`Negotiation`], [`Persuasion`]): money
//! is whole hundredths, and who is not to move cannot. Around them: the measures of the paper ([`metrics`]) and moves
//! as answers in words ([`answer`]), the published [`grid`] and its files ([`upstream`]), what rational players would
//! do ([`theory`]), and the games as environments for players that see numbers ([`structured`]) and for players that read and
//! write ([`text`]).

#![allow(
    clippy::struct_excessive_bools,
    reason = "the switches of a game are independent of each other, and files name them one by one"
)]

mod alternation;
pub mod answer;
mod bargaining;
pub mod grid;
pub mod metrics;
mod money;
mod negotiation;
mod persuasion;
mod rules;
pub mod structured;
pub mod templates;
pub mod text;
pub mod theory;
pub mod upstream;

pub use bargaining::{Bargaining, BargainingConfig};
pub use metrics::{Metrics, Scoring};
pub use money::Money;
pub use negotiation::{HIGHEST_PRICE, Negotiation, NegotiationConfig};
pub use persuasion::{
    Persuasion, PersuasionConfig, PersuasionPhase, Reveal, SellerMessage, Signal, Stats,
};
pub use rules::{ALICE, BOB, Horizon, Outcome, Reason, RuleError, Verdict, power};

use crate::registry::Registry;

/// Registers the environments of this family.
pub fn register(registry: &mut Registry) {
    structured::register(registry);
    text::register(registry);
}

#[cfg(test)]
mod tests;
