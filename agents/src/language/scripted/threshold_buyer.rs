//! Buys what is recommended while enough of what is recommended is good. What is neither recommended nor warned of, as by
//! a seller who writes freely, is as good as its prior.

use palaestra_envs::stream::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Registry,
    language::{
        decision::Decision,
        player::{self, Player, Seats, share},
        sight::{Situation, TOLERANCE},
    },
};

/// Arguments of `threshold_buyer`, and the player.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ThresholdBuyer {
    /// Least probability that a recommended thing is good, 0 to 1, as the buyer estimates it: with the rate of lies
    /// known so far, and for a new buyer with what was sold before.
    pub threshold: f64,
}

impl Default for ThresholdBuyer {
    fn default() -> Self {
        Self { threshold: 0.6 }
    }
}

impl Player for ThresholdBuyer {
    const SEATS: Seats = Seats::Buyer;

    fn decide(&self, see: &Situation, _: &mut Stream) -> Decision {
        let good = match see.recommended() {
            Some(true) => see.good_if_recommended(1.0),
            Some(false) => return Decision::Buy(false),
            None => see.prior_of_good(),
        };
        Decision::Buy(good >= self.threshold - TOLERANCE)
    }
}

pub(super) fn register(registry: &mut Registry) {
    player::register(
        registry,
        "threshold_buyer",
        "The buyer of persuasion: buys what is recommended while enough of that is good.",
        |args: ThresholdBuyer| {
            share("threshold", args.threshold)?;
            Ok(args)
        },
    );
}
