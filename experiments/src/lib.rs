//! Palaestra's experiments: configuration, runs, episode log, replay, reports, and the `palaestra` program.

pub mod cli;
pub mod config;
pub mod episodes;
pub mod export;
pub mod files;
pub mod language;
pub mod market;
pub mod play;
pub mod plot;
pub mod probe;
pub mod replay;
pub mod report;
pub mod run;
pub mod solve;
pub mod stats;
pub mod tensorboard;

/// The environments and agents that configurations can name.
#[derive(Debug)]
pub struct Registries {
    /// Environments by identifier.
    pub envs: palaestra_envs::registry::Registry,
    /// Agents by identifier.
    pub agents: palaestra_agents::Registry,
}

impl Default for Registries {
    /// Everything that ships with Palaestra.
    fn default() -> Self {
        Self {
            envs: palaestra_envs::registry(),
            agents: palaestra_agents::registry(),
        }
    }
}
