//! Messages that players without words of their own choose from.
//!
//! A policy over numbers picks one of [`TEMPLATES`] sentences; the numbers in them come from the state of the game, so
//! that a rival who reads can be talked to.

use super::Money;

/// A sentence to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// Name.
    pub name: &'static str,
    /// The sentence; `{offer}` is the speaker's part or price, `{value}` what it wants to be taken for its valuation,
    /// `{rounds}` the rounds left.
    text: &'static str,
}

/// Number of sentences.
pub const TEMPLATES: usize = 17;
/// Says nothing.
pub const SILENT: usize = 0;
/// Appeals to fairness.
pub const FAIRNESS_APPEAL: usize = 1;
/// Names the cost of waiting.
pub const COST_OF_DELAY: usize = 5;
/// Asks for as large a step as one's own.
pub const RECIPROCITY: usize = 10;
/// Calls an offer the last word.
pub const FINAL_OFFER: usize = 12;
/// Announces a concession.
pub const CONCESSION_NOTICE: usize = 13;
/// Praises the quality: what a yes is where there are texts.
pub const QUALITY_PRAISE: usize = 14;
/// Warns of the quality: what a no is.
pub const QUALITY_WARNING: usize = 15;

const fn template(name: &'static str, text: &'static str) -> Template {
    Template { name, text }
}

/// All sentences; the first says nothing.
pub const ALL: [Template; TEMPLATES] = [
    template("silent", ""),
    template("fairness_appeal", "{offer} is fair to both of us."),
    template(
        "anchor_high",
        "I was going to ask for far more than {offer}.",
    ),
    template("anchor_low", "I was going to offer far less than {offer}."),
    template(
        "deadline_pressure",
        "We have {rounds} left; let us close this at {offer}.",
    ),
    template(
        "cost_of_delay",
        "Waiting costs us both; {offer} now is better than more later.",
    ),
    template(
        "outside_option_threat",
        "If not {offer}, I will deal with somebody else.",
    ),
    template(
        "reveal_value",
        "To be open with you: {value} is where I stand. Hence {offer}.",
    ),
    template(
        "claim_value",
        "I can go no further than {offer}, given {value} on my side.",
    ),
    template("ask_value", "My offer is {offer}. What is it worth to you?"),
    template(
        "reciprocity",
        "I have moved to {offer}; please move as far towards me.",
    ),
    template(
        "praise",
        "It is a pleasure to deal with you. I suggest {offer}.",
    ),
    template("final_offer", "{offer} is my last word."),
    template("concession_notice", "I come towards you: {offer}."),
    template(
        "quality_praise",
        "This one is very good; you should buy it.",
    ),
    template("quality_warning", "This one is not worth its price."),
    template("apology", "I am sorry about last time."),
];

/// Sentence number `index` with its numbers; empty for silence and numbers that are none.
pub fn say(index: usize, offer: Option<Money>, value: &str, rounds: Option<u16>) -> String {
    let text = ALL.get(index).map_or("", |template| template.text);
    let offer = offer.map_or_else(|| "that".into(), |offer| offer.to_string());
    let rounds = match rounds {
        None => "little time".into(),
        Some(1) => "one round".into(),
        Some(rounds) => format!("{rounds} rounds"),
    };
    text.replace("{offer}", &offer)
        .replace("{value}", value)
        .replace("{rounds}", &rounds)
}

/// The sentence that a text is, whatever its numbers; `None` for words of one's own.
pub fn recognise(text: &str) -> Option<usize> {
    let text = text.trim();
    ALL.iter().position(|template| matches(template.text, text))
}

/// Whether `text` is the sentence with something in the place of each slot.
fn matches(template: &str, text: &str) -> bool {
    // What stands around the slots; names of slots have no braces in them.
    let mut literals = template
        .split('{')
        .map(|part| part.split_once('}').map_or(part, |(_, literal)| literal));
    let first = literals.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut literals = literals.peekable();
    if literals.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(literal) = literals.next() {
        let last = literals.peek().is_none();
        let at = if last {
            rest.strip_suffix(literal).map(str::len)
        } else {
            rest.find(literal)
        };
        // A slot is never empty.
        let Some(at) = at.filter(|&at| at > 0) else {
            return false;
        };
        rest = &rest[at + literal.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{ALL, recognise, say};
    use crate::language::Money;

    #[test]
    fn a_sentence_is_recognised_whatever_its_numbers() {
        for index in 0..ALL.len() {
            for (offer, rounds) in [(Some(Money::from_minor(123_450)), Some(3)), (None, None)] {
                let text = say(index, offer, "1,200.5", rounds);
                assert_eq!(recognise(&text), Some(index), "{text}");
            }
        }
        for text in ["Take it.", " is my last word.", "60 is my last word"] {
            assert_eq!(recognise(text), None, "{text}");
        }
    }
}
