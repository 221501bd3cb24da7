//! How agents decide at a belief.

use std::fmt::Debug;

use palaestra_envs::{
    pomdp::{Generative, Observed},
    stream::Stream,
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Belief,
    planning::{
        AlphaPolicy, Despot, DespotSettings, MostLikelyState, Pomcp, PomcpSettings, ScenarioBounds,
        uniform_rollout,
    },
    track::{Exact, Search, Track},
};

/// Decides at the beliefs of a tracker.
pub trait Decide<T: Track>: Send {
    /// What it keeps of an episode from step to step.
    type Memory: Clone + Debug + Serialize + DeserializeOwned + Send;

    /// The memory at the start of an episode.
    fn memory(&self, tracker: &T) -> Self::Memory;

    /// The action at `belief`.
    fn decide(
        &self,
        tracker: &T,
        belief: &T::Belief,
        memory: &mut Self::Memory,
        rng: &mut Stream,
    ) -> T::Action;

    /// Learns what it has done and what was seen then.
    fn advance(&self, memory: &mut Self::Memory, action: T::Action, seen: &T::Seen) {
        let _ = (memory, action, seen);
    }
}

/// By α-vectors.
impl Decide<Exact> for AlphaPolicy {
    type Memory = ();

    fn memory(&self, _: &Exact) {}

    fn decide(&self, _: &Exact, belief: &Belief, (): &mut (), _: &mut Stream) -> usize {
        self.action(belief)
    }
}

/// By the most likely state.
impl Decide<Exact> for MostLikelyState {
    type Memory = ();

    fn memory(&self, _: &Exact) {}

    fn decide(&self, _: &Exact, belief: &Belief, (): &mut (), _: &mut Stream) -> usize {
        self.action(belief)
    }
}

/// Acts as if the state were known.
pub trait Informed<S>: Send {
    /// The action in `state`.
    fn informed(&self, state: &S) -> usize;
}

impl Informed<u32> for MostLikelyState {
    fn informed(&self, state: &u32) -> usize {
        self.actions()[*state as usize] as usize
    }
}

/// By a Monte Carlo tree search.
#[derive(Debug, Clone)]
pub struct TreeSearch<B, I> {
    /// Settings of the search.
    pub settings: PomcpSettings,
    /// What it does outside its tree.
    pub rollouts: RolloutPolicy<B, I>,
}

/// What a Monte Carlo tree search does outside its tree.
#[derive(Debug, Clone)]
pub enum RolloutPolicy<B, I> {
    /// Random actions.
    Uniform,
    /// One action again and again: what this decides at the belief that the search starts from.
    Blind(B),
    /// What would be right if the simulated state were known.
    Informed(I),
}

impl<T, B, I> Decide<T> for TreeSearch<B, I>
where
    T: Search,
    B: Decide<T, Memory = ()>,
    I: Informed<<T::Model as Generative>::State>,
    <T::Model as Observed>::Key: Debug + Send,
{
    type Memory = Pomcp<<T::Model as Observed>::Key>;

    fn memory(&self, tracker: &T) -> Self::Memory {
        Pomcp::new(tracker.model().num_actions(), self.settings)
    }

    fn decide(
        &self,
        tracker: &T,
        belief: &T::Belief,
        tree: &mut Self::Memory,
        rng: &mut Stream,
    ) -> usize {
        let (model, draw) = (tracker.model(), tracker.sampler(belief));
        match &self.rollouts {
            RolloutPolicy::Uniform => tree.search(model, draw, uniform_rollout, rng),
            RolloutPolicy::Blind(policy) => {
                let action = policy.decide(tracker, belief, &mut (), rng);
                tree.search(model, draw, |_, _, _| action, rng)
            }
            RolloutPolicy::Informed(policy) => {
                tree.search(model, draw, |_, state, _| policy.informed(state), rng)
            }
        }
    }

    fn advance(&self, tree: &mut Self::Memory, action: usize, seen: &T::Seen) {
        tree.advance(action, seen);
    }
}

/// By bounds on a tree of scenarios.
#[derive(Debug, Clone)]
pub struct ScenarioSearch<B> {
    /// Settings of the search.
    pub settings: DespotSettings,
    /// Bounds at the tree's leaves.
    pub bounds: B,
}

impl<T, B> Decide<T> for ScenarioSearch<B>
where
    T: Search,
    B: ScenarioBounds<<T::Model as Generative>::State> + Send,
{
    type Memory = ();

    fn memory(&self, _: &T) {}

    fn decide(&self, tracker: &T, belief: &T::Belief, (): &mut (), rng: &mut Stream) -> usize {
        let (model, draw) = (tracker.model(), tracker.sampler(belief));
        Despot::search(model, &self.bounds, self.settings, draw, rng)
    }
}

/// The first action of the default policy whose value is the lower bound of `bounds`.
#[derive(Debug, Clone)]
pub struct DefaultAction<B>(pub B);

/// Draws from a belief that its default action is taken for.
const DRAWS: usize = 200;

impl<T, B> Decide<T> for DefaultAction<B>
where
    T: Search,
    B: ScenarioBounds<<T::Model as Generative>::State> + Send,
{
    type Memory = ();

    fn memory(&self, _: &T) {}

    fn decide(&self, tracker: &T, belief: &T::Belief, (): &mut (), rng: &mut Stream) -> usize {
        let mut draw = tracker.sampler(belief);
        let states: Vec<_> = (0..DRAWS).map(|_| draw(rng)).collect();
        self.0.lower(&states).1
    }
}
