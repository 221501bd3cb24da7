//! A limit to the length of episodes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Wrapper, layer::check_count};
use crate::{error::EnvError, sim::Builder};

/// Truncates episodes after a number of environment steps. An environment's own limit stays in force if it is
/// lower. Steps are those of the environment, also where an action is repeated for several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeLimit {
    /// The step, counted from 1, that is truncated unless it terminates; at least 1.
    pub max_episode_steps: u32,
}

impl Wrapper for TimeLimit {
    const NAME: &'static str = "time_limit";
    const SUMMARY: &'static str = "Truncate episodes after a number of environment steps.";
    const KEEPS_PROBLEM: bool = true;

    fn check(&self) -> Result<(), EnvError> {
        check_count("max_episode_steps", self.max_episode_steps)
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        let limit = &mut builder.spec_mut().max_episode_steps;
        *limit = Some(limit.map_or(self.max_episode_steps, |l| l.min(self.max_episode_steps)));
        Ok(())
    }
}
