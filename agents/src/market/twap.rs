//! Executing a large order evenly in time (time-weighted average price), as the trading agent of MarS (*MarS: a Financial Market
//! Simulation Engine Powered by Generative Foundation Model*, arXiv 2409.07486): a share of the order waits at the touch, and what it
//! is behind a straight line crosses the spread.
//!
//! In `mars_execution-v1` the schedule is the environment's own ([`Twap`](palaestra_envs::market::tasks::twap::Twap)) and the agent
//! holds its dials still; with the defaults it is L1-P0.9. Elsewhere it follows the line itself.

use palaestra_envs::market::{
    order::Size,
    tasks::{Controls, ExecutionProblem},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schedule::{NEEDED, Progress, Rule, Schedule, problem};
use crate::{AgentError, Registry};

const ID: &str = "twap";

/// Arguments of `twap`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TwapArgs {
    /// Share of the order that may wait at the touch, 0 to 1.
    pub passive_ratio: f64,
}

impl Default for TwapArgs {
    fn default() -> Self {
        Self { passive_ratio: 0.9 }
    }
}

struct Even {
    passive_ratio: f64,
}

impl Rule for Even {
    fn decide(&self, problem: &ExecutionProblem, progress: Progress) -> (Size, Size) {
        let waiting = (self.passive_ratio * problem.size as f64).round() as Size;
        let due = (progress.next * problem.size as f64).round() as Size;
        match problem.controls {
            // The schedule finds out by itself what it is behind.
            Controls::Dials | Controls::ContinuousDials => (1, waiting),
            Controls::Orders(_) | Controls::Quantities(_) => (due - progress.executed, waiting),
        }
    }
}

/// Registers `twap`.
pub(super) fn register(registry: &mut Registry) {
    let entry = registry.register(
        ID,
        "Executes an order evenly in time: a share of it waits at the touch, what is behind the line crosses the spread.",
        |context, args: TwapArgs| {
            if !(0.0..=1.0).contains(&args.passive_ratio) {
                let message = format!("must be from 0 to 1, not {}", args.passive_ratio);
                return Err(AgentError::argument("passive_ratio", message));
            }
            Ok(Box::new(Schedule {
                id: ID,
                problem: problem(ID, context)?,
                decisions: context.env.max_episode_steps,
                rule: Even {
                    passive_ratio: args.passive_ratio,
                },
            }))
        },
    );
    for name in NEEDED {
        entry.needs_info(name);
    }
}
