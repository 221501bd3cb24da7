//! x

pub mod stats;
pub mod tensorboard;
