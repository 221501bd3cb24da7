//! Every format on the golden files, cut off anywhere, changed anywhere, there and back.

mod binance;
mod book;
mod dbn;
mod engine;
mod itch;
mod lobster;

use super::{DataError, FeedEvent, FeedReader, RecordedBooks, Rules};

/// The golden pair.
pub(super) const MESSAGES: &str =
    include_str!("../../../../tests/golden/market/lobster_message_10.csv");
pub(super) const ROWS: &str =
    include_str!("../../../../tests/golden/market/lobster_orderbook_10.csv");

/// All events, as the book fills them in.
pub(super) fn events(reader: &mut dyn FeedReader) -> Result<Vec<FeedEvent>, DataError> {
    let mut books = RecordedBooks::new(Rules::Strict);
    let mut events = Vec::new();
    while let Some(mut event) = reader.read()? {
        books.apply(&mut event, reader.position())?;
        events.push(event);
    }
    Ok(events)
}

/// The error of a reader, as text.
pub(super) fn fault(reader: &mut dyn FeedReader) -> String {
    match events(reader) {
        Ok(events) => panic!("no error in {} events", events.len()),
        Err(error) => error.to_string(),
    }
}
