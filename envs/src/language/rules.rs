//! What the three games have in common: horizon, verdicts, how a game ends, what a move may be refused for.

use serde::{Deserialize, Serialize};

use super::Money;

/// Player 1.
pub const ALICE: usize = 0;
/// Player 2.
pub const BOB: usize = 1;

/// How many rounds there are, and whether players know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Horizon {
    /// So many rounds, which both know.
    Known(u16),
    /// The game is cut after so many rounds, which nobody is told.
    Hidden {
        /// Last round. No observation, message or error for players may tell it.
        cap: u16,
    },
}

impl Horizon {
    /// The last round.
    pub fn last(self) -> u16 {
        match self {
            Self::Known(rounds) => rounds,
            Self::Hidden { cap } => cap,
        }
    }

    /// The last round, if players know it.
    pub fn told(self) -> Option<u16> {
        match self {
            Self::Known(rounds) => Some(rounds),
            Self::Hidden { .. } => None,
        }
    }
}

/// The answer to an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The offer becomes the deal.
    Accept,
    /// The roles change, or the game ends in its last round.
    Reject,
    /// Leave: the outside option of a negotiation, walking away from a bargaining where that is allowed.
    Exit,
}

/// Why a game is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// An offer was accepted.
    Agreement,
    /// Somebody traded with the third party.
    OutsideOption,
    /// The offer of the last round was rejected.
    RejectedAtCap,
    /// All rounds were played.
    RoundsOver,
    /// Somebody walked away.
    WalkAway,
    /// A player gave no valid move in all its attempts.
    InvalidMoves,
    /// A player took too long.
    Timeout,
    /// What may be spent was spent.
    BudgetExhausted,
    /// The endpoint behind a player failed.
    EndpointFailed,
    /// A person has left the game.
    Left,
}

impl Reason {
    /// Whether the players ended the game by the rules. Means of metrics leave out the others, or report them beside.
    pub fn is_by_the_rules(self) -> bool {
        !matches!(
            self,
            Self::InvalidMoves
                | Self::Timeout
                | Self::BudgetExhausted
                | Self::EndpointFailed
                | Self::Left
        )
    }
}

/// How a game ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Why.
    pub reason: Reason,
    /// In which round, from 1.
    pub round: u16,
    /// What was agreed on: Alice's gain of a bargaining, the price of a negotiation.
    pub terms: Option<Money>,
}

/// A move that the rules refuse, or a game that cannot be. Nothing has changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// Another kind of move is due, or the game is over.
    #[error("{due} is due, not {given}")]
    OutOfTurn {
        /// What the game waits for.
        due: &'static str,
        /// What it was given.
        given: &'static str,
    },
    /// Shares that do not add up.
    #[error("the gains add up to {got}; they must add up to {want}")]
    SumMismatch {
        /// Their sum.
        got: Money,
        /// What is to be divided.
        want: Money,
    },
    /// An amount out of bounds.
    #[error("{what} is {got}; it must lie between {low} and {high}")]
    OutOfRange {
        /// Which amount.
        what: &'static str,
        /// The amount.
        got: Money,
        /// Least.
        low: Money,
        /// Largest.
        high: Money,
    },
    /// Leaving a game that cannot be left.
    #[error("this game has no way out; accept or reject")]
    NoExit,
    /// A setting that makes no game.
    #[error("`{key}` {problem}")]
    Config {
        /// The setting.
        key: &'static str,
        /// What is wrong, and what is right.
        problem: String,
    },
}

pub(super) fn config_error(key: &'static str, problem: impl Into<String>) -> RuleError {
    RuleError::Config {
        key,
        problem: problem.into(),
    }
}

/// Checks what every family has: an amount and rounds.
pub(super) fn check_common(money: Money, rounds: u16) -> Result<(), RuleError> {
    // Up to ten times the amount is a price, and that too must be exact.
    if money < Money::whole(1) || money > Money::whole(1_000_000_000_000) {
        return Err(config_error("money", "must lie between 1 and 10^12"));
    }
    if rounds == 0 {
        return Err(config_error("rounds", "must be at least 1"));
    }
    Ok(())
}

/// `base` to the power of `exponent`, multiplied from the left, so that it is the same everywhere.
pub fn power(base: f64, exponent: u16) -> f64 {
    (0..exponent).fold(1.0, |product, _| product * base)
}
