//! Beliefs, filters and planners for partially observable problems.
//!
//! * [`Belief`] and its exact update; [`filter`] has the other ways to know a hidden state.
//! * [`planning`]: solvers and online planners.
//! * Agents that plan: `qmdp`, `fib`, `blind`, `most_likely_state`, `incremental_pruning`, `pbvi`, `sarsop`, `pomcp`,
//!   `despot`, and `alpha_vectors` for a policy from a file. They play environments that offer an explicit
//!   [`Pomdp`](palaestra_envs::pomdp::Pomdp) and track the belief by it.

mod agent;
pub mod belief;
pub mod filter;
pub mod planning;
mod register;

pub use agent::{Decider, PomdpAgent, RolloutPolicy, model_of, sampler, tracked_model};
pub use belief::{Belief, Successor, Workspace};
pub use register::{
    AlphaVectorsArgs, BlindArgs, DespotArgs, FibArgs, IncrementalPruningArgs, MostLikelyStateArgs,
    PbviArgs, PomcpArgs, QmdpArgs, Rollout, SarsopArgs, register,
};

#[cfg(test)]
mod tests;
