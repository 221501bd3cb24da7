//! Solvers of games with more than one player, and learners of preference games.
//!
//! **Preference games** ([`PreferenceGame`]): responses are compared two at a time. With a reference policy and a
//! temperature there is a unique regularised equilibrium, which [`RegularisedNash`] finds to rounding. Learners are
//! [`PreferenceLearner`]s with a [`Rule`]; their exact form is here, without networks or samples unless the name says so.
//!
//! | rule | system | converges in |
//! |---|---|---|
//! | [`NashMd`], [`NashMdPg`] | Nash learning from human feedback | the last policy; with fixed steps or mixtures to a hotter game's |
//! | [`Egpo`], [`HalvingEgpo`], [`SampledEgpo`] | extragradient preference optimisation | the last policy, linearly |
//! | [`IpoMd`], [`OnlineIpo`] | IPO-MD, online IPO (mirror descent) | the last policy, for steps of the order of the temperature |
//! | [`Mmd`] | magnetic mirror descent | the last policy, for steps of the order of the temperature |
//! | [`Sppo`] | self-play preference optimisation | the average |
//! | [`Apo`] | accelerated preference optimisation | the last policy, under a reward |
//!
//! **Normal form** ([`BimatrixGame`]):
//!
//! | solver | what it is |
//! |---|---|
//! | [`lp_nash()`] | zero-sum equilibria by linear programming |
//! | [`RegretMatching`] | regret matching, regret matching+, Hedge |
//! | [`FictitiousPlay`] | best responses to averages |
//! | [`Psro`] | double oracle and its relatives |
//! | [`Replicator`] | replicator dynamics, plain and projected |
//! | [`alpha_rank()`] | the stationary law of selection and mutation, also of any number of players ([`NormalFormGame`]) |
//! | [`nash_average()`] | ratings of agents against the most even equilibrium of who beats whom |
//!
//! **Extensive form** ([`ExtensiveGame`]: Kuhn poker, Leduc poker, GLEE's games on a grid, or any [`GameRules`](extensive::GameRules)):
//!
//! | solver | what it is |
//! |---|---|
//! | [`Cfr`] | counterfactual regret minimisation: vanilla, CFR+, discounted, linear |
//! | [`sequence_form()`] | zero-sum equilibria by linear programming |
//! | [`Mccfr`] | with external or outcome sampling |
//! | [`ExtensiveFictitiousPlay`] | fictitious play in realisation weights |
//! | [`BestResponse`] | best responses and NashConv |
//! | [`backward_induction()`] | perfect information, zero-sum or not |
//!
//! **Consensus** between two views of one model: [`EquilibriumRanking`]. **Sequences** of tokens: [`sequences`].
//!
//! Iterative solvers are [`Solver`]s, which go on from a saved state to the last bit as if they had not been stopped.

mod alpha_rank;
mod apo;
mod backward_induction;
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
mod mmd;
mod nash_averaging;
mod nash_md;
mod normal_form;
mod preference;
mod psro;
mod regret_matching;
mod regularised_nash;
mod replicator;
mod sequence_form;
pub mod sequences;
mod simplex;
mod solver;
mod sppo;

pub use alpha_rank::{
    AlphaRanking, AlphaWarning, MOST_PROFILES, Selection, alpha_rank, alpha_rank_populations,
    alpha_rank_symmetric,
};
pub use apo::Apo;
pub use backward_induction::backward_induction;
pub use best_response::BestResponse;
pub use bimatrix::BimatrixGame;
pub use cfr::{Cfr, CfrState, CfrVariant, Updates};
pub use egpo::{Egpo, HalvingEgpo, Labels, SampledEgpo, contrast_gradient};
pub use equilibrium_ranking::{ConsensusGame, EquilibriumRanking, RankingState};
pub use extensive::ExtensiveGame;
pub use fictitious_play::{ExtensiveFictitiousPlay, ExtensivePlay, FictitiousPlay, PlayCounts};
pub use ipo::{IpoMd, OnlineIpo, mixed_with_reference, offline_ipo, self_play_gradient};
pub use learner::{LearnerState, PreferenceLearner, Room, Rule};
pub use lp_nash::{ZeroSumEquilibrium, lp_nash};
pub use mccfr::{McSampling, Mccfr, MccfrState};
pub use mmd::Mmd;
pub use nash_averaging::{NashAverage, entropy, nash_average};
pub use nash_md::{NashMd, NashMdPg, StepSize};
pub use normal_form::NormalFormGame;
pub use preference::PreferenceGame;
pub use psro::{MetaSolver, Psro, PsroState};
pub use regret_matching::{RegretMatching, RegretState, RegretVariant};
pub use regularised_nash::RegularisedNash;
pub use replicator::{Replicator, ReplicatorState};
pub use sequence_form::{ExtensiveEquilibrium, sequence_form};
pub use solver::{GameError, Iterate, Solver, SolverError};
pub use sppo::{Sppo, sppo_loss};

#[cfg(test)]
mod tests;
