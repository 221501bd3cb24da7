//! What a report shows of markets: the order book of an episode.

use serde::Serialize;

use crate::market::realism::MarketPath;

/// The market of one logged episode, simulated again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MarketEpisode {
    /// Who played: the agent, or the line-up.
    pub agent: String,
    /// The trial.
    pub trial: String,
    /// The episode.
    pub episode: String,
    /// Return of each player.
    pub returns: Vec<f64>,
    /// Decisions between two moments: 1 unless the episode is very long.
    pub every: usize,
    /// What the moments count.
    pub times: &'static str,
    /// What it looked like, from its first observation on.
    pub path: MarketPath,
    /// The pictures: price, spread, volume, depth.
    pub plots: Vec<String>,
}
