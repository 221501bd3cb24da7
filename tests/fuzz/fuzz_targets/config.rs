//! Any text as an experiment file, with its last line as an override: an error or a plan, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palaestra::config::Document;

fuzz_target!(|text: &str| {
    let (text, set) = text.rsplit_once('\n').unwrap_or((text, ""));
    if let Ok(mut document) = Document::parse("fuzz.toml", text) {
        let _ = document.set(set);
        // Building what the file names could ask for any amount of memory; reading it must not.
        let _ = document.points();
    }
});
