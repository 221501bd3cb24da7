//! Games: how near to an equilibrium iterative solvers come.

mod glee;
mod planner;
mod problem;
mod solution;
mod solving;

pub use planner::{GAME_PLANNERS, GamePlanner, GameRequest};
pub use problem::{GAMES, GameForm, GameProblem};
pub use solution::{
    GameEquilibrium, GamePlannerReport, GamePoint, GamePolicyRow, GameSolution, SolvedGame,
};
pub use solving::solve_game;
