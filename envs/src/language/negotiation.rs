//! Negotiation: a seller and a buyer haggle over the price of one thing, and both can go to somebody else.
//!
//! *Rules: GLEE (Shapira et al., arXiv 2410.05254).* Alice owns the thing. She names a price in odd rounds, Bob in even
//! ones; nothing is discounted. A deal at price `p` gives Alice `p - V_A` and Bob `V_B - p`. The outside option, open
//! to whoever decides, is a trade with a third party at one's own valuation, so it gives 0.

use serde::{Deserialize, Serialize};

use super::{
    ALICE, BOB, Horizon, Metrics, Money, Outcome, Reason, RuleError, Scoring, Verdict,
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
                    format!("is {factor}, not in [0, {HIGHEST_PRICE}]"),
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

/// A running game.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Negotiation {
    /// The rules.
    pub config: NegotiationConfig,
    round: u16,
    /// The price on the table.
    offer: Option<Money>,
    outcome: Option<Outcome>,
}

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
            round: 1,
            offer: None,
            outcome: None,
        }
    }

    /// The round, from 1.
    pub fn round(&self) -> u16 {
        self.round
    }

    /// The price on the table, while it waits for a decision.
    pub fn offer(&self) -> Option<Money> {
        self.offer
    }

    /// How the game ended.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Who names the price of this round.
    pub fn proposer(&self) -> usize {
        if self.round % 2 == 1 { ALICE } else { BOB }
    }

    /// Whose turn it is; nobody's after the end.
    pub fn mover(&self) -> Option<usize> {
        match (self.outcome, self.offer) {
            (Some(_), _) => None,
            (None, None) => Some(self.proposer()),
            (None, Some(_)) => Some(1 - self.proposer()),
        }
    }

    fn due(&self) -> &'static str {
        match (self.outcome, self.offer) {
            (Some(_), _) => "nothing",
            (None, None) => "a price",
            (None, Some(_)) => "a decision",
        }
    }

    /// Names a price.
    ///
    /// # Errors
    /// [`RuleError`] if no price is due, or it is out of bounds.
    pub fn propose(&mut self, price: Money) -> Result<(), RuleError> {
        if self.due() != "a price" {
            return Err(RuleError::OutOfTurn {
                due: self.due(),
                given: "a price",
            });
        }
        let high = Money::from_minor(HIGHEST_PRICE * self.config.money.minor());
        if !self.config.unbounded && !(Money::ZERO..=high).contains(&price) {
            return Err(RuleError::OutOfRange {
                what: "the price",
                got: price,
                low: Money::ZERO,
                high,
            });
        }
        self.offer = Some(price);
        Ok(())
    }

    /// Answers the price on the table.
    ///
    /// # Errors
    /// [`RuleError::OutOfTurn`] if no decision is due.
    pub fn decide(&mut self, verdict: Verdict) -> Result<(), RuleError> {
        let Some(price) = self.offer.filter(|_| self.outcome.is_none()) else {
            return Err(RuleError::OutOfTurn {
                due: self.due(),
                given: "a decision",
            });
        };
        match verdict {
            Verdict::Accept => self.close(Reason::Agreement, Some(price)),
            Verdict::Exit if self.config.walk_away => self.close(Reason::WalkAway, None),
            Verdict::Exit => self.close(Reason::OutsideOption, None),
            Verdict::Reject if self.round >= self.config.horizon.last() => {
                self.close(Reason::RejectedAtCap, None);
            }
            Verdict::Reject => {
                self.round += 1;
                self.offer = None;
            }
        }
        Ok(())
    }

    /// Ends the game without a deal for a reason outside the rules; does nothing if it is over.
    pub fn stop(&mut self, reason: Reason) {
        if self.outcome.is_none() {
            self.close(reason, None);
        }
    }

    fn close(&mut self, reason: Reason, terms: Option<Money>) {
        self.offer = None;
        self.outcome = Some(Outcome {
            reason,
            round: self.round,
            terms,
        });
    }

    /// What the players have earned, and how good that is for both; `None` before the end.
    pub fn metrics(&self, scoring: Scoring) -> Option<Metrics> {
        let outcome = self.outcome?;
        let price = outcome.terms.map(|price| price.share_of(self.config.money));
        Some(metrics::negotiation(price, self.config.factor, scoring))
    }

    /// What is played for a player that gives no valid move: its own valuation as a price, or a rejection; `None` after
    /// the end.
    pub fn fallback(&self) -> Option<Play> {
        let mover = self.mover()?;
        Some(match self.offer {
            None => Play::Price(self.config.value(mover)),
            Some(_) => Play::Verdict(Verdict::Reject),
        })
    }
}
