//! What can be wrong with a recording, and where.

use std::{fmt, io};

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Text; both count from 1, columns in bytes.
    Line {
        /// The line.
        line: u64,
        /// The column.
        column: u64,
    },
    /// A binary file: the offset at which the record begins.
    Byte(u64),
    /// A table; counts from 1.
    Row(u64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { line, column } => write!(f, "line {line}, column {column}"),
            Self::Byte(offset) => write!(f, "byte {offset}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// A recording that cannot be read or contradicts itself.
#[derive(Debug, thiserror::Error)]
#[error("{position}: {problem}")]
pub struct DataError {
    /// Where.
    pub position: Position,
    /// What.
    #[source]
    pub problem: Problem,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The system could not read on.
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
    /// The file ends within a record.
    #[error("the file is cut off: {what} needs {need} bytes, and {found} are left")]
    CutOff {
        /// The record.
        what: &'static str,
        /// Its length.
        need: usize,
        /// What is there.
        found: usize,
    },
    /// A text file ends within a line.
    #[error(
        "the file is cut off: its last line does not end (add a newline if this line is complete)"
    )]
    NoNewline,
    /// A line far longer than any of this format.
    #[error("a line of more than {limit} bytes: this is no {format} file")]
    LongLine {
        /// What the file should be.
        format: &'static str,
        /// Bytes a line may have.
        limit: usize,
    },
    /// A field that does not hold what it must.
    #[error("{field}: expected {expected}, found `{found}`")]
    Field {
        /// Its name.
        field: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// The beginning of what is there.
        found: String,
    },
    /// A line with too few or too many fields.
    #[error("expected {expected} fields, found {found}")]
    Fields {
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The beginning of the file is not that of the format.
    #[error("this is no {format} file: {why}")]
    NotThis {
        /// The format.
        format: &'static str,
        /// What is missing.
        why: String,
    },
    /// A record of a type that the format does not have.
    #[error("unknown {what} {found}")]
    UnknownType {
        /// Message type, action, …
        what: &'static str,
        /// The letter or number.
        found: String,
    },
    /// A record whose length is not that of its type.
    #[error("{what} has {expected} bytes, but this record says {found}")]
    Length {
        /// The type.
        what: String,
        /// The right length.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// A line that is no JSON of the expected form.
    #[error("not a message of this format: {0}")]
    Json(String),
    /// Updates that do not follow each other.
    #[error("update {found} does not follow {last}: updates are missing in between")]
    Gap {
        /// The last update id seen.
        last: u64,
        /// The first of this message.
        found: u64,
    },
    /// Differences without the state that they change.
    #[error("{0}")]
    NoSnapshot(&'static str),
    /// A record older than the one before it.
    #[error("time goes back by {by} ns, to {now} ns")]
    BackInTime {
        /// Time of this record.
        now: u64,
        /// How far it lies before the last.
        by: u64,
    },
    /// A new order with the id of a resting one.
    #[error("order {id} is added, but rests in the book already")]
    DuplicateOrder {
        /// The id.
        id: u64,
    },
    /// More is taken from an order than it has.
    #[error("order {id} loses {by}, but has only {left}")]
    TooMuch {
        /// The id.
        id: u64,
        /// Size taken.
        by: u64,
        /// Size it had.
        left: u64,
    },
    /// Levels of a book that would have traded.
    #[error("the book is crossed: the best bid {bid} is not below the best ask {ask}")]
    Crossed {
        /// The highest bid, in the units of the file's reader.
        bid: i64,
        /// The lowest ask.
        ask: i64,
    },
    /// An event without a field that it needs.
    #[error("{kind} without {what}")]
    Incomplete {
        /// The event.
        kind: &'static str,
        /// The field.
        what: &'static str,
    },
    /// A number that this program does not hold.
    #[error("{what} is too large: {found}")]
    TooLarge {
        /// Its name.
        what: &'static str,
        /// The number as written.
        found: String,
    },
}

impl Problem {
    /// The problem with its place.
    pub fn at(self, position: Position) -> DataError {
        DataError {
            position,
            problem: self,
        }
    }

    /// Whether reading can go on as if the record were right: it is only in conflict with earlier ones.
    pub fn is_conflict(&self) -> bool {
        matches!(
            self,
            Self::BackInTime { .. } | Self::DuplicateOrder { .. } | Self::TooMuch { .. }
        )
    }
}

/// Why an event cannot stand in a file of some format.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unwritable {
    /// The format has nothing for events of this kind.
    #[error("{format} has nothing for `{kind}`")]
    Kind {
        /// The format.
        format: &'static str,
        /// The kind.
        kind: &'static str,
    },
    /// It lacks a field, mostly because it is about an order from before the recording.
    #[error("`{kind}`: {what} is not known")]
    Unknown {
        /// The event.
        kind: &'static str,
        /// The field.
        what: &'static str,
    },
    /// A number beyond what its field holds.
    #[error("`{kind}`: {what} is beyond what {format} holds")]
    TooLarge {
        /// The format.
        format: &'static str,
        /// The event.
        kind: &'static str,
        /// The field.
        what: &'static str,
    },
    /// The system could not write.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// At most 40 bytes of a field, as text for an error.
pub(super) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]);
    let dots = if bytes.len() > 40 { "…" } else { "" };
    format!("{}{dots}", text.escape_debug())
}
