//! From an answer to a move.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AnswerError, Expected, Move, Play,
    json::{self, Field, Grammar, Value, group_of_three},
    upstream,
};
use crate::language::Money;

/// How answers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reading {
    /// As the released code reads: the text is rewritten, messages have no limit. The switches below then mean nothing.
    pub upstream: bool,
    /// Whether amounts must lie within the bounds of the game. The released code does not look, so that only games whose
    /// rules are as wide can be read without; environments always have it on.
    #[serde(skip, default = "always")]
    pub bounds: bool,
    /// Whether braces are matched, with regard to texts, before the first `}` is taken for the end.
    pub balanced: bool,
    /// Whether `1,000`, `$5` and `"5"` are numbers where one is due.
    pub lenient_numbers: bool,
    /// Whether a key may be given only once; otherwise the last one counts.
    pub unique_keys: bool,
    /// Most characters of a message.
    pub longest_message: Option<usize>,
}

fn always() -> bool {
    true
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            upstream: false,
            bounds: true,
            balanced: true,
            lenient_numbers: true,
            unique_keys: true,
            longest_message: Some(2000),
        }
    }
}

impl Reading {
    /// As the released code reads, bounds of amounts included: it has none.
    pub fn upstream() -> Self {
        Self {
            upstream: true,
            bounds: false,
            ..Self::default()
        }
    }
}

/// Reads the move that is due from an answer.
///
/// ```
/// use palaestra_envs::language::{Verdict, answer::{Expected, Play, Reading, read}};
///
/// let due = Expected::BargainingVerdict { walk_away: false };
/// let answer = "A fair offer. ```json\n{\"decision\": \"accept\"}\n```";
/// let read = read(answer, &due, &Reading::default())?;
/// assert_eq!(read.play, Play::Verdict(Verdict::Accept));
/// # Ok::<(), palaestra_envs::language::answer::AnswerError>(())
/// ```
///
/// # Errors
/// [`AnswerError`]; its text can be sent back as it is.
pub fn read(answer: &str, expected: &Expected, reading: &Reading) -> Result<Move, AnswerError> {
    if reading.upstream {
        return upstream::read(answer, expected, reading.bounds);
    }
    let (start, end) = brace_group(answer, reading.balanced)?;
    let grammar = Grammar {
        python: false,
        groups: reading.lenient_numbers,
        dollars: reading.lenient_numbers,
        unique: reading.unique_keys,
    };
    let fields = json::object(&answer[..end], start, grammar)?;
    let object = Object {
        fields: &fields,
        lenient_numbers: reading.lenient_numbers,
    };
    let play = match expected {
        Expected::Split { money, keys, .. } => {
            let [alice, bob] = [&keys[0], &keys[1]].map(|key| object.amount(key, *money));
            let ((alice, alice_at), (bob, bob_at)) = (alice?, bob?);
            if alice + bob != *money {
                return Err(AnswerError::SumMismatch {
                    got: alice + bob,
                    want: *money,
                });
            }
            if reading.bounds {
                within(&keys[0], alice, alice_at, *money)?;
                within(&keys[1], bob, bob_at, *money)?;
            }
            Play::Split(alice, bob)
        }
        Expected::Price { highest, .. } => {
            let (price, at) = object.amount(PRICE, *highest)?;
            if reading.bounds {
                within(PRICE, price, at, *highest)?;
            }
            Play::Price(price)
        }
        Expected::SellerText => Play::Text,
        _ => object.decision(expected)?,
    };
    let message = expected.has_message().then(|| object.text(MESSAGE));
    let message = message.transpose()?.map(str::to_owned);
    if let (Some(limit), Some(message)) = (reading.longest_message, &message) {
        let length = message.chars().count();
        if length > limit {
            return Err(AnswerError::TooLong { length, limit });
        }
    }
    Ok(Move { play, message })
}

pub(super) const PRICE: &str = "product_price";
pub(super) const MESSAGE: &str = "message";
pub(super) const DECISION: &str = "decision";

/// First and last byte (exclusive) of the first group of braces.
fn brace_group(answer: &str, balanced: bool) -> Result<(usize, usize), AnswerError> {
    let start = answer.find('{').ok_or(AnswerError::NoObject)?;
    let matched = balanced.then(|| matching_brace(answer, start)).flatten();
    let end = matched.or_else(|| answer[start..].find('}').map(|end| start + end + 1));
    end.map(|end| (start, end)).ok_or(AnswerError::NoObject)
}

/// Where the brace at `start` is closed, not counting braces within texts.
fn matching_brace(answer: &str, start: usize) -> Option<usize> {
    let (mut depth, mut text, mut escaped) = (0usize, false, false);
    for (at, byte) in answer.bytes().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if text => escaped = true,
            b'"' => text = !text,
            b'{' if !text => depth += 1,
            b'}' if !text => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

pub(super) fn within(
    key: &str,
    got: Money,
    position: usize,
    high: Money,
) -> Result<(), AnswerError> {
    if (Money::ZERO..=high).contains(&got) {
        return Ok(());
    }
    Err(out_of_range(key, position, high))
}

pub(super) fn out_of_range(key: &str, position: usize, high: Money) -> AnswerError {
    AnswerError::OutOfRange {
        key: key.into(),
        position,
        low: Money::ZERO,
        high,
    }
}

/// The object of an answer.
pub(super) struct Object<'a> {
    pub(super) fields: &'a [Field],
    pub(super) lenient_numbers: bool,
}

impl<'a> Object<'a> {
    pub(super) fn field(&self, key: &str) -> Result<&'a Field, AnswerError> {
        let field = self.fields.iter().find(|field| field.key == key);
        field.ok_or_else(|| AnswerError::MissingKey { key: key.into() })
    }

    pub(super) fn wrong(field: &Field, expected: &str) -> AnswerError {
        AnswerError::WrongType {
            key: field.key.clone(),
            position: field.at,
            expected: expected.into(),
            found: match &field.value {
                Value::Text(text) => format!("the text {}", clipped(text)),
                value => value.name().into(),
            },
        }
    }

    /// An amount and where it is written.
    fn amount(&self, key: &str, high: Money) -> Result<(Money, usize), AnswerError> {
        let field = self.field(key)?;
        let amount = match &field.value {
            Value::Number(number) => Money::parse(number),
            Value::Text(text) if self.lenient_numbers => match number_in(text) {
                Some(number) => Money::parse(&number),
                None => return Err(Self::wrong(field, "a number")),
            },
            _ => return Err(Self::wrong(field, "a number")),
        };
        // A number that cannot be read is one that is too large.
        let amount = amount.ok_or_else(|| out_of_range(key, field.at, high))?;
        Ok((amount, field.at))
    }

    pub(super) fn text(&self, key: &str) -> Result<&'a str, AnswerError> {
        let field = self.field(key)?;
        match &field.value {
            Value::Text(text) => Ok(text),
            _ => Err(Self::wrong(field, "a text")),
        }
    }

    pub(super) fn decision(&self, expected: &Expected) -> Result<Play, AnswerError> {
        let field = self.field(DECISION)?;
        let Value::Text(said) = &field.value else {
            return Err(Self::wrong(field, "a text"));
        };
        let words = expected.words();
        let meant = words.iter().find(|(word, _)| word == said);
        meant.map(|(_, play)| *play).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            AnswerError::UnknownDecision {
                found: clipped(said),
                position: field.at,
                allowed: words.join(", "),
            }
        })
    }
}

/// A text as it is repeated in a message: not too long, on one line, without anything that a terminal obeys.
pub(super) fn clipped(text: &str) -> String {
    let mut shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}

/// The number that a text is: digits with at most one dot, perhaps in groups, with a `$` before or after it, a sign.
fn number_in(text: &str) -> Option<String> {
    let text = text.trim();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let text = text.strip_prefix('$').unwrap_or(text).trim_start();
    let text = text.strip_suffix('$').unwrap_or(text).trim_end();
    let mut number = String::from(sign);
    let bytes = text.as_bytes();
    let (mut at, mut dots, mut digits) = (0, 0, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'.' if dots == 0 => dots = 1,
            b',' if dots == 0 && digits > 0 && group_of_three(&bytes[at..]).is_some() => {
                at += 1;
                continue;
            }
            _ => return None,
        }
        number.push(char::from(byte));
        at += 1;
    }
    (digits > 0).then_some(number)
}
