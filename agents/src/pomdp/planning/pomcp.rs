//! POMCP: Silver, Veness, *Monte-Carlo Planning in Large POMDPs* (NIPS 2010).
//!
//! Simulations from states drawn from the belief descend a tree of histories by the UCB rule
//! `argmax_a V(ha) + c √(ln N(h) / N(ha))`, add a node, and finish with a rollout. The belief is the caller's business:
//! an exact or a particle filter gives the states to start from. Histories are told apart by the
//! [keys](Observed::Key) of their observations.

use palaestra_envs::{
    math,
    pomdp::{Generative, Observed},
    stream::Stream,
};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::argmax;

/// Settings of [`Pomcp`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PomcpSettings {
    /// Simulations for each decision.
    pub simulations: u32,
    /// Steps of a simulation, tree and rollout together.
    pub depth: u32,
    /// `c`, in units of return. The range of rewards is said to be the original's choice (unverified); half of it does
    /// better on the tiger.
    pub exploration: f64,
    /// A simulation also ends where `γ^depth` falls below this.
    pub tolerance: f64,
}

impl Default for PomcpSettings {
    fn default() -> Self {
        Self {
            simulations: 1000,
            depth: 90,
            exploration: 1.0,
            tolerance: 0.01,
        }
    }
}

/// An action after a history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Edge<K> {
    visits: u32,
    value: f64,
    /// Nodes by the key of the observation, in ascending order.
    children: Vec<(K, u32)>,
}

/// A search tree over histories of actions and observations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pomcp<K> {
    settings: PomcpSettings,
    actions: usize,
    /// Visits of each node; node 0 is the present history.
    visits: Vec<u32>,
    /// The edges of all nodes, `[nodes, actions]`.
    edges: Vec<Edge<K>>,
    /// Edges and rewards of the simulation under way.
    #[serde(skip)]
    path: Vec<(usize, f64)>,
}

/// Actions at random, for rollouts.
pub fn uniform_rollout<M: Generative>(model: &M, _state: &M::State, rng: &mut Stream) -> usize {
    rng.random_range(0..model.num_actions())
}

impl<K: Clone + Ord> Pomcp<K> {
    /// An empty tree.
    pub fn new(actions: usize, settings: PomcpSettings) -> Self {
        let mut tree = Self {
            settings,
            actions,
            visits: Vec::new(),
            edges: Vec::new(),
            path: Vec::new(),
        };
        tree.add_node();
        tree
    }

    fn add_node(&mut self) -> u32 {
        self.visits.push(0);
        let edge = Edge {
            visits: 0,
            value: 0.0,
            children: Vec::new(),
        };
        self.edges.extend(std::iter::repeat_n(edge, self.actions));
        self.visits.len() as u32 - 1
    }

    /// Forgets the tree: the next decision is in another episode.
    pub fn clear(&mut self) {
        self.visits.clear();
        self.edges.clear();
        self.add_node();
    }

    /// Number of histories in the tree.
    pub fn len(&self) -> usize {
        self.visits.len()
    }

    /// Whether nothing has been simulated from the present history.
    pub fn is_empty(&self) -> bool {
        self.visits[0] == 0
    }

    /// Estimated value of each action at the present history; `-∞` for one that was not tried.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let edges = self.edges[..self.actions].iter();
        edges.map(|e| {
            if e.visits == 0 {
                f64::NEG_INFINITY
            } else {
                e.value
            }
        })
    }

    /// Runs the simulations of one decision and returns the best action. `draw` gives states of the present belief,
    /// `rollout` the actions outside the tree.
    pub fn search<M>(
        &mut self,
        model: &M,
        mut draw: impl FnMut(&mut Stream) -> M::State,
        mut rollout: impl FnMut(&M, &M::State, &mut Stream) -> usize,
        rng: &mut Stream,
    ) -> usize
    where
        M: Observed<Key = K>,
    {
        for _ in 0..self.settings.simulations {
            let state = draw(rng);
            self.simulate(model, state, &mut rollout, rng);
        }
        argmax(self.values())
    }

    /// Steps that a simulation may take.
    fn horizon(&self, gamma: f64) -> u32 {
        if gamma >= 1.0 || self.settings.tolerance <= 0.0 {
            return self.settings.depth;
        }
        if gamma <= 0.0 {
            return self.settings.depth.min(1);
        }
        let steps = (math::ln(self.settings.tolerance) / math::ln(gamma)).ceil();
        self.settings.depth.min(steps.max(1.0) as u32)
    }

    fn simulate<M>(
        &mut self,
        model: &M,
        mut state: M::State,
        rollout: &mut impl FnMut(&M, &M::State, &mut Stream) -> usize,
        rng: &mut Stream,
    ) where
        M: Observed<Key = K>,
    {
        let (gamma, horizon) = (model.discount(), self.horizon(model.discount()));
        self.path.clear();
        let (mut node, mut depth) = (0, 0);
        let mut over = model.is_terminal(&state);
        // Down the tree, to the first history that is not in it.
        while !over && depth < horizon {
            let action = self.ucb(node);
            let edge = node * self.actions + action;
            let outcome = model.step(&state, action, rng);
            self.path.push((edge, outcome.reward));
            self.visits[node] += 1;
            (state, over) = (outcome.next, outcome.terminal);
            depth += 1;
            if over {
                break;
            }
            let key = model.key(&outcome.observation);
            let children = &self.edges[edge].children;
            match children.binary_search_by(|(k, _)| k.cmp(&key)) {
                Ok(at) => node = children[at].1 as usize,
                Err(at) => {
                    let new = self.add_node();
                    self.edges[edge].children.insert(at, (key, new));
                    break;
                }
            }
        }
        // The rollout.
        let (mut value, mut weight) = (0.0, 1.0);
        while !over && depth < horizon {
            let action = rollout(model, &state, rng);
            let outcome = model.step(&state, action, rng);
            value += weight * outcome.reward;
            weight *= gamma;
            (state, over) = (outcome.next, outcome.terminal);
            depth += 1;
        }
        for &(edge, reward) in self.path.iter().rev() {
            value = reward + gamma * value;
            let edge = &mut self.edges[edge];
            edge.visits += 1;
            edge.value += (value - edge.value) / f64::from(edge.visits);
        }
    }

    /// The action to try at a node: one never tried, else by the UCB rule.
    fn ucb(&self, node: usize) -> usize {
        let edges = &self.edges[node * self.actions..(node + 1) * self.actions];
        if let Some(untried) = edges.iter().position(|e| e.visits == 0) {
            return untried;
        }
        let log = math::ln(f64::from(self.visits[node]));
        argmax(
            edges
                .iter()
                .map(|e| e.value + self.settings.exploration * (log / f64::from(e.visits)).sqrt()),
        )
    }

    /// Moves to the history after `action` and an observation with key `seen`, keeping what is below it.
    pub fn advance(&mut self, action: usize, seen: &K) {
        let children = &self.edges[action].children;
        let found = children.binary_search_by(|(k, _)| k.cmp(seen));
        let Ok(at) = found else {
            self.clear();
            return;
        };
        let mut kept = vec![children[at].1 as usize];
        let (mut visits, mut edges) = (Vec::new(), Vec::new());
        // Breadth first: the place in `kept` is the new number.
        while let Some(&old) = kept.get(visits.len()) {
            visits.push(self.visits[old]);
            for mut edge in self.edges[old * self.actions..(old + 1) * self.actions]
                .iter()
                .cloned()
            {
                for (_, child) in &mut edge.children {
                    kept.push(*child as usize);
                    *child = kept.len() as u32 - 1;
                }
                edges.push(edge);
            }
        }
        (self.visits, self.edges) = (visits, edges);
    }
}
