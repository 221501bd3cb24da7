//! What is known about an episode without its steps.

use palaestra_envs::sim::Lane;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::EpisodeId;

/// How an episode ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// In a terminal state.
    Terminated,
    /// Cut by the environment, as by a time limit.
    Truncated,
    /// Not at all: the run was over.
    Cut,
}

impl Ending {
    /// Whether it is [`Terminated`](Self::Terminated).
    pub fn terminated(self) -> bool {
        self == Self::Terminated
    }

    /// Whether it is [`Truncated`](Self::Truncated).
    pub fn truncated(self) -> bool {
        self == Self::Truncated
    }

    /// Whether the episode went on to its own end.
    pub fn complete(self) -> bool {
        self != Self::Cut
    }
}

/// Where an episode came from, how it ended, and where it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EpisodeInfo {
    /// Its name within the trial.
    pub id: EpisodeId,
    /// Row of the batch in which it was played.
    pub row: usize,
    /// Where its randomness came from.
    pub lane: Lane,
    /// Options given at the reset, or null.
    pub options: Value,
    /// State that the row carried over from earlier episodes, for
    /// [`load_carried`](palaestra_envs::sim::Simulator::load_carried); mostly empty.
    #[serde(skip)]
    pub carried: Vec<u8>,
    /// Number of steps.
    pub length: usize,
    /// Sum of the logged rewards of each player, in order.
    pub returns: Vec<f64>,
    /// How it ended.
    pub ending: Ending,
    /// The files that hold it; more than one for an episode longer than a segment.
    pub parts: Vec<Part>,
}

/// A part of an episode in a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Name of the segment.
    pub file: String,
    /// Its first row in there.
    pub first_row: u64,
}
