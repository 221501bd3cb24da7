//! Generative models: a POMDP that can be simulated, whatever its states and observations are.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    space::{Columns, Space},
    stream::Stream,
};

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
    /// An observation.
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

/// A generative model whose observations are those of an environment: agents can read them there, and search trees can
/// tell them apart.
pub trait Observed: Generative {
    /// What a search tree keeps of an observation: in a history, equal keys lead to the same node.
    ///
    /// Where observations are continuous or many, no two simulations would meet in a node. Then a key is a cell of a
    /// fixed grid: a policy over keys forgets some of what is seen, but is a policy, and so its value in the tree is
    /// honest. (The other way, progressive widening, keeps few exact observations and must weight the states in their
    /// nodes.) A filter uses the observation itself.
    type Key: Clone + Ord + Serialize + DeserializeOwned;

    /// The space of a player that sees this model's observations as they are.
    fn observation_space(&self) -> Space;
    /// The observation in row `row` of columns of that space; none where the row shows none of the model's.
    fn read(&self, columns: &Columns, row: usize) -> Option<Self::Observation>;
    /// The key of an observation.
    fn key(&self, observation: &Self::Observation) -> Self::Key;
    /// Whether `state`, which may come from a file, is one of the model's.
    fn holds(&self, state: &Self::State) -> bool;
}
