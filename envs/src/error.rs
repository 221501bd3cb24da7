//! What can go wrong between a user and an environment.

use crate::space::SpaceViolation;

/// An error of this crate; the text says what is wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvError {
    /// An action outside its space, NaN included.
    #[error("row {row}, player `{player}`: action {violation}")]
    InvalidAction {
        /// Row of the batch.
        row: usize,
        /// Name of the player.
        player: String,
        /// What is wrong with it.
        violation: SpaceViolation,
    },
    /// An action that the mask forbids in this state.
    #[error(
        "row {row}, player `{player}`: action {action} is masked out; choose one whose mask is 1"
    )]
    MaskedAction {
        /// Row of the batch.
        row: usize,
        /// Name of the player.
        player: String,
        /// The action (for bits: the index of the forbidden bit).
        action: i64,
    },
    /// A step of a row whose episode has ended, without a reset.
    #[error(
        "row {row} was stepped after its episode ended; reset it first, or choose an autoreset mode"
    )]
    StepAfterEnd {
        /// Row of the batch.
        row: usize,
    },
    /// A step before the first reset.
    #[error("the simulator was stepped before its first reset")]
    StepBeforeReset,
    /// A row index beyond the batch.
    #[error("row {row} does not exist: the batch has {rows} rows")]
    NoSuchRow {
        /// The row asked for.
        row: usize,
        /// Rows of the batch.
        rows: usize,
    },
    /// A batch or shard layout that cannot be.
    #[error("{0}")]
    Layout(String),
    /// An argument of an environment or wrapper with a wrong name, type or value.
    #[error("{}{message}", if .path.is_empty() { String::new() } else { format!("`{path}`: ") })]
    Argument {
        /// Path of the key within the arguments, dot-separated; empty for the arguments as a whole.
        path: String,
        /// What is wrong and what is expected.
        message: String,
        /// The nearest valid name, if the name was unknown.
        suggestion: Option<String>,
    },
    /// An identifier that no environment or wrapper has.
    #[error("there is no {kind} `{name}`{}", match .suggestion { Some(s) => format!("; did you mean `{s}`?"), None => String::new() })]
    Unknown {
        /// `environment` or `wrapper`.
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// The nearest known name.
        suggestion: Option<String>,
    },
    /// A wrapper on an environment for which it has no meaning.
    #[error("wrapper `{wrapper}` does not apply to `{env}`: {reason}")]
    Incompatible {
        /// The wrapper.
        wrapper: &'static str,
        /// The environment.
        env: String,
        /// Why.
        reason: String,
    },
    /// Reset options that the environment does not know or cannot use.
    #[error("reset options of row {row}: {message}")]
    Options {
        /// Row of the batch.
        row: usize,
        /// What is wrong and what is expected.
        message: String,
    },
    /// A market whose order book refused orders for want of room, so that it is no longer the market that was asked for.
    #[error(
        "row {row}: the order book is full: {orders} orders wait in it, and {refused} found no place; \
         let the background cancel more of its orders, or send fewer"
    )]
    BookFull {
        /// Row of the batch.
        row: usize,
        /// Live orders.
        orders: u32,
        /// Orders that were refused in this episode.
        refused: u64,
    },
    /// A saved row or simulator that does not fit this one.
    #[error("saved state does not fit this simulator: {0}")]
    Snapshot(String),
}

impl EnvError {
    /// An argument called `path` with a wrong value; `message` says what is wrong and what is expected.
    pub fn argument(path: &str, message: impl Into<String>) -> Self {
        Self::Argument {
            path: path.into(),
            message: message.into(),
            suggestion: None,
        }
    }
}
