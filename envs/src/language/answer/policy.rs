//! What happens when an answer is no move: a number of attempts, a line of correction, and what is played then.

use serde::{Deserialize, Serialize};

use super::{AnswerError, Move};

/// What a player is told of an answer that was no move.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// Nothing: it is asked again, as if it had not answered.
    None,
    /// What was wrong: its answer and a line of correction are added to the conversation.
    #[default]
    ErrorText,
}

/// What happens when the attempts are used up.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Exhausted {
    /// The game is not counted at all.
    Abort,
    /// The game ends without a deal.
    #[default]
    NoDeal,
    /// The family's cautious move is played: `fallback` of its rules.
    Fallback,
}

/// How answers that are no moves are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InvalidPolicy {
    /// Answers asked for in a turn, at least 1.
    pub max_attempts: u32,
    /// What the player is told.
    pub feedback: Feedback,
    /// What happens then.
    pub then: Exhausted,
}

impl Default for InvalidPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            feedback: Feedback::default(),
            then: Exhausted::default(),
        }
    }
}

/// What a seat has needed so far; published beside results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Turns that have come to an end.
    pub turns: u64,
    /// Answers asked for.
    pub attempts: u64,
    /// Answers that were no moves.
    pub invalid: u64,
    /// Moves that were played for the player.
    pub fallbacks: u64,
}

/// The attempts of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    policy: InvalidPolicy,
    used: u32,
}

/// What follows from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// This is played.
    Play(Move),
    /// The player is asked again.
    Again {
        /// The line to add after the player's answer, if it is told.
        correction: Option<String>,
    },
    /// The attempts are used up.
    Over(Exhausted),
}

impl Attempts {
    /// A new turn.
    pub fn new(policy: InvalidPolicy) -> Self {
        Self { policy, used: 0 }
    }

    /// Attempts used.
    pub fn used(&self) -> u32 {
        self.used
    }

    /// Takes in how an answer was read, and counts it. An answer after the last attempt changes nothing.
    pub fn take(&mut self, answer: Result<Move, AnswerError>, ledger: &mut Ledger) -> Resolution {
        let most = self.policy.max_attempts.max(1);
        if self.used >= most {
            return Resolution::Over(self.policy.then);
        }
        self.used += 1;
        ledger.attempts += 1;
        let error = match answer {
            Ok(action) => {
                self.used = most;
                ledger.turns += 1;
                return Resolution::Play(action);
            }
            Err(error) => error,
        };
        ledger.invalid += 1;
        if self.used < most {
            let told = self.policy.feedback == Feedback::ErrorText;
            return Resolution::Again {
                correction: told.then(|| error.to_string()),
            };
        }
        ledger.turns += 1;
        ledger.fallbacks += u64::from(self.policy.then == Exhausted::Fallback);
        Resolution::Over(self.policy.then)
    }
}
