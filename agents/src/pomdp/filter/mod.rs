//! What is known of a hidden state, step by step.
//!
//! | filter | for | what it keeps |
//! |---|---|---|
//! | [`ExactFilter`] | explicit models | the belief |
//! | [`ParticleFilter`] | simulators with a likelihood | weighted particles |
//! | [`RejectionFilter`] | simulators with few observations | particles that saw what was seen |
//! | [`HiddenChain`] | chains that jump in continuous time | the belief between and at measurements |
//! | [`Paris`], [`particle_gibbs`] | state-space models with densities | smoothed sums over the whole past |

mod chain;
mod exact;
mod linear_gaussian;
mod paris;
mod particle;
mod particle_gibbs;
mod rejection;

pub use chain::{ChainError, HiddenChain};
pub use exact::{ExactFilter, ImpossibleObservation};
pub use linear_gaussian::{LinearGaussian, Smoothed};
pub use paris::{Paris, ParisSettings, StateSpaceModel};
pub use particle::{Depleted, ParticleFilter};
pub use particle_gibbs::{Learned, ParticleGibbsSettings, ascend_score, particle_gibbs};
pub use rejection::RejectionFilter;

#[cfg(test)]
mod tests;
