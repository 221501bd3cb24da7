//! What can go wrong.

use std::path::PathBuf;

use palaestra_envs::market::data::{DataError, Problem};

use crate::files::FileError;

/// A recording that was not read, verified or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarketError {
    /// The file says something that cannot be.
    #[error("{}: {source}", .path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: DataError,
    },
    /// The system does not give or take the file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A Parquet file that is none, or not one of these.
    #[error("{}: {what}", .path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// What was asked for does not fit the file.
    #[error("{message}")]
    Request {
        /// What is wrong.
        message: String,
        /// What to do.
        help: String,
    },
}

impl MarketError {
    /// A request that does not fit the file.
    pub(crate) fn request(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Request {
            message: message.into(),
            help: help.into(),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Request { help, .. } => Some(help.clone()),
            Self::Data { source, .. } if source.problem.is_conflict() => Some(
                "the recording contradicts itself; --lenient counts such records and goes on"
                    .into(),
            ),
            Self::Data { source, .. } if matches!(source.problem, Problem::NotThis { .. }) => {
                Some("--format says which format the file has".into())
            }
            _ => None,
        }
    }
}
