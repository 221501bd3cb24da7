//! What happened in a game, action by action.

use palaestra_envs::language::{ALICE, BOB, Verdict, upstream::UpstreamConfig};

/// A move of a player or of nature. Amounts are in units of money, as they were written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Act {
    /// Nature makes a thing: whether it is good.
    Quality(bool),
    /// A division: Alice's gain and Bob's.
    Split([f64; 2]),
    /// A price.
    Price(f64),
    /// The answer to an offer.
    Verdict(Verdict),
    /// The seller's recommendation.
    Recommend(bool),
    /// The seller's text.
    Text,
    /// Whether the buyer buys.
    Buy(bool),
}

impl Act {
    /// Its kind in tables.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Quality(_) => "quality",
            Self::Split(_) | Self::Price(_) => "offer",
            Self::Verdict(_) | Self::Buy(_) => "decision",
            Self::Recommend(_) | Self::Text => "message",
        }
    }

    /// Alice's gain of a division, or the price.
    pub fn amount(self) -> Option<f64> {
        match self {
            Self::Split([alice, _]) => Some(alice),
            Self::Price(price) => Some(price),
            _ => None,
        }
    }

    /// The decision in a word, alike in all families.
    pub fn decision(self) -> Option<&'static str> {
        match self {
            Self::Verdict(Verdict::Accept) => Some("accept"),
            Self::Verdict(Verdict::Reject) => Some("reject"),
            Self::Verdict(Verdict::Exit) => Some("exit"),
            Self::Recommend(yes) | Self::Buy(yes) => Some(if yes { "yes" } else { "no" }),
            _ => None,
        }
    }

    /// The word in files of the released code.
    pub(super) fn upstream_word(
        self,
        negotiates: bool,
        player: Option<usize>,
    ) -> Option<&'static str> {
        match (self, negotiates) {
            (Self::Verdict(Verdict::Accept), true) => Some("AcceptOffer"),
            (Self::Verdict(Verdict::Reject), true) => Some("RejectOffer"),
            (Self::Verdict(Verdict::Exit), true) if player == Some(ALICE) => Some("SellToJhon"),
            (Self::Verdict(Verdict::Exit), true) => Some("BuyFromJhon"),
            (Self::Verdict(Verdict::Exit), false) => Some("walkaway"),
            _ => self.decision(),
        }
    }
}

/// An action with all that is recorded of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// The player; nature has none.
    pub player: Option<usize>,
    /// The round, from 1.
    pub round: u16,
    /// What was done.
    pub act: Act,
    /// The message that went with it, or was it.
    pub message: Option<String>,
    /// What the player was shown; empty where that is not recorded.
    pub prompt: String,
    /// What the player answered; empty where that is not recorded.
    pub response: String,
}

impl Action {
    /// Name of the player in tables.
    pub(super) fn player_name(&self) -> &'static str {
        match self.player {
            Some(ALICE) => "alice",
            Some(BOB) => "bob",
            _ => "nature",
        }
    }
}

/// What happened in a game.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// 16 letters and digits.
    pub id: String,
    /// The experiment it belongs to.
    pub experiment: String,
    /// Whether a person took part.
    pub human: bool,
    /// Game and players.
    pub config: UpstreamConfig,
    /// The actions in order.
    pub actions: Vec<Action>,
}

impl Transcript {
    /// Who played: the model where one is named, without the name of its provider, else the kind of player. People who
    /// answered forms are `human`, and the model that played them is named.
    pub fn identity(&self, player: usize) -> String {
        let kind = self.config.kinds[player].as_str();
        let model = self.config.players[player].model_name.as_deref();
        match (kind, model) {
            ("otree", _) | (_, Some("otree")) => "human".into(),
            ("otree_LLM", _) | (_, Some("otree_LLM")) => "gemini-1.5-flash".into(),
            ("litellm", Some(model)) => model
                .split_once('/')
                .map_or(model, |(_, name)| name)
                .to_owned(),
            (_, Some(model)) => model.to_owned(),
            (kind, None) => kind.to_owned(),
        }
    }
}
