//! From a move to an answer: the JSON object that [`read`](super::read()) reads.

use std::fmt::Write as _;

use super::{
    Expected, Move, Play,
    read::{DECISION, MESSAGE, PRICE},
};
use crate::language::Money;

/// Writes a move as the object that is due; `None` if it is another kind of move, or lacks the message.
pub fn write(action: &Move, expected: &Expected) -> Option<String> {
    let mut out = String::from("{");
    match (expected, action.play) {
        (Expected::Split { keys, .. }, Play::Split(alice, bob)) => {
            pair(&mut out, &keys[0], &plain(alice));
            pair(&mut out, &keys[1], &plain(bob));
        }
        (Expected::Price { .. }, Play::Price(price)) => pair(&mut out, PRICE, &plain(price)),
        (Expected::SellerText, Play::Text) => {}
        _ => {
            let mut words = expected.words().iter();
            let (word, _) = words.find(|(_, play)| *play == action.play)?;
            pair(&mut out, DECISION, &quoted(word));
        }
    }
    if expected.has_message() {
        pair(&mut out, MESSAGE, &quoted(action.message.as_deref()?));
    }
    out.push('}');
    Some(out)
}

fn pair(out: &mut String, key: &str, value: &str) {
    let comma = if out.len() > 1 { ", " } else { "" };
    // Writing to a String cannot fail.
    let _ = write!(out, "{comma}{}: {value}", quoted(key));
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An amount as a JSON number.
fn plain(money: Money) -> String {
    let minor = money.minor().unsigned_abs();
    let sign = if money.minor() < 0 { "-" } else { "" };
    match minor % 100 {
        0 => format!("{sign}{}", minor / 100),
        rest => format!("{sign}{}.{rest:02}", minor / 100),
    }
}
