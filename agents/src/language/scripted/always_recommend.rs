//! Recommends everything, so that its words mean nothing: the babbling of one-shot cheap talk (Crawford, Sobel, *Strategic
//! information transmission*, Econometrica 50, 1982).

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

/// `always_recommend` has no arguments.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlwaysRecommend {}

impl Player for AlwaysRecommend {
    const SEATS: Seats = Seats::Seller;

    fn decide(&self, _: &Situation, _: &mut Stream) -> Decision {
        Decision::Recommend(true)
    }
}

pub(super) fn register(registry: &mut Registry) {
    player::register(
        registry,
        "always_recommend",
        "The seller of persuasion: recommends everything.",
        |args: AlwaysRecommend| Ok(args),
    );
}
