//! Linear attention, gated linear recurrences and memories that learn, and the transformer they are measured against.

pub mod birdie;
pub mod gated_delta;
pub mod gla;
pub mod linear;
pub mod miras;
pub mod mom;
pub mod rg_lru;
pub mod seqboat;
pub mod transformer;

mod heads;
