//! Any bytes as LOBSTER messages and orderbook rows: errors with a place, or events that are written and read back, never a
//! panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palaestra_envs::market::data::{
    FeedReader, RecordedBooks, Rules,
    lobster::{MessageReader, Verifier, write_message},
};

fuzz_target!(|bytes: &[u8]| {
    // The first half are messages, the second rows.
    let (messages, rows) = bytes.split_at(bytes.len() / 2);
    let mut reader = MessageReader::new(messages, "FUZZ");
    let mut books = RecordedBooks::new(Rules::Lenient);
    let mut verifier = Verifier::new(rows, false);
    while let Ok(Some(mut event)) = reader.read() {
        let mut line = Vec::new();
        if write_message(&mut line, &event).is_ok() {
            let again = MessageReader::new(line.as_slice(), "FUZZ").read();
            assert_eq!(again.ok().flatten(), Some(event));
        }
        let applied = books.apply(&mut event, reader.position()).is_ok();
        if !applied || verifier.check(books.book_mut(0)).is_err() {
            return;
        }
    }
    let _ = verifier.finish();
});
