//! Everything that decides: learners, references and programs that speak Palaestra's agent protocol.
//!
//! An [`Agent`] plays one or more players in all rows of a batch: it [acts](Agent::act) on a view of the border,
//! is [shown](Agent::observe) what happened, and saves and restores its whole state. [`registry`] lists them.

mod agent;
pub mod bandits;
pub mod conformance;
mod episode_clock;
pub mod equilibrium;
mod error;
pub mod in_context;
pub mod language;
pub mod market;
mod matrix;
mod pending;
pub mod pomdp;
pub mod process;
pub mod random;
mod registry;
pub mod scripted;

pub use agent::{Agent, AgentContext, Mode, StepView};
pub use error::AgentError;
pub use pending::{Bell, Pending};
pub use registry::{AgentEntry, Registry, registry};
