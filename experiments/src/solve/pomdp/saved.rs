//! A solver's state in a file, with what it belongs to.
//!
//! ```text
//! palaestra solver 1\n
//! {"planner": …, "label": …, "model": "hash", "seconds": …, "points": […]}\n
//! the solver's own bytes
//! blake3 of all before, 32 bytes
//! ```

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{PomdpPlanner, TracePoint};
use crate::{
    files::{self, FileError},
    solve::SolveError,
};

const MAGIC: &[u8] = b"palaestra solver 1\n";
const HASH: usize = 32;

/// A solver that was stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedSolver {
    /// As it was asked for.
    pub label: String,
    /// The planner with its parameters.
    pub planner: PomdpPlanner,
    /// Hash of the model.
    pub model: String,
    /// Seconds spent.
    pub seconds: f64,
    /// The trace so far.
    pub points: Vec<TracePoint>,
    /// What the solver has saved.
    #[serde(skip)]
    pub state: Vec<u8>,
}

impl SavedSolver {
    /// Writes it to a file.
    ///
    /// # Errors
    /// If that fails.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(serde_json::to_vec(self).unwrap_or_default());
        bytes.push(b'\n');
        bytes.extend(&self.state);
        let hash = blake3::hash(&bytes);
        bytes.extend(hash.as_bytes());
        files::write_atomically(path, &bytes)
    }

    /// Reads it from a file.
    ///
    /// # Errors
    /// [`SolveError::Saved`] if the file is none of a solver, or damaged.
    pub fn read(path: &Path) -> Result<Self, SolveError> {
        let wrong = |reason| SolveError::Saved {
            path: path.to_owned(),
            reason,
        };
        if !path.is_file() {
            return Err(wrong("there is no such file".into()));
        }
        Self::parse(&files::read(path)?).map_err(wrong)
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let body = bytes.strip_prefix(MAGIC);
        let body = body.ok_or("this is not the saved state of a solver")?;
        let damaged = || "the file is damaged".to_owned();
        let end = body.len().checked_sub(HASH).ok_or_else(damaged)?;
        let (body, hash) = body.split_at(end);
        if blake3::hash(&bytes[..bytes.len() - HASH]).as_bytes() != hash {
            return Err(damaged());
        }
        let line = body.iter().position(|byte| *byte == b'\n');
        let (header, state) = body.split_at(line.ok_or_else(damaged)?);
        let saved: Self =
            serde_json::from_slice(header).map_err(|error| format!("its header: {error}"))?;
        Ok(Self {
            state: state[1..].to_vec(),
            ..saved
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_damage_is_noticed() {
        let saved = SavedSolver {
            label: "sarsop".into(),
            planner: PomdpPlanner::sarsop(),
            model: "abc".into(),
            seconds: 1.5,
            points: vec![TracePoint {
                seconds: 0.5,
                iteration: 3,
                lower: Some(1.0),
                upper: None,
            }],
            state: b"\n\x00bytes\n".to_vec(),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("solver");
        saved.write(&path).unwrap();
        assert_eq!(SavedSolver::read(&path).unwrap(), saved);
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            SavedSolver::parse(&bad).unwrap_err();
            SavedSolver::parse(&good[..at]).unwrap_err();
        }
    }
}
