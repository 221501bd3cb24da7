//! Answers read as the released code reads them: from the first `{` to the first `}`, rewritten by patterns, by the
//! rules of Python's `json`.
//!
//! Two answers that it accepts have no amount in our money and are refused: a price that is not finite, and one beyond
//! 10^13. Places count bytes of the rewritten object, from where it began in the answer.

use super::{
    AnswerError, Expected, Move, Play,
    json::{self, Field, Grammar, Value},
    read::{MESSAGE, Object, PRICE, out_of_range, within},
};
use crate::language::Money;

/// With `bounded` amounts must lie within the game's, which the released code does not ask for.
pub(super) fn read(answer: &str, expected: &Expected, bounded: bool) -> Result<Move, AnswerError> {
    let start = answer.find('{').ok_or(AnswerError::NoObject)?;
    let end = answer[start..].find('}').ok_or(AnswerError::NoObject)?;
    let group = without_group_commas(&answer[start..=start + end]);
    let grammar = Grammar {
        python: true,
        groups: false,
        dollars: false,
        unique: false,
    };
    let fields = json::object(&group, 0, grammar)
        .or_else(|error| json::object(&group.replace('$', ""), 0, grammar).map_err(|_| error));
    let fields = fields.map_err(|error| moved(error, start))?;
    let object = Object {
        fields: &fields,
        lenient_numbers: true,
    };
    let play = match expected {
        Expected::Split { money, keys, .. } => {
            let fields = [object.field(&keys[0])?, object.field(&keys[1])?];
            let [alice, bob] = fields.map(|field| number(field, false));
            let (alice, bob) = (alice?, bob?);
            let money_of = |x: f64, field: &Field| {
                Money::from_f64(x).ok_or_else(|| out_of_range(&field.key, field.at, *money))
            };
            let split = [money_of(alice, fields[0])?, money_of(bob, fields[1])?];
            // Compared as numbers of floating point, as there.
            if alice + bob != money.to_f64() {
                return Err(AnswerError::SumMismatch {
                    got: Money::from_f64(alice + bob).unwrap_or_default(),
                    want: *money,
                });
            }
            if bounded {
                for ((key, field), amount) in keys.iter().zip(fields).zip(split) {
                    within(key, amount, field.at, *money)?;
                }
            }
            // Each is rounded to a hundredth by itself; what is divided stays whole.
            Play::Split(split[0], *money - split[0])
        }
        Expected::Price { highest, .. } => {
            let field = object.field(PRICE)?;
            let price = Money::from_f64(number(field, true)?);
            let price = price.ok_or_else(|| out_of_range(PRICE, field.at, *highest))?;
            if bounded {
                within(PRICE, price, field.at, *highest)?;
            }
            Play::Price(price)
        }
        Expected::SellerText => Play::Text,
        _ => object.decision(expected)?,
    };
    let message = expected.has_message().then(|| object.text(MESSAGE));
    let message = message.transpose()?.map(str::to_owned);
    Ok(Move { play, message })
}

fn moved(error: AnswerError, by: usize) -> AnswerError {
    match error {
        AnswerError::BadJson { position, problem } => AnswerError::BadJson {
            position: position + by,
            problem,
        },
        other => other,
    }
}

/// The text without commas between a digit and three digits, wherever they stand.
fn without_group_commas(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let goes = |at: usize| at > 0 && digit(at - 1) && (1..=3).all(|ahead| digit(at + ahead));
    let kept = text.char_indices().filter(|&(at, c)| c != ',' || !goes(at));
    kept.map(|(_, c)| c).collect()
}

/// The number of a field, true being 1. Texts of digits count; `converted`: whatever Python's `float` takes.
fn number(field: &Field, converted: bool) -> Result<f64, AnswerError> {
    let read = match &field.value {
        Value::Number(number) => number.parse().ok(),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Text(text) => {
            let digits = text.strip_prefix('$').unwrap_or(text);
            let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            let plain = plain && digits.bytes().filter(|&b| b == b'.').count() <= 1;
            let text = if plain { digits } else { text.trim() };
            text.parse().ok().filter(|_| plain || converted)
        }
        Value::Null | Value::List | Value::Object => None,
    };
    read.ok_or_else(|| Object::wrong(field, "a number"))
}
