//! Experiment files: their keys ([`Config`]), their text with places ([`Document`]), and what can be wrong.

mod check;
mod document;
mod hash;
#[cfg(test)]
mod tests;
mod types;

pub use document::{ConfigError, Document, Problem};
pub use hash::config_hash;
pub use types::{
    AgentConfig, Config, EnvConfig, EpisodeChoice, EvalConfig, ExperimentConfig, LogConfig, Sweep,
    SweepConfig, SweepMethod, TournamentConfig, TrainConfig,
};
