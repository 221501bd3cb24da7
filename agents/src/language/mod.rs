//! Players of the language games: bargaining, negotiation and persuasion.
//!
//! *Anchor: GLEE (Shapira et al., arXiv 2410.05254).* What a seat sees is read into a [`Situation`], a [`Player`] makes a
//! [`Decision`] of it, and that is written as the action of the environment: players know neither observations nor
//! actions.

pub mod chat;
mod decision;
pub mod http;
pub mod human;
mod in_words;
mod player;
mod rational;
mod scripted;
mod sight;

pub use decision::Decision;
pub(crate) use in_words::{InWords, numbers};
pub use player::{Player, Seats};
pub use rational::{Believing, Prior, Rational, Selling};
pub use scripted::{
    AcceptorArgs, AlwaysRecommend, BestResponse, ConcessionArgs, Curve, FixedShare, HonestSeller,
    ThresholdBuyer, TitForTat,
};
pub use sight::{Exchange, Family, Situation};

use crate::Registry;

#[cfg(test)]
mod tests;

/// Registers the players of this family.
pub fn register(registry: &mut Registry) {
    scripted::register(registry);
    rational::register(registry);
    chat::register(registry);
    http::register(registry);
    human::register(registry);
}
