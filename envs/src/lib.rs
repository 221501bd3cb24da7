//! The Palaestra simulator and its environments.
//!
//! One [`sim::Simulator`] steps a batch of environment instances that live as rows of an ECS world. See
//! `ARCHITECTURE.md` at the root of the repository for how the parts fit.

pub mod math;
pub mod space;
pub mod stream;
