//! Bargaining: two players divide an amount by alternating offers, and it melts while they talk.
//!
//! *Rules: GLEE (Shapira et al., arXiv 2410.05254); the game of Rubinstein, Econometrica 50 (1982).* Alice offers in odd
//! rounds, Bob in even ones. An offer accepted in round `t` gives Alice `δ_A^(t-1)` times her share and Bob
//! `δ_B^(t-1)` times his; an offer rejected in the last round leaves both with nothing.

use serde::{Deserialize, Serialize};

use super::{
    ALICE, BOB, Horizon, Metrics, Money, Outcome, Reason, RuleError, Scoring, Verdict,
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
                return Err(config_error(key, format!("is {delta}, not in (0, 1]")));
            }
        }
        Ok(())
    }
}

/// A running game.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bargaining {
    /// The rules.
    pub config: BargainingConfig,
    round: u16,
    /// Alice's gain of the offer on the table.
    offer: Option<Money>,
    outcome: Option<Outcome>,
}

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
            round: 1,
            offer: None,
            outcome: None,
        }
    }

    /// The round, from 1.
    pub fn round(&self) -> u16 {
        self.round
    }

    /// Alice's gain of the offer on the table, while it waits for a decision.
    pub fn offer(&self) -> Option<Money> {
        self.offer
    }

    /// How the game ended.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Who makes the offer of this round.
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
            (None, None) => "an offer",
            (None, Some(_)) => "a decision",
        }
    }

    /// Offers a division.
    ///
    /// # Errors
    /// [`RuleError`] if no offer is due, the gains do not add up, or one is out of bounds.
    pub fn propose(&mut self, alice: Money, bob: Money) -> Result<(), RuleError> {
        if self.due() != "an offer" {
            return Err(RuleError::OutOfTurn {
                due: self.due(),
                given: "an offer",
            });
        }
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
        self.offer = Some(alice);
        Ok(())
    }

    /// Answers the offer on the table.
    ///
    /// # Errors
    /// [`RuleError`] if no decision is due, or the game cannot be left.
    pub fn decide(&mut self, verdict: Verdict) -> Result<(), RuleError> {
        let Some(alice) = self.offer.filter(|_| self.outcome.is_none()) else {
            return Err(RuleError::OutOfTurn {
                due: self.due(),
                given: "a decision",
            });
        };
        match verdict {
            Verdict::Accept => self.close(Reason::Agreement, Some(alice)),
            Verdict::Exit if self.config.walk_away => self.close(Reason::WalkAway, None),
            Verdict::Exit => return Err(RuleError::NoExit),
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

    /// How much of a gain is lost in this round, as a part, for `player`: `1 - δ^(t-1)`.
    pub fn melted(&self, player: usize) -> f64 {
        1.0 - power(self.config.delta[player], self.round - 1)
    }

    /// What the players have earned, and how good that is for both; `None` before the end.
    pub fn metrics(&self, scoring: Scoring) -> Option<Metrics> {
        let outcome = self.outcome?;
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
        Some(match self.offer {
            None => Play::Split(half, self.config.money - half),
            Some(_) => Play::Verdict(Verdict::Reject),
        })
    }
}
