//! From what a person enters to an answer in words, and back to a sentence.

use palaestra_envs::language::{
    Money,
    answer::{Expected, Move, Play, write},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Asked;

/// What a person has entered; what is not asked for is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Entry {
    /// The own part of a sum, or a price.
    pub amount: String,
    /// A word, the letter that stands for it, or its label.
    pub choice: String,
    /// A message.
    pub message: String,
}

/// The answer, or what is wrong with the entry and what is allowed.
pub fn answer(asked: &Asked, seat: usize, entry: &Entry) -> Result<String, String> {
    let play = match (&asked.due, &asked.amount) {
        (Expected::SellerText, _) => Play::Text,
        (due, Some(limits)) => {
            let given = amount(&entry.amount, limits.highest)?;
            match due {
                Expected::Split { money, .. } => {
                    let rest = *money - given;
                    let [alice, bob] = if seat == 0 {
                        [given, rest]
                    } else {
                        [rest, given]
                    };
                    Play::Split(alice, bob)
                }
                _ => Play::Price(given),
            }
        }
        (due, None) => {
            let given = entry.choice.trim();
            let meant = asked.choices.iter().find(|choice| {
                let key = choice.key.to_string();
                [&choice.word, &choice.label, &key]
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(given))
            });
            let Some(choice) = meant else {
                let all: Vec<String> = (asked.choices.iter())
                    .map(|choice| format!("{} ({})", choice.key, choice.label))
                    .collect();
                let all = all.join(", ");
                return Err(if given.is_empty() {
                    format!("Nothing was chosen. Choose one of: {all}.")
                } else {
                    format!("{} is no choice. Choose one of: {all}.", quoted(given))
                });
            };
            due.play(&choice.word).ok_or("That cannot be chosen now.")?
        }
    };
    let message = entry.message.trim();
    let length = message.chars().count();
    if asked.message && length > asked.longest_message {
        let most = asked.longest_message;
        return Err(format!(
            "The message has {length} characters; at most {most} are allowed."
        ));
    }
    let action = Move {
        play,
        message: asked.message.then(|| message.to_owned()),
    };
    write(&action, &asked.due).ok_or_else(|| "That cannot be played now.".into())
}

/// An amount of at most two decimals between 0 and `highest`, with or without commas and `$`.
fn amount(text: &str, highest: f64) -> Result<Money, String> {
    let top = Money::from_f64(highest).unwrap_or_default();
    let allowed = format!("Enter an amount from 0 to {top}, with at most two decimals.");
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("Nothing was entered. {allowed}"));
    }
    let plain = text.trim_matches('$').trim().replace([',', ' ', '_'], "");
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (sign, unsigned) = match plain.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", plain.as_str()),
    };
    let (whole, cents) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_number = !(whole.is_empty() && cents.is_empty()) && digits(whole) && digits(cents);
    if !is_number {
        return Err(format!("{} is no number. {allowed}", quoted(text)));
    }
    if cents.len() > 2 {
        return Err(format!(
            "{} is finer than a hundredth. {allowed}",
            quoted(text)
        ));
    }
    // What is too long to be read is too large.
    match Money::parse(&format!("{sign}{unsigned}")) {
        Some(amount) if (Money::ZERO..=top).contains(&amount) => Ok(amount),
        _ => Err(format!("{} is out of range. {allowed}", quoted(text))),
    }
}

/// What was entered, as it is repeated: short, on one line.
fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(40).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    format!("“{}”", super::harmless(&shown.replace('\n', " ")))
}

/// An answer in words as a sentence for whoever gave it.
pub fn readable(words: &str, seat: usize, names: &[String; 2]) -> String {
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(words) else {
        return words.to_owned();
    };
    let money = |value: &Value| {
        let money = value.as_f64().and_then(Money::from_f64);
        money.map_or_else(|| value.to_string(), |money| money.to_string())
    };
    let mut parts = Vec::new();
    let gains = [0, 1].map(|player: usize| {
        let key = palaestra_envs::language::answer::gain_key(&names[player]);
        object.get(&key).map(money)
    });
    if let [Some(alice), Some(bob)] = &gains {
        let [own, other] = if seat == 0 {
            [alice, bob]
        } else {
            [bob, alice]
        };
        parts.push(format!("{own} for you, {other} for {}", names[1 - seat]));
    }
    if let Some(price) = object.get("product_price") {
        parts.push(format!("My price is {}", money(price)));
    }
    if let Some(Value::String(word)) = object.get("decision") {
        parts.push(match word.as_str() {
            "accept" | "AcceptOffer" => "I accept".into(),
            "reject" | "RejectOffer" => "I reject it".into(),
            "walkaway" | "WalkAway" => "I walk away".into(),
            "SellToJhon" => "I sell to John".into(),
            "BuyFromJhon" => "I buy from John".into(),
            "yes" => "Yes".into(),
            "no" => "No".into(),
            other => other.to_owned(),
        });
    }
    let said = object
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match (parts.is_empty(), said.is_empty()) {
        (true, true) => "(nothing)".into(),
        (true, false) => said.to_owned(),
        (false, true) => parts.join(". "),
        (false, false) => format!("{}. “{said}”", parts.join(". ")),
    }
}
