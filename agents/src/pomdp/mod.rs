//! Beliefs, filters and planners for partially observable problems.
//!
//! * [`Belief`] and its exact update; [`filter`] has the other ways to know a hidden state.
//! * [`planning`]: solvers and online planners.
//! * Agents that plan on exact beliefs: `qmdp`, `fib`, `blind`, `most_likely_state`, `incremental_pruning`, `pbvi`,
//!   `sarsop`, `pomcp`, `despot`, and `alpha_vectors` for a policy from a file. They play environments that offer an
//!   explicit [`Pomdp`](palaestra_envs::pomdp::Pomdp).
//! * Agents that plan on particles, where the model can only be simulated: `pomcp` and `despot` with a guide
//!   ([`guides`]), and `go_and_look`, which is scripted.
//! * `belief_lqr` plans in the space of Gaussian beliefs, in `light_dark_2d-v1`.
//!
//! All of them are one [`PomdpAgent`]: a [tracker](track::Track) keeps the belief, a [decider](decide::Decide) acts on it.

mod agent;
pub mod belief;
pub mod decide;
pub mod filter;
mod gaussian;
mod go_and_look;
pub mod guides;
pub mod planning;
mod register;
pub mod track;

pub use agent::{PomdpAgent, model_of, tracked_model};
pub use belief::{Belief, Successor, Workspace};
pub use gaussian::{BeliefLqr, Gaussian};
pub use go_and_look::GoAndLook;
pub use register::{
    AlphaVectorsArgs, BeliefLqrArgs, BlindArgs, DespotArgs, FibArgs, GoAndLookArgs,
    IncrementalPruningArgs, MostLikelyStateArgs, PbviArgs, PomcpArgs, QmdpArgs, Rollout,
    SarsopArgs, register,
};
pub use track::sampler;

#[cfg(test)]
mod tests;
