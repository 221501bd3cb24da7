//! Experiment files.

mod types;

pub use types::{
    AgentConfig, Config, EnvConfig, EpisodeChoice, EvalConfig, ExperimentConfig, LogConfig,
    SweepConfig, SweepMethod, TrainConfig,
};
