//! Concedes as much as the rival has conceded: the behaviour-dependent tactic "absolute tit-for-tat" of Faratin, Sierra,
//! Jennings, *Negotiation decision functions for autonomous agents* (Robotics and Autonomous Systems 24, 1998).

use palaestra_envs::{
    language::{structured::Due, templates::RECIPROCITY},
    stream::Stream,
};
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

/// Arguments of `tit_for_tat`, and the player.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TitForTat {
    /// Share asked for at first, 0 to 1.
    pub opening: f64,
    /// Least share that it asks for or takes, 0 to 1.
    pub reserve: f64,
    /// Share conceded in any case, 0 to 1, so that two of them meet.
    pub generosity: f64,
}

impl Default for TitForTat {
    fn default() -> Self {
        Self {
            opening: 0.8,
            reserve: 0.3,
            generosity: 0.02,
        }
    }
}

impl TitForTat {
    /// What it would ask for now.
    fn ask(&self, see: &Situation) -> f64 {
        let Some(own) = see.own_offer.and_then(|offer| see.share(offer)) else {
            return self.opening;
        };
        let mut rivals = see.offers().filter(|(_, own, _)| !own);
        let mut next = || see.share(rivals.next()?.2.offer);
        let conceded = match (next(), next()) {
            (Some(now), Some(before)) => (now - before).max(0.0),
            _ => 0.0,
        };
        (own - conceded.max(self.generosity)).max(self.reserve)
    }
}

impl Player for TitForTat {
    const SEATS: Seats = Seats::Haggling;

    fn decide(&self, see: &Situation, _: &mut Stream) -> Decision {
        let ask = self.ask(see);
        // Before the end there is nothing to wait for.
        let take = if see.due == Due::Decision && see.is_last() {
            self.reserve
        } else {
            ask
        };
        haggle(see, ask, take, RECIPROCITY)
    }
}

pub(super) fn register(registry: &mut Registry) {
    player::register(
        registry,
        "tit_for_tat",
        "Haggling: concedes as much as the rival did (a behaviour-dependent tactic of Faratin et al. 1998).",
        |args: TitForTat| {
            share("opening", args.opening)?;
            share("reserve", args.reserve)?;
            share("generosity", args.generosity)?;
            Ok(args)
        },
    );
}
