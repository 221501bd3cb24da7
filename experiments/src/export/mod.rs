//! Logged episodes in the formats of other tools.
//!
//! * [`minari`]: a data set for `minari.load_dataset` (Farama's Minari, Parquet flavour).
//! * [`flat_table`]: one table of all steps, as CSV or Parquet, for pandas, polars, DuckDB or a spreadsheet.

mod arrays;
mod flat;
mod minari;

use std::path::PathBuf;

pub use flat::{flat_table, to_csv};
pub use minari::{MinariSummary, minari};

use crate::{episodes::EpisodeError, files::FileError};

/// What can go wrong in an export.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The episode log.
    #[error(transparent)]
    Episodes(#[from] EpisodeError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A table could not be made.
    #[error("cannot build a table: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
    /// A Parquet file could not be made.
    #[error("cannot write Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Nothing to export.
    #[error("{} has no logged episodes; run it with `[log] episodes = \"all\"`", .0.display())]
    Empty(PathBuf),
    /// A player that the environment does not have.
    #[error("there is no player `{player}`; the players are {known}")]
    NoSuchPlayer {
        /// The name asked for.
        player: String,
        /// The names there are.
        known: String,
    },
    /// A value that does not fit the space it is said to be of.
    #[error("the log does not fit its environment: {0}")]
    Mismatch(String),
}
