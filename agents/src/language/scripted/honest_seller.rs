//! Recommends what is good, and nothing else.

use palaestra_envs::stream::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Registry,
    language::{
        decision::Decision,
        player::{self, Player, Seats},
        sight::Situation,
    },
};

/// `honest_seller` has no arguments.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HonestSeller {}

impl Player for HonestSeller {
    const SEATS: Seats = Seats::Seller;

    fn decide(&self, see: &Situation, _: &mut Stream) -> Decision {
        Decision::Recommend(see.good == Some(true))
    }
}

pub(super) fn register(registry: &mut Registry) {
    player::register(
        registry,
        "honest_seller",
        "The seller of persuasion: recommends good things only.",
        |args: HonestSeller| Ok(args),
    );
}
