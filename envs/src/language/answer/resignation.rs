//! An answer that stands for none: what a seat says when whoever is behind it cannot answer at all.
//!
//! It starts with a control character, which players that pass on somebody's words take out of them, so that no model can
//! write it.

use crate::language::Reason;

/// `CANCEL`: what stands before has been made void.
const MARK: char = '\u{18}';
const WORDS: [(Reason, &str); 4] = [
    (Reason::Timeout, "timeout"),
    (Reason::BudgetExhausted, "budget_exhausted"),
    (Reason::EndpointFailed, "endpoint_failed"),
    (Reason::Left, "left"),
];

/// The answer of a seat that gives up for this reason; `None` for those by which no seat gives up.
pub fn resignation(reason: Reason) -> Option<String> {
    let (_, word) = WORDS.iter().find(|(given, _)| *given == reason)?;
    Some(format!("{MARK}{word}"))
}

/// Why a seat gives up, if its answer says so.
pub fn resigned(answer: &str) -> Option<Reason> {
    let said = answer.strip_prefix(MARK)?;
    let (reason, _) = WORDS.iter().find(|(_, word)| *word == said)?;
    Some(*reason)
}

/// Somebody's words, as an answer that is no [`resignation`].
pub fn words(answer: &str) -> String {
    answer.trim_start_matches(MARK).into()
}
