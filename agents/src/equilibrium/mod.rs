//! Solvers of games, and learners of preference games.

mod alpha_rank;
mod apo;
mod best_response;
mod bimatrix;
mod cfr;
mod egpo;
mod equilibrium_ranking;
pub mod extensive;
mod fictitious_play;
mod ipo;
mod learner;
mod linear;
mod lp_nash;
mod mccfr;
pub mod metrics;
mod nash_md;
mod preference;
mod psro;
mod regret_matching;
mod regularised_nash;
mod replicator;
pub mod sequences;
mod simplex;
mod solver;
mod sppo;

pub use alpha_rank::{AlphaRanking, AlphaWarning, Selection, alpha_rank, alpha_rank_symmetric};
pub use apo::Apo;
pub use best_response::BestResponse;
pub use bimatrix::BimatrixGame;
pub use cfr::{Cfr, CfrState, CfrVariant, Updates};
pub use egpo::{Egpo, SampledEgpo, contrast_gradient};
pub use equilibrium_ranking::{ConsensusGame, EquilibriumRanking, RankingState};
pub use extensive::ExtensiveGame;
pub use fictitious_play::{ExtensiveFictitiousPlay, ExtensivePlay, FictitiousPlay, PlayCounts};
pub use ipo::{IpoMd, OnlineIpo, mixed_with_reference, offline_ipo, self_play_gradient};
pub use learner::{LearnerState, PreferenceLearner, Room, Rule};
pub use lp_nash::{ZeroSumEquilibrium, lp_nash};
pub use mccfr::{McSampling, Mccfr, MccfrState};
pub use nash_md::{NashMd, NashMdPg, StepSize};
pub use preference::PreferenceGame;
pub use psro::{MetaSolver, Psro, PsroState};
pub use regret_matching::{RegretMatching, RegretState, RegretVariant};
pub use regularised_nash::RegularisedNash;
pub use replicator::{Replicator, ReplicatorState};
pub use solver::{GameError, Iterate, Solver, SolverError};
pub use sppo::{Sppo, sppo_loss};

#[cfg(test)]
mod tests;
