//! Asks for the same share again and again, and takes no less than another.

use palaestra_envs::{language::templates::FINAL_OFFER, stream::Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::haggle;
use crate::{
    Registry,
    language::{
        decision::Decision,
        player::{self, Player, Seats, share},
        sight::Situation,
    },
};

/// Arguments of `fixed_share`, and the player.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FixedShare {
    /// Share of what there is to divide that it asks for, 0 to 1.
    pub ask: f64,
    /// Least share that it takes, 0 to 1.
    pub take: f64,
}

impl Default for FixedShare {
    fn default() -> Self {
        Self {
            ask: 0.6,
            take: 0.6,
        }
    }
}

impl Player for FixedShare {
    const SEATS: Seats = Seats::Haggling;

    fn decide(&self, see: &Situation, _: &mut Stream) -> Decision {
        haggle(see, self.ask, self.take, FINAL_OFFER)
    }
}

pub(super) fn register(registry: &mut Registry) {
    player::register(
        registry,
        "fixed_share",
        "Haggling: asks for one share for ever, and takes no less than another.",
        |args: FixedShare| {
            share("ask", args.ask)?;
            share("take", args.take)?;
            Ok(args)
        },
    );
}
