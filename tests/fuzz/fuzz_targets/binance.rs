//! Any bytes as Binance depth: an error with line and column, or events, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palaestra_envs::market::data::{FeedReader, RecordedBooks, Rules, binance::DepthReader};

fuzz_target!(|bytes: &[u8]| {
    let mut reader = DepthReader::new(bytes);
    let mut books = RecordedBooks::new(Rules::Lenient);
    while let Ok(Some(mut event)) = reader.read() {
        if books.apply(&mut event, reader.position()).is_err() {
            return;
        }
    }
});
