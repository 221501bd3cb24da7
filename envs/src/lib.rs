//! The Palaestra simulator and its environments.
//!
//! One [`sim::Simulator`] steps a batch of environment instances that live as rows of an ECS world. See
//! `ARCHITECTURE.md` at the root of the repository for how the parts fit.

pub mod bandits;
pub mod conformance;
pub mod control;
pub mod error;
pub mod games;
pub mod language;
pub mod market;
pub mod math;
pub mod pomdp;
pub mod registry;
pub mod sim;
pub mod space;
pub mod stream;
pub mod wrappers;

pub use error::EnvError;
pub use registry::registry;

/// Crates that the macros of this one name.
#[doc(hidden)]
pub mod reexport {
    pub use bevy_ecs;
    pub use serde;
}

// The macros name this crate as its users do.
extern crate self as palaestra_envs;
