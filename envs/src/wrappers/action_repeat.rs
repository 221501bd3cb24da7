//! One action for several environment steps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TimeLimit, Wrapper, layer::check_count};
use crate::{
    error::EnvError,
    sim::{Builder, Turns},
};

/// Makes several environment steps with each action and adds up their rewards; stops early where the episode ends.
/// The agent sees the observation after the last of them.
///
/// It repeats the environment's own step, so it must come before all wrappers but a time limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionRepeat {
    /// Environment steps for each action, at least 1.
    pub times: u32,
}

impl Wrapper for ActionRepeat {
    const NAME: &'static str = "action_repeat";
    const SUMMARY: &'static str =
        "Make several environment steps with each action and add up their rewards.";

    fn check(&self) -> Result<(), EnvError> {
        check_count("times", self.times)
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        let spec = builder.spec();
        let refuse = |reason: String| EnvError::Incompatible {
            wrapper: Self::NAME,
            env: spec.id.clone(),
            reason,
        };
        if spec.turns == Turns::Changing {
            return Err(refuse(
                "its players take turns, so after one step the action is another's".into(),
            ));
        }
        let inner = spec
            .wrappers
            .iter()
            .find(|w| !w.starts_with(TimeLimit::NAME));
        if let Some(inner) = inner {
            return Err(refuse(format!(
                "it repeats the environment's own step, so it must come before `{inner}`"
            )));
        }
        builder.set_action_repeat(self.times);
        let (low, high) = builder.spec().reward_range;
        let times = f64::from(self.times);
        // An episode may end after the first of the steps.
        builder.spec_mut().reward_range = (low.min(low * times), high.max(high * times));
        Ok(())
    }
}
