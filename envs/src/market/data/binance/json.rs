//! The documents on the lines.

use serde::Deserialize;

/// Price and quantity, as decimal texts.
pub(super) type Text<'a> = [&'a str; 2];

/// A `depthUpdate`.
#[derive(Debug, Deserialize)]
pub(super) struct Update<'a> {
    #[serde(rename = "E")]
    pub(super) time: u64,
    #[serde(rename = "s", borrow)]
    pub(super) symbol: &'a str,
    #[serde(rename = "U")]
    pub(super) first: u64,
    #[serde(rename = "u")]
    pub(super) last: u64,
    #[serde(rename = "pu")]
    pub(super) previous: Option<u64>,
    #[serde(rename = "b", borrow)]
    pub(super) bids: Vec<Text<'a>>,
    #[serde(rename = "a", borrow)]
    pub(super) asks: Vec<Text<'a>>,
}

/// The answer of the REST interface.
#[derive(Debug, Deserialize)]
pub(super) struct Snapshot<'a> {
    #[serde(rename = "lastUpdateId")]
    pub(super) last: u64,
    #[serde(borrow)]
    pub(super) bids: Vec<Text<'a>>,
    #[serde(borrow)]
    pub(super) asks: Vec<Text<'a>>,
}

/// What tells the documents apart.
#[derive(Debug, Deserialize)]
struct Shape<'a> {
    #[serde(rename = "e")]
    event: Option<&'a str>,
    #[serde(rename = "lastUpdateId")]
    last_update_id: Option<u64>,
    #[serde(borrow)]
    data: Option<&'a serde_json::value::RawValue>,
}

/// A line.
#[derive(Debug)]
pub(super) enum Document<'a> {
    Update(Update<'a>),
    Snapshot(Snapshot<'a>),
    Other,
}

/// Reads a line; an error comes with the byte at which it was noticed.
pub(super) fn document(line: &[u8]) -> Result<Document<'_>, (usize, String)> {
    let begin = line.iter().position(|byte| *byte == b'{');
    let is_stamp = |stamp: &[u8]| {
        let mut bytes = stamp.iter();
        bytes.all(|b| b.is_ascii_digit() || b.is_ascii_whitespace())
    };
    let Some(begin) = begin.filter(|begin| is_stamp(&line[..*begin])) else {
        let message = "a JSON document is expected, after at most a time stamp";
        return Err((0, message.to_owned()));
    };
    let text = std::str::from_utf8(&line[begin..]).map_err(|error| {
        (
            begin + error.valid_up_to(),
            "this is no UTF-8 text".to_owned(),
        )
    })?;
    let outer: Shape<'_> = parse(text, begin)?;
    let (text, shape) = match outer.data {
        Some(data) => {
            let inner = data.get();
            // The inner document is a part of the line, so its place is known.
            let at = begin + (inner.as_ptr() as usize - text.as_ptr() as usize);
            (inner, parse::<Shape<'_>>(inner, at)?)
        }
        None => (text, outer),
    };
    let at = begin;
    Ok(match (shape.event, shape.last_update_id) {
        (Some("depthUpdate"), _) => Document::Update(parse(text, at)?),
        (None, Some(_)) => Document::Snapshot(parse(text, at)?),
        _ => Document::Other,
    })
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str, begin: usize) -> Result<T, (usize, String)> {
    serde_json::from_str(text).map_err(|error| {
        // The place is given as a position in the file, so the library's own is left out.
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        (begin + error.column().saturating_sub(1), message.to_owned())
    })
}
