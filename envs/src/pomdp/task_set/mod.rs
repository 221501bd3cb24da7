//! A set of tasks behind one border: each episode plays one of them, drawn at random, for several trials.
//!
//! An agent that is to learn within its episodes needs tasks that differ in what they show and do, and other ones, held
//! out, to be judged by. There are two forms of the common border:
//!
//! * `projected`: the task's observation o is seen as M o, and the action a is taken as W a, with random matrices M and W
//!   that stay for all trials of an episode. Real actions are clipped to -1..=1 and rescaled to the task's bounds; of
//!   discrete ones the largest element of W a chooses.
//! * `padded`: observations are filled up with zeros to the width of the widest. Actions are those of the tasks if all
//!   have the same; for discrete ones of different number the largest number with a mask; vectors within -1..=1 otherwise,
//!   of which a task takes the first elements.
//!
//! | | |
//! |---|---|
//! | observation | `float32` Box: the task's part; with `context` also the last action as the agent gave it (one-hot for discrete ones), the last reward, whether a trial has just ended, whether the episode has just begun |
//! | action | Box -1..=1 of `action_dimensions` (`projected`) |
//! | reward | the task's |
//! | end | termination after `trials` trials; a trial ends where the task's episode would, by termination or by its limit |
//!
//! Info: `privileged.task` (its number within the set that is played), `privileged.trial`, and `trial_return`, of which
//! element j is the return of trial j when it ends: summed over an episode it is the adaptation curve.
//!
//! A task is an environment of this crate with arguments and wrappers. With `vary` one entry stands for a task for each
//! combination of the listed values, so that difficulties are drawn at random:
//!
//! ```
//! use palaestra_envs::{registry, sim::Simulator};
//! use serde_json::json;
//!
//! let args = json!({
//!     "border": "padded", "trials": 1, "held_out_share": 0.25, "split_seed": 3,
//!     "tasks": [{ "env": "repeat_previous-v0", "vary": { "k": [2, 4, 8, 16], "decks": [1, 2] } }],
//! });
//! let mut simulator = Simulator::builder(registry().build("task_set-v1", &args)?).rows(64).build()?;
//! simulator.reset()?;
//! # Ok::<(), palaestra_envs::EnvError>(())
//! ```
//!
//! *Lu et al., Structured State Space Models for In-Context Reinforcement Learning, `NeurIPS` 2023, arXiv 2303.03982, say
//! that each episode draws an environment of continuous control and random linear projections of its observations and
//! actions, and that some environments are held out. Which environments, which widths and which distribution are not in
//! what we could read: the defaults, several trials, `padded` and `vary` are Palaestra's own construction.*

mod border;
mod nest;
mod tasks;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use tasks::{TaskConfig, TaskGroup};

use self::{border::Common, nest::TaskNest, tasks::Task};
use super::args::{hidden, within};
use crate::{
    error::EnvError,
    sim::{Builder, Enclosed, EnvSpec, Plugin, StepSet},
    wrappers::{
        MapDistribution, TrialStart,
        trials::{MOST_TRIALS, TrialRows, trial_info},
    },
};

/// Identifier.
pub(super) const ID: &str = "task_set-v1";
/// In one sentence.
pub(super) const SUMMARY: &str = "Play tasks drawn from a set, one in each episode for several trials, seen through random projections.";

/// What tasks of different spaces have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskBorder {
    /// Random linear maps of observations and actions, new in each episode.
    #[default]
    Projected,
    /// Zeros after the elements that the task has.
    Padded,
}

/// Arguments of [`TaskSet`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskSetArgs {
    /// The tasks, at most 1,000 of them.
    pub tasks: Vec<TaskConfig>,
    /// Which of them are played.
    pub set: TaskGroup,
    /// Instead of entries marked `held_out`: the share of all tasks that is held out, 0 to below 1, drawn by
    /// `split_seed`.
    pub held_out_share: f64,
    /// Seed of that draw, and of `maps`.
    pub split_seed: u64,
    /// Trials of an episode, 1 to 10,000.
    pub trials: u32,
    /// How later trials of an episode begin.
    pub start: TrialStart,
    /// The common form of observations and actions.
    pub border: TaskBorder,
    /// Width of projected observations, 1 to 65,536.
    pub observation_dimensions: usize,
    /// Width of projected actions, 1 to 65,536.
    pub action_dimensions: usize,
    /// Distribution of the maps.
    pub distribution: MapDistribution,
    /// Number of different pairs of maps for each task, drawn by `split_seed`, those of held-out tasks apart; new maps
    /// in each episode if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maps: Option<u32>,
    /// Whether observations are first brought to mean 0 and variance 1 by running statistics of each row and task, and
    /// clipped to -10..=10.
    pub normalize: bool,
    /// Whether last action, last reward and the two flags are appended to the observation.
    pub context: bool,
}

impl Default for TaskSetArgs {
    fn default() -> Self {
        Self {
            tasks: vec![
                TaskConfig::of("pendulum-v1"),
                TaskConfig::of("cartpole_continuous-v1"),
                TaskConfig {
                    held_out: true,
                    ..TaskConfig::of("mountain_car_continuous-v0")
                },
            ],
            set: TaskGroup::Train,
            held_out_share: 0.0,
            split_seed: 0,
            trials: 8,
            start: TrialStart::Same,
            border: TaskBorder::Projected,
            observation_dimensions: 32,
            action_dimensions: 8,
            distribution: MapDistribution::Normal,
            maps: None,
            normalize: true,
            context: true,
        }
    }
}

/// A set of tasks.
pub struct TaskSet {
    args: TaskSetArgs,
    /// Those of the group that is played.
    tasks: Vec<Task>,
}

impl std::fmt::Debug for TaskSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskSet")
            .field("tasks", &self.names().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl TaskSet {
    /// The tasks that `args` choose, their environments built by `build` from identifier and arguments: that of a
    /// [`Registry`](crate::registry::Registry), which may hold environments of your own.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible set, task or setting.
    pub fn new(
        args: &TaskSetArgs,
        build: impl Fn(&str, &Value) -> Result<Box<dyn Plugin>, EnvError>,
    ) -> Result<Self, EnvError> {
        within("trials", args.trials, 1..=MOST_TRIALS)?;
        let widths = 1..=1 << 16;
        within(
            "observation_dimensions",
            args.observation_dimensions,
            widths.clone(),
        )?;
        within("action_dimensions", args.action_dimensions, widths)?;
        if let Some(maps) = args.maps {
            within("maps", maps, 1..=u32::MAX)?;
        }
        let set = Self {
            tasks: tasks::choose(args, build)?,
            args: args.clone(),
        };
        Common::of(&set.args, &set.tasks)?;
        Ok(set)
    }

    /// Names of the tasks that are played, by their number.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tasks.iter().map(|task| task.name.as_str())
    }

    fn spec(&self, common: &Common) -> EnvSpec {
        let specs = || self.tasks.iter().map(|task| &task.spec);
        let limits: Option<Vec<u32>> = specs().map(|s| s.max_episode_steps).collect();
        let longest = limits.and_then(|all| all.into_iter().max());
        let hull = |(low, high): (f64, f64), s: &std::sync::Arc<EnvSpec>| {
            (low.min(s.reward_range.0), high.max(s.reward_range.1))
        };
        let reward_range = specs().fold((f64::INFINITY, f64::NEG_INFINITY), hull);
        let mut spec = EnvSpec {
            max_episode_steps: longest.and_then(|steps| steps.checked_mul(self.args.trials)),
            reward_range,
            stochastic: self.tasks.len() > 1
                || self.args.border == TaskBorder::Projected
                || specs().any(|s| s.stochastic),
            ..EnvSpec::single(
                ID,
                SUMMARY,
                common.observation(self.args.context.then_some(reward_range)),
                common.action().clone(),
            )
        };
        spec.players[0].action_mask = common.masks();
        spec
    }
}

impl Plugin for TaskSet {
    fn build(&self, builder: &mut Builder) -> Result<(), EnvError> {
        let common = Common::of(&self.args, &self.tasks)?;
        builder.environment(self.spec(&common));
        let last = self.tasks.len() as f64 - 1.0;
        let field = hidden("task", 1, 0.0, last, "Number of the task within the set.");
        let tell_task = builder.offer_info(field);
        let mut trials = TrialRows::new(self.args.trials, self.args.start, builder.rows());
        let [trial, trial_return] = trial_info(self.args.trials, 1);
        trials.tell_trial = builder.offer_info(trial);
        trials.tell_return = builder.offer_info(trial_return);
        builder.keep_streams_apart();
        let stream = builder.stream("env.dynamics");
        let inner = self.tasks.iter();
        let inner = inner.map(|task| Enclosed::of(&task.plugins, builder));
        let inner = inner.collect::<Result<Vec<_>, _>>()?;
        let names = self.names().map(str::to_owned).collect();
        let tasks = (inner, names);
        let mut nest = TaskNest::new(&self.args, tasks, common, trials, stream, builder.rows());
        nest.tell_task = tell_task;
        builder.add_system(StepSet::Reset, nest::reset);
        builder.add_system(StepSet::Simulate, nest::simulate);
        builder.add_system(StepSet::Observe, nest::observe);
        builder.set_renderer(|world, row| world.get_resource::<TaskNest>()?.render(row));
        builder.insert_enclosing_resource(nest);
        Ok(())
    }
}
