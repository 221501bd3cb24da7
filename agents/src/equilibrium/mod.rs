//! Solvers of games, and learners of preference games.

mod apo;
mod best_response;
mod cfr;
mod egpo;
pub mod extensive;
mod ipo;
mod learner;
mod linear;
mod mccfr;
pub mod metrics;
mod nash_md;
mod preference;
mod regularised_nash;
mod simplex;
mod solver;
mod sppo;

pub use apo::Apo;
pub use best_response::BestResponse;
pub use cfr::{Cfr, CfrState, CfrVariant, Updates};
pub use egpo::{Egpo, SampledEgpo, contrast_gradient};
pub use extensive::ExtensiveGame;
pub use ipo::{IpoMd, OnlineIpo, mixed_with_reference, offline_ipo, self_play_gradient};
pub use learner::{LearnerState, PreferenceLearner, Room, Rule};
pub use mccfr::{McSampling, Mccfr, MccfrState};
pub use nash_md::{NashMd, NashMdPg, StepSize};
pub use preference::PreferenceGame;
pub use regularised_nash::RegularisedNash;
pub use solver::{GameError, Iterate, Solver, SolverError};
pub use sppo::{Sppo, sppo_loss};

#[cfg(test)]
mod tests;
