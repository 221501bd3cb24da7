//! What a person is shown: the chat of the seat line by line, and what is due.

use std::fmt::Write as _;

use palaestra_envs::language::{
    Money,
    answer::{Expected, Reading},
    text::{Line as Said, Prompts, Role},
};
use serde::Serialize;
use serde_json::Value;

use crate::language::{Family, Situation};

/// Who says a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The game.
    Game,
    /// The person.
    You,
    /// The other player.
    Rival,
}

/// A line of the chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Who says it.
    pub who: Speaker,
    /// The words, [`harmless`].
    pub text: String,
}

/// An amount that is asked for, in units of money.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Amount {
    /// Least.
    pub lowest: f64,
    /// Largest.
    pub highest: f64,
    /// Where a slider may begin and end: what is worth thinking of.
    pub slider: [f64; 2],
    /// Whether it is the own part of a sum that is divided, rather than a price.
    pub divides: bool,
}

/// A word that may be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The word.
    pub word: String,
    /// What it means to people.
    pub label: String,
    /// The letter that stands for it.
    pub key: char,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Asked {
    /// The same, for [`answer`](super::answer()).
    #[serde(skip)]
    pub due: Expected,
    /// The round, if it is told, and the last one, if that is.
    pub round: Option<u64>,
    /// The last round, if it is told.
    pub rounds: Option<u64>,
    /// Which attempt this is, from 1.
    pub attempt: u64,
    /// How many there are in a turn.
    pub attempts: u64,
    /// An amount, if one is asked for.
    pub amount: Option<Amount>,
    /// Words to choose from; empty if none is asked for.
    pub choices: Vec<Choice>,
    /// Whether a message goes with it, or is it.
    pub message: bool,
    /// Most characters of a message.
    pub longest_message: usize,
    /// The offer on the table: the person's part of the sum, or the price.
    pub offer: Option<f64>,
    /// What a unit that is agreed on now is worth to the person, 1 in the first round.
    pub worth: f64,
    /// What a thing is worth to the person, where there is one price.
    pub value: Option<f64>,
    /// What a seller knows of the thing's quality.
    pub good: Option<bool>,
}

/// What a seat is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turn {
    /// The game, from 1.
    pub game: u64,
    /// Games to be played.
    pub games: u64,
    /// `bargaining`, `negotiation` or `persuasion`.
    pub family: &'static str,
    /// Seat of the person, 0 or 1.
    pub seat: usize,
    /// What both players are called.
    pub names: [String; 2],
    /// The amount of money that gains are counted in.
    pub money: f64,
    /// The rules.
    pub rules: String,
    /// Everything since.
    pub lines: Vec<Line>,
    /// What has been earned in this game so far, as far as the person can know, in games that pay by the round.
    pub earned: Option<f64>,
    /// Gains of the games before.
    pub gains: Vec<f64>,
    /// What is due.
    pub asked: Asked,
}

/// What the players got, told after the end. Gains are in units of money.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// The rival's gain.
    pub rival: f64,
    /// Efficiency, where it is defined.
    pub efficiency: Option<f64>,
    /// Fairness, where it is defined.
    pub fairness: Option<f64>,
}

/// How a game has ended for a seat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct End {
    /// The game, from 1.
    pub game: u64,
    /// Games to be played.
    pub games: u64,
    /// The family.
    pub family: &'static str,
    /// Seat of the person.
    pub seat: usize,
    /// What both players are called.
    pub names: [String; 2],
    /// The amount of money that gains are counted in.
    pub money: f64,
    /// The rules.
    pub rules: String,
    /// Everything that was said.
    pub lines: Vec<Line>,
    /// The person's gain, in units of money.
    pub gain: f64,
    /// Gains of all games so far, this one included.
    pub gains: Vec<f64>,
    /// Whether the game was given up.
    pub stopped: bool,
    /// Both sides of it. What a seat is not told it does not learn from the scores either while there are games to come:
    /// then they are told only where everything is known.
    pub scores: Option<Scores>,
}

/// A text for people, without anything that is not shown as itself: control characters, and characters that are not
/// seen or that turn the direction of a text, are written as their number. Line breaks stay.
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}');
        if hidden || (c.is_control() && c != '\n') {
            // Writing to a String cannot fail.
            let _ = write!(out, "⟨{:X}⟩", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// What a seat's observation holds, taken apart.
pub(super) struct Told {
    pub(super) rules: String,
    pub(super) said: Vec<Said>,
}

impl Told {
    /// Reads a conversation.
    pub(super) fn read(conversation: &str) -> Result<Self, serde_json::Error> {
        let mut said: Vec<Said> = serde_json::from_str(conversation)?;
        let rules = match said.first() {
            Some(line) if line.role == Role::System => said.remove(0).content,
            _ => String::new(),
        };
        Ok(Self { rules, said })
    }

    /// The rules without the paragraph on JSON, which people need not write.
    pub(super) fn rules(&self) -> String {
        let rules = match self.rules.rsplit_once("\n\n") {
            Some((rules, form)) if form.contains('{') => rules,
            _ => &self.rules,
        };
        harmless(rules)
    }

    /// The chat. `own` is how the person's answers are told.
    pub(super) fn lines(&self, seat: usize, names: &[String; 2]) -> Vec<Line> {
        let prompts = Prompts::default();
        let mut lines = Vec::new();
        for said in &self.said {
            if said.role == Role::Assistant {
                lines.push(Line {
                    who: Speaker::You,
                    text: harmless(&super::readable(&said.content, seat, names)),
                });
                continue;
            }
            for line in said.content.lines().filter(|line| !line.is_empty()) {
                let (who, text) = match prompts.heard(seat, names, line) {
                    Some(words) if words.is_empty() => continue,
                    Some(words) => (Speaker::Rival, words),
                    None => (Speaker::Game, without_word(line).to_owned()),
                };
                let text = harmless(&text);
                lines.push(Line { who, text });
            }
        }
        lines
    }
}

/// A line of the game without the word that a program would answer: people choose by what it means.
fn without_word(line: &str) -> &str {
    const WORDS: [&str; 5] = [
        ": AcceptOffer",
        ": RejectOffer",
        ": SellToJhon",
        ": BuyFromJhon",
        ": WalkAway",
    ];
    let meant = WORDS.iter().find_map(|word| line.strip_suffix(word));
    meant.unwrap_or(line)
}

/// The settings of a game that a seat has been told.
pub(super) struct Facts<'a>(pub(super) &'a Value);

impl Facts<'_> {
    fn number(&self, key: &str) -> Option<f64> {
        self.0[key].as_f64()
    }

    /// The scale of gains.
    pub(super) fn money(&self) -> f64 {
        let keys = ["money_to_divide", "product_price_order", "product_price"];
        let money = keys.iter().find_map(|key| self.number(key));
        money.unwrap_or(1.0)
    }

    /// What the scale is multiplied with to be all that can be earned: gains of persuasion are means over its rounds.
    pub(super) fn rounds(&self) -> f64 {
        self.number("total_rounds").unwrap_or(1.0)
    }

    /// Whether the rival's discount factor or valuation is known; of persuasion, whether everything is.
    pub(super) fn is_complete(&self) -> bool {
        if let Some(complete) = self.0["complete_information"].as_bool() {
            return complete;
        }
        let told = |key: &str| self.0[key].as_bool() == Some(true);
        told("is_seller_know_cv") && told("is_buyer_know_p") && self.0["reveal"] == "always"
    }

    fn value(&self, seat: usize) -> Option<f64> {
        let factor = self.number(["seller_value", "buyer_value"][seat])?;
        Some(factor * self.money())
    }

    fn last(&self) -> Option<u64> {
        let rounds = ["max_rounds", "total_rounds"];
        rounds.iter().find_map(|key| self.0[*key].as_u64())
    }

    /// What has been earned in the rounds that are over, if the seat can know.
    pub(super) fn earned(&self, see: &Situation) -> Option<f64> {
        let [_, sold, good] = see.counts.map(f64::from);
        match (see.family, see.player) {
            (Family::Persuasion, 0) => Some(sold * self.money()),
            (Family::Persuasion, _) if self.0["is_myopic"] == true => None,
            (Family::Persuasion, _) if self.0["reveal"] == "never" => None,
            (Family::Persuasion, _) => {
                let [high, low] = [self.number("v")?, self.number("c")?];
                let each = good * (high - 1.0) + (sold - good) * (low - 1.0);
                Some(each * self.money())
            }
            _ => None,
        }
    }
}

/// What is due, for people.
pub(super) fn asked(expects: &Value, seat: usize, see: &Situation) -> Option<Asked> {
    let due: Expected = serde_json::from_value(expects.clone()).ok()?;
    let facts = Facts(&expects["game"]);
    let money = facts.money();
    let amount = match &due {
        Expected::Split { money, .. } => Some(Amount {
            lowest: 0.0,
            highest: money.to_f64(),
            slider: [0.0, money.to_f64()],
            divides: true,
        }),
        Expected::Price { highest, .. } => {
            let grid = &expects["grid"];
            let end =
                |key: &str, otherwise: f64| grid[key].as_f64().map_or(otherwise, |x| x * money);
            let mut slider = [end("lowest", 0.0), end("highest", 2.0 * money)];
            if let Some(value) = facts.value(seat) {
                slider = [slider[0].min(value), slider[1].max(value)];
            }
            Some(Amount {
                lowest: 0.0,
                highest: highest.to_f64(),
                slider,
                divides: false,
            })
        }
        _ => None,
    };
    let message = match &due {
        Expected::Split { message, .. }
        | Expected::Price { message, .. }
        | Expected::Purchase { message } => *message,
        Expected::SellerText => true,
        _ => false,
    };
    let offer = expects["offer"].as_f64().map(|offer| match &due {
        // Alice's gain; exact in hundredths.
        Expected::BargainingVerdict { .. } if seat == 1 => {
            let [all, alice] = [money, offer].map(|x| Money::from_f64(x).unwrap_or_default());
            (all - alice).to_f64()
        }
        _ => offer,
    });
    let round = expects["round"].as_u64();
    let worth = match facts.number("delta") {
        Some(delta) => delta.powi(round.unwrap_or(1).saturating_sub(1) as i32),
        None => 1.0,
    };
    let choices = choices(&due, facts.value(seat));
    Some(Asked {
        round,
        rounds: facts.last(),
        attempt: expects["attempt"].as_u64().unwrap_or(1),
        attempts: expects["attempts"].as_u64().unwrap_or(1),
        amount,
        choices,
        message,
        longest_message: Reading::default().longest_message.unwrap_or(usize::MAX),
        offer,
        worth,
        value: facts.value(seat),
        good: see.good,
        due,
    })
}

/// Words to choose from, with what they mean.
fn choices(due: &Expected, value: Option<f64>) -> Vec<Choice> {
    let words = due.offered_words();
    let words = words.split(", ").filter(|word| !word.is_empty());
    let recommends = matches!(due, Expected::Recommendation);
    let john = |what: &str| match value.and_then(Money::from_f64) {
        Some(value) => format!("{what} John for {value}"),
        None => format!("{what} John"),
    };
    let choice = |word: &str| {
        let (label, key) = match word {
            "accept" | "AcceptOffer" => ("Accept".into(), 'a'),
            "reject" | "RejectOffer" => ("Reject".into(), 'r'),
            "walkaway" | "WalkAway" => ("Walk away".into(), 'w'),
            "SellToJhon" => (john("Sell to"), 'j'),
            "BuyFromJhon" => (john("Buy from"), 'j'),
            "yes" if recommends => ("Recommend it".into(), 'y'),
            "no" if recommends => ("Advise against it".into(), 'n'),
            "yes" => ("Buy".into(), 'y'),
            "no" => ("Pass".into(), 'n'),
            other => (other.to_owned(), other.chars().next().unwrap_or(' ')),
        };
        Choice {
            word: word.into(),
            label,
            key,
        }
    };
    words.map(choice).collect()
}
