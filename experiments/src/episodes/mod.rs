//! The episode log.

use std::{path::Path, sync::Arc};

use palaestra_envs::sim::{EnvSpec, Simulator};

use crate::config::LogConfig;

/// What can go wrong with the episode log.
#[derive(Debug, thiserror::Error)]
pub enum EpisodeError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] crate::files::FileError),
}

/// Training or evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpisodeKind {
    /// Training.
    Train,
    /// Evaluation.
    Eval {
        /// Number of the evaluation.
        round: u32,
    },
}

/// Which episodes are logged.
#[derive(Debug, Clone, Copy)]
pub struct Choice;

impl Choice {
    /// As configured.
    pub fn of(_log: &LogConfig, _total: u64) -> Self {
        Self
    }
    /// The first so many of every row.
    pub fn first(_per_row: u64) -> Self {
        Self
    }
}

/// Records episodes.
#[derive(Debug)]
pub struct Recorder;

impl Recorder {
    /// A recorder.
    pub fn create(
        _folder: &Path,
        _kind: EpisodeKind,
        _choice: Choice,
        _spec: &Arc<EnvSpec>,
        _rows: usize,
    ) -> Result<Self, EpisodeError> {
        Ok(Self)
    }
    /// Begins.
    pub fn begin(&mut self, _simulator: &Simulator) -> Result<(), EpisodeError> {
        Ok(())
    }
    /// Steps.
    pub fn step(&mut self, _simulator: &Simulator) -> Result<(), EpisodeError> {
        Ok(())
    }
    /// Saves.
    pub fn save(&self) -> Result<Vec<u8>, EpisodeError> {
        Ok(Vec::new())
    }
    /// Restores.
    pub fn restore(&mut self, _bytes: &[u8]) -> Result<(), EpisodeError> {
        Ok(())
    }
    /// Finishes.
    pub fn finish(&mut self) -> Result<(), EpisodeError> {
        Ok(())
    }
}
