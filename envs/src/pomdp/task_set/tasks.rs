//! Which tasks there are, and which of them are played.

use std::{collections::BTreeMap, sync::Arc};

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::TaskSetArgs;
use crate::{
    error::EnvError,
    sim::{Builder, Enclosed, EnvSpec, Plugin, Turns},
    stream::Stream,
    wrappers::{NormalizeObservation, WrapperConfig, leaves::real_leaves},
};

/// Most tasks of a set.
const MOST_TASKS: usize = 1000;

/// Which tasks of a set are played.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskGroup {
    /// Those that are not held out.
    #[default]
    Train,
    /// Those that are held out.
    HeldOut,
    /// All.
    All,
}

/// One task, or several that differ in some arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskConfig {
    /// Identifier of the environment, which must have one player.
    pub env: String,
    /// Its arguments; the defaults if null.
    #[serde(default)]
    pub args: Value,
    /// Wrappers, innermost first.
    #[serde(default)]
    pub wrappers: Vec<WrapperConfig>,
    /// Values of further arguments: each combination of them is a task.
    #[serde(default)]
    pub vary: BTreeMap<String, Vec<Value>>,
    /// Whether the task is held out.
    #[serde(default)]
    pub held_out: bool,
}

impl TaskConfig {
    /// An environment with its default arguments.
    pub fn of(env: &str) -> Self {
        Self {
            env: env.into(),
            args: Value::Null,
            wrappers: Vec::new(),
            vary: BTreeMap::new(),
            held_out: false,
        }
    }

    /// The arguments of each task, with what its name says of them.
    fn combinations(&self, path: &str) -> Result<Vec<(String, Value)>, EnvError> {
        let base = match &self.args {
            Value::Null => json!({}),
            Value::Object(_) => self.args.clone(),
            other => {
                let message = format!("expected a table of arguments, found {other}");
                return Err(EnvError::argument(&format!("{path}.args"), message));
            }
        };
        if self.vary.is_empty() {
            return Ok(vec![(String::new(), self.args.clone())]);
        }
        let mut all = vec![(String::new(), base)];
        for (key, values) in &self.vary {
            let path = format!("{path}.vary.{key}");
            if values.is_empty() {
                return Err(EnvError::argument(&path, "has no values"));
            }
            if all.len() * values.len() > MOST_TASKS {
                let message = format!("a set has at most {MOST_TASKS} tasks");
                return Err(EnvError::argument(&path, message));
            }
            let with = |(name, args): &(String, Value), value: &Value| {
                let mut args = args.clone();
                args[key] = value.clone();
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                (format!("{name} {key}={value}"), args)
            };
            all = all
                .iter()
                .flat_map(|task| values.iter().map(move |value| with(task, value)))
                .collect();
        }
        Ok(all)
    }
}

/// A task that can be built.
pub(super) struct Task {
    /// The environment's identifier and the arguments that vary, as in `repeat_previous-v0 decks=2 k=8`.
    pub(super) name: String,
    held_out: bool,
    /// Environment and wrappers.
    pub(super) plugins: Vec<Box<dyn Plugin>>,
    pub(super) spec: Arc<EnvSpec>,
}

/// The tasks of the group that is played.
pub(super) fn choose(
    args: &TaskSetArgs,
    build: impl Fn(&str, &Value) -> Result<Box<dyn Plugin>, EnvError>,
) -> Result<Vec<Task>, EnvError> {
    let mut all = Vec::new();
    for (i, config) in args.tasks.iter().enumerate() {
        let path = format!("tasks.{i}");
        for (suffix, arguments) in config.combinations(&path)? {
            let plugin = build(&config.env, &arguments).map_err(|e| at(&path, e))?;
            let mut plugins = vec![plugin];
            for wrapper in &config.wrappers {
                plugins.push(wrapper.plugin().map_err(|e| at(&path, e))?);
            }
            all.push(Task {
                name: format!("{}{suffix}", config.env),
                held_out: config.held_out,
                spec: spec_of(&plugins, &path)?,
                plugins,
            });
        }
    }
    if !(1..=MOST_TASKS).contains(&all.len()) {
        let message = format!("a set has 1 to {MOST_TASKS} tasks, found {}", all.len());
        return Err(EnvError::argument("tasks", message));
    }
    let held_out = held_out(args, &all)?;
    let mut chosen: Vec<Task> = all
        .into_iter()
        .zip(held_out)
        .filter(|(_, held_out)| match args.set {
            TaskGroup::Train => !held_out,
            TaskGroup::HeldOut => *held_out,
            TaskGroup::All => true,
        })
        .map(|(task, _)| task)
        .collect();
    if chosen.is_empty() {
        let message = match args.set {
            TaskGroup::HeldOut => "no task is held out",
            _ => "all tasks are held out",
        };
        return Err(EnvError::argument("set", message));
    }
    if args.normalize {
        for task in &mut chosen {
            let observation = &task.spec.players[0].observation;
            if !real_leaves(observation).is_empty() {
                let clip = Some(10.0);
                task.plugins.push(Box::new(NormalizeObservation {
                    clip,
                    ..NormalizeObservation::default()
                }));
                task.spec = spec_of(&task.plugins, "tasks")?;
            }
        }
    }
    Ok(chosen)
}

/// What environment and wrappers are together; they must have one player that acts in every step.
fn spec_of(plugins: &[Box<dyn Plugin>], path: &str) -> Result<Arc<EnvSpec>, EnvError> {
    let built = Enclosed::of(plugins, &Builder::new(1, &[])).map_err(|e| at(path, e))?;
    let spec = built.spec().clone();
    if spec.players.len() != 1 || spec.turns != Turns::EveryStep {
        let message = format!("`{}` has several players; a task has one", spec.id);
        return Err(EnvError::argument(path, message));
    }
    Ok(spec)
}

/// The same error, at its place within the arguments.
fn at(path: &str, error: EnvError) -> EnvError {
    match error {
        EnvError::Argument {
            path: inner,
            message,
            suggestion,
        } => EnvError::Argument {
            path: format!("{path}.args.{inner}")
                .trim_end_matches('.')
                .to_owned(),
            message,
            suggestion,
        },
        EnvError::Unknown { ref suggestion, .. } => EnvError::Argument {
            path: format!("{path}.env"),
            message: error.to_string(),
            suggestion: suggestion.clone(),
        },
        other => EnvError::argument(path, other.to_string()),
    }
}

/// Whether each task is held out.
fn held_out(args: &TaskSetArgs, tasks: &[Task]) -> Result<Vec<bool>, EnvError> {
    let share = args.held_out_share;
    if !(0.0..1.0).contains(&share) {
        let message = format!("must be at least 0 and less than 1, found {share}");
        return Err(EnvError::argument("held_out_share", message));
    }
    if share == 0.0 {
        return Ok(tasks.iter().map(|task| task.held_out).collect());
    }
    if tasks.iter().any(|task| task.held_out) {
        let message = "tasks are marked `held_out` already; give either marks or a share";
        return Err(EnvError::argument("held_out_share", message));
    }
    // The first of a random order (Fisher and Yates).
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    let mut rng = Stream::new(args.split_seed, 0, "task_set.split");
    let count = (share * tasks.len() as f64).round() as usize;
    let mut chosen = vec![false; tasks.len()];
    for i in 0..count {
        let other = rng.random_range(i..order.len());
        order.swap(i, other);
        chosen[order[i]] = true;
    }
    Ok(chosen)
}
