//! Bargaining: two players divide an amount by alternating offers, and it melts while they talk.
//!
//! *Rules: GLEE (Shapira et al., arXiv 2410.05254); the game of Rubinstein, Econometrica 50 (1982).* Alice offers in odd
//! rounds, Bob in even ones. An offer accepted in round `t` gives Alice `δ_A^(t-1)` times her share and Bob
//! `δ_B^(t-1)` times his; an offer rejected in the last round leaves both with nothing.

use serde::{Deserialize, Serialize};

use super::{
    Horizon, Metrics, Money, Outcome, Reason, RuleError, Scoring, Verdict,
    alternation::{Alternation, alternates},
    answer::Play,
    metrics,
    rules::{check_common, config_error, power},
};

/// A game of bargaining.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BargainingConfig {
    /// What is divided.
    pub money: Money,
    /// What a gain is worth a round later, as a part, for Alice and Bob, in (0, 1].
    pub delta: [f64; 2],
    /// Rounds.
    pub horizon: Horizon,
    /// Whether each knows the other's discount factor.
    pub complete_information: bool,
    /// Whether an offer carries a message.
    pub messages: bool,
    /// Whether the one who decides may walk away, which ends the game with nothing for both.
    pub walk_away: bool,
    /// Whether gains may be negative or more than there is, as in the released code.
    pub unbounded: bool,
}

impl Default for BargainingConfig {
    /// Discount factors of 0.9, 10,000 to divide in 12 rounds, complete information, no messages.
    fn default() -> Self {
        Self {
            money: Money::whole(10_000),
            delta: [0.9; 2],
            horizon: Horizon::Known(12),
            complete_information: true,
            messages: false,
            walk_away: false,
            unbounded: false,
        }
    }
}

impl BargainingConfig {
    /// Checks that this is a game.
    ///
    /// # Errors
    /// [`RuleError::Config`].
    pub fn check(&self) -> Result<(), RuleError> {
        check_common(self.money, self.horizon.last())?;
        for (key, delta) in ["delta_alice", "delta_bob"].into_iter().zip(self.delta) {
            // Written so that NaN fails.
            if !(delta > 0.0 && delta <= 1.0) {
                return Err(config_error(
                    key,
                    format!("must be above 0 and at most 1, found {delta}"),
                ));
            }
        }
        Ok(())
    }
}

/// What offers are called in errors.
const OFFER: &str = "an offer";

/// A running game.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bargaining {
    /// The rules.
    pub config: BargainingConfig,
    turns: Alternation,
}

alternates!(Bargaining, "Alice's gain of the offer");

impl Bargaining {
    /// The start of a game.
    ///
    /// # Errors
    /// [`RuleError::Config`].
    pub fn new(config: BargainingConfig) -> Result<Self, RuleError> {
        config.check()?;
        Ok(Self::start(config))
    }

    /// The start of a game whose configuration has been checked.
    pub(super) fn start(config: BargainingConfig) -> Self {
        Self {
            config,
            turns: Alternation::START,
        }
    }

    /// Offers a division.
    ///
    /// # Errors
    /// [`RuleError`] if no offer is due, the gains do not add up, or one is out of bounds.
    pub fn propose(&mut self, alice: Money, bob: Money) -> Result<(), RuleError> {
        self.turns.offer_is_due(OFFER)?;
        let want = self.config.money;
        if alice + bob != want {
            return Err(RuleError::SumMismatch {
                got: alice + bob,
                want,
            });
        }
        for (what, got) in [("Alice's gain", alice), ("Bob's gain", bob)] {
            if !self.config.unbounded && !(Money::ZERO..=want).contains(&got) {
                return Err(RuleError::OutOfRange {
                    what,
                    got,
                    low: Money::ZERO,
                    high: want,
                });
            }
        }
        self.turns.offer = Some(alice);
        Ok(())
    }

    /// Answers the offer on the table.
    ///
    /// # Errors
    /// [`RuleError`] if no decision is due, or the game cannot be left.
    pub fn decide(&mut self, verdict: Verdict) -> Result<(), RuleError> {
        let exit = if self.config.walk_away {
            Ok(Reason::WalkAway)
        } else {
            Err(RuleError::NoExit)
        };
        let last = self.config.horizon.last();
        self.turns.decide(verdict, last, exit, OFFER)
    }

    /// How much of a gain is lost in this round, as a part, for `player`: `1 - δ^(t-1)`.
    pub fn melted(&self, player: usize) -> f64 {
        1.0 - power(self.config.delta[player], self.round() - 1)
    }

    /// What the players have earned, and how good that is for both; `None` before the end.
    pub fn metrics(&self, scoring: Scoring) -> Option<Metrics> {
        let outcome = self.outcome()?;
        let deal = outcome.terms.map(|alice| metrics::Deal {
            share: alice.share_of(self.config.money),
            round: outcome.round,
        });
        Some(metrics::bargaining(
            deal,
            self.config.delta,
            self.config.horizon.last(),
            scoring,
        ))
    }

    /// What is played for a player that gives no valid move: an equal division, or a rejection; `None` after the end.
    pub fn fallback(&self) -> Option<Play> {
        self.mover()?;
        let half = Money::from_minor(self.config.money.minor() / 2);
        Some(match self.offer() {
            None => Play::Split(half, self.config.money - half),
            Some(_) => Play::Verdict(Verdict::Reject),
        })
    }
}
