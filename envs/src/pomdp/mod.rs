//! Partially observable tasks: what is seen does not tell the state, so that agents need memory, or a model and a belief.
//!
//! Memory:
//!
//! * [`popgym`]: the sixteen families of `POPGym`;
//! * [`memory_chain`]: bsuite's memory task;
//! * [`meta_cartpole`]: cart-poles under a new projection in each episode, for several trials;
//! * [`task_set`]: tasks drawn from a set, one in each episode for several trials, some of them held out;
//! * [`cells`]: how games with cards and boards are hosted.
//!
//! Models, for planners and filters:
//!
//! * [`Pomdp`]: sparse tables `T`, `O`, `R`, compiled from a definition ([`PomdpModel`]) or read from a file
//!   ([`pomdp_file`]). [`PomdpEnvironment`] makes an environment of any of them.
//! * [`Generative`]: models that can only be simulated, for particle filters and online planners; every [`Pomdp`] is
//!   one. [`Observed`] says how agents find their observations in an environment.
//! * [`classic`]: the problems of the literature.
//! * [`picture`]: how problems draw themselves and beliefs about them.

mod args;
pub mod cells;
mod check;
pub mod classic;
mod environment;
pub mod generative;
pub mod memory_chain;
pub mod meta_cartpole;
pub mod model;
pub mod picture;
pub mod pomdp_file;
pub mod popgym;
mod register;
mod sparse;
pub mod task_set;

pub use environment::{Hidden, PRIVILEGED_STATE, PomdpEnvironment};
pub use generative::{Generative, Observed, Outcome};
pub use model::{ModelError, Pomdp, PomdpModel, PomdpParts, Rewards};
pub use register::{PomdpFileArgs, register};
pub use sparse::{SparseRow, SparseRows};

/// The family in listings.
const FAMILY: &str = "pomdp";

#[cfg(test)]
mod tests;
