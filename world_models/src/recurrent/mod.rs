//! Recurrent networks and the baselines that state-space models are measured against.

pub mod frame_stack;
pub mod gru;
pub mod lru;
pub mod lstm;
