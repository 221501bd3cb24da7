//! Offers by turns: what bargaining and negotiation have in common.
//!
//! Alice offers in odd rounds, Bob in even ones, and the other decides.

use serde::{Deserialize, Serialize};

use super::{ALICE, BOB, Money, Outcome, Reason, RuleError, Verdict};

/// Where a game of offers and answers stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Alternation {
    /// From 1.
    pub(super) round: u16,
    /// What is on the table.
    pub(super) offer: Option<Money>,
    pub(super) outcome: Option<Outcome>,
}

impl Alternation {
    pub(super) const START: Self = Self {
        round: 1,
        offer: None,
        outcome: None,
    };

    pub(super) fn proposer(&self) -> usize {
        if self.round % 2 == 1 { ALICE } else { BOB }
    }

    pub(super) fn mover(&self) -> Option<usize> {
        match (self.outcome, self.offer) {
            (Some(_), _) => None,
            (None, None) => Some(self.proposer()),
            (None, Some(_)) => Some(1 - self.proposer()),
        }
    }

    /// What is due; `offer` is what offers are called.
    fn due(&self, offer: &'static str) -> &'static str {
        match (self.outcome, self.offer) {
            (Some(_), _) => "nothing",
            (None, None) => offer,
            (None, Some(_)) => "a decision",
        }
    }

    /// Refuses an offer that is not due.
    pub(super) fn offer_is_due(&self, offer: &'static str) -> Result<(), RuleError> {
        if self.outcome.is_none() && self.offer.is_none() {
            return Ok(());
        }
        Err(RuleError::OutOfTurn {
            due: self.due(offer),
            given: offer,
        })
    }

    /// Answers the offer on the table. `last` is the last round, `exit` what leaving is, or why nobody can.
    pub(super) fn decide(
        &mut self,
        verdict: Verdict,
        last: u16,
        exit: Result<Reason, RuleError>,
        offer: &'static str,
    ) -> Result<(), RuleError> {
        let Some(terms) = self.offer.filter(|_| self.outcome.is_none()) else {
            return Err(RuleError::OutOfTurn {
                due: self.due(offer),
                given: "a decision",
            });
        };
        match verdict {
            Verdict::Accept => self.close(Reason::Agreement, Some(terms)),
            Verdict::Exit => self.close(exit?, None),
            Verdict::Reject if self.round >= last => self.close(Reason::RejectedAtCap, None),
            Verdict::Reject => {
                self.round += 1;
                self.offer = None;
            }
        }
        Ok(())
    }

    pub(super) fn stop(&mut self, reason: Reason) {
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
}

/// What both games tell of their turns, which are in the field `turns`.
macro_rules! alternates {
    ($game:ty, $offer:literal) => {
        impl $game {
            /// The round, from 1.
            pub fn round(&self) -> u16 {
                self.turns.round
            }

            #[doc = concat!($offer, " on the table, while it waits for a decision.")]
            pub fn offer(&self) -> Option<Money> {
                self.turns.offer
            }

            /// How the game ended.
            pub fn outcome(&self) -> Option<Outcome> {
                self.turns.outcome
            }

            /// Who makes the offer of this round.
            pub fn proposer(&self) -> usize {
                self.turns.proposer()
            }

            /// Whose turn it is; nobody's after the end.
            pub fn mover(&self) -> Option<usize> {
                self.turns.mover()
            }

            /// Ends the game without a deal for a reason outside the rules; does nothing if it is over.
            pub fn stop(&mut self, reason: Reason) {
                self.turns.stop(reason);
            }
        }
    };
}

pub(super) use alternates;
