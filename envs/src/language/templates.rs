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
/// Praises the quality: what a yes is where there are texts.
pub const QUALITY_PRAISE: usize = 14;

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
