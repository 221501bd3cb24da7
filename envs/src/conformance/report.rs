//! What the checks have found.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a check came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The environment does as it should, as far as was tried.
    Passed,
    /// It does not.
    Failed {
        /// What is wrong.
        what: String,
        /// Row, step, field; empty if it concerns the whole.
        #[serde(rename = "where")]
        place: String,
    },
    /// The check does not apply.
    Skipped {
        /// Why not.
        why: String,
    },
}

/// One check with its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Short fixed name, `snake_case`.
    pub name: String,
    /// What is asked of the environment, in one sentence.
    pub demand: String,
    /// How it came out.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The outcome of all checks; prints as a list for people and serialises for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Identifier of the environment.
    pub env: String,
    /// The checks in order.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether no check has failed.
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The checks that have failed.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        let failed = |check: &&Check| matches!(check.outcome, Outcome::Failed { .. });
        self.checks.iter().filter(failed)
    }

    /// The check called `name`.
    pub fn get(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.checks.iter().map(|check| check.name.len()).max();
        let width = widest.unwrap_or(0);
        writeln!(f, "{}", self.env)?;
        for check in &self.checks {
            let Check { name, demand, .. } = check;
            match &check.outcome {
                Outcome::Passed => writeln!(f, "  ok      {name:width$}  {demand}")?,
                Outcome::Skipped { why } => writeln!(f, "  skipped {name:width$}  {why}")?,
                Outcome::Failed { what, place } => {
                    writeln!(f, "  FAILED  {name:width$}  {demand}")?;
                    let at = if place.is_empty() {
                        String::new()
                    } else {
                        format!("{place}: ")
                    };
                    writeln!(f, "          {:width$}  {at}{what}", "")?;
                }
            }
        }
        let count = |passed: bool| {
            let alike = |check: &&Check| (check.outcome == Outcome::Passed) == passed;
            self.checks.iter().filter(alike).count()
        };
        let failed = self.failures().count();
        write!(
            f,
            "{} passed, {failed} failed, {} skipped",
            count(true),
            count(false) - failed
        )
    }
}

/// A demand that is not met; becomes [`Outcome::Failed`].
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) what: String,
    pub(super) place: String,
}

impl Failure {
    pub(super) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            place: place.into(),
        }
    }
}

impl From<crate::EnvError> for Failure {
    fn from(error: crate::EnvError) -> Self {
        Self::new("", format!("an error came unasked: {error}"))
    }
}

/// What a check returns: met, or the reason why it does not apply.
pub(super) type Verdict = Result<Option<String>, Failure>;

/// The demand is met.
pub(super) const MET: Verdict = Ok(None);

/// The demand does not apply.
#[expect(clippy::unnecessary_wraps, reason = "the counterpart of `MET`")]
pub(super) fn skipped(why: &str) -> Verdict {
    Ok(Some(why.into()))
}
