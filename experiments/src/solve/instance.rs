//! Bandit instances as files, and by name.

use std::{path::Path, sync::Arc};

use palaestra_envs::{
    bandits::{
        ArmConfig, Instance, InstanceConfig, InstanceError, NoiseConfig, StartConfig,
        presets::PRESETS,
    },
    registry::nearest,
};
use serde::{Deserialize, Serialize};

use super::SolveError;
use crate::{
    config::{ConfigError, Document, Problem},
    files,
};

/// A bandit instance as a TOML or JSON file: the keys of an [`InstanceConfig`] and what people want to know about it.
///
/// ```
/// use palaestra::solve::InstanceFile;
///
/// let text = r#"
///     name = "two arms"
///     horizon = 1000
///     arms = [{ family = "constant", mean = 0.4 }, { family = "blocking", mean = 0.9, delay = 2 }]
/// "#;
/// let (file, instance) = InstanceFile::parse("two.toml", text)?;
/// assert_eq!((file.plays, instance.num_arms()), (1, 2));
/// # Ok::<(), palaestra::config::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceFile {
    /// Its name; that of the file if there is none.
    pub name: Option<String>,
    /// What it is, in one line.
    pub summary: Option<String>,
    /// Where its parameters come from.
    pub source: Option<String>,
    /// As [`InstanceConfig::horizon`].
    pub horizon: u32,
    /// As [`InstanceConfig::plays`].
    #[serde(default = "one_play")]
    pub plays: usize,
    /// As [`InstanceConfig::exact`].
    #[serde(default)]
    pub exact: bool,
    /// As [`InstanceConfig::start`].
    #[serde(default)]
    pub start: StartConfig,
    /// As [`InstanceConfig::noise`].
    #[serde(default)]
    pub noise: NoiseConfig,
    /// As [`InstanceConfig::optimal_rate`].
    pub optimal_rate: Option<f64>,
    /// As [`InstanceConfig::arms`].
    pub arms: Vec<ArmConfig>,
}

fn one_play() -> usize {
    1
}

impl InstanceFile {
    /// Reads a file's text, JSON if `name` ends with `.json`, else TOML, and compiles the instance.
    ///
    /// # Errors
    /// All problems, in a TOML file with their places.
    pub fn parse(name: &str, text: &str) -> Result<(Self, Instance), ConfigError> {
        let is_json = Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "json");
        let document = if is_json {
            Document::parse_json(name, text)?
        } else {
            Document::parse(name, text)?
        };
        if document.has("experiment") {
            let help =
                "this is an experiment file; solve its instance, e.g. `palaestra solve log3`";
            let message = "unknown key `experiment` in a bandit instance";
            return Err(document.error(vec![document.problem(
                "experiment",
                message,
                Some(help.into()),
            )]));
        }
        let file: Self = document.read_as()?;
        let instance = file.config().build();
        let instance = instance.map_err(|error| document.error(problems(&document, &error)))?;
        Ok((file, instance))
    }

    /// The instance as configurations of experiments have it.
    pub fn config(&self) -> InstanceConfig {
        InstanceConfig {
            arms: self.arms.clone(),
            plays: self.plays,
            exact: self.exact,
            start: self.start.clone(),
            noise: self.noise,
            horizon: self.horizon,
            optimal_rate: self.optimal_rate,
        }
    }
}

/// The problems of an instance at their places in its file.
fn problems(document: &Document, error: &InstanceError) -> Vec<Problem> {
    let problem = |problem: &palaestra_envs::bandits::InstanceProblem| {
        let text = problem.to_string();
        let (key, message) = text.split_once(": ").unwrap_or(("", &text));
        document.problem(&key.replace('[', ".").replace(']', ""), message, None)
    };
    error.problems.iter().map(problem).collect()
}

/// A bandit instance to solve.
#[derive(Debug, Clone)]
pub struct BanditInstance {
    /// Its name.
    pub name: String,
    /// What it is, in one line.
    pub summary: Option<String>,
    /// Where its parameters come from.
    pub source: Option<String>,
    /// As written.
    pub config: InstanceConfig,
    /// Compiled.
    pub instance: Arc<Instance>,
}

impl BanditInstance {
    /// The instance of a file.
    ///
    /// # Errors
    /// If the file cannot be read or is no valid instance.
    pub fn read(path: &Path) -> Result<Self, SolveError> {
        let bytes = files::read(path)?;
        let text = String::from_utf8_lossy(&bytes);
        let (file, instance) = InstanceFile::parse(&path.display().to_string(), &text)?;
        let stem = || path.file_stem().unwrap_or_default().to_string_lossy();
        let config = file.config();
        Ok(Self {
            name: file.name.unwrap_or_else(|| stem().into_owned()),
            summary: file.summary,
            source: file.source,
            config,
            instance: Arc::new(instance),
        })
    }

    /// The instance that ships under the name `id`.
    ///
    /// # Errors
    /// If there is none, or if it is one of `big{N}_{k}` with an impossible size.
    pub fn preset(id: &str) -> Result<Self, SolveError> {
        let config = InstanceConfig::preset(id).map_err(|_| SolveError::NotFound {
            name: id.into(),
            nearest: nearest(id, PRESETS.iter().map(|preset| preset.id)),
        })?;
        let known = PRESETS.iter().find(|preset| preset.id == id);
        let size = || {
            format!(
                "{} geometric arms, {} plays",
                config.arms.len(),
                config.plays
            )
        };
        Ok(Self {
            name: id.into(),
            summary: Some(known.map_or_else(size, |preset| preset.summary.into())),
            source: Some(
                known
                    .map_or("Palaestra golden family `big`", |p| p.source)
                    .into(),
            ),
            instance: Arc::new(config.build()?),
            config,
        })
    }
}
