//! POMDPs to solve: files, and environments with an explicit model.

use std::{path::Path, sync::Arc};

use palaestra_envs::{
    EnvError,
    pomdp::{
        Pomdp,
        pomdp_file::{self, FileProblem, PomdpFileError},
    },
    registry::{EnvEntry, Registry},
    sim::{Model, Simulator},
};
use serde_json::Value;

use super::super::SolveError;
use crate::{
    config::{ConfigError, Problem},
    files,
};

/// A POMDP to solve.
#[derive(Debug, Clone)]
pub struct PomdpProblem {
    /// Its name.
    pub name: String,
    /// What it is, in one line.
    pub summary: Option<String>,
    /// The file, or the environment with its arguments.
    pub source: String,
    /// The model.
    pub model: Arc<Pomdp>,
    /// What was put right while reading, in whole sentences.
    pub warnings: Vec<String>,
}

impl PomdpProblem {
    /// The problem of a `.pomdp` file.
    ///
    /// # Errors
    /// If the file cannot be read, or with line and column if it is no valid problem.
    pub fn read(path: &Path) -> Result<Self, SolveError> {
        let bytes = files::read(path)?;
        let text = String::from_utf8_lossy(&bytes);
        let name = path.display().to_string();
        let file = pomdp_file::read(&text).map_err(|error| config_error(&name, &text, error))?;
        let stem = path.file_stem().unwrap_or_default();
        Ok(Self {
            name: stem.to_string_lossy().into_owned(),
            summary: None,
            source: name,
            model: Arc::new(file.model),
            warnings: file.warnings,
        })
    }

    /// The problem behind an environment.
    ///
    /// # Errors
    /// If its arguments are wrong, or it offers no explicit model.
    pub fn of_environment(
        entry: &EnvEntry,
        args: &Value,
        registry: &Registry,
    ) -> Result<Self, SolveError> {
        let model = model_of(entry, args)?.ok_or_else(|| SolveError::NoModel {
            env: entry.id.clone(),
            known: registry
                .iter()
                .filter(|entry| entry.family == "pomdp")
                .filter(|entry| matches!(model_of(entry, &Value::Null), Ok(Some(_))))
                .map(|entry| entry.id.clone())
                .collect(),
        })?;
        let given = args.as_object().is_some_and(|args| !args.is_empty());
        Ok(Self {
            name: entry.id.clone(),
            summary: Some(entry.summary.clone()),
            source: if given {
                format!("environment {} with {args}", entry.id)
            } else {
                format!("environment {}", entry.id)
            },
            model,
            warnings: Vec::new(),
        })
    }
}

fn model_of(entry: &EnvEntry, args: &Value) -> Result<Option<Arc<Pomdp>>, EnvError> {
    let simulator = Simulator::builder(entry.build(args)?).build()?;
    let model = simulator.spec().model.as_ref();
    Ok(model.and_then(Model::get::<Pomdp>))
}

fn config_error(name: &str, text: &str, error: PomdpFileError) -> ConfigError {
    let help = help(&error.problem);
    ConfigError {
        name: name.into(),
        source_text: text.into(),
        problems: vec![Problem {
            path: String::new(),
            message: error.problem.to_string(),
            help: Some(help.into()),
            span: Some(error.span),
            plugin_failed: false,
        }],
    }
}

/// What to do about a problem in a file.
fn help(problem: &FileProblem) -> &'static str {
    match problem {
        FileProblem::Unexpected { .. } => {
            "docs/pomdp.md has the grammar; `palaestra solve` reads files in Cassandra's .pomdp format"
        }
        FileProblem::Duplicate(_) => "keep one of the two sections",
        FileProblem::Missing { early: false, .. } => {
            "a file needs discount, values, states, actions, observations, T and O"
        }
        FileProblem::Missing { early: true, .. } => "move the section to the beginning of the file",
        FileProblem::UnknownName { .. } | FileProblem::Index { .. } => {
            "names are declared after `states:`, `actions:` and `observations:`; indices count from 0"
        }
        FileProblem::Name { .. } => "choose another name, or give a number instead of names",
        FileProblem::Distribution { .. } => {
            "every row must be given and sum to 1 within 0.00001; later entries override earlier ones"
        }
        FileProblem::TooLarge(_) => {
            "the tables would not fit into memory; give the problem as an environment instead, for `pomcp` and `despot`"
        }
        _ => "correct the file",
    }
}
