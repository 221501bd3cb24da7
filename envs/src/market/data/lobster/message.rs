//! Reading messages.

use std::io::BufRead;

use super::{
    super::{
        DataError, FeedEvent, FeedReader, Kind, Position, Problem, Side, Units, error::shown,
        lines::Lines,
    },
    KINDS, STATES, UNITS,
};

/// Bytes that a line may have; real ones have about 40.
const LIMIT: usize = 1024;
const FIELDS: usize = 6;

/// Reads a message file.
#[derive(Debug)]
pub struct MessageReader<R> {
    lines: Lines<R>,
    symbol: String,
}

impl<R: BufRead> MessageReader<R> {
    /// A reader of the messages of the stock `symbol`.
    pub fn new(input: R, symbol: impl Into<String>) -> Self {
        Self {
            lines: Lines::new(input, "LOBSTER message", LIMIT),
            symbol: symbol.into(),
        }
    }
}

impl<R: BufRead> FeedReader for MessageReader<R> {
    fn units(&self) -> Units {
        UNITS
    }

    fn read(&mut self) -> Result<Option<FeedEvent>, DataError> {
        if !self.lines.advance(true)? {
            return Ok(None);
        }
        let text = self.lines.text();
        match message(text) {
            Ok(event) => Ok(Some(event)),
            Err((byte, problem)) => Err(problem.at(self.lines.at(byte))),
        }
    }

    fn position(&self) -> Position {
        self.lines.at(0)
    }

    fn symbol(&self, _: u32) -> Option<&str> {
        Some(&self.symbol)
    }

    fn symbols(&self) -> Vec<(u32, String)> {
        vec![(0, self.symbol.clone())]
    }
}

/// A line; an error comes with the byte at which its field begins.
fn message(line: &[u8]) -> Result<FeedEvent, (usize, Problem)> {
    let mut fields = [(0, &line[..0]); FIELDS];
    let mut begin = 0;
    let mut found = 0;
    for field in line.split(|&byte| byte == b',') {
        if found < FIELDS {
            fields[found] = (begin, field);
        }
        found += 1;
        begin += field.len() + 1;
    }
    if found != FIELDS {
        let expected = FIELDS;
        return Err((0, Problem::Fields { expected, found }));
    }
    let number = |index: usize, field, expected| {
        let (begin, text) = fields[index];
        integer(text).ok_or_else(|| (begin, wrong(field, expected, text)))
    };
    let time_ns = time(fields[0].1).ok_or_else(|| {
        let expected = "seconds with at most nine decimals";
        (0, wrong("time", expected, fields[0].1))
    })?;
    let kind_number = number(1, "type", "1 to 7")?;
    let natural = |index: usize, field, expected| {
        let value = number(index, field, expected)?;
        u64::try_from(value).map_err(|_| (fields[index].0, wrong(field, expected, fields[index].1)))
    };
    let price = number(4, "price", "a whole number")?;
    let direction = number(5, "direction", "1 or -1")?;
    let kind = match usize::try_from(kind_number) {
        Ok(n @ 1..=6) => KINDS[n - 1],
        Ok(7) => {
            let state = STATES.iter().find(|(code, _)| *code == price);
            let expected = "-1, 0 or 1 for a trading status";
            state
                .ok_or_else(|| (fields[4].0, wrong("price", expected, fields[4].1)))?
                .1
        }
        _ => return Err((fields[1].0, wrong("type", "1 to 7", fields[1].1))),
    };
    let is_status = matches!(kind, Kind::Halt | Kind::Quote | Kind::Resume);
    let from_0 = "a whole number from 0";
    // A trading status is about no order, and a cross may have −1 for its id.
    let order_id = match kind {
        _ if is_status => 0,
        Kind::Cross => number(2, "order id", "a whole number")?.max(0) as u64,
        _ => natural(2, "order id", from_0)?,
    };
    let size = if is_status {
        0
    } else {
        natural(3, "size", from_0)?
    };
    let side = match direction {
        1 => Some(Side::Buy),
        -1 => Some(Side::Sell),
        // Crosses have no side.
        0 if is_status || kind == Kind::Cross => None,
        _ => return Err((fields[5].0, wrong("direction", "1 or -1", fields[5].1))),
    };
    Ok(FeedEvent {
        time_ns,
        symbol: 0,
        kind,
        side: if is_status { None } else { side },
        order_id,
        new_order_id: 0,
        size,
        price: (!is_status).then_some(price),
    })
}

fn wrong(field: &'static str, expected: &'static str, found: &[u8]) -> Problem {
    Problem::Field {
        field,
        expected,
        found: shown(found),
    }
}

/// Digits, perhaps after a minus sign.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    let (digits, negative) = match text {
        [b'-', digits @ ..] => (digits, true),
        digits => (digits, false),
    };
    let value = i64::try_from(natural(digits)?).ok()?;
    Some(if negative { -value } else { value })
}

fn natural(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// `34200.008786756` as nanoseconds.
fn time(text: &[u8]) -> Option<u64> {
    let point = text.iter().position(|&byte| byte == b'.');
    let (seconds, decimals) = match point {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &b"0"[..]),
    };
    if decimals.len() > 9 {
        return None;
    }
    let fraction = natural(decimals)? * 10u64.pow(9 - decimals.len() as u32);
    natural(seconds)?
        .checked_mul(1_000_000_000)?
        .checked_add(fraction)
}
