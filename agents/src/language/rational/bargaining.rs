//! Rational bargaining.

use palaestra_envs::language::{
    ALICE, Verdict, grid::DELTAS, structured::Due, templates::COST_OF_DELAY, theory,
};

use crate::language::{
    decision::Decision,
    sight::{Situation, TOLERANCE},
};

/// Alice's share of the offer that is just accepted in `round` between players of these discount factors.
fn accepted(delta: [f64; 2], round: u16, last: Option<u16>) -> f64 {
    match (last, theory::rubinstein(delta)) {
        (Some(last), _) => theory::bargaining_share(delta, round, last),
        (None, Some(share)) if round % 2 == 1 => share,
        (None, Some(share)) => delta[ALICE] * share,
        // Every division is one.
        (None, None) => 0.5,
    }
}

/// The rivals that may be, each with the own share of the offer just accepted in a round.
struct Rivals<'a> {
    see: &'a Situation,
    known: Option<f64>,
    alive: [bool; DELTAS.len()],
}

impl<'a> Rivals<'a> {
    /// Those who would not have accepted any offer that was rejected; if all would, the most patient.
    fn of(see: &'a Situation) -> Self {
        let mut rivals = Self {
            see,
            known: see.delta.1,
            alive: [true; DELTAS.len()],
        };
        if rivals.known.is_some() {
            return rivals;
        }
        for (round, own, exchange) in see.offers() {
            if own && exchange.accepted == Some(false) {
                for (kind, &delta) in DELTAS.iter().enumerate() {
                    if see.gain(exchange.offer) <= rivals.own(delta, round) + TOLERANCE {
                        rivals.alive[kind] = false;
                    }
                }
            }
        }
        if rivals.alive == [false; DELTAS.len()] {
            rivals.alive[DELTAS.len() - 1] = true;
        }
        rivals
    }

    /// Own share of what is just accepted in `round`, if the rival has the discount factor `delta`.
    fn own(&self, delta: f64, round: u16) -> f64 {
        let both = self.see.ordered(self.see.delta.0, delta);
        self.see.gain(accepted(both, round, self.see.last))
    }

    /// Discount factors that may be.
    fn iter(&self) -> impl Iterator<Item = f64> {
        let several = if self.known.is_none() {
            &DELTAS[..]
        } else {
            &[]
        };
        let alive = several.iter().zip(self.alive).filter(|(_, alive)| *alive);
        self.known.into_iter().chain(alive.map(|(&delta, _)| delta))
    }

    /// Expected own share, in this round's worth, of asking for `share` now.
    fn worth(&self, share: f64) -> f64 {
        let see = self.see;
        let (mut sum, mut rivals) = (0.0, 0.0);
        for delta in self.iter() {
            let now = share <= self.own(delta, see.round) + TOLERANCE;
            sum += match (now, see.is_last()) {
                (true, _) => share,
                (false, true) => 0.0,
                (false, false) => see.delta.0 * self.own(delta, see.round + 1),
            };
            rivals += 1.0;
        }
        sum / rivals
    }
}

pub(super) fn decide(see: &Situation) -> Decision {
    let rivals = Rivals::of(see);
    if see.due == Due::Offer {
        let mut best: Option<(f64, f64)> = None;
        for delta in rivals.iter() {
            let share = rivals.own(delta, see.round);
            let worth = rivals.worth(share);
            // Of equally good ones the one that more of them accept.
            let better = best.is_none_or(|(known, asked)| {
                worth > known + TOLERANCE || (worth > known - TOLERANCE && share < asked)
            });
            if better {
                best = Some((worth, share));
            }
        }
        let share = best.map_or(0.5, |(_, share)| share);
        return Decision::Offer(see.offer_of(share), COST_OF_DELAY);
    }
    // What the player would get later: just as much as what it accepts now is worth.
    let (sum, n) = rivals.iter().fold((0.0, 0.0), |(sum, n), delta| {
        (sum + rivals.own(delta, see.round), n + 1.0)
    });
    let offered = see.offer.map_or(0.0, |offer| see.gain(offer));
    Decision::Verdict(if offered >= sum / n - TOLERANCE {
        Verdict::Accept
    } else {
        Verdict::Reject
    })
}
