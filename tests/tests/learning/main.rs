//! Whole agents that learn whole tasks, within a budget of steps.

mod bargaining;
