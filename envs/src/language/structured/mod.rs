//! The games for players that see numbers: one layout of observations for all three families.
//!
//! Every player of every family sees [`WIDTH`] numbers, so that one policy can play all of them; amounts are divided by
//! the scale. What a player may not know is left out here and nowhere else: the rival's discount factor or valuation
//! under incomplete information, a hidden last round, the quality that only the seller sees, everything but statistics
//! before a new buyer.
//!
//! | numbers | |
//! |---|---|
//! | 0-2, 3-4 | family (bargaining, negotiation, persuasion) and role (first, second player), one-hot |
//! | 5-9, 10 | what is due (offer, decision, seller's words, purchase, nothing), one-hot; whether it is the player's turn |
//! | 11-14 | `t/T`, or 0 if T is not told; `t/100`; whether T is told; `T/100`, or 0 |
//! | 15-17 | own discount factor, the rival's, whether that is known (-1, -1, 0 where there are none) |
//! | 18-20 | own valuation, the rival's, whether that is known (the same) |
//! | 21-24 | p and v, or -1; whether each is known |
//! | 25, 26 | last offer (Alice's share, or the price), own last offer; -1 for none |
//! | 27-50 | the last 8 exchanges, the latest first: offer and verdict (1 accepted, -1 rejected or left, 0 open), 1; of persuasion yes (1), no (0) or neither (1/2), bought or not, quality (±1, 0 unknown) |
//! | 51-54 | rounds, sales, sales of good things, each over T; how often bad things were recommended, `(n+1)/(m+2)` of those known |
//! | 55-56 | quality (±1) and whether it is known: the seller's |
//! | 57-73 | the last message of the rival, one-hot over [`templates`](super::templates) |

mod args;
mod haggle;
mod haggling;
mod persuasion;
mod shaping;

pub use args::{BargainingArgs, NegotiationArgs, PersuasionArgs, Source};
pub use haggle::Haggle;
pub use haggling::{Haggling, OfferGrid, Talk};
pub use persuasion::{PersuasionGame, Pitch};
use serde::{Deserialize, Serialize};
pub use shaping::Shaping;

use super::{Money, templates::TEMPLATES};
use crate::{
    registry::Registry,
    sim::{InfoField, InfoKind, RowPlugin},
    space::{BoxSpace, DType, Space},
};

/// Numbers that a player sees.
pub const WIDTH: usize = MESSAGE + TEMPLATES;
/// Exchanges that players remember.
pub const REMEMBERED: usize = 8;

/// Where the family stands in an observation, one-hot.
pub const FAMILY: usize = 0;
/// The role, one-hot.
pub const ROLE: usize = 3;
/// What is due, one-hot.
pub const DUE: usize = 5;
/// Whether it is the player's turn.
pub const TURN: usize = 10;
/// `t/T`, `t/100`, whether T is told, `T/100`.
pub const TIME: usize = 11;
/// Own discount factor, the rival's, whether that is known.
pub const DELTA: usize = 15;
/// Own valuation, the rival's, whether that is known.
pub const VALUE: usize = 18;
/// p, v, and whether each is known.
pub const PRIOR: usize = 21;
/// Last offer, own last offer.
pub const LAST: usize = 25;
/// The last exchanges, three numbers each.
pub const PAST: usize = 27;
/// Counters of persuasion.
pub const SALES: usize = PAST + 3 * REMEMBERED;
/// Quality, and whether it is known.
pub const QUALITY: usize = SALES + 4;
/// Last message of the rival, one-hot.
pub const MESSAGE: usize = QUALITY + 2;

/// What is due, as observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// A division, or a price.
    Offer,
    /// The answer to one.
    Decision,
    /// The seller's words.
    Words,
    /// The buyer's decision.
    Purchase,
    /// Nothing: the game is over.
    Nothing,
}

/// One exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Exchange {
    /// Round.
    pub(super) round: u16,
    /// What was offered.
    pub(super) amount: Money,
    /// First number of the observation: the offer over the scale, yes or no.
    pub(super) offer: f32,
    /// Second: the verdict.
    pub(super) verdict: i8,
    /// Third.
    pub(super) third: i8,
    /// Message that went with it.
    pub(super) message: u8,
}

/// The last exchanges, the latest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Past {
    latest: [Exchange; REMEMBERED],
    count: u16,
}

impl Past {
    pub(super) fn push(&mut self, exchange: Exchange) {
        self.latest.copy_within(0..REMEMBERED - 1, 1);
        self.latest[0] = exchange;
        self.count = self.count.saturating_add(1);
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut Exchange> {
        self.latest[..usize::from(self.count.min(1))].first_mut()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Exchange> {
        self.latest[..REMEMBERED.min(usize::from(self.count))].iter()
    }

    /// Exchanges that are no longer remembered.
    pub(super) fn forgotten(&self) -> usize {
        usize::from(self.count).saturating_sub(REMEMBERED)
    }

    pub(super) fn write(&self, out: &mut [f32]) {
        for (exchange, out) in self.iter().zip(out[PAST..SALES].chunks_exact_mut(3)) {
            out[0] = exchange.offer;
            out[1] = f32::from(exchange.verdict);
            out[2] = f32::from(exchange.third);
        }
    }
}

/// Starts an observation: family, role, what is due, and -1 wherever nothing is known.
pub(super) fn begin(out: &mut [f32], family: usize, player: usize, due: Due, turn: bool) {
    out.fill(0.0);
    out[FAMILY + family] = 1.0;
    out[ROLE + player] = 1.0;
    out[DUE + due as usize] = 1.0;
    out[TURN] = f32::from(u8::from(turn));
    for unknown in [
        DELTA,
        DELTA + 1,
        VALUE,
        VALUE + 1,
        PRIOR,
        PRIOR + 1,
        LAST,
        LAST + 1,
    ] {
        out[unknown] = -1.0;
    }
}

/// Writes the time: the round, and the last one if it is told.
pub(super) fn write_time(out: &mut [f32], round: u16, last: Option<u16>) {
    out[TIME + 1] = f32::from(round) / 100.0;
    if let Some(last) = last {
        out[TIME] = f32::from(round) / f32::from(last);
        out[TIME + 2] = 1.0;
        out[TIME + 3] = f32::from(last) / 100.0;
    }
}

/// What every player sees.
pub(in crate::language) fn seen() -> Space {
    Space::vector(WIDTH, -1.0, 1000.0)
}

/// Info field of measures, told in the last step of an episode.
pub(super) fn measure(name: &str, low: f64, summary: &str) -> InfoField {
    InfoField {
        name: name.into(),
        space: numbers(1, low, 1.0),
        kind: InfoKind::Sum,
        summary: summary.into(),
    }
}

/// Numbers of an info field.
pub(in crate::language) fn numbers(width: usize, low: f64, high: f64) -> Space {
    Space::Box(BoxSpace {
        dtype: DType::Float64,
        shape: vec![width],
        low: vec![low; width],
        high: vec![high; width],
    })
}

/// Registers the environments.
pub(super) fn register(registry: &mut Registry) {
    registry.register(
        haggle::BARGAINING.0,
        "language",
        haggle::BARGAINING.1,
        |args: BargainingArgs| Ok(Box::new(RowPlugin::new(args.build()?))),
    );
    registry.register(
        haggle::NEGOTIATION.0,
        "language",
        haggle::NEGOTIATION.1,
        |args: NegotiationArgs| Ok(Box::new(RowPlugin::new(args.build()?))),
    );
    registry.register(
        persuasion::ID,
        "language",
        persuasion::SUMMARY,
        |args: PersuasionArgs| Ok(Box::new(RowPlugin::new(args.build()?))),
    );
}
