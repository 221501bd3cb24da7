//! Sequence models for reinforcement learning, on Burn's devices.
//!
//! A [`SequenceCore`] maps a sequence of inputs to one of outputs, causally, and forgets where an episode begins. It has
//! a form for whole sequences, to train with, and a form for single steps with its memory in the caller's hands, to act
//! with. [`registry`](fn@registry) names all of them, [`StackConfig`] makes one from a configuration. The recurrences inside are
//! those of [`scan`]; [`ssm`] holds the state-space models, [`attention`] linear attention and
//! its kin, [`recurrent`] the networks they are measured against.

pub mod activation;
pub mod attention;
pub mod complex;
mod core;
mod elementary;
mod error;
pub mod fft;
mod gradients;
mod init;
pub mod recurrent;
mod registry;
pub mod scan;
pub mod ssm;
mod stack;
#[cfg(test)]
mod testing;

pub use self::{
    core::SequenceCore,
    error::CoreError,
    gradients::check_gradients,
    registry::{Core, CoreEntry, find, registry},
    stack::{Stack, StackConfig},
};
