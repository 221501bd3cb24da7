//! Any bytes as a DBN file: an error with an offset, or records that encode to the bytes they came from, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palaestra_envs::market::data::{
    FeedReader, RecordedBooks, Rules,
    dbn::{DbnReader, MboRecord},
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(mut reader) = DbnReader::new(bytes) {
        let mut books = RecordedBooks::new(Rules::Lenient);
        while let Ok(Some(mut event)) = reader.read() {
            if books.apply(&mut event, reader.position()).is_err() {
                break;
            }
        }
    }
    if let Ok(mut reader) = DbnReader::new(bytes) {
        while let Ok(Some(record)) = reader.record() {
            assert_eq!(MboRecord::decode(&record.encode()).ok(), Some(record));
        }
    }
});
