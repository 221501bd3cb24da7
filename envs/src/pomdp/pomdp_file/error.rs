//! What can be wrong with a file.

use std::ops::Range;

use super::lexer::Place;
use crate::pomdp::ModelError;

/// An error with its place.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct PomdpFileError {
    /// Line from 1; the last one for what is missing.
    pub line: usize,
    /// Column from 1, in characters.
    pub column: usize,
    /// The place in the text, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub problem: FileProblem,
}

/// A problem while reading.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) problem: FileProblem,
}

impl Fault {
    /// The error, with line and column in `text`.
    pub(super) fn in_text(self, text: &str) -> PomdpFileError {
        let Place { start, end } = self.place;
        let before = text.get(..start).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or(before);
        PomdpFileError {
            line: self.place.line(text),
            column: 1 + line.trim_start_matches('\u{feff}').chars().count(),
            span: start..end,
            problem: self.problem,
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// A word where another kind of thing must stand.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What the format asks for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A section given twice.
    #[error("`{0}` is given twice")]
    Duplicate(&'static str),
    /// A section that is needed but not there (yet).
    #[error("`{section}:` is missing{}", if *.early { "; it must come before start, T, O and R" } else { "" })]
    Missing {
        /// The section.
        section: &'static str,
        /// Whether it may still come, but too late.
        early: bool,
    },
    /// A start after a `reset` that stands for it.
    #[error("`start` must come before the first `reset`, which stands for it")]
    LateStart,
    /// A name that was not declared.
    #[error("there is no {what} `{name}`{}", match .suggestion { Some(s) => format!("; did you mean `{s}`?"), None => String::new() })]
    UnknownName {
        /// `state`, `action` or `observation`.
        what: &'static str,
        /// The name.
        name: String,
        /// The nearest declared one.
        suggestion: Option<String>,
    },
    /// An index that is too large.
    #[error("{what} {index} does not exist: there are {count}, numbered from 0")]
    Index {
        /// `state`, `action` or `observation`.
        what: &'static str,
        /// The index.
        index: String,
        /// How many there are.
        count: usize,
    },
    /// A name that cannot be one, or is declared twice.
    #[error("`{name}` cannot be a name: {reason}")]
    Name {
        /// The name.
        name: String,
        /// Why.
        reason: String,
    },
    /// Probabilities that are none, or do not sum to 1.
    #[error("{what}: {problem}")]
    Distribution {
        /// Which distribution.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// More than this program reads.
    #[error("{0}")]
    TooLarge(String),
    /// The model as a whole.
    #[error(transparent)]
    Model(#[from] ModelError),
}
