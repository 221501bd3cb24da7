//! What a seat sees, by name: the numbers of [`structured`](palaestra_envs::language::structured) read once, for all players.

use palaestra_envs::{
    language::{
        ALICE, grid,
        structured::{
            DELTA, DUE, Due, FAMILY, LAST, MESSAGE, PAST, PRIOR, QUALITY, REMEMBERED, ROLE, SALES,
            TIME, VALUE, WIDTH,
        },
    },
    space::{ColumnData, Columns},
};

/// What two amounts over the scale that should be equal may differ by: observations are in single precision.
pub(super) const TOLERANCE: f64 = 1e-6;

/// Which game it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Division of an amount that melts.
    Bargaining,
    /// A price for one thing.
    Negotiation,
    /// Recommendations and purchases.
    Persuasion,
}

/// One exchange of the past.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Exchange {
    /// The offer over the scale (Alice's share, or the price); of persuasion whether it was recommended, 1 or 0.
    pub offer: f64,
    /// Accepted or bought, rejected or not bought, open.
    pub accepted: Option<bool>,
    /// Of persuasion, the quality as far as it is known.
    pub good: Option<bool>,
}

/// What a player knows when it decides. Amounts are over the scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    /// The game.
    pub family: Family,
    /// 0: Alice, who is the seller; 1: Bob.
    pub player: usize,
    /// What is due.
    pub due: Due,
    /// The round, from 1; 0 where it is not told.
    pub round: u16,
    /// The last round, if it is told.
    pub last: Option<u16>,
    /// Own discount factor, and the rival's if it is known; 1 where there is none.
    pub delta: (f64, Option<f64>),
    /// Own valuation, and the rival's if it is known; 0 where there is none.
    pub value: (f64, Option<f64>),
    /// Probability of high quality, if it is known.
    pub p: Option<f64>,
    /// What good things are worth to the buyer, in prices, if it is known.
    pub worth: Option<f64>,
    /// The last offer of both, Alice's share or the price; of persuasion what the seller has said (1 yes, 0 no, in
    /// between what is neither).
    pub offer: Option<f64>,
    /// Own last offer.
    pub own_offer: Option<f64>,
    past: [Exchange; REMEMBERED],
    remembered: usize,
    /// Rounds of persuasion that are over, sales among them, and sales of good things.
    pub counts: [u16; 3],
    /// How often bad things are recommended, `(n+1)/(m+2)` of those known; `None` for a new buyer.
    pub lies: Option<f64>,
    /// The quality, as the seller knows it.
    pub good: Option<bool>,
    /// The last message of the rival, as an index of templates.
    pub heard: Option<usize>,
}

/// A number without the noise of single precision, where it has at most six decimals.
fn exact(x: f32) -> f64 {
    let x = f64::from(x);
    let rounded = (x * 1e6).round() / 1e6;
    if (x - rounded).abs() <= 6e-8 * x.abs() {
        rounded
    } else {
        x
    }
}

fn unless_negative(x: f32) -> Option<f64> {
    (x >= 0.0).then(|| exact(x))
}

fn whole(x: f32) -> u16 {
    // Saturates, and is 0 for what is not a number.
    x.round() as u16
}

/// Where the one of a one-hot part stands.
fn hot(seen: &[f32]) -> Option<usize> {
    seen.iter().position(|&x| x > 0.5)
}

fn sign(x: f32) -> Option<bool> {
    (x != 0.0).then_some(x > 0.0)
}

impl Situation {
    /// Reads an observation; `None` if it is not one of these games.
    pub fn read(seen: &[f32]) -> Option<Self> {
        if seen.len() != WIDTH {
            return None;
        }
        let family = match hot(&seen[FAMILY..ROLE])? {
            0 => Family::Bargaining,
            1 => Family::Negotiation,
            _ => Family::Persuasion,
        };
        let due = match hot(&seen[DUE..DUE + 5])? {
            0 => Due::Offer,
            1 => Due::Decision,
            2 => Due::Words,
            3 => Due::Purchase,
            _ => Due::Nothing,
        };
        let told = seen[TIME + 2] > 0.5;
        let last = told.then(|| whole(seen[TIME + 3] * 100.0));
        let rival = |at: usize| (seen[at + 2] > 0.5).then(|| exact(seen[at + 1]));
        let persuasion = family == Family::Persuasion;
        let rounds = f32::from(last.unwrap_or(1));
        let counts = [0, 1, 2].map(|k| whole(seen[SALES + k] * rounds));
        let lies = seen[SALES + 3];
        let lies = (persuasion && lies > 0.0).then(|| f64::from(lies));
        let places = seen[PAST..SALES].chunks_exact(3);
        let remembered = match (persuasion, lies) {
            // Offers are marked by a third number.
            (false, _) => places.clone().take_while(|place| place[2] != 0.0).count(),
            (true, Some(_)) => usize::from(counts[0]) + usize::from(due == Due::Purchase),
            (true, None) => 0,
        };
        let remembered = remembered.min(REMEMBERED);
        let mut past = [Exchange::default(); REMEMBERED];
        for (exchange, place) in past.iter_mut().zip(places).take(remembered) {
            *exchange = Exchange {
                offer: exact(place[0]),
                accepted: sign(place[1]),
                good: if persuasion { sign(place[2]) } else { None },
            };
        }
        Some(Self {
            family,
            player: hot(&seen[ROLE..DUE])?,
            due,
            round: whole(seen[TIME + 1] * 100.0),
            last,
            delta: (unless_negative(seen[DELTA]).unwrap_or(1.0), rival(DELTA)),
            value: (unless_negative(seen[VALUE]).unwrap_or(0.0), rival(VALUE)),
            p: (seen[PRIOR + 2] > 0.5).then(|| exact(seen[PRIOR])),
            worth: (seen[PRIOR + 3] > 0.5).then(|| exact(seen[PRIOR + 1])),
            offer: unless_negative(seen[LAST]),
            own_offer: unless_negative(seen[LAST + 1]),
            past,
            remembered,
            counts,
            lies,
            good: (seen[QUALITY + 1] > 0.5).then(|| seen[QUALITY] > 0.0),
            heard: hot(&seen[MESSAGE..]),
        })
    }

    /// Reads row `row` of observations of which one field holds the numbers; `None` if none does.
    pub fn find(observations: &Columns, row: usize) -> Option<Self> {
        let fields = observations.fields().iter();
        let mut numbers = fields.filter(|field| field.width == WIDTH);
        let seen = numbers.find_map(|field| match &field.data {
            ColumnData::F32(values) => values.get(row * WIDTH..(row + 1) * WIDTH),
            _ => None,
        })?;
        Self::read(seen)
    }

    /// The last exchanges, the latest first.
    pub fn past(&self) -> &[Exchange] {
        &self.past[..self.remembered]
    }

    /// The exchanges of bargaining and negotiation with their round and whether the offer was the player's own, the latest
    /// first.
    pub fn offers(&self) -> impl Iterator<Item = (u16, bool, &Exchange)> {
        let latest = self.round - u16::from(self.due == Due::Offer && self.round > 0);
        self.past().iter().enumerate().map(move |(ago, exchange)| {
            let round = latest.saturating_sub(ago as u16);
            (
                round,
                usize::from(round.is_multiple_of(2)) == self.player,
                exchange,
            )
        })
    }

    /// Whether the round is known to be the last.
    pub fn is_last(&self) -> bool {
        self.last.is_some_and(|last| self.round >= last)
    }

    /// Both discount factors or valuations in the order of players, with `rival` as the rival's.
    pub(super) fn ordered(&self, own: f64, rival: f64) -> [f64; 2] {
        if self.player == ALICE {
            [own, rival]
        } else {
            [rival, own]
        }
    }

    /// What an offer gives to the player itself: its share, or the price less own valuation. Not discounted.
    pub fn gain(&self, offer: f64) -> f64 {
        match (self.family, self.player) {
            (Family::Negotiation, ALICE) => offer - self.value.0,
            (Family::Negotiation, _) => self.value.0 - offer,
            (_, ALICE) => offer,
            (_, _) => 1.0 - offer,
        }
    }

    /// The offers between which there is something to divide: that which gives the player nothing, and that which gives
    /// the rival nothing. If the rival's valuation is not known, it may be any of the published ones. `None` where there
    /// is nothing to gain.
    pub fn zone(&self) -> Option<[f64; 2]> {
        match (self.family, self.player) {
            (Family::Bargaining, ALICE) => Some([0.0, 1.0]),
            (Family::Bargaining, _) => Some([1.0, 0.0]),
            (Family::Negotiation, player) => {
                let [lowest, .., highest] = grid::FACTORS;
                let far = if player == ALICE { highest } else { lowest };
                let far = self.value.1.unwrap_or(far);
                (self.gain(far) > TOLERANCE).then_some([self.value.0, far])
            }
            (Family::Persuasion, _) => None,
        }
    }

    /// The share of what is to be divided that an offer gives to the player; `None` where there is nothing.
    pub fn share(&self, offer: f64) -> Option<f64> {
        let [none, all] = self.zone()?;
        Some((offer - none) / (all - none))
    }

    /// The offer that gives the player a share; that which gives it nothing where there is nothing to divide.
    pub fn offer_of(&self, share: f64) -> f64 {
        match self.zone() {
            Some([none, all]) => none + share * (all - none),
            None => self.value.0,
        }
    }

    /// Probability that a recommended thing is good, if good ones are always recommended: by the rate of lies where
    /// there is one, for a new buyer by what was sold before (with `prior` counting as one sale).
    pub fn good_if_recommended(&self, prior: f64) -> f64 {
        let p = self.prior_of_good();
        if let Some(lies) = self.lies {
            return p / (p + (1.0 - p) * lies);
        }
        let [_, sold, good] = self.counts.map(f64::from);
        (good + prior) / (sold + 1.0)
    }

    /// Of persuasion, whether the thing was recommended; `None` where nothing was said, or what is neither a yes nor a no.
    pub fn recommended(&self) -> Option<bool> {
        self.offer
            .filter(|said| (said - 0.5).abs() > 0.25)
            .map(|said| said > 0.5)
    }

    /// Probability of high quality; where it is not told, `(n+1)/(m+2)` of the things remembered.
    pub fn prior_of_good(&self) -> f64 {
        self.p.unwrap_or_else(|| {
            let known = || self.past().iter().filter_map(|exchange| exchange.good);
            let good = known().filter(|&good| good).count();
            (good as f64 + 1.0) / (known().count() as f64 + 2.0)
        })
    }
}
