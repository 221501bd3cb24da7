//! What `palaestra solve` finds out about a decision problem: its optimum or bounds on it, and what planners earn.
//!
//! [`Subject::find`] decides what kind of problem an argument names; each kind has a module of its own that solves it
//! and a document with its results: bandits, POMDPs and games.

mod bandit;
mod cycle;
mod document;
mod error;
mod game;
mod instance;
mod pomdp;
mod request;

pub use bandit::solve_bandit;
pub use cycle::{Cycle, MAX_LISTED_ROUNDS};
pub use document::{
    BanditSolution, ColumnReport, GuaranteeReport, OptimumReport, Outcome, PlanReport,
    PlannerReport, RelaxationReport, Solved,
};
pub use error::SolveError;
pub use game::{
    GAME_PLANNERS, GAMES, GameEquilibrium, GameForm, GamePlanner, GamePlannerReport, GamePoint,
    GamePolicyRow, GameProblem, GameRequest, GameSolution, SolvedGame, solve_game,
};
pub use instance::{BanditInstance, InstanceFile};
pub use pomdp::{
    Bounds, Limits, MAX_POINTS, POMDP_PLANNERS, PomdpOptions, PomdpPlan, PomdpPlanner,
    PomdpPlannerReport, PomdpProblem, PomdpRequest, PomdpSolution, SavedSolver, SolvedPomdp, Stop,
    Trace, TracePoint, Work, solve_pomdp, trace,
};
pub use request::PlannerRequest;

use std::path::Path;

use palaestra_envs::registry::{Registry, nearest};
use serde_json::Value;

/// A problem to solve.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A last-switch-dependent bandit.
    Bandit(Box<BanditInstance>),
    /// A POMDP with an explicit model.
    Pomdp(Box<PomdpProblem>),
    /// A game.
    Game(Box<GameProblem>),
}

impl Subject {
    /// The problem that `argument` names: a file, by its extension, a game, an environment of `registry` with these
    /// arguments, or a bandit instance that ships under this name.
    ///
    /// # Errors
    /// If there is no such file or name, if the file is no valid problem, or if the environment has no model.
    pub fn find(
        argument: &str,
        args: Option<&Value>,
        registry: &Registry,
    ) -> Result<Self, SolveError> {
        let path = Path::new(argument);
        let extension = path.extension().and_then(|extension| extension.to_str());
        let extension = extension.map(str::to_ascii_lowercase);
        let is_pomdp = extension.as_deref() == Some("pomdp");
        if !path.is_file()
            && let Some(game) = GameProblem::named(argument)?
        {
            return Ok(Self::Game(Box::new(game)));
        }
        let entry = registry.get(argument).ok();
        if let Some(entry) = entry.filter(|_| !path.is_file()) {
            let args = args.unwrap_or(&Value::Null);
            let problem = PomdpProblem::of_environment(entry, args, registry)?;
            return Ok(Self::Pomdp(Box::new(problem)));
        }
        if args.is_some() {
            return Err(SolveError::Args(argument.into()));
        }
        // A `.pomdp` file that is not there is told as such: no name ends so.
        if is_pomdp {
            if !path.is_file() {
                return Err(SolveError::NoFile(path.to_owned()));
            }
            return PomdpProblem::read(path).map(|found| Self::Pomdp(Box::new(found)));
        }
        if !path.is_file() {
            let found = BanditInstance::preset(argument).map_err(|error| match error {
                SolveError::NotFound {
                    name,
                    nearest: None,
                } => {
                    let ids = registry.iter().map(|entry| entry.id.as_str());
                    let games = GAMES.iter().map(|(id, _)| *id);
                    let nearest = nearest(&name, ids.chain(games));
                    SolveError::NotFound { name, nearest }
                }
                other => other,
            });
            return found.map(|found| Self::Bandit(Box::new(found)));
        }
        match extension.as_deref() {
            Some("toml" | "json") => {
                BanditInstance::read(path).map(|found| Self::Bandit(Box::new(found)))
            }
            _ => Err(SolveError::Kind(path.to_owned())),
        }
    }
}
