//! Executing a large order as a percentage of the volume: as much as makes the own trades a fixed share of all.

use palaestra_envs::market::{
    order::Size,
    tasks::{Controls, ExecutionProblem},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schedule::{NEEDED, Progress, Rule, Schedule, problem};
use crate::{AgentError, Registry};

const ID: &str = "pov";

/// Arguments of `pov`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PovArgs {
    /// Share of all that trades, above 0 and below 1.
    pub share: f64,
}

impl Default for PovArgs {
    fn default() -> Self {
        Self { share: 0.1 }
    }
}

struct Participation {
    /// Own shares for each share that others trade.
    rate: f64,
}

impl Rule for Participation {
    fn decide(&self, _: &ExecutionProblem, progress: Progress) -> (Size, Size) {
        let due = (self.rate * progress.volume as f64).round() as Size;
        ((due - progress.executed).min(progress.left), 0)
    }
}

/// Registers `pov`.
pub(super) fn register(registry: &mut Registry) {
    let entry = registry.register(
        ID,
        "Executes an order as a fixed share of all that trades.",
        |context, args: PovArgs| {
            if !(args.share > 0.0 && args.share < 1.0) {
                let message = format!("must be above 0 and below 1, not {}", args.share);
                return Err(AgentError::argument("share", message));
            }
            let problem = problem(ID, context)?;
            if matches!(
                problem.controls,
                Controls::Dials | Controls::ContinuousDials
            ) {
                return Err(AgentError::Unsupported {
                    agent: ID.into(),
                    env: context.env.id.clone(),
                    reason: "how much is sent there is up to the environment's own schedule".into(),
                });
            }
            Ok(Box::new(Schedule {
                id: ID,
                problem,
                decisions: context.env.max_episode_steps,
                rule: Participation {
                    rate: args.share / (1.0 - args.share),
                },
            }))
        },
    );
    for name in NEEDED {
        entry.needs_info(name);
    }
}
