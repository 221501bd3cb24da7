//! POMDPs: bounds on what can be earned, from solvers that work under limits.

mod planner;
mod problem;
mod saved;
mod solution;
mod solving;
mod trace;

pub use planner::{POMDP_PLANNERS, PomdpPlanner, PomdpRequest};
pub use problem::PomdpProblem;
pub use saved::SavedSolver;
pub use solution::{Bounds, PomdpPlannerReport, PomdpSolution, SolvedPomdp};
pub use solving::{PomdpOptions, PomdpPlan, Work, solve_pomdp};
pub use trace::{Limits, MAX_POINTS, Stop, Trace, TracePoint, trace};
