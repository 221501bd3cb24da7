//! Any bytes as a segment of the episode log: an error or episodes, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palaestra::episodes::EpisodeLog;

fuzz_target!(|bytes: &[u8]| {
    let Ok(folder) = tempfile::tempdir() else { return };
    let episodes = folder.path().join("episodes");
    if std::fs::create_dir(&episodes).is_ok()
        && std::fs::write(episodes.join("train-000000.parquet"), bytes).is_ok()
        && let Ok(log) = EpisodeLog::open(folder.path())
    {
        for episode in log.read_all() {
            let _ = episode;
        }
    }
});
