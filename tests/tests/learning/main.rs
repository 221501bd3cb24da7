//! Whole agents that learn whole tasks, within a budget of steps.

mod bargaining;
mod memory;
#[path = "../cli/support.rs"]
#[expect(dead_code, reason = "the tests of the command line use the rest")]
mod support;
