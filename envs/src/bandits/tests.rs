//! Acceptance tests of the bandit engine, each file against one kind of reference.

mod choice;
mod embedding;
mod families;
mod transition;
mod validation;
mod values;
