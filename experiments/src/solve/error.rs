//! Why a problem was not solved.

use std::path::PathBuf;

use palaestra_agents::{bandits::planning::PlanError, equilibrium, pomdp::planning::SolverError};
use palaestra_envs::{
    EnvError,
    bandits::{InstanceError, presets::PRESETS},
};

use super::GAMES;
use crate::{config::ConfigError, files::FileError};

/// Why a problem was not solved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SolveError {
    /// There is neither a file nor a named instance.
    #[error(
        "there is no file `{name}`, no bandit instance, no game and no environment of this name"
    )]
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
    /// A `.pomdp` file that is not there.
    #[error("there is no file `{}`", .0.display())]
    NoFile(PathBuf),
    /// An environment without an explicit model.
    #[error("environment `{env}` has no explicit POMDP to solve")]
    NoModel {
        /// The environment.
        env: String,
        /// Those that have one.
        known: Vec<String>,
    },
    /// An environment that cannot be built.
    #[error(transparent)]
    Env(#[from] EnvError),
    /// Arguments for what is no environment.
    #[error("`{0}` is no environment, so that it takes no --args")]
    Args(String),
    /// No planner can work on the model.
    #[error("{}", refusal(planner, error))]
    Refused {
        /// The first planner.
        planner: &'static str,
        /// Why not.
        error: SolverError,
    },
    /// A file that is not the saved state of a solver, or a damaged one.
    #[error("{}: {reason}", path.display())]
    Saved {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The saved state of a solver of another model.
    #[error("the saved solver is of another model than `{0}`")]
    Foreign(String),
    /// A solver of games that cannot work as it was asked to.
    #[error("`{planner}`: {error}")]
    Game {
        /// The solver, as asked for.
        planner: String,
        /// Why not.
        error: equilibrium::SolverError,
    },
    /// Even greedy has no value.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

fn refusal(planner: &str, error: &SolverError) -> String {
    match error {
        SolverError::Undiscounted(_) => format!("`{planner}` needs a discount below 1"),
        _ => format!("`{planner}` cannot solve this: {error}"),
    }
}

impl SolveError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NotFound { nearest, .. } => {
                let known: Vec<&str> = PRESETS.iter().map(|preset| preset.id).collect();
                let known = format!(
                    "the bandits {}, and big{{N}}_{{k}} of any size, the games {}, and random{{N}}_{{seed}}, and environments with a model, such as tiger-v1",
                    known.join(", "),
                    GAMES.map(|(id, _)| id).join(", ")
                );
                Some(match nearest {
                    Some(nearest) => format!("did you mean `{nearest}`? There are {known}"),
                    None => format!("there are {known}"),
                })
            }
            Self::Kind(_) => Some(
                "a bandit instance is a .toml or .json file, a POMDP a .pomdp file".into(),
            ),
            Self::Planner { help, .. } => Some(help.clone()),
            Self::Game { .. } => Some("`palaestra list planners` shows what is for which".into()),
            Self::Instance(_) => Some("big{N}_{k} has N arms and k plays, 1 ≤ k ≤ N".into()),
            Self::NoFile(_) => {
                Some("sample files are in experiments/instances/pomdp; docs/pomdp.md says where there are more".into())
            }
            Self::NoModel { known, .. } => Some(format!("those with one are {}", known.join(", "))),
            Self::Args(_) => Some("`palaestra list envs` shows environments".into()),
            Self::Refused {
                error: SolverError::Undiscounted(_),
                ..
            } => Some(
                "ask for a finite number of steps: --planner 'incremental_pruning={\"horizon\": 5}'".into(),
            ),
            Self::Refused {
                error: SolverError::TooLarge { .. },
                ..
            } => Some("use sarsop or pbvi, or play with pomcp or despot (`palaestra run`)".into()),
            Self::Saved { .. } | Self::Refused { .. } => {
                Some("give a file that `palaestra solve --save` has written".into())
            }
            Self::Foreign(_) => {
                Some("resume with the problem that the solver was saved for".into())
            }
            _ => None,
        }
    }
}
