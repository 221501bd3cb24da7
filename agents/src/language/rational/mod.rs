//! Rational players: what the theory of each game says, as far as the player knows the game.
//!
//! | game | what is known | play |
//! |---|---|---|
//! | bargaining | both discount factors, the end | the subgame-perfect division, by backward induction |
//! | | both discount factors | the division of Rubinstein, *Perfect equilibrium in a bargaining model* (Econometrica 50, 1982) |
//! | | own discount factor | screening: a prior over the published discount factors, of which those that would have accepted drop out; an approximation |
//! | negotiation | both valuations, the end | all gains to the last offer |
//! | | both valuations | half of the gains |
//! | | own valuation | the best posted price under a prior, or that of least regret (Bergemann, Schlag, *Robust monopoly pricing*, JET 146, 2011) |
//! | persuasion | | the seller commits itself to lie as often as a buyer just follows (Kamenica, Gentzkow, *Bayesian persuasion*, AER 101, 2011); the buyer buys where the posterior says so |
//!
//! The numbers are those of [`theory`](palaestra_envs::language::theory). Where a player is indifferent it accepts.

mod bargaining;
mod negotiation;
mod persuasion;

use palaestra_envs::{language::structured::Due, stream::Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    decision::Decision,
    player::{self, Player, Seats},
    sight::{Family, Situation},
};
use crate::Registry;

/// What is believed of a rival whose discount factor or valuation is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Prior {
    /// Each of the four published ones is equally likely.
    #[default]
    Grid,
    /// Valuations are uniform between the least and the largest published one; discount factors as with `grid`.
    Uniform,
    /// Nothing but that valuations lie between those: random prices of least regret; discount factors as with `grid`.
    None,
}

/// How a rational seller of persuasion speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Selling {
    /// As one who has committed itself: good things always, bad ones as often as a buyer just follows.
    #[default]
    Committed,
    /// As one who has not, in a last round: everything.
    Babbling,
}

/// What a rational buyer of persuasion believes of recommendations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Believing {
    /// That the seller is a committed one.
    #[default]
    Commitment,
    /// What experience says: the rate of lies so far, and for a new buyer what was sold before.
    Experience,
    /// Nothing: it buys where a thing is worth its price on average.
    Nothing,
}

/// Arguments of `rational`, and the player.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rational {
    /// What it believes of a rival whose discount factor or valuation it does not know.
    pub prior: Prior,
    /// How it sells.
    pub selling: Selling,
    /// What it believes as a buyer.
    pub believing: Believing,
}

impl Player for Rational {
    const SEATS: Seats = Seats::All;

    fn decide(&self, see: &Situation, draws: &mut Stream) -> Decision {
        match (see.family, see.due) {
            (Family::Bargaining, _) => bargaining::decide(see),
            (Family::Negotiation, _) => negotiation::decide(see, self.prior, draws),
            (Family::Persuasion, Due::Words) => persuasion::recommend(see, self.selling, draws),
            (Family::Persuasion, _) => Decision::Buy(persuasion::buys(see, self.believing)),
        }
    }
}

pub(super) fn register(registry: &mut Registry) {
    player::register(
        registry,
        "rational",
        "Plays the language games as theory says: subgame-perfect and Rubinstein's divisions, posted prices, Bayesian persuasion.",
        |args: Rational| Ok(args),
    );
}
