//! Why a problem was not solved.

use std::path::PathBuf;

use palaestra_agents::bandits::planning::PlanError;
use palaestra_envs::bandits::{InstanceError, presets::PRESETS};

use crate::{config::ConfigError, files::FileError};

/// Why a problem was not solved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SolveError {
    /// There is neither a file nor a named instance.
    #[error("there is no file `{name}` and no bandit instance of this name")]
    NotFound {
        /// The argument.
        name: String,
        /// The known name most like it.
        nearest: Option<String>,
    },
    /// The file is of no kind that can be solved.
    #[error("{}: what kind of problem this is does not show in its name", .0.display())]
    Kind(PathBuf),
    /// The file is no valid instance.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A named instance of a size that makes no instance.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// A planner that does not exist, or wrong parameters.
    #[error("{message}")]
    Planner {
        /// What is wrong.
        message: String,
        /// What to do.
        help: String,
    },
    /// Even greedy has no value.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl SolveError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NotFound { nearest, .. } => {
                let known: Vec<&str> = PRESETS.iter().map(|preset| preset.id).collect();
                let known = format!("{}, and big{{N}}_{{k}} of any size", known.join(", "));
                Some(match nearest {
                    Some(nearest) => format!("did you mean `{nearest}`? There are {known}"),
                    None => format!("there are {known}"),
                })
            }
            Self::Kind(_) => Some("a bandit instance is a .toml or .json file".into()),
            Self::Planner { help, .. } => Some(help.clone()),
            Self::Instance(_) => Some("big{N}_{k} has N arms and k plays, 1 ≤ k ≤ N".into()),
            _ => None,
        }
    }
}
