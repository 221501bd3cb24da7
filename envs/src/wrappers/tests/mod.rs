//! Tests of wrappers on environments.

mod actions;
mod configs;
mod memory;
mod observations;
mod probe;
mod rewards;
mod stacks;
mod time;
mod trials;
