//! Running an experiment: trials, metrics, checkpoints, the run folder.
//!
//! ```text
//! runs/NAME/
//!   manifest.json      what ran: versions, machine, seeds, configuration hash, times, outcome
//!   config.toml        the file as given
//!   resolved.toml      every key with its value, overrides applied
//!   lock               held while a process runs the trials
//!   trials/TRIAL/      one line-up of agents with one seed (and one point of a sweep)
//!     trial.json       the result; present only when the trial is complete
//!     metrics.parquet  training curves: env_steps, key, value
//!     events.out.tfevents.…   the same for TensorBoard
//!     episodes/        logged episodes
//!     checkpoints/     step_N/, latest
//!     failed/          checkpoints/ of the state in which an agent failed, to look at
//!     log.jsonl        times
//! ```

mod checkpoint;
mod evaluate;
mod folder;
mod metrics;
mod pace;
mod plan;
mod runner;
mod sinks;
mod step;
mod trained;
mod trial;

use std::path::PathBuf;

pub use checkpoint::{Checkpoint, read_json, write_json};
pub use evaluate::{ByTrial, Evaluation, OF_TRIALS, evaluate};
pub use folder::{Manifest, RunFolder, RunStatus};
pub use metrics::{MetricPoint, Metrics};
pub use plan::{Seated, Trial, plan};
pub use runner::{RunReport, TrialFailure, run_all};
pub use trained::Trained;
pub use trial::{Outcome, PlayerResult, TrialResult, Watch, run_trial};

use crate::{episodes::EpisodeError, files::FileError};

/// What can go wrong while an experiment runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The configuration asks for something impossible.
    #[error("{0}")]
    Config(String),
    /// The environment refused.
    #[error(transparent)]
    Env(#[from] palaestra_envs::EnvError),
    /// An agent refused or failed.
    #[error(transparent)]
    Agent(#[from] palaestra_agents::AgentError),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The episode log.
    #[error(transparent)]
    Episodes(#[from] EpisodeError),
    /// A table could not be made.
    #[error("cannot build a table: {0}")]
    Table(#[from] arrow_schema::ArrowError),
    /// A Parquet file could not be made.
    #[error("cannot write Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A checkpoint or result file that is damaged or of another version.
    #[error("{}: {reason}", .path.display())]
    Checkpoint {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// An environment or an agent panicked.
    #[error(
        "an environment or agent panicked: {0}; this is a bug in its code: `palaestra resume` goes on from the last \
         checkpoint when it is mended"
    )]
    Panic(String),
    /// An agent failed while the trial ran.
    #[error(
        "{error}\nin the step after {env_steps} environment steps{}",
        checkpoint.as_ref().map_or_else(String::new, |path| format!(
            "; the state that it stopped in is kept in {}, to look at; `palaestra resume` goes on from the last checkpoint before",
            path.display()
        ))
    )]
    Stopped {
        /// Environment steps made before the one that failed.
        env_steps: u64,
        /// Where the checkpoint is; `None` if none could be written.
        checkpoint: Option<PathBuf>,
        /// What the agent says.
        error: Box<RunError>,
    },
    /// Another process works in the run folder.
    #[error("another process runs {}; wait for it or stop it", .0.display())]
    Busy(PathBuf),
    /// The output folder is there already.
    #[error(
        "{} exists already; `palaestra resume` goes on with it, --force replaces it, --out chooses another place",
        .0.display()
    )]
    Exists(PathBuf),
    /// An agent that no earlier run has trained.
    #[error("no trained agent in {}: {reason}", .path.display())]
    Trained {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A folder that is not a run.
    #[error("{} is not a run folder: it has no readable manifest.json ({reason})", .path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}
