//! Any bytes as a file of ITCH messages: an error with an offset, or messages that encode to the bytes they came from, never
//! a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palaestra_envs::market::data::{
    FeedReader, RecordedBooks, Rules,
    itch::{FrameReader, ItchReader, ItchWriter},
};

fuzz_target!(|bytes: &[u8]| {
    let mut frames = FrameReader::new(bytes);
    let mut written = Vec::new();
    let mut writer = ItchWriter::new(&mut written);
    while let Ok(Some((header, message))) = frames.read() {
        assert!(writer.write_message(&header, &message).is_ok());
    }
    assert!(bytes.starts_with(&written));
    let mut reader = ItchReader::new(bytes);
    let mut books = RecordedBooks::new(Rules::Lenient);
    while let Ok(Some(mut event)) = reader.read() {
        if books.apply(&mut event, reader.position()).is_err() {
            return;
        }
    }
});
