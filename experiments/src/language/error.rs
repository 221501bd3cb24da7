//! What can go wrong.

use std::path::{Path, PathBuf};

use crate::{episodes::EpisodeError, files::FileError, run::RunError};

/// A place in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1; none for the file as a whole.
    pub line: Option<u64>,
    /// Column of a table, or key of a configuration; empty for the line as a whole.
    pub column: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if !self.column.is_empty() {
            write!(f, ", `{}`", self.column)?;
        }
        Ok(())
    }
}

/// Games that were not read, written or explained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LanguageError {
    /// A file says something that cannot be.
    #[error("{place}: {problem}")]
    Data {
        /// Where.
        place: Place,
        /// What is wrong.
        problem: String,
    },
    /// The system does not give or take a file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A Parquet file that is none, or not one of these; or that cannot be written.
    #[error("{}: {problem}", .path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// What was asked for does not fit the data.
    #[error("{message}")]
    Request {
        /// What is wrong.
        message: String,
        /// What to do.
        help: String,
    },
    /// A game that the folders of the released code have no words for.
    #[error("episode {episode}: {problem}")]
    Unwritable {
        /// The episode.
        episode: String,
        /// Why.
        problem: String,
    },
    /// An episode log.
    #[error(transparent)]
    Episodes(#[from] EpisodeError),
    /// A run.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl LanguageError {
    pub(crate) fn request(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Request {
            message: message.into(),
            help: help.into(),
        }
    }

    pub(super) fn data(
        path: &Path,
        line: Option<u64>,
        column: &str,
        problem: impl Into<String>,
    ) -> Self {
        Self::Data {
            place: Place {
                path: path.to_owned(),
                line,
                column: column.into(),
            },
            problem: problem.into(),
        }
    }

    pub(super) fn table(path: &Path, problem: impl ToString) -> Self {
        Self::Table {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Request { help, .. } => Some(help.clone()),
            Self::Data { .. } => {
                Some("--lenient counts such games, tells the first of them and goes on".into())
            }
            _ => None,
        }
    }
}
