//! What can go wrong with an agent.

use palaestra_envs::EnvError;
use palaestra_world_models::CoreError;

/// An error of this crate; the text says what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// An agent for an environment it cannot play.
    #[error("agent `{agent}` cannot play `{env}`: {reason}")]
    Unsupported {
        /// Identifier of the agent.
        agent: String,
        /// Identifier of the environment.
        env: String,
        /// What the agent needs.
        reason: String,
    },
    /// An identifier that no agent has.
    #[error("there is no agent `{name}`{}", match .suggestion { Some(s) => format!("; did you mean `{s}`?"), None => String::new() })]
    Unknown {
        /// The name asked for.
        name: String,
        /// The nearest known name.
        suggestion: Option<String>,
    },
    /// Wrong arguments, or an error of the environment on the agent's behalf.
    #[error(transparent)]
    Env(#[from] EnvError),
    /// Saved state that this agent cannot take up.
    #[error("saved state does not fit agent `{agent}`: {reason}")]
    State {
        /// Identifier of the agent.
        agent: String,
        /// What does not fit.
        reason: String,
    },
    /// An agent cannot go on.
    #[error("agent `{agent}` failed: {reason}")]
    Failed {
        /// Identifier of the agent.
        agent: String,
        /// What happened.
        reason: String,
    },
    /// A gradient that is not finite.
    #[error(
        "agent `{agent}` stopped learning: in update {update}, epoch {epoch}, minibatch {minibatch} (all from 0) the gradient \
         of `{tensor}` is not finite. Parameters, optimiser and shuffling are again as they were before that update, and its \
         rollout is dropped. Look for rewards or observations that are not finite, or lower `lr`"
    )]
    Gradient {
        /// Identifier of the agent.
        agent: String,
        /// The update.
        update: u64,
        /// Which pass over its rollout.
        epoch: usize,
        /// Which part of that pass.
        minibatch: usize,
        /// Path of the parameter within the network.
        tensor: String,
    },
    /// An update after which what the network remembers would grow without bound.
    #[error(
        "agent `{agent}` stopped learning: after update {update} (from 0) mode {mode} of layer {layer} (from 0) of its core has modulus \
         {modulus}, outside the unit disc. Parameters, optimiser and shuffling are again as they were before that update, \
         and its rollout is dropped. Lower `lr`, or let the core keep its eigenvalues where they are stable (`clip_eigenvalues` \
         of `s5`, which `parity` turns off)"
    )]
    Unstable {
        /// Identifier of the agent.
        agent: String,
        /// The update.
        update: u64,
        /// The first layer that is unstable, from 0.
        layer: usize,
        /// Position among the modes of its discretised transition.
        mode: usize,
        /// Its modulus (NaN if it is no number).
        modulus: f32,
    },
    /// An observation that an agent's belief cannot explain.
    #[error(
        "agent `{agent}` has lost track of what is hidden in `{env}`, row {row}, step {step}: {reason}"
    )]
    BeliefLost {
        /// Identifier of the agent.
        agent: String,
        /// Identifier of the environment.
        env: String,
        /// The row.
        row: usize,
        /// Steps of the episode, this one included.
        step: u32,
        /// Why the belief cannot go on.
        reason: String,
    },
    /// An agent outside this process failed.
    #[error("agent process `{command}` {problem}{}", if .log.is_empty() { String::new() } else { format!("\nits last output on stderr:\n{log}") })]
    Process {
        /// The command.
        command: String,
        /// What happened.
        problem: String,
        /// Last lines it wrote to stderr.
        log: String,
    },
}

impl From<CoreError> for AgentError {
    /// Errors of a sequence core at work are those of the agent that has it.
    fn from(error: CoreError) -> Self {
        Self::Failed {
            agent: "ppo".into(),
            reason: error.to_string(),
        }
    }
}

impl AgentError {
    /// An argument called `path` with a wrong value; `message` says what is wrong and what is expected.
    pub fn argument(path: &str, message: impl Into<String>) -> Self {
        Self::Env(EnvError::argument(path, message))
    }

    /// An error of building the sequence core `core`, located at the agent's arguments `core` and `core_args`.
    pub(crate) fn of_core(core: &str, error: CoreError) -> Self {
        match error {
            CoreError::UnknownCore { .. } => Self::argument("core", error.to_string()),
            CoreError::Argument { name, reason, .. } => Self::argument(
                &format!("core_args.{name}"),
                format!("of the core `{core}`: {reason}"),
            ),
            CoreError::Arguments(EnvError::Argument {
                path,
                message,
                suggestion,
            }) => Self::Env(EnvError::Argument {
                path: match path.as_str() {
                    "" => "core_args".into(),
                    path => format!("core_args.{path}"),
                },
                message: format!("of the core `{core}`: {message}"),
                suggestion,
            }),
            CoreError::Unstable {
                layer,
                index,
                modulus,
            } => Self::argument(
                "core_args",
                format!(
                    "make a core `{core}` whose memory grows without bound before it has learned anything: mode {index} of \
                     layer {} (from 0) has modulus {modulus}, outside the unit disc; give smaller steps",
                    layer.unwrap_or(0)
                ),
            ),
            other => other.into(),
        }
    }
}
