//! The best answer to a rival who follows a curve of concession, by backward induction over the rounds that are left.
//!
//! Whoever knows what the rival will ask for and take in each round has a decision problem of one player: to offer just
//! what is taken now, or to let a round pass, whichever is worth more.

use palaestra_envs::{
    language::{Verdict, structured::Due, templates::SILENT},
    stream::Stream,
};

use super::{ConcessionArgs, Curve, haggle};
use crate::{
    Registry,
    language::{
        decision::Decision,
        player::{self, Player, Seats},
        sight::{Situation, TOLERANCE},
    },
};

/// Plays against `rival`.
#[derive(Debug, Clone, PartialEq)]
pub struct BestResponse {
    /// What the rival does.
    pub rival: Curve,
}

impl BestResponse {
    /// What the rest of the game is worth from `round` on, in shares of that round, if own offers are made in the rounds
    /// of the parity of `own`.
    fn worth(&self, see: &Situation, round: u16, own: bool) -> f64 {
        let end = see.last.unwrap_or(self.rival.patience).max(round);
        let own_in = |t: u16| own == (t - round).is_multiple_of(2);
        (round..=end).rev().fold(0.0, |later, t| {
            let later = see.delta.0 * later;
            let now = if own_in(t) {
                1.0 - self.taken(see, t)
            } else {
                1.0 - self.rival.ask(t, see.last)
            };
            now.max(later)
        })
    }

    /// What the rival takes in a round.
    fn taken(&self, see: &Situation, round: u16) -> f64 {
        let last = see.last.is_some_and(|last| round >= last);
        self.rival.ask(round + u16::from(!last), see.last)
    }

    /// What is left after this round, if nothing is agreed on in it.
    fn later(&self, see: &Situation, own_next: bool) -> f64 {
        if see.is_last() {
            return 0.0;
        }
        see.delta.0 * self.worth(see, see.round + 1, own_next)
    }
}

impl Player for BestResponse {
    const SEATS: Seats = Seats::Haggling;

    fn decide(&self, see: &Situation, _: &mut Stream) -> Decision {
        if see.zone().is_none() {
            return haggle(see, 0.0, 0.0, SILENT);
        }
        if see.due == Due::Offer {
            let now = 1.0 - self.taken(see, see.round);
            // What is refused costs a round and nothing else.
            let ask = if now >= self.later(see, false) - TOLERANCE {
                now
            } else {
                1.0
            };
            return Decision::Offer(see.offer_of(ask), SILENT);
        }
        let share = see.offer.and_then(|offer| see.share(offer)).unwrap_or(0.0);
        Decision::Verdict(if share >= self.later(see, true) - TOLERANCE {
            Verdict::Accept
        } else {
            Verdict::Reject
        })
    }
}

pub(super) fn register(registry: &mut Registry) {
    player::register(
        registry,
        "best_response",
        "Haggling: the best answer to a rival who plays the `boulware` of these arguments (`exponent` for another curve).",
        |args: ConcessionArgs| {
            Ok(BestResponse {
                rival: args.curve(0.2)?,
            })
        },
    );
}
