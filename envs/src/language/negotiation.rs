//! Negotiation: a seller and a buyer haggle over the price of one thing, and both can go to somebody else.
//!
//! *Rules: GLEE (Shapira et al., arXiv 2410.05254).* Alice owns the thing. She names a price in odd rounds, Bob in even
//! ones; nothing is discounted. A deal at price `p` gives Alice `p - V_A` and Bob `V_B - p`. The outside option, open
//! to whoever decides, is a trade with a third party at one's own valuation, so it gives 0.

use serde::{Deserialize, Serialize};

use super::{
    Horizon, Metrics, Money, Outcome, Reason, RuleError, Scoring, Verdict,
    alternation::{Alternation, alternates},
    answer::Play,
    metrics,
    rules::{check_common, config_error},
};

/// No price is higher than so many times the scale.
pub const HIGHEST_PRICE: i64 = 10;

/// A game of negotiation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NegotiationConfig {
    /// Scale of prices.
    pub money: Money,
    /// What the thing is worth to Alice and Bob, as a multiple of the scale, in [0, 10].
    pub factor: [f64; 2],
    /// Rounds; with one, the seller makes the only offer.
    pub horizon: Horizon,
    /// Whether each knows the other's valuation.
    pub complete_information: bool,
    /// Whether a price carries a message.
    pub messages: bool,
    /// Whether leaving is called walking away (both get 0) rather than a trade with the third party, which gives the
    /// same.
    pub walk_away: bool,
    /// Whether prices may be negative or as high as one likes, as in the released code.
    pub unbounded: bool,
}

impl Default for NegotiationConfig {
    /// A seller of 0.8 and a buyer of 1.2, scale 10,000, ten rounds, complete information, no messages.
    fn default() -> Self {
        Self {
            money: Money::whole(10_000),
            factor: [0.8, 1.2],
            horizon: Horizon::Known(10),
            complete_information: true,
            messages: false,
            walk_away: false,
            unbounded: false,
        }
    }
}

impl NegotiationConfig {
    /// Checks that this is a game.
    ///
    /// # Errors
    /// [`RuleError::Config`].
    pub fn check(&self) -> Result<(), RuleError> {
        check_common(self.money, self.horizon.last())?;
        for (key, factor) in ["seller_value", "buyer_value"].into_iter().zip(self.factor) {
            if !(0.0..=HIGHEST_PRICE as f64).contains(&factor) {
                return Err(config_error(
                    key,
                    format!("must lie between 0 and {HIGHEST_PRICE}, found {factor}"),
                ));
            }
        }
        Ok(())
    }

    /// What the thing is worth to a player.
    pub fn value(&self, player: usize) -> Money {
        // The configuration is checked, so that this cannot overflow.
        self.money.times(self.factor[player]).unwrap_or_default()
    }
}

/// What offers are called in errors.
const OFFER: &str = "a price";

/// A running game.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Negotiation {
    /// The rules.
    pub config: NegotiationConfig,
    turns: Alternation,
}

alternates!(Negotiation, "The price");

impl Negotiation {
    /// The start of a game.
    ///
    /// # Errors
    /// [`RuleError::Config`].
    pub fn new(config: NegotiationConfig) -> Result<Self, RuleError> {
        config.check()?;
        Ok(Self::start(config))
    }

    /// The start of a game whose configuration has been checked.
    pub(super) fn start(config: NegotiationConfig) -> Self {
        Self {
            config,
            turns: Alternation::START,
        }
    }

    /// Names a price.
    ///
    /// # Errors
    /// [`RuleError`] if no price is due, or it is out of bounds.
    pub fn propose(&mut self, price: Money) -> Result<(), RuleError> {
        self.turns.offer_is_due(OFFER)?;
        let high = Money::from_minor(HIGHEST_PRICE * self.config.money.minor());
        if !self.config.unbounded && !(Money::ZERO..=high).contains(&price) {
            return Err(RuleError::OutOfRange {
                what: "the price",
                got: price,
                low: Money::ZERO,
                high,
            });
        }
        self.turns.offer = Some(price);
        Ok(())
    }

    /// Answers the price on the table.
    ///
    /// # Errors
    /// [`RuleError::OutOfTurn`] if no decision is due.
    pub fn decide(&mut self, verdict: Verdict) -> Result<(), RuleError> {
        let exit = if self.config.walk_away {
            Reason::WalkAway
        } else {
            Reason::OutsideOption
        };
        let last = self.config.horizon.last();
        self.turns.decide(verdict, last, Ok(exit), OFFER)
    }

    /// What the players have earned, and how good that is for both; `None` before the end.
    pub fn metrics(&self, scoring: Scoring) -> Option<Metrics> {
        let outcome = self.outcome()?;
        let price = outcome.terms.map(|price| price.share_of(self.config.money));
        Some(metrics::negotiation(price, self.config.factor, scoring))
    }

    /// What is played for a player that gives no valid move: its own valuation as a price, or a rejection; `None` after
    /// the end.
    pub fn fallback(&self) -> Option<Play> {
        let mover = self.mover()?;
        Some(match self.offer() {
            None => Play::Price(self.config.value(mover)),
            Some(_) => Play::Verdict(Verdict::Reject),
        })
    }
}
