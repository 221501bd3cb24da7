//! Moves on the wire: an answer in words, with a JSON object somewhere in it.
//!
//! *After GLEE's released code, whose clean-up of answers and words (`SellToJhon`) are kept for compatibility.*
//! [`Expected`] says what a move must be. [`read`] finds and reads the object: ours looks for balanced braces, takes
//! `1,000` and `$5` for numbers where a number is due, and rejects what JSON does; [`Reading::upstream`] rewrites the
//! text as the released code does, message included. Every refusal is an [`AnswerError`] with its place in the answer,
//! and its text is the line of correction that a player may be sent. [`Attempts`] keeps what happens then.

mod json;
mod policy;
mod read;
mod resignation;
mod schema;
mod units;
mod upstream;
mod write;

pub use policy::{Attempts, Exhausted, Feedback, InvalidPolicy, Ledger, Resolution};
pub use read::{Reading, read};
pub use resignation::{resignation, resigned, words};
use serde::{Deserialize, Serialize};
pub use write::write;

use super::{
    BOB, Bargaining, HIGHEST_PRICE, Money, Negotiation, Persuasion, PersuasionPhase, RuleError,
    SellerMessage, Signal, Verdict,
};

/// What the next move must be. As JSON it has a `kind`, and amounts are in units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Expected {
    /// A division.
    Split {
        /// What is divided.
        #[serde(with = "units")]
        money: Money,
        /// Keys of Alice's and Bob's gain; see [`gain_key`].
        keys: [String; 2],
        /// Whether a message goes with it.
        message: bool,
    },
    /// `accept` or `reject`.
    BargainingVerdict {
        /// Whether `walkaway` may be said.
        walk_away: bool,
    },
    /// A price.
    Price {
        /// Highest price.
        #[serde(with = "units")]
        highest: Money,
        /// Whether a message goes with it.
        message: bool,
    },
    /// `AcceptOffer`, `RejectOffer`, or one of the words for leaving.
    NegotiationVerdict {
        /// Who is asked, 0 the seller, 1 the buyer; which word is written depends on it.
        player: usize,
        /// Whether leaving is called `WalkAway`.
        walk_away: bool,
    },
    /// A text of the seller.
    SellerText,
    /// The seller's `yes` or `no`.
    Recommendation,
    /// The buyer's `yes` or `no`.
    Purchase {
        /// Whether a message goes with it.
        message: bool,
    },
}

/// What is done in a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Play {
    /// A division: Alice's and Bob's gain.
    Split(Money, Money),
    /// A price.
    Price(Money),
    /// A decision.
    Verdict(Verdict),
    /// Words only.
    Text,
    /// A recommendation.
    Recommend(bool),
    /// A purchase, or none.
    Buy(bool),
}

/// A move with the words that go with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// What is done.
    pub play: Play,
    /// What is said, where a message goes with the move.
    pub message: Option<String>,
}

/// Why an answer is not a move. Places are bytes from the start of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AnswerError {
    /// There is no `{…}`.
    #[error("there is no JSON object in the answer; write one, as in {{\"key\": value}}")]
    NoObject,
    /// The object is not JSON.
    #[error("byte {position} of the answer: {problem}")]
    BadJson {
        /// Where.
        position: usize,
        /// What is wrong.
        problem: String,
    },
    /// A key is missing.
    #[error("the object has no key `{key}`")]
    MissingKey {
        /// The key.
        key: String,
    },
    /// A value of another type.
    #[error("byte {position} of the answer: `{key}` must be {expected}, not {found}")]
    WrongType {
        /// The key.
        key: String,
        /// Where the value is.
        position: usize,
        /// What it must be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Gains that do not add up.
    #[error("the gains add up to {got}; they must add up to {want}")]
    SumMismatch {
        /// Their sum.
        got: Money,
        /// What is divided.
        want: Money,
    },
    /// An amount out of bounds.
    #[error("byte {position} of the answer: `{key}` must lie between {low} and {high}")]
    OutOfRange {
        /// The key.
        key: String,
        /// Where the value is.
        position: usize,
        /// Least.
        low: Money,
        /// Largest.
        high: Money,
    },
    /// A decision that there is not.
    #[error(
        "byte {position} of the answer: there is no decision `{found}`; write one of {allowed}, exactly so"
    )]
    UnknownDecision {
        /// What was said.
        found: String,
        /// Where.
        position: usize,
        /// What may be said.
        allowed: String,
    },
    /// A message that is too long.
    #[error("the message has {length} characters; at most {limit} are allowed")]
    TooLong {
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
}

impl AnswerError {
    /// The kind of error, for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoObject => "no_object",
            Self::BadJson { .. } => "bad_json",
            Self::MissingKey { .. } => "missing_key",
            Self::WrongType { .. } => "wrong_type",
            Self::SumMismatch { .. } => "sum_mismatch",
            Self::OutOfRange { .. } => "out_of_range",
            Self::UnknownDecision { .. } => "unknown_decision",
            Self::TooLong { .. } => "too_long",
        }
    }
}

/// The key under which the player called `name` finds its gain: lower case, blanks as `_`.
pub fn gain_key(name: &str) -> String {
    format!("{}_gain", name.to_lowercase().replace(' ', "_"))
}

/// A text for display: without control characters other than line breaks and tabs, and without the marks that turn the
/// order of letters around or break a line unseen. Transcripts keep the original.
pub fn displayed(text: &str) -> String {
    let shown = |c: &char| matches!(c, '\n' | '\t') || !(c.is_control() || is_mark(*c));
    text.chars().filter(shown).collect()
}

/// [`displayed`] on one line, for pictures whose lines mean something.
pub fn on_one_line(text: &str) -> String {
    displayed(text).replace(['\n', '\t'], " ")
}

/// Marks of direction, separators of lines and paragraphs, annotations, and the invisible letters of tags.
fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{61c}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

impl Expected {
    /// The words of decisions, in the order they are tried: accept, reject, then those for leaving.
    fn words(&self) -> &'static [(&'static str, Play)] {
        const ACCEPT: Play = Play::Verdict(Verdict::Accept);
        const REJECT: Play = Play::Verdict(Verdict::Reject);
        const EXIT: Play = Play::Verdict(Verdict::Exit);
        match self {
            Self::BargainingVerdict { walk_away: false } => {
                &[("accept", ACCEPT), ("reject", REJECT)]
            }
            Self::BargainingVerdict { walk_away: true } => {
                &[("accept", ACCEPT), ("reject", REJECT), ("walkaway", EXIT)]
            }
            Self::NegotiationVerdict {
                walk_away: true, ..
            } => &[
                ("AcceptOffer", ACCEPT),
                ("RejectOffer", REJECT),
                ("WalkAway", EXIT),
            ],
            Self::NegotiationVerdict { player: BOB, .. } => &[
                ("AcceptOffer", ACCEPT),
                ("RejectOffer", REJECT),
                ("BuyFromJhon", EXIT),
                ("SellToJhon", EXIT),
                ("DealWithJhon", EXIT),
            ],
            Self::NegotiationVerdict { .. } => &[
                ("AcceptOffer", ACCEPT),
                ("RejectOffer", REJECT),
                ("SellToJhon", EXIT),
                ("BuyFromJhon", EXIT),
                ("DealWithJhon", EXIT),
            ],
            Self::Recommendation => &[
                ("yes", Play::Recommend(true)),
                ("no", Play::Recommend(false)),
            ],
            Self::Purchase { .. } => &[("yes", Play::Buy(true)), ("no", Play::Buy(false))],
            Self::Split { .. } | Self::Price { .. } | Self::SellerText => &[],
        }
    }

    /// Whether a message goes with the move.
    fn has_message(&self) -> bool {
        match self {
            Self::Split { message, .. }
            | Self::Price { message, .. }
            | Self::Purchase { message } => *message,
            Self::SellerText => true,
            _ => false,
        }
    }
}

impl Bargaining {
    /// What the next move must be, for players of these names; `None` after the end.
    pub fn expected(&self, names: [&str; 2]) -> Option<Expected> {
        let config = &self.config;
        self.mover()?;
        Some(match self.offer() {
            None => Expected::Split {
                money: config.money,
                keys: names.map(gain_key),
                message: config.messages,
            },
            Some(_) => Expected::BargainingVerdict {
                walk_away: config.walk_away,
            },
        })
    }

    /// Makes a move.
    ///
    /// # Errors
    /// [`RuleError`] if it is not the one that is due.
    pub fn play(&mut self, play: Play) -> Result<(), RuleError> {
        match play {
            Play::Split(alice, bob) => self.propose(alice, bob),
            Play::Verdict(verdict) => self.decide(verdict),
            _ => Err(foreign("an offer or a decision")),
        }
    }
}

impl Negotiation {
    /// What the next move must be; `None` after the end.
    pub fn expected(&self) -> Option<Expected> {
        let config = &self.config;
        let player = self.mover()?;
        Some(match self.offer() {
            None => Expected::Price {
                highest: Money::from_minor(HIGHEST_PRICE * config.money.minor()),
                message: config.messages,
            },
            Some(_) => Expected::NegotiationVerdict {
                player,
                walk_away: config.walk_away,
            },
        })
    }

    /// Makes a move.
    ///
    /// # Errors
    /// [`RuleError`] if it is not the one that is due.
    pub fn play(&mut self, play: Play) -> Result<(), RuleError> {
        match play {
            Play::Price(price) => self.propose(price),
            Play::Verdict(verdict) => self.decide(verdict),
            _ => Err(foreign("a price or a decision")),
        }
    }
}

impl Persuasion {
    /// What the next move must be; `None` while nature moves and after the end.
    pub fn expected(&self) -> Option<Expected> {
        match (self.phase(), self.config.seller_message) {
            (PersuasionPhase::Seller, SellerMessage::Text) => Some(Expected::SellerText),
            (PersuasionPhase::Seller, SellerMessage::Binary) => Some(Expected::Recommendation),
            (PersuasionPhase::Buyer, _) => Some(Expected::Purchase {
                message: self.config.buyer_message,
            }),
            (PersuasionPhase::Nature | PersuasionPhase::Done, _) => None,
        }
    }

    /// Makes a move of seller or buyer.
    ///
    /// # Errors
    /// [`RuleError`] if it is not the one that is due.
    pub fn play(&mut self, play: Play) -> Result<(), RuleError> {
        match play {
            Play::Text => self.say(Signal::Text),
            Play::Recommend(yes) => self.say(Signal::Recommend(yes)),
            Play::Buy(buys) => self.decide(buys).map(|_| ()),
            _ => Err(foreign("words or a purchase")),
        }
    }
}

fn foreign(due: &'static str) -> RuleError {
    RuleError::OutOfTurn {
        due,
        given: "a move of another game",
    }
}
