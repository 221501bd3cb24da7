//! What a person was shown and what it entered, with times: `people.jsonl` of a run.
//!
//! A line of JSON each: `shown` (what went to the terminal or the page, as it went), `answer` (the answer in words, the
//! seconds it took, and where the page tells them, the events: what had the focus, what was edited and when), `consent`,
//! `left`. It holds times, so that no two are equal; results do not depend on it.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use serde_json::{Value, json};

/// The file.
#[derive(Clone)]
pub struct Record {
    out: Arc<Mutex<dyn Write + Send>>,
    began: Instant,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record").finish_non_exhaustive()
    }
}

impl Record {
    /// Writes to `out`; times count from now.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self {
            out: Arc::new(Mutex::new(out)),
            began: Instant::now(),
        }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// A sentence, if it cannot be written.
    pub fn write(&self, kind: &str, what: &[(&str, Value)]) -> Result<(), String> {
        let seconds = (self.began.elapsed().as_secs_f64() * 1e3).round() / 1e3;
        let mut line = json!({ "kind": kind, "at_s": seconds });
        for (key, value) in what {
            line[*key] = value.clone();
        }
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writeln!(out, "{line}").and_then(|()| out.flush());
        written.map_err(|error| format!("cannot write what the person was shown: {error}"))
    }
}
