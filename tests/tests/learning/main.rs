//! Whole agents that learn whole tasks, within a budget of steps.

mod bargaining;
mod memory;
#[path = "../cli/support.rs"]
mod support;
