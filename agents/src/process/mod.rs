//! Agents that are programs of their own, in any language.
//!
//! The program is started as a child process and speaks line-delimited JSON over its stdin and stdout: it is told
//! the spaces (`hello`), asked for actions for all rows at once (`act`), shown what came of them (`observe`), and
//! may save and restore its state (`save`, `load`). `docs/process-agents.md` describes the protocol for authors,
//! `experiments/examples/agents` holds programs to copy. A program that fails in any way, from a misspelt command
//! to an answer that never comes, ends as an [`AgentError::Process`](crate::AgentError::Process) that says what to
//! do, with the last lines of its log. Time enters nowhere else than in the time-outs.

mod agent;
mod child;
mod choice;
mod log;
mod message;
mod session;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use palaestra_envs::EnvError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::session::Timeout;
use crate::Registry;

pub use self::{agent::ProcessAgent, message::PROTOCOL};

/// Identifier in the registry.
const ID: &str = "process";
/// Longest time-out, in seconds: some thirty years, which the clocks of all systems can add.
const LONGEST_TIMEOUT_S: f64 = 1e9;

/// Arguments of a process agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessArgs {
    /// The program and its arguments, e.g. `["python3", "my_agent.py"]`. It is started in the current folder.
    pub command: Vec<String>,
    /// Seconds the program has to answer `hello`.
    pub handshake_timeout_s: f64,
    /// Seconds the program has to answer each later message, and to exit at the end.
    pub step_timeout_s: f64,
    /// Environment variables added to those it inherits.
    pub env: BTreeMap<String, String>,
    /// Anything the program wants to know; it is passed on in `hello`.
    pub options: Value,
}

impl Default for ProcessArgs {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            handshake_timeout_s: 10.0,
            step_timeout_s: 60.0,
            env: BTreeMap::new(),
            options: Value::Null,
        }
    }
}

/// Checks the arguments.
fn check(args: &ProcessArgs) -> Result<(), EnvError> {
    if args.command.first().is_none_or(String::is_empty) {
        let message = "a program is needed, e.g. command = [\"python3\", \"my_agent.py\"]";
        return Err(EnvError::argument("command", message));
    }
    for timeout in [Timeout::handshake(args), Timeout::step(args)] {
        if !(timeout.seconds > 0.0 && timeout.seconds <= LONGEST_TIMEOUT_S) {
            let message = format!(
                "{} is not a number of seconds above 0 and up to {LONGEST_TIMEOUT_S}",
                timeout.seconds
            );
            return Err(EnvError::argument(timeout.argument, message));
        }
    }
    Ok(())
}

/// Registers the agent.
pub fn register(registry: &mut Registry) {
    registry.register(
        ID,
        "A program of your own in any language, spoken to over its stdin and stdout.",
        |context, args: ProcessArgs| Ok(Box::new(ProcessAgent::new(context, args)?)),
    );
}
