//! Generative models: a POMDP that can be simulated, whatever its states and observations are.

use crate::stream::Stream;

/// One simulated transition.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome<S, O> {
    /// The state arrived in.
    pub next: S,
    /// What is seen there.
    pub observation: O,
    /// The reward.
    pub reward: f64,
    /// Whether the episode is over.
    pub terminal: bool,
}

/// A POMDP as a simulator, for online planners and particle filters.
///
/// All randomness of a step comes from `rng`, so that a planner can fix it by handing out streams (DESPOT's
/// scenarios are such streams).
pub trait Generative {
    /// A hidden state.
    type State: Clone;
    /// An observation. Search trees need it to have an order ([`Ord`]): equal ones lead to the same node.
    type Observation: Clone;

    /// Number of actions.
    fn num_actions(&self) -> usize;
    /// `γ`.
    fn discount(&self) -> f64;
    /// Draws a state from the initial belief.
    fn sample_start(&self, rng: &mut Stream) -> Self::State;
    /// Simulates `action` in `state`.
    fn step(
        &self,
        state: &Self::State,
        action: usize,
        rng: &mut Stream,
    ) -> Outcome<Self::State, Self::Observation>;
    /// Whether `state` ends the episode.
    fn is_terminal(&self, state: &Self::State) -> bool;
    /// Probability, or density, of `observation` on arriving in `next` by `action`.
    fn likelihood(&self, action: usize, next: &Self::State, observation: &Self::Observation)
    -> f64;
}
