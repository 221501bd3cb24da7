//! What rational players would do: closed forms, backward induction, and the tree of the discretised game.
//!
//! *Rubinstein, Perfect Equilibrium in a Bargaining Model, Econometrica 50 (1982); Bergemann and Schlag, Robust Monopoly
//! Pricing, JET 146 (2011); Myerson and Satterthwaite, JET 29 (1983); Chatterjee and Samuelson, Operations Research 31
//! (1983); Kamenica and Gentzkow, Bayesian Persuasion, AER 101 (2011).*
//!
//! Where a player is indifferent it accepts, and the buyer of a persuasion buys. Shares, prices and gains are
//! normalised as the measures are.

use super::{
    Bargaining, BargainingConfig, Money, Negotiation, NegotiationConfig, RuleError, Scoring,
    Verdict,
};
use crate::math;

/// What two numbers that should be equal may differ by.
const EPSILON: f64 = 1e-12;

/// Alice's share under best play without an end; `None` if both discount factors are 1, where every division is one.
pub fn rubinstein(delta: [f64; 2]) -> Option<f64> {
    let [alice, bob] = delta;
    let product = alice * bob;
    (product < 1.0).then(|| (1.0 - bob) / (1.0 - product))
}

/// Alice's share of the offer that is made, and would be accepted, in each round of a bargaining of `rounds` rounds, by
/// backward induction; the first is what is agreed on.
pub fn bargaining_path(delta: [f64; 2], rounds: u16) -> Vec<f64> {
    let mut path = vec![0.0; usize::from(rounds)];
    let mut next = None;
    for round in (1..=rounds).rev() {
        let share = share_before(delta, round, next);
        path[usize::from(round) - 1] = share;
        next = Some(share);
    }
    path
}

/// The share of [`bargaining_path`] in round `round`, from 1; after the last round as in it.
pub fn bargaining_share(delta: [f64; 2], round: u16, rounds: u16) -> f64 {
    let rounds = rounds.max(round);
    let last = share_before(delta, rounds, None);
    (round..rounds)
        .rev()
        .fold(last, |next, round| share_before(delta, round, Some(next)))
}

/// Alice's share in `round`, if that of the round after it is `next`.
fn share_before(delta: [f64; 2], round: u16, next: Option<f64>) -> f64 {
    let alices = round % 2 == 1;
    match next {
        None => f64::from(u8::from(alices)),
        Some(next) if alices => 1.0 - delta[1] * (1.0 - next),
        Some(next) => delta[0] * next,
    }
}

/// What is played in each round of a game whose offers are those of a grid, found by walking through the rules
/// themselves. Every other offer is worse, as are other answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// The best offer of each round: Alice's gain, or the price.
    pub offers: Vec<Money>,
    /// Whether it is accepted.
    pub accepted: Vec<bool>,
    /// Gains of Alice and Bob from each round on, as counted in the first.
    pub gains: Vec<[f64; 2]>,
}

/// A game in which an offer is answered.
trait Alternating: Copy {
    fn offer(&mut self, amount: Money) -> Result<(), RuleError>;
    fn answer(&mut self, verdict: Verdict) -> Result<(), RuleError>;
    fn proposer(&self) -> usize;
    /// Gains once it is over.
    fn gains(&self) -> Option<[f64; 2]>;
}

impl Alternating for Bargaining {
    fn offer(&mut self, amount: Money) -> Result<(), RuleError> {
        self.propose(amount, self.config.money - amount)
    }
    fn answer(&mut self, verdict: Verdict) -> Result<(), RuleError> {
        self.decide(verdict)
    }
    fn proposer(&self) -> usize {
        Self::proposer(self)
    }
    fn gains(&self) -> Option<[f64; 2]> {
        self.metrics(Scoring::Paper).map(|m| [m.alice, m.bob])
    }
}

impl Alternating for Negotiation {
    fn offer(&mut self, amount: Money) -> Result<(), RuleError> {
        self.propose(amount)
    }
    fn answer(&mut self, verdict: Verdict) -> Result<(), RuleError> {
        self.decide(verdict)
    }
    fn proposer(&self) -> usize {
        Self::proposer(self)
    }
    fn gains(&self) -> Option<[f64; 2]> {
        self.metrics(Scoring::Paper).map(|m| [m.alice, m.bob])
    }
}

/// Solves a game from its start; what follows a rejection does not depend on what was rejected.
fn solve<G: Alternating>(
    start: G,
    rounds: u16,
    offers: &[Money],
    exit: bool,
) -> Result<Tree, RuleError> {
    let mut games = vec![start];
    for _ in 1..rounds {
        let mut game = games[games.len() - 1];
        game.offer(offers[0])?;
        game.answer(Verdict::Reject)?;
        games.push(game);
    }
    let mut tree = Tree {
        offers: vec![Money::ZERO; games.len()],
        accepted: vec![false; games.len()],
        gains: vec![[0.0; 2]; games.len()],
    };
    for (round, game) in games.iter().enumerate().rev() {
        let proposer = game.proposer();
        let mut best: Option<(Money, bool, [f64; 2])> = None;
        for &offer in offers {
            let mut offered = *game;
            offered.offer(offer)?;
            let outcome = |verdict| -> Result<Option<[f64; 2]>, RuleError> {
                let mut answered = offered;
                answered.answer(verdict)?;
                Ok(answered.gains())
            };
            let other = tree.gains.get(round + 1).copied();
            let mut gains = outcome(Verdict::Reject)?.or(other).unwrap_or_default();
            let mut accepted = false;
            let responder = 1 - proposer;
            if exit && let Some(left) = outcome(Verdict::Exit)? {
                // Leaving is chosen only where it is better.
                if left[responder] > gains[responder] + EPSILON {
                    gains = left;
                }
            }
            if let Some(deal) = outcome(Verdict::Accept)?
                && deal[responder] >= gains[responder] - EPSILON
            {
                (gains, accepted) = (deal, true);
            }
            let better = best.as_ref().is_none_or(|(_, deal, known)| {
                let more = gains[proposer] - known[proposer];
                // Of equally good offers one that is accepted.
                more > EPSILON || (more > -EPSILON && accepted && !deal)
            });
            if better {
                best = Some((offer, accepted, gains));
            }
        }
        if let Some((offer, accepted, gains)) = best {
            tree.offers[round] = offer;
            tree.accepted[round] = accepted;
            tree.gains[round] = gains;
        }
    }
    Ok(tree)
}

/// Best play of a bargaining in which the amount is divided into `parts` equal parts.
///
/// # Errors
/// [`RuleError::Config`].
pub fn bargaining_tree(config: BargainingConfig, parts: u32) -> Result<Tree, RuleError> {
    let start = Bargaining::new(config)?;
    let offers: Vec<Money> = (0..=parts)
        .map(|k| config.money.fraction(k, parts))
        .collect();
    solve(start, config.horizon.last(), &offers, config.walk_away)
}

/// Best play of a negotiation over some prices, of which there must be one.
///
/// # Errors
/// [`RuleError`].
pub fn negotiation_tree(config: NegotiationConfig, prices: &[Money]) -> Result<Tree, RuleError> {
    solve(
        Negotiation::new(config)?,
        config.horizon.last(),
        prices,
        true,
    )
}

/// A trade.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trade {
    /// Price over scale.
    pub price: f64,
    /// Seller's gain.
    pub seller: f64,
    /// Buyer's gain.
    pub buyer: f64,
}

/// The trade of a negotiation with complete information and a known end: whoever makes the last offer gains everything.
/// `None` if the thing is worth more to the seller. When they agree is open.
pub fn negotiation(factor: [f64; 2], rounds: u16) -> Option<Trade> {
    let [seller, buyer] = factor;
    let gains = buyer - seller;
    (gains >= 0.0).then_some(if rounds % 2 == 1 {
        Trade {
            price: buyer,
            seller: gains,
            buyer: 0.0,
        }
    } else {
        Trade {
            price: seller,
            seller: 0.0,
            buyer: gains,
        }
    })
}

/// A price that is named once, and what it gains on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posted {
    /// Price over scale.
    pub price: f64,
    /// Expected gain.
    pub gain: f64,
}

/// The seller's best price if each of `values` is equally likely to be the buyer's; `None` if none gains anything. Of
/// equally good prices the one that sells more often.
pub fn seller_price(own: f64, values: &[f64]) -> Option<Posted> {
    best_price(values, |price| {
        let buyers = values.iter().filter(|&&value| value >= price).count();
        (price - own, buyers)
    })
}

/// The buyer's best price if each of `values` is equally likely to be the seller's.
pub fn buyer_price(own: f64, values: &[f64]) -> Option<Posted> {
    best_price(values, |price| {
        let sellers = values.iter().filter(|&&value| value <= price).count();
        (own - price, sellers)
    })
}

fn best_price(values: &[f64], trade: impl Fn(f64) -> (f64, usize)) -> Option<Posted> {
    let mut best: Option<(Posted, usize)> = None;
    for &price in values {
        let (margin, trades) = trade(price);
        let gain = margin * trades as f64 / values.len() as f64;
        let better = best.as_ref().is_none_or(|(known, often)| {
            gain > known.gain + EPSILON || (gain > known.gain - EPSILON && trades > *often)
        });
        if gain > EPSILON && better {
            best = Some((Posted { price, gain }, trades));
        }
    }
    best.map(|(posted, _)| posted)
}

/// The seller's best price if the buyer's value is uniform on `[low, high]`.
pub fn seller_price_uniform(own: f64, low: f64, high: f64) -> Posted {
    let price = f64::midpoint(high, own).clamp(low, high.max(own));
    let sold = ((high - price) / (high - low)).clamp(0.0, 1.0);
    Posted {
        price,
        gain: (price - own) * sold,
    }
}

/// The random price of a seller who knows nothing but that values are at most `highest`: it makes the largest regret as
/// small as it can be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegretPrice {
    own: f64,
    highest: f64,
}

impl RegretPrice {
    /// For a seller of valuation `own`; above `highest` it does not sell.
    pub fn new(own: f64, highest: f64) -> Self {
        Self {
            own,
            highest: highest.max(own),
        }
    }

    /// The largest expected regret, whatever the buyer's value.
    pub fn regret(&self) -> f64 {
        (self.highest - self.own) / std::f64::consts::E
    }

    /// Lowest and highest price.
    pub fn support(&self) -> [f64; 2] {
        [self.own + self.regret(), self.highest]
    }

    /// The price for a number `u` in [0, 1): the inverse of the distribution with density `1/(p - own)`.
    pub fn price(&self, u: f64) -> f64 {
        self.own + (self.highest - self.own) * math::exp(u - 1.0)
    }
}

/// Offers of seller and buyer in the linear equilibrium of a double auction, both values uniform on [0, 1]. They trade,
/// at the mean of the offers, if the buyer's is not lower.
pub fn double_auction(cost: f64, value: f64) -> [f64; 2] {
    [2.0 / 3.0 * cost + 0.25, 2.0 / 3.0 * value + 1.0 / 12.0]
}

/// Expected gains from trade with both values uniform on [0, 1]: if all gains are realised, in the best
/// incentive-compatible mechanism (which the double auction attains), and if one side makes the only offer.
pub const BILATERAL_GAINS: [f64; 3] = [1.0 / 6.0, 9.0 / 64.0, 1.0 / 8.0];

/// A way to recommend in a game of persuasion, and what it gives per round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recommending {
    /// Probability of recommending a bad thing; good ones are always recommended.
    pub lie: f64,
    /// Seller's gain.
    pub seller: f64,
    /// Buyer's gain.
    pub buyer: f64,
    /// Efficiency.
    pub efficiency: f64,
    /// Fairness.
    pub fairness: f64,
    /// Probability of high quality after a recommendation.
    pub posterior: f64,
}

/// Everything about recommendations with probability `lie` of bad things, which the buyer follows.
fn recommending(p: f64, high: f64, low: f64, lie: f64) -> Recommending {
    let recommended = p + (1.0 - p) * lie;
    Recommending {
        lie,
        seller: recommended,
        buyer: p * (high - 1.0) + (1.0 - p) * lie * (low - 1.0),
        efficiency: 1.0,
        fairness: 1.0 - lie,
        posterior: p / recommended,
    }
}

/// The best that a seller can do who can commit itself: it recommends bad things as often as a buyer just follows.
pub fn bayesian_persuasion(p: f64, high: f64, low: f64) -> Recommending {
    let bad = (1.0 - p) * (1.0 - low);
    let lie = if bad > 0.0 {
        (p * (high - 1.0) / bad).min(1.0)
    } else {
        1.0
    };
    recommending(p, high, low, lie)
}

/// Honest recommendations.
pub fn full_information(p: f64, high: f64, low: f64) -> Recommending {
    recommending(p, high, low, 0.0)
}

/// Gains `[seller, buyer]` per round where words mean nothing: the buyer buys if a thing is worth its price on average.
pub fn babbling(p: f64, high: f64, low: f64) -> [f64; 2] {
    let worth = p * high + (1.0 - p) * low;
    if worth >= 1.0 - EPSILON {
        [1.0, worth - 1.0]
    } else {
        [0.0; 2]
    }
}

/// Least discount factor with which a seller stays honest if the buyer never buys again after a lie that it finds out,
/// where nobody buys without trust. Derived here: a lie gains 1 at once and loses `δ p / (1 - δ)`.
pub fn honest_patience(p: f64) -> f64 {
    1.0 / (1.0 + p)
}
