//! What `palaestra solve` finds out about a decision problem: its optimum or bounds on it, and what planners earn.
//!
//! [`Subject::find`] decides what kind of problem an argument names; each kind has a module of its own that solves it
//! and a document with its results. Bandits are the one kind so far.

mod bandit;
mod cycle;
mod document;
mod error;
mod instance;
mod request;

pub use bandit::solve_bandit;
pub use cycle::{Cycle, MAX_LISTED_ROUNDS};
pub use document::{
    BanditSolution, ColumnReport, GuaranteeReport, OptimumReport, Outcome, PlanReport,
    PlannerReport, RelaxationReport, Solved,
};
pub use error::SolveError;
pub use instance::{BanditInstance, InstanceFile};
pub use request::PlannerRequest;

use std::path::Path;

/// A problem to solve.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A last-switch-dependent bandit.
    Bandit(Box<BanditInstance>),
}

impl Subject {
    /// The problem that `argument` names: a file, by its extension, or a bandit instance that ships under this name.
    ///
    /// # Errors
    /// If there is no such file or name, or if the file is no valid problem.
    pub fn find(argument: &str) -> Result<Self, SolveError> {
        let path = Path::new(argument);
        if !path.is_file() {
            return BanditInstance::preset(argument).map(|found| Self::Bandit(Box::new(found)));
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml" | "json") => {
                BanditInstance::read(path).map(|found| Self::Bandit(Box::new(found)))
            }
            _ => Err(SolveError::Kind(path.to_owned())),
        }
    }
}
