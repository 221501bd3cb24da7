//! What was asked and answered, a line of JSON each, to be looked at and to be answered from.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    path::Path,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Usage;

/// Where answers come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The endpoint; nothing is written down.
    #[default]
    Live,
    /// The endpoint; everything is added to the transcript.
    Record,
    /// The transcript, and the endpoint for what is not in it, which is added.
    Replay,
    /// The transcript only: what is not in it is an error, and nothing is sent anywhere.
    Strict,
}

impl Source {
    /// Whether answers are looked up.
    pub(super) fn reads(self) -> bool {
        matches!(self, Self::Replay | Self::Strict)
    }

    /// Whether answers are written down.
    pub(super) fn writes(self) -> bool {
        matches!(self, Self::Record | Self::Replay)
    }
}

/// One answer that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The game: part of the run, row, episode.
    pub game: String,
    /// The seat.
    pub seat: String,
    /// The round, if the seat is told.
    pub round: Option<u64>,
    /// Which answer of the turn, from 1.
    pub attempt: u64,
    /// The key under which it is found again.
    pub hash: String,
    /// Hash of the prompts' file.
    pub prompts: String,
    /// What was sent, at last.
    pub request: Value,
    /// What came back at last; null if nothing did.
    pub response: Value,
    /// The model that was asked last: the one of the arguments, or one that stands in for it.
    #[serde(default)]
    pub model: String,
    /// What the endpoint says which model has answered; empty if it does not say.
    #[serde(default)]
    pub answered_by: String,
    /// What was played.
    pub answer: String,
    /// How the game will read it: `ok`, the kind of error, or why the seat gave up.
    pub read: String,
    /// Requests it took.
    pub requests: u32,
    /// When it was asked for, in seconds since 1970.
    pub time: f64,
    /// Seconds it took, waits included.
    pub seconds: f64,
    /// Tokens of the last request.
    pub usage: Usage,
}

/// A transcript.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    answers: BTreeMap<String, String>,
    file: Option<File>,
}

impl Transcript {
    /// Opens the transcript at `path` as `source` needs it.
    pub(super) fn open(path: &str, source: Source) -> Result<Self, String> {
        let mut transcript = Self::default();
        if source == Source::Live {
            return Ok(transcript);
        }
        if path.is_empty() {
            return Err("is needed to record or replay".into());
        }
        let fault = |error: std::io::Error| format!("{path}: {error}");
        let exists = Path::new(path).exists();
        if source.reads() && (exists || source == Source::Strict) {
            let text = std::fs::read_to_string(path).map_err(fault)?;
            let mut lines = text.lines().enumerate().peekable();
            while let Some((number, line)) = lines.next() {
                match serde_json::from_str::<Record>(line) {
                    // After a run that was resumed, the later one is the one that counted.
                    Ok(record) => {
                        transcript.answers.insert(record.hash, record.answer);
                    }
                    // What was being written when a run was ended.
                    Err(_) if lines.peek().is_none() && !text.ends_with('\n') => {}
                    Err(error) => return Err(format!("{path}, line {}: {error}", number + 1)),
                }
            }
        }
        if source.writes() {
            if let Some(folder) = Path::new(path).parent() {
                std::fs::create_dir_all(folder).map_err(fault)?;
            }
            let mut file = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .open(path)
                .map_err(fault)?;
            drop_half_a_line(&mut file).map_err(fault)?;
            transcript.file = Some(file);
        }
        Ok(transcript)
    }

    /// The answer that was given to a request.
    pub(super) fn find(&self, hash: &str) -> Option<&str> {
        self.answers.get(hash).map(String::as_str)
    }

    /// Adds answers, all in one write, so that others who write do not get in between.
    pub(super) fn add(&mut self, records: &[Record]) -> std::io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
            self.answers
                .insert(record.hash.clone(), record.answer.clone());
        }
        file.write_all(&lines)
    }
}

/// Takes off what was being written when a run was ended.
fn drop_half_a_line(file: &mut File) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|&byte| byte == b'\n');
    let whole = whole.map_or(0, |at| at as u64 + 1);
    if whole < bytes.len() as u64 {
        file.set_len(whole)?;
    }
    Ok(())
}
