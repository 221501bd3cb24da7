//! The meta-game of a tournament, as data.

use serde::Serialize;

use crate::stats::Summary;

/// What came out of a tournament: every agent against every agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetaGameReport {
    /// The players.
    pub players: Vec<String>,
    /// The agents, in the order of the configuration.
    pub agents: Vec<String>,
    /// Name of the picture.
    pub plot: String,
    /// All pairings, the last player's agent changing fastest.
    pub cells: Vec<MetaCell>,
    /// Pairings in which no player would score more with another agent, by the means.
    pub pure_equilibria: Vec<Vec<String>>,
    /// α-Rank's mass of each pairing, `α = 100` and populations of 50, with scores divided by the largest; empty if there
    /// is none.
    pub alpha_rank: Vec<f64>,
    /// The agents; empty unless all pairings have scores.
    pub ratings: Vec<MetaRating>,
}

/// A pairing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetaCell {
    /// The agent of each player.
    pub agents: Vec<String>,
    /// The score of each player over seeds and points of the sweep; absent without any.
    pub scores: Vec<Option<Summary>>,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetaRating {
    /// Its name.
    pub agent: String,
    /// Its mean score as each player, over all opponents.
    pub means: Vec<f64>,
    /// The mean of these.
    pub mean: f64,
    /// Its α-Rank mass as each player.
    pub alpha_mass: Option<Vec<f64>>,
    /// Its probability in the equilibrium of Nash averaging; of two players only.
    pub nash_weight: Option<f64>,
    /// Its lead over that equilibrium.
    pub nash_rating: Option<f64>,
}
