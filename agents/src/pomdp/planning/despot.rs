//! DESPOT: Somani, Ye, Hsu, Lee (NIPS 2013); Ye, Somani, Hsu, Lee, *DESPOT: Online POMDP Planning with Regularization*
//! (JAIR 58, 2017).
//!
//! `K` scenarios, each a state of the belief and a stream of random numbers, decide all that can happen; the tree holds
//! every action but only the observations that occur in some scenario, told apart by their [keys](Observed::Key). Each
//! node has bounds, weighted by `γ^depth` and its share of the scenarios; `λ` for each node of a policy keeps it from
//! fitting to the sample.
//!
//! ```text
//! ℓ(b) = max(default, max_a ρ(b, a) + Σ_b' ℓ(b'))         ρ(b, a) = γ^depth / K Σ r - λ
//! μ(b) = max(default, max_a ρ(b, a) + Σ_b' μ(b'))
//! trial: follow argmax_a of ρ + Σ μ, and the observation with the largest μ - ℓ - ξ · share · (μ - ℓ at the root)
//! ```
//!
//! The paper's pruning of nodes that the penalty makes useless is left out: it saves time only.

use palaestra_envs::{
    pomdp::{Generative, Observed, Pomdp},
    stream::{Stream, StreamKey},
};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::largest;

/// Settings of [`Despot`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DespotSettings {
    /// `K`.
    pub scenarios: u32,
    /// Depth of the tree.
    pub depth: u32,
    /// `λ`, in units of return.
    pub regularisation: f64,
    /// `ξ`.
    pub gap_share: f64,
    /// Trials for each decision, at most.
    pub trials: u32,
}

impl Default for DespotSettings {
    fn default() -> Self {
        Self {
            scenarios: 500,
            depth: 90,
            regularisation: 0.01,
            gap_share: 0.95,
            trials: 200,
        }
    }
}

/// Bounds on the value of a set of scenarios, which are in the same history.
pub trait ScenarioBounds<S> {
    /// Mean value of a default policy, and its first action. Its value must not be above what it really earns.
    fn lower(&self, states: &[S]) -> (f64, usize);

    /// A mean value that no policy exceeds.
    fn upper(&self, states: &[S]) -> f64;
}

/// Bounds for explicit models: blind policies below; above, an upper bound such as FIB or QMDP.
#[derive(Debug, Clone, PartialEq)]
pub struct TableBounds {
    /// `[actions][states]`.
    pub lower: Vec<Vec<f64>>,
    /// `[actions][states]`.
    pub upper: Vec<Vec<f64>>,
}

fn mean(values: &[f64], states: &[u32]) -> f64 {
    states.iter().map(|&s| values[s as usize]).sum::<f64>() / states.len() as f64
}

impl ScenarioBounds<u32> for TableBounds {
    fn lower(&self, states: &[u32]) -> (f64, usize) {
        let mut best = (f64::NEG_INFINITY, 0);
        for (action, values) in self.lower.iter().enumerate() {
            let value = mean(values, states);
            if value > best.0 {
                best = (value, action);
            }
        }
        best
    }

    fn upper(&self, states: &[u32]) -> f64 {
        largest(self.upper.iter().map(|values| mean(values, states)))
    }
}

/// A set of scenarios in one history.
struct Node<S> {
    scenarios: Vec<u32>,
    states: Vec<S>,
    depth: u32,
    /// Value of the default policy, weighted, and its action.
    default: (f64, usize),
    lower: f64,
    upper: f64,
    /// Empty until the node is expanded.
    branches: Vec<Branch>,
}

/// An action at a node.
struct Branch {
    /// `ρ(b, a)`.
    reward: f64,
    children: Vec<u32>,
}

/// One decision by DESPOT. It keeps nothing between decisions.
pub struct Despot<'a, M: Generative, B> {
    model: &'a M,
    bounds: &'a B,
    settings: DespotSettings,
    key: StreamKey,
    nodes: Vec<Node<M::State>>,
}

impl<'a, M, B> Despot<'a, M, B>
where
    M: Observed,
    B: ScenarioBounds<M::State>,
{
    /// The best action found at the belief that `draw` draws states from.
    pub fn search(
        model: &'a M,
        bounds: &'a B,
        settings: DespotSettings,
        mut draw: impl FnMut(&mut Stream) -> M::State,
        rng: &mut Stream,
    ) -> usize {
        let states: Vec<M::State> = (0..settings.scenarios).map(|_| draw(rng)).collect();
        let mut tree = Self {
            model,
            bounds,
            settings,
            key: StreamKey::new(rng.random(), 0, "despot.scenarios"),
            nodes: Vec::new(),
        };
        tree.add_node((0..settings.scenarios).collect(), states, 0);
        for _ in 0..settings.trials {
            let root = &tree.nodes[0];
            if root.upper - root.lower <= 1e-9 {
                break;
            }
            let path = tree.trial();
            path.into_iter().rev().for_each(|node| tree.backup(node));
        }
        tree.decide()
    }

    fn weight(&self, scenarios: usize, depth: u32) -> f64 {
        let discount = palaestra_envs::math::powf(self.model.discount(), f64::from(depth));
        discount * scenarios as f64 / f64::from(self.settings.scenarios)
    }

    fn add_node(&mut self, scenarios: Vec<u32>, states: Vec<M::State>, depth: u32) -> u32 {
        let weight = self.weight(scenarios.len(), depth);
        let (value, action) = self.bounds.lower(&states);
        let value = weight * value;
        let upper = weight * self.bounds.upper(&states) - self.settings.regularisation;
        self.nodes.push(Node {
            default: (value, action),
            lower: value,
            upper: upper.max(value),
            branches: Vec::new(),
            scenarios,
            states,
            depth,
        });
        self.nodes.len() as u32 - 1
    }

    fn expand(&mut self, node: u32) {
        let here = &mut self.nodes[node as usize];
        let (scenarios, states, depth) = (
            std::mem::take(&mut here.scenarios),
            std::mem::take(&mut here.states),
            here.depth,
        );
        let weight = self.weight(1, depth);
        let mut branches = Vec::new();
        for action in 0..self.model.num_actions() {
            let mut reward = 0.0;
            let mut arrived = Vec::new();
            for (&scenario, state) in scenarios.iter().zip(&states) {
                // A stream for each scenario and depth: what happens does not depend on what was done before.
                let mut rng = self
                    .key
                    .stream(u64::from(scenario) << 20 | u64::from(depth));
                let outcome = self.model.step(state, action, &mut rng);
                reward += outcome.reward;
                if !outcome.terminal {
                    let key = self.model.key(&outcome.observation);
                    arrived.push((key, scenario, outcome.next));
                }
            }
            arrived.sort_by(|x, y| x.0.cmp(&y.0).then(x.1.cmp(&y.1)));
            let mut children = Vec::new();
            for group in arrived.chunk_by(|x, y| x.0 == y.0) {
                let scenarios = group.iter().map(|(_, scenario, _)| *scenario).collect();
                let states = group.iter().map(|(_, _, state)| state.clone()).collect();
                children.push(self.add_node(scenarios, states, depth + 1));
            }
            branches.push(Branch {
                reward: weight * reward - self.settings.regularisation,
                children,
            });
        }
        let here = &mut self.nodes[node as usize];
        (here.scenarios, here.states, here.branches) = (scenarios, states, branches);
    }

    /// Sum of a bound over what an action leads to.
    fn total(&self, branch: &Branch, bound: fn(&Node<M::State>) -> f64) -> f64 {
        let children = branch
            .children
            .iter()
            .map(|&c| bound(&self.nodes[c as usize]));
        branch.reward + children.sum::<f64>()
    }

    /// The nodes of one trial from the root, all expanded.
    fn trial(&mut self) -> Vec<u32> {
        let root_gap = self.nodes[0].upper - self.nodes[0].lower;
        let (mut node, mut path) = (0u32, Vec::new());
        loop {
            if self.nodes[node as usize].branches.is_empty() {
                self.expand(node);
            }
            path.push(node);
            let here = &self.nodes[node as usize];
            let totals = here.branches.iter().map(|b| self.total(b, |n| n.upper));
            let branch = &here.branches[super::argmax(totals)];
            let mut best = (0.0, None);
            for &child in &branch.children {
                let next = &self.nodes[child as usize];
                let share = next.scenarios.len() as f64 / f64::from(self.settings.scenarios);
                let excess = next.upper - next.lower - self.settings.gap_share * share * root_gap;
                if excess > best.0 {
                    best = (excess, Some(child));
                }
            }
            match best.1 {
                Some(child) if self.nodes[child as usize].depth < self.settings.depth => {
                    node = child;
                }
                _ => return path,
            }
        }
    }

    fn backup(&mut self, node: u32) {
        let here = &self.nodes[node as usize];
        let lower = largest(here.branches.iter().map(|b| self.total(b, |n| n.lower)));
        let upper = largest(here.branches.iter().map(|b| self.total(b, |n| n.upper)));
        let here = &mut self.nodes[node as usize];
        here.lower = here.lower.max(lower);
        here.upper = here.upper.min(upper.max(here.default.0)).max(here.lower);
    }

    fn decide(&self) -> usize {
        let root = &self.nodes[0];
        let mut best = root.default;
        for (action, branch) in root.branches.iter().enumerate() {
            let value = self.total(branch, |n| n.lower);
            if value > best.0 {
                best = (value, action);
            }
        }
        best.1
    }
}

impl TableBounds {
    /// Blind policies and the fast informed bound of `model`.
    ///
    /// # Errors
    /// [`SolverError::Undiscounted`](super::SolverError::Undiscounted).
    pub fn new(model: &std::sync::Arc<Pomdp>) -> Result<Self, super::SolverError> {
        let informed = super::Informed::new(model)?;
        Ok(Self {
            lower: informed.blind,
            upper: informed.fib,
        })
    }
}
