//! Sequence models for reinforcement learning, on Burn's devices.
//!
//! A [`SequenceCore`] maps a sequence of inputs to one of outputs, causally, and forgets where an episode begins. It has
//! a form for whole sequences, to train with, and a form for single steps with its memory in the caller's hands, to act
//! with. [`registry`](fn@registry) names all of them, [`StackConfig`] makes one from a configuration. The recurrences inside are
//! those of [`scan`]; [`ssm`] holds the state-space models, [`attention`] linear attention and
//! its kin, [`recurrent`] the networks they are measured against.
//!
//! ```
//! use burn::tensor::{Bool, Device, Tensor};
//! use palaestra_envs::stream::Stream;
//! use palaestra_world_models::{SequenceCore, StackConfig};
//!
//! let config: StackConfig = serde_json::from_str(
//!     r#"{"core": "s5", "width": 16, "layers": 2, "args": {"state": 32}}"#,
//! )?;
//! let device = Device::flex();
//! let core = config.init(&mut Stream::new(0, 0, "weights"), &device)?;
//! // Four rows, ten steps; row 2 begins an episode at its fifth step.
//! let input = Tensor::<3>::zeros([4, 10, 16], &device);
//! let mut flags = [[false; 10]; 4];
//! flags[2][4] = true;
//! let resets = Tensor::<2, Bool>::from_data(flags, &device);
//! let (output, state) = core.scan(input, resets, core.initial_state(4))?;
//! assert_eq!(output.dims(), [4, 10, 16]);
//! // The next step of every row, from where the sequence ended.
//! let input = Tensor::<2>::zeros([4, 16], &device);
//! let resets = Tensor::<1, Bool>::from_data([false; 4], &device);
//! let (output, _) = core.step(input, resets, state)?;
//! assert_eq!(output.dims(), [4, 16]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![allow(
    clippy::doc_markdown,
    reason = "formulas stand in the papers' notation: x_t, W_in, A_log"
)]

pub mod activation;
pub mod attention;
mod buffers;
pub mod complex;
mod core;
mod cost;
mod derived;
mod elementary;
mod error;
pub mod fft;
mod gradients;
pub mod init;
pub mod optimiser;
pub mod probes;
mod products;
pub mod recurrent;
mod registry;
pub mod scan;
pub mod ssm;
mod stack;
#[cfg(test)]
mod testing;

pub use self::{
    buffers::keep_buffers,
    core::SequenceCore,
    cost::Cost,
    error::CoreError,
    gradients::check_gradients,
    registry::{Core, CoreEntry, find, registry},
    stack::{Stack, StackConfig},
};
