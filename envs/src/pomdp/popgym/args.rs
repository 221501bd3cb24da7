//! What the arguments of the suite have in common.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use crate::pomdp::args::{hidden, within};
use crate::sim::InfoField;

/// `POPGym`'s three settings of each environment. What they set is in each environment's arguments, where it can also be
/// set by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Difficulty {
    /// The least to remember, or the shortest episode.
    #[default]
    Easy,
    /// In between.
    Medium,
    /// The most.
    Hard,
}

impl Difficulty {
    /// The setting for this difficulty.
    pub(super) fn pick<T>(self, [easy, medium, hard]: [T; 3]) -> T {
        match self {
            Self::Easy => easy,
            Self::Medium => medium,
            Self::Hard => hard,
        }
    }
}

/// The answer that pays, of `choices` many; −1 where there is none.
pub(super) fn answer(choices: usize) -> InfoField {
    let summary = "The action that pays in the next step; -1 if none does.";
    hidden("answer", 1, -1.0, choices as f64 - 1.0, summary)
}
