//! Exit codes, and the errors behind them.

use std::{io::ErrorKind, process::ExitCode};

use palaestra_agents::AgentError;

use crate::{
    config::ConfigError, episodes::EpisodeError, export::ExportError, files::FileError,
    language::LanguageError, market::MarketError, plot::PlotError, report::ReportError,
    run::RunError, solve::SolveError,
};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Success = 0,
    /// It ran, but a check failed (conformance, replay, threshold).
    CheckFailed = 1,
    /// Wrong arguments or configuration.
    Usage = 2,
    /// Some trials failed.
    TrialsFailed = 3,
    /// An agent failed, in the program or outside.
    PluginFailed = 4,
    /// The machine failed: files, memory.
    Internal = 70,
    /// Stopped from the keyboard, after a checkpoint.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Any error that reaches the user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The episode log.
    #[error(transparent)]
    Episodes(#[from] EpisodeError),
    /// An export.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A problem that was not solved.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// A recording of a market.
    #[error(transparent)]
    Market(#[from] MarketError),
    /// Games in language.
    #[error(transparent)]
    Language(#[from] LanguageError),
    /// A simulated market that was not studied.
    #[error(transparent)]
    Realism(#[from] crate::market::realism::MarketError),
    /// A sequence core that could not be made or trained.
    #[error(transparent)]
    Core(#[from] palaestra_world_models::CoreError),
    /// A picture that was not drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// A wrong argument.
    #[error("{message}")]
    Argument {
        /// What is wrong.
        message: String,
        /// What to do.
        help: Option<String>,
    },
}

impl CliError {
    /// A wrong argument, with what to do about it.
    pub fn argument(message: impl Into<String>, help: &str) -> Self {
        Self::Argument {
            message: message.into(),
            help: Some(help.into()),
        }
    }

    /// How the program ends with this error.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Config(error) if error.problems.iter().all(|p| p.plugin_failed) => {
                Exit::PluginFailed
            }
            Self::Config(_)
            | Self::Argument { .. }
            | Self::Market(MarketError::Request { .. })
            | Self::Export(ExportError::NoSuchPlayer { .. } | ExportError::Empty(_)) => Exit::Usage,
            Self::Language(LanguageError::Request { .. } | LanguageError::Unwritable { .. }) => {
                Exit::Usage
            }
            Self::Language(LanguageError::Run(error)) | Self::Run(error) => of_run(error),
            Self::Solve(SolveError::File(error))
            | Self::Market(MarketError::File(error))
            | Self::Export(ExportError::File(error))
            | Self::Language(LanguageError::File(error))
            | Self::File(error) => of_file(error),
            Self::Export(ExportError::Episodes(_))
            | Self::Episodes(_)
            | Self::Language(_)
            | Self::Market(MarketError::Data { .. } | MarketError::Table { .. }) => {
                Exit::CheckFailed
            }
            Self::Export(_) | Self::Plot(_) => Exit::Internal,
            Self::Solve(_) | Self::Realism(_) | Self::Core(_) => Exit::Usage,
            Self::Report(error) => of_report(error),
        }
    }
}

/// A path that cannot be right is the user's mistake, all else the machine's.
fn of_file(error: &FileError) -> Exit {
    match error.source.kind() {
        ErrorKind::NotFound
        | ErrorKind::IsADirectory
        | ErrorKind::NotADirectory
        | ErrorKind::PermissionDenied => Exit::Usage,
        _ => Exit::Internal,
    }
}

fn of_report(error: &ReportError) -> Exit {
    match error {
        ReportError::Run(error) => of_run(error),
        ReportError::NoRun
        | ReportError::Config(_)
        | ReportError::NoCompleteTrial { .. }
        | ReportError::MixedEnvironments { .. }
        | ReportError::MixedScores { .. } => Exit::Usage,
        ReportError::Metrics { .. }
        | ReportError::MixedTrials { .. }
        | ReportError::Episodes(_) => Exit::CheckFailed,
        _ => Exit::Internal,
    }
}

fn of_run(error: &RunError) -> Exit {
    match error {
        RunError::Stopped { error, .. } => of_run(error),
        RunError::Agent(
            AgentError::Process { .. }
            | AgentError::Failed { .. }
            | AgentError::Gradient { .. }
            | AgentError::Unstable { .. },
        )
        | RunError::Panic(_) => Exit::PluginFailed,
        RunError::Agent(_)
        | RunError::Config(_)
        | RunError::Exists(_)
        | RunError::Busy(_)
        | RunError::NotARun { .. }
        | RunError::Trained { .. }
        | RunError::Env(_) => Exit::Usage,
        RunError::File(error) => of_file(error),
        RunError::Checkpoint { .. } | RunError::Episodes(_) => Exit::CheckFailed,
        _ => Exit::Internal,
    }
}

impl From<palaestra_envs::EnvError> for CliError {
    fn from(error: palaestra_envs::EnvError) -> Self {
        Self::Run(error.into())
    }
}

impl From<AgentError> for CliError {
    fn from(error: AgentError) -> Self {
        Self::Run(error.into())
    }
}
