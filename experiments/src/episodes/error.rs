//! What can go wrong with the episode log.

use std::path::{Path, PathBuf};

use palaestra_envs::EnvError;
use parquet::errors::ParquetError;

use crate::files::FileError;

/// What can go wrong with the episode log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EpisodeError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file of the log has other bytes than were written.
    #[error("{} is damaged at {place}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which part of it: the column and its bytes, or the footer, or the end.
        place: String,
    },
    /// A file among the episodes that Palaestra did not write.
    #[error("{} is not an episode file: {reason}; move it elsewhere", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file of another version of the format.
    #[error(
        "{} has version {found} of the episode format, and this program reads version {supported}; \
         read it with the palaestra that wrote it",
        .path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that this program reads.
        supported: u32,
    },
    /// A segment that should be there.
    #[error("{} is missing: it should hold {what}", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: String,
    },
    /// An episode that is not in the log.
    #[error("there is no episode `{id}` in {}", .folder.display())]
    Unknown {
        /// Name of the episode asked for.
        id: String,
        /// The folder of the log.
        folder: PathBuf,
    },
    /// An episode's name that is not one.
    #[error("`{0}` names no episode; names look like `train-12` (or `12`) and `eval-0-3`")]
    Name(String),
    /// A segment could not be made.
    #[error("cannot make {}: {source}", .path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What the Parquet library says.
        source: ParquetError,
    },
    /// The simulator refused to tell an episode's origin.
    #[error(transparent)]
    Env(#[from] EnvError),
    /// Saved state of a recorder that does not fit this one.
    #[error("the saved state of the episode log does not fit: {0}")]
    State(String),
    /// The thread that writes segments broke off.
    #[error("the thread that writes episode segments broke off")]
    Writer,
}

impl EpisodeError {
    pub(super) fn damaged(path: &Path, place: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            place: place.into(),
        }
    }

    pub(super) fn foreign(path: &Path, reason: impl Into<String>) -> Self {
        Self::Foreign {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    pub(super) fn encode(path: &Path, source: impl Into<ParquetError>) -> Self {
        Self::Encode {
            path: path.to_owned(),
            source: source.into(),
        }
    }
}
