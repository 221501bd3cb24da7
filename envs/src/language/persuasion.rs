//! Persuasion: a seller who knows how good each thing is talks a buyer into buying it, or not.
//!
//! *Rules: GLEE (Shapira et al., arXiv 2410.05254).* In each round nature makes a thing of high quality with probability
//! `p`. The seller sees that and speaks: a text, or a recommendation of one bit. The buyer then buys at the fixed price
//! or passes. A sale gives the seller the price; the buyer gains `v - 1` prices from a good thing and `u - 1` from a
//! bad one. The buyer is one person, or a new one each round who knows statistics of the past only.

use serde::{Deserialize, Serialize};

use super::{
    ALICE, BOB, Metrics, Money, Outcome, Reason, RuleError, Scoring,
    answer::Play,
    metrics::{self, Counts},
    rules::{check_common, config_error},
};

/// When the buyer is told the quality.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reveal {
    /// After every decision.
    #[default]
    Always,
    /// After a purchase.
    OnPurchase,
    /// Never.
    Never,
}

/// How the seller speaks.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SellerMessage {
    /// A free text.
    Text,
    /// Yes or no.
    #[default]
    Binary,
}

/// A game of persuasion.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PersuasionConfig {
    /// The price of a thing.
    pub money: Money,
    /// Probability of high quality, in [0, 1].
    pub p: f64,
    /// What a good thing is worth to the buyer, in prices, >= 1.
    pub value_high: f64,
    /// What a bad thing is worth to the buyer, in prices, in [0, 1].
    pub value_low: f64,
    /// Rounds, known to both.
    pub rounds: u16,
    /// Whether the seller knows both values.
    pub seller_knows_values: bool,
    /// Whether the buyer knows `p`.
    pub buyer_knows_p: bool,
    /// How the seller speaks.
    pub seller_message: SellerMessage,
    /// Whether the buyer's decision carries a message.
    pub buyer_message: bool,
    /// Whether there is a new buyer each round.
    pub myopic: bool,
    /// When the buyer is told the quality.
    pub reveal: Reveal,
}

impl Default for PersuasionConfig {
    /// The paper's reference: p = 0.5, v = 1.25, price 10,000, 20 rounds, all known, recommendations, one buyer.
    fn default() -> Self {
        Self {
            money: Money::whole(10_000),
            p: 0.5,
            value_high: 1.25,
            value_low: 0.0,
            rounds: 20,
            seller_knows_values: true,
            buyer_knows_p: true,
            seller_message: SellerMessage::Binary,
            buyer_message: false,
            myopic: false,
            reveal: Reveal::Always,
        }
    }
}

impl PersuasionConfig {
    /// Checks that this is a game.
    ///
    /// # Errors
    /// [`RuleError::Config`].
    pub fn check(&self) -> Result<(), RuleError> {
        check_common(self.money, self.rounds)?;
        if !(0.0..=1.0).contains(&self.p) {
            return Err(config_error(
                "p",
                format!("must lie between 0 and 1, found {}", self.p),
            ));
        }
        if !(1.0..=1000.0).contains(&self.value_high) {
            let problem = format!("must lie between 1 and 1000, found {}", self.value_high);
            return Err(config_error("value_high", problem));
        }
        if !(0.0..=1.0).contains(&self.value_low) {
            let problem = format!("must lie between 0 and 1, found {}", self.value_low);
            return Err(config_error("value_low", problem));
        }
        Ok(())
    }
}

/// What the seller has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// A recommendation to buy, or not to.
    Recommend(bool),
    /// A text, which is kept elsewhere.
    Text,
}

/// What the game waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersuasionPhase {
    /// The quality of the next thing.
    Nature,
    /// The seller's words.
    Seller,
    /// The buyer's decision.
    Buyer,
    /// Nothing: the game is over.
    Done,
}

/// What a new buyer is told of the past.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stats {
    /// Rounds played.
    pub rounds: u16,
    /// Things sold.
    pub sold: u16,
    /// Good things sold.
    pub sold_high: u16,
}

/// A running game.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Persuasion {
    /// The rules.
    pub config: PersuasionConfig,
    phase: PersuasionPhase,
    round: u16,
    high: bool,
    signal: Option<Signal>,
    counts: Counts,
    outcome: Option<Outcome>,
}

impl Persuasion {
    /// The start of a game: nature is to move.
    ///
    /// # Errors
    /// [`RuleError::Config`].
    pub fn new(config: PersuasionConfig) -> Result<Self, RuleError> {
        config.check()?;
        Ok(Self::start(config))
    }

    /// The start of a game whose configuration has been checked.
    pub(super) fn start(config: PersuasionConfig) -> Self {
        Self {
            config,
            phase: PersuasionPhase::Nature,
            round: 1,
            high: false,
            signal: None,
            counts: Counts::default(),
            outcome: None,
        }
    }

    /// The round, from 1.
    pub fn round(&self) -> u16 {
        self.round
    }

    /// What the game waits for.
    pub fn phase(&self) -> PersuasionPhase {
        self.phase
    }

    /// How the game ended.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Whether the thing of this round is good: what the seller knows, once nature has moved.
    pub fn is_high(&self) -> bool {
        self.high
    }

    /// What the seller has said in this round, while the buyer decides.
    pub fn signal(&self) -> Option<Signal> {
        self.signal
    }

    /// Whose turn it is; nobody's while nature moves or after the end.
    pub fn mover(&self) -> Option<usize> {
        match self.phase {
            PersuasionPhase::Seller => Some(ALICE),
            PersuasionPhase::Buyer => Some(BOB),
            PersuasionPhase::Nature | PersuasionPhase::Done => None,
        }
    }

    /// How often what happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What a new buyer is told.
    pub fn stats(&self) -> Stats {
        Stats {
            rounds: self.counts.rounds,
            sold: self.counts.sold(),
            sold_high: self.counts.high_bought,
        }
    }

    /// Whether the buyer is told the quality of a thing, bought or not.
    pub fn is_revealed(&self, bought: bool) -> bool {
        match self.config.reveal {
            Reveal::Always => true,
            Reveal::OnPurchase => bought,
            Reveal::Never => false,
        }
    }

    fn expect(&self, phase: PersuasionPhase, given: &'static str) -> Result<(), RuleError> {
        if self.phase == phase {
            return Ok(());
        }
        let due = match self.phase {
            PersuasionPhase::Nature => "a quality",
            PersuasionPhase::Seller => "the seller's message",
            PersuasionPhase::Buyer => "the buyer's decision",
            PersuasionPhase::Done => "nothing",
        };
        Err(RuleError::OutOfTurn { due, given })
    }

    /// Nature makes a thing.
    ///
    /// # Errors
    /// [`RuleError::OutOfTurn`].
    pub fn draw(&mut self, high: bool) -> Result<(), RuleError> {
        self.expect(PersuasionPhase::Nature, "a quality")?;
        self.high = high;
        self.phase = PersuasionPhase::Seller;
        Ok(())
    }

    /// The seller speaks.
    ///
    /// # Errors
    /// [`RuleError::OutOfTurn`], also for a text where a recommendation is due and the other way round.
    pub fn say(&mut self, signal: Signal) -> Result<(), RuleError> {
        let (due, given) = match (self.config.seller_message, signal) {
            (SellerMessage::Text, Signal::Recommend(_)) => ("a text", "a recommendation"),
            (SellerMessage::Binary, Signal::Text) => ("a recommendation", "a text"),
            _ => ("", ""),
        };
        self.expect(PersuasionPhase::Seller, "the seller's message")?;
        if !due.is_empty() {
            return Err(RuleError::OutOfTurn { due, given });
        }
        self.signal = Some(signal);
        self.phase = PersuasionPhase::Buyer;
        Ok(())
    }

    /// The buyer buys or passes. Returns what the round gives to seller and buyer, in prices.
    ///
    /// # Errors
    /// [`RuleError::OutOfTurn`].
    pub fn decide(&mut self, buys: bool) -> Result<[f64; 2], RuleError> {
        self.expect(PersuasionPhase::Buyer, "the buyer's decision")?;
        self.counts.count(self.high, buys);
        self.signal = None;
        if self.round >= self.config.rounds {
            self.close(Reason::RoundsOver);
        } else {
            self.round += 1;
            self.phase = PersuasionPhase::Nature;
        }
        let worth = if self.high {
            self.config.value_high
        } else {
            self.config.value_low
        };
        Ok(if buys { [1.0, worth - 1.0] } else { [0.0; 2] })
    }

    /// Ends the game for a reason outside the rules; does nothing if it is over.
    pub fn stop(&mut self, reason: Reason) {
        if self.outcome.is_none() {
            self.close(reason);
        }
    }

    fn close(&mut self, reason: Reason) {
        self.phase = PersuasionPhase::Done;
        self.outcome = Some(Outcome {
            reason,
            round: self.round,
            terms: None,
        });
    }

    /// What the players have earned, and how good that is for both; `None` before the end.
    pub fn metrics(&self, scoring: Scoring) -> Option<Metrics> {
        self.outcome?;
        let values = [self.config.value_high, self.config.value_low];
        Some(metrics::persuasion(
            self.counts,
            self.config.rounds,
            values,
            scoring,
        ))
    }

    /// What is played for a player that gives no valid move: an honest recommendation (or silence), or no purchase;
    /// `None` where nobody is to move.
    pub fn fallback(&self) -> Option<Play> {
        match (self.phase, self.config.seller_message) {
            (PersuasionPhase::Seller, SellerMessage::Binary) => Some(Play::Recommend(self.high)),
            (PersuasionPhase::Seller, SellerMessage::Text) => Some(Play::Text),
            (PersuasionPhase::Buyer, _) => Some(Play::Buy(false)),
            (PersuasionPhase::Nature | PersuasionPhase::Done, _) => None,
        }
    }
}
