//! Rational negotiation.

use palaestra_envs::{
    language::{
        ALICE, Verdict,
        grid::FACTORS,
        structured::Due,
        templates::SILENT,
        theory::{self, RegretPrice},
    },
    stream::Stream,
};
use rand::RngExt;

use super::Prior;
use crate::language::{
    decision::Decision,
    sight::{Situation, TOLERANCE},
};

pub(super) fn decide(see: &Situation, prior: Prior, draws: &mut Stream) -> Decision {
    let plan = match see.value.1 {
        Some(rival) => known(see, rival),
        None => unknown(see, prior, draws),
    };
    if see.due == Due::Offer {
        return Decision::Offer(plan.price, SILENT);
    }
    let gain = see.offer.map_or(-1.0, |price| see.gain(price));
    Decision::Verdict(if gain >= plan.later.max(0.0) - TOLERANCE {
        Verdict::Accept
    } else if plan.hopeless || see.is_last() {
        Verdict::Exit
    } else {
        Verdict::Reject
    })
}

/// What to ask for now, and what the rest of the game is worth without an agreement now.
struct Plan {
    price: f64,
    later: f64,
    /// Nothing can be gained.
    hopeless: bool,
}

/// With both valuations known: all gains to whoever makes the last offer, half of them where nobody knows which that is.
fn known(see: &Situation, rival: f64) -> Plan {
    let [seller, buyer] = see.ordered(see.value.0, rival);
    let trade = match see.last {
        Some(last) => theory::negotiation([seller, buyer], last),
        None => theory::negotiation([seller, buyer], 1).map(|trade| theory::Trade {
            price: f64::midpoint(seller, buyer),
            seller: trade.seller / 2.0,
            buyer: trade.seller / 2.0,
        }),
    };
    match trade {
        Some(trade) => Plan {
            price: trade.price,
            later: if see.is_last() {
                0.0
            } else if see.player == ALICE {
                trade.seller
            } else {
                trade.buyer
            },
            hopeless: false,
        },
        None => Plan {
            price: see.value.0,
            later: 0.0,
            hopeless: true,
        },
    }
}

/// With only the own valuation known: the best price against those whom the past leaves possible. A rival is taken to reject
/// a price only if it would lose by it, and to name only prices by which it would not.
fn unknown(see: &Situation, prior: Prior, draws: &mut Stream) -> Plan {
    // Seen from the seller; for a buyer everything is mirrored.
    let side = if see.player == ALICE { 1.0 } else { -1.0 };
    let own = side * see.value.0;
    let mut values = FACTORS.map(|value| side * value);
    values.sort_unstable_by(f64::total_cmp);
    let [mut low, .., mut high] = values;
    for (_, own_price, exchange) in see.offers() {
        let price = side * exchange.offer;
        if !own_price {
            low = low.max(price);
        } else if exchange.accepted == Some(false) {
            high = high.min(price - TOLERANCE);
        }
    }
    let posted = match prior {
        _ if high < low || high <= own => None,
        Prior::Grid => {
            let first = values.partition_point(|&value| value < low - TOLERANCE);
            let end = values.partition_point(|&value| value <= high);
            values
                .get(first..end)
                .and_then(|values| theory::seller_price(own, values))
        }
        Prior::Uniform if high > low => Some(theory::seller_price_uniform(own, low, high)),
        Prior::Uniform => None,
        Prior::None => {
            let price = RegretPrice::new(own, high).price(draws.random());
            Some(theory::Posted { price, gain: 0.0 })
        }
    };
    let posted = posted.filter(|posted| posted.price > own + TOLERANCE);
    Plan {
        price: side * posted.map_or(own, |posted| posted.price),
        later: match posted {
            Some(posted) if !see.is_last() => posted.gain,
            _ => 0.0,
        },
        hopeless: posted.is_none(),
    }
}
