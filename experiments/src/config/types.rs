//! The keys of an experiment file.

use std::{fmt, path::PathBuf};

use palaestra_envs::wrappers::WrapperConfig;
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::{Map, Value};

/// An experiment: environment, agents, length, what is logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Version of this file format; 1.
    pub schema: u32,
    /// What is run.
    pub experiment: ExperimentConfig,
    /// The environment.
    pub env: EnvConfig,
    /// The agents: compared side by side (each gets the environment to itself), or, if they name players,
    /// seated together in one game; in a tournament each plays every player against all.
    pub agents: Vec<AgentConfig>,
    /// Plays every agent against every agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tournament: Option<TournamentConfig>,
    /// How training proceeds.
    #[serde(default)]
    pub train: TrainConfig,
    /// Evaluation episodes, apart from training.
    #[serde(default)]
    pub eval: EvalConfig,
    /// What is logged.
    #[serde(default)]
    pub log: LogConfig,
    /// Variants of the experiment, each run with all seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
}

/// `[experiment]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExperimentConfig {
    /// Name of the run folder.
    pub name: String,
    /// A sentence for the report.
    #[serde(default)]
    pub description: String,
    /// One independent run per seed; no duplicates.
    pub seeds: Vec<u64>,
    /// Environment steps of each run, summed over its rows.
    pub total_env_steps: u64,
    /// Device for learned models. Only `cpu` in this version.
    #[serde(default = "cpu")]
    pub device: String,
}

fn cpu() -> String {
    "cpu".into()
}

/// `[env]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvConfig {
    /// Identifier; `palaestra list envs` shows them.
    pub id: String,
    /// Instances stepped together.
    #[serde(default = "one")]
    pub num_envs: usize,
    /// Threads that share the rows; results do not depend on it.
    #[serde(default = "one")]
    pub shards: usize,
    /// Arguments of the environment.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// Wrappers around it, the innermost first; `palaestra list wrappers` shows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrappers: Vec<WrapperConfig>,
}

fn one() -> usize {
    1
}

/// `[[agents]]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    /// Identifier; `palaestra list agents` shows them. May be left out if `from` is given.
    #[serde(default)]
    pub id: String,
    /// Folder of a trial of an earlier run (`runs/NAME/trials/TRIAL`): the agent plays as it was trained there, with its
    /// arguments, and learns no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// Name in tables and plots; the identifier unless given. Must be unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Names of the players it plays. If any agent names players, all must, and every player is taken once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub players: Option<Vec<String>>,
    /// Arguments of the agent.
    #[serde(default)]
    pub args: Map<String, Value>,
}

impl AgentConfig {
    /// Name in tables and plots.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

/// `[tournament]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TournamentConfig {
    /// The players of the environment; each is played by every agent, in all combinations.
    pub players: Vec<String>,
}

/// `[train]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Seconds between two checkpoints. Results do not depend on it.
    pub checkpoint_every_s: f64,
    /// Checkpoints kept besides the last.
    pub keep_checkpoints: usize,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            checkpoint_every_s: 30.0,
            keep_checkpoints: 1,
        }
    }
}

/// `[eval]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvalConfig {
    /// Episodes played after training, on seeds that training never sees. 0: none.
    pub episodes: usize,
    /// Also evaluate each time this many environment steps have been made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_env_steps: Option<u64>,
}

/// Which training episodes go to the episode log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EpisodeChoice {
    /// All of them in runs of at most two million environment steps, else those of the first 8 rows whose
    /// number within the row is a square: 0, 1, 4, 9, …
    #[default]
    Auto,
    /// All of them.
    All,
    /// None.
    None,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Which training episodes to log.
    pub episodes: EpisodeChoice,
    /// Log the episodes of the first so many rows only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// Log every n-th episode of a row only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Environment steps between two points of the training curves; 1/200 of the run unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_every_env_steps: Option<u64>,
    /// Write TensorBoard event files.
    pub tensorboard: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            episodes: EpisodeChoice::Auto,
            rows: None,
            every: None,
            metrics_every_env_steps: None,
            tensorboard: true,
        }
    }
}

/// One grid, or several of which every point is run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Sweep {
    /// `[sweep]`
    One(SweepConfig),
    /// `[[sweep]]`
    Several(Vec<SweepConfig>),
}

impl Sweep {
    /// The grids, each with the path of its keys in the file.
    pub fn grids(&self) -> impl Iterator<Item = (String, &SweepConfig)> {
        let (one, several) = match self {
            Self::One(one) => (Some(one), &[][..]),
            Self::Several(several) => (None, &several[..]),
        };
        let one = one.into_iter().map(|grid| ("sweep".to_owned(), grid));
        let several = several.iter().enumerate();
        one.chain(several.map(|(index, grid)| (format!("sweep.{index}"), grid)))
    }
}

impl<'de> Deserialize<'de> for Sweep {
    /// By what stands there, so that what is wrong in a grid is told as such.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Sweep;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of lists, or a list of such tables")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Sweep, A::Error> {
                SweepConfig::deserialize(MapAccessDeserializer::new(map)).map(Sweep::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Sweep, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Sweep::Several)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// A grid over configuration keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SweepConfig {
    /// How points are chosen; only `grid`.
    #[serde(default)]
    pub method: SweepMethod,
    /// Lists of values by dotted key, e.g. `"agents.0.args.epsilon" = [0.05, 0.1]`.
    #[serde(flatten)]
    pub values: Map<String, Value>,
}

/// How the points of a sweep are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SweepMethod {
    /// Every combination of the listed values.
    #[default]
    Grid,
}
