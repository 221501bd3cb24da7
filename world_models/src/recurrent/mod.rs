//! Recurrent networks and the baselines that state-space models are measured against.

pub mod frame_stack;
mod fused;
mod gates;
pub mod gru;
pub mod lru;
pub mod lstm;
