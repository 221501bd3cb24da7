//! The beliefs visited, with what each action may lead to.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    super::backup::{self, NONE},
    Sarsop, SarsopState,
};
use crate::pomdp::{Belief, planning::AlphaVector};

/// A belief that was visited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Node {
    pub(super) block: u32,
    /// States with positive probability, by their index within the block.
    pub(super) local: Vec<u32>,
    pub(super) probabilities: Vec<f64>,
    /// The plane through the corners of the upper bound here.
    pub(super) corner: f64,
    pub(super) upper: f64,
    pub(super) lower: f64,
    /// The vector that attains `lower`.
    pub(super) alpha: u32,
    pub(super) seen_points: u32,
    pub(super) seen_alphas: u32,
    /// Whether the upper bound is interpolated from it.
    pub(super) is_point: bool,
    pub(super) bin: u32,
    /// Empty until the node is expanded.
    pub(super) actions: Vec<ActionNode>,
}

/// An action at a belief.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ActionNode {
    pub(super) reward: f64,
    pub(super) upper: f64,
    pub(super) lower: f64,
    /// Whether another action is better for sure.
    pub(super) pruned: bool,
    pub(super) children: Vec<Child>,
}

/// A belief that may follow, with its bounds when last looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Child {
    pub(super) observation: u32,
    pub(super) block: u32,
    pub(super) probability: f64,
    /// Its node, if it was visited.
    pub(super) node: u32,
    pub(super) upper: f64,
    pub(super) lower: f64,
    pub(super) alpha: u32,
    pub(super) seen_points: u32,
    pub(super) seen_alphas: u32,
    pub(super) corner: f64,
}

/// All nodes; node 0 is the initial belief.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    /// Nodes by a hash of their beliefs; looked up only.
    #[serde(skip)]
    index: HashMap<u64, Vec<u32>>,
    /// The nodes of each block.
    pub(super) by_block: Vec<Vec<u32>>,
}

/// Share of its gap by which a belief must improve for its path not to have been in vain.
const STALLED: f64 = 1e-4;

/// Beliefs nearer than this, in every state, are one.
const SAME: f64 = 1e-10;

impl Graph {
    /// A hash of a belief, its probabilities rounded.
    pub(super) fn key(block: usize, local: &[u32], probabilities: &[f64]) -> u64 {
        let mut hash = 0xCBF2_9CE4_8422_2325 ^ block as u64;
        let mut mix = |x: u64| hash = (hash ^ x).wrapping_mul(0x0100_0000_01B3).rotate_left(23);
        for (&i, p) in local.iter().zip(probabilities) {
            mix(u64::from(i) << 40 ^ (p * 1e7).round() as u64);
        }
        hash
    }

    pub(super) fn find(
        &self,
        key: u64,
        block: usize,
        local: &[u32],
        probabilities: &[f64],
    ) -> Option<u32> {
        let same = |&&node: &&u32| {
            let node = &self.nodes[node as usize];
            let mut pairs = node.probabilities.iter().zip(probabilities);
            node.block as usize == block
                && node.local == local
                && pairs.all(|(p, q)| (p - q).abs() < SAME)
        };
        self.index.get(&key)?.iter().find(same).copied()
    }

    pub(super) fn add(&mut self, key: u64, node: Node) -> u32 {
        let index = self.nodes.len() as u32;
        self.index.entry(key).or_default().push(index);
        let block = node.block as usize;
        if self.by_block.len() <= block {
            self.by_block.resize(block + 1, Vec::new());
        }
        self.by_block[block].push(index);
        self.nodes.push(node);
        index
    }

    /// Builds the index anew, after loading.
    pub(super) fn reindex(&mut self) {
        self.index.clear();
        for (i, node) in self.nodes.iter().enumerate() {
            let key = Self::key(node.block as usize, &node.local, &node.probabilities);
            self.index.entry(key).or_default().push(i as u32);
        }
    }
}

impl SarsopState {
    /// The belief of a node by the model's states.
    pub(super) fn belief(&self, node: u32) -> Belief {
        let node = &self.graph.nodes[node as usize];
        let members = self.blocks.members(node.block as usize);
        Belief {
            states: node.local.iter().map(|&i| members[i as usize]).collect(),
            probabilities: node.probabilities.clone(),
        }
    }

    /// Searches no longer the vectors that are best at no visited belief, where many have been added, and forgets those
    /// that nothing rests on.
    pub(super) fn prune_vectors(&mut self) {
        for block in 0..self.blocks.len() {
            if !self.lower.is_full(block) {
                continue;
            }
            let mut wanted = Vec::new();
            for &index in self.graph.by_block.get(block).into_iter().flatten() {
                let node = &mut self.graph.nodes[index as usize];
                let known = (node.lower, node.alpha);
                let best = self.lower.better(
                    block,
                    node.seen_alphas,
                    &node.local,
                    &node.probabilities,
                    known,
                );
                (node.lower, node.alpha) = best;
                node.seen_alphas = self.lower.log_len(block);
                wanted.push(node.alpha);
            }
            wanted.sort_unstable();
            wanted.dedup();
            self.lower.keep(block, wanted);
        }
        if self.lower.is_littered() {
            self.lower.collect();
        }
    }
}

impl Sarsop {
    /// Brings the bounds of a node and of all that may follow it up to date, making these if they are not there yet.
    pub(super) fn refresh(&mut self, node: u32) {
        let state = &mut self.state;
        let here = &state.graph.nodes[node as usize];
        let block = here.block as usize;
        let known = (here.lower, here.alpha);
        let best = state.lower.better(
            block,
            here.seen_alphas,
            &here.local,
            &here.probabilities,
            known,
        );
        let upper = state.upper.better(
            block,
            here.seen_points,
            &here.local,
            &here.probabilities,
            here.corner,
            here.upper,
            &state.graph,
        );
        let mut actions = std::mem::take(&mut state.graph.nodes[node as usize].actions);
        let belief = state.belief(node);
        let is_new = actions.is_empty();
        if is_new {
            actions = (0..self.model.num_actions())
                .map(|a| ActionNode {
                    reward: belief.dot(self.model.rewards(a)),
                    upper: f64::INFINITY,
                    lower: f64::NEG_INFINITY,
                    pruned: false,
                    children: Vec::new(),
                })
                .collect();
        }
        let gamma = self.model.discount();
        for (a, action) in actions.iter_mut().enumerate() {
            if action.pruned {
                continue;
            }
            let stale = is_new || action.children.iter().any(|c| state.is_stale(c));
            if stale {
                state.work += belief.states.len() as u64 * self.outcomes;
                let mut at = 0;
                let children = &mut action.children;
                belief.for_successors(&self.model, a, &mut self.work, |o, p, next| {
                    if is_new {
                        children.push(state.new_child(o, p, next));
                    } else {
                        state.renew(&mut children[at], next);
                    }
                    at += 1;
                });
            }
            let (mut up, mut low) = (0.0, 0.0);
            for child in &mut action.children {
                // A visited belief knows its own bounds best. Interpolation would not tell: belief and node are equal
                // but for rounding, which may change tiny probabilities by any factor.
                if let Some(visited) = state.graph.nodes.get(child.node as usize) {
                    child.upper = child.upper.min(visited.upper);
                    if visited.lower > child.lower {
                        (child.lower, child.alpha) = (visited.lower, visited.alpha);
                    }
                }
                up += child.probability * child.upper;
                low += child.probability * child.lower;
            }
            action.upper = action.upper.min(action.reward + gamma * up);
            action.lower = action.reward + gamma * low;
        }
        let here = &mut state.graph.nodes[node as usize];
        here.actions = actions;
        (here.lower, here.alpha) = best;
        here.upper = upper;
        here.seen_alphas = state.lower.log_len(block);
        here.seen_points = state.upper.log_len(block);
    }

    /// Backs up both bounds at a node; whether that has narrowed the gap by a share that counts.
    pub(super) fn backup(&mut self, node: u32) -> bool {
        self.refresh(node);
        let before = &self.state.graph.nodes[node as usize];
        let before = (before.lower, before.upper);
        let state = &mut self.state;
        let here = &mut state.graph.nodes[node as usize];
        let block = here.block as usize;
        let (mut upper, mut best) = (f64::NEG_INFINITY, (f64::NEG_INFINITY, 0));
        for (a, action) in here.actions.iter().enumerate().filter(|(_, a)| !a.pruned) {
            upper = upper.max(action.upper);
            if action.lower > best.0 {
                best = (action.lower, a);
            }
        }
        let least = best.0.max(here.lower);
        for action in &mut here.actions {
            action.pruned |= action.upper < least;
        }
        // The bounds cannot cross but by rounding.
        let upper = upper.max(least);
        if upper < here.upper - 1e-12 * upper.abs().max(1.0) {
            here.upper = upper;
            let is_new = !std::mem::replace(&mut here.is_point, true);
            state.upper.lowered(block, node, is_new);
        }
        let (value, action) = best;
        if value > here.lower + 1e-12 * value.abs().max(1.0) {
            self.after.clear();
            self.after.resize(self.model.num_observations(), NONE);
            for child in &here.actions[action].children {
                self.after[child.observation as usize] = child.alpha;
            }
            state.work += state.blocks.members(block).len() as u64 * self.outcomes;
            let vector = AlphaVector {
                action: action as u32,
                values: backup::alpha(
                    &self.model,
                    &state.blocks,
                    &state.lower,
                    block,
                    action,
                    &self.after,
                ),
            };
            let before = state.lower.log_len(block);
            let expected = self.after.iter().copied().filter(|&next| next != NONE);
            state.lower.add(block, vector, expected.collect());
            let known = (here.lower, here.alpha);
            (here.lower, here.alpha) =
                state
                    .lower
                    .better(block, before, &here.local, &here.probabilities, known);
            here.seen_alphas = state.lower.log_len(block);
        }
        state
            .predictor
            .learn(node, &state.graph.nodes[node as usize]);
        let here = &state.graph.nodes[node as usize];
        (before.1 - here.upper) + (here.lower - before.0) > STALLED * (before.1 - before.0)
    }

    /// The node that follows `node` by `action` and its child `at`.
    pub(super) fn follow(&mut self, node: u32, action: usize, at: usize) -> u32 {
        let state = &mut self.state;
        let child = &state.graph.nodes[node as usize].actions[action].children[at];
        if child.node != NONE {
            return child.node;
        }
        let (block, observation) = (child.block as usize, child.observation as usize);
        let next = state
            .belief(node)
            .update(&self.model, action, observation, &mut self.work);
        let next = next.map_or_else(Belief::default, |(next, _)| next);
        let to = state.add_node(block, &next);
        state.graph.nodes[node as usize].actions[action].children[at].node = to;
        to
    }
}

impl SarsopState {
    fn is_stale(&self, child: &Child) -> bool {
        let block = child.block as usize;
        child.seen_points < self.upper.log_len(block)
            || child.seen_alphas < self.lower.log_len(block)
            || self.lower.arena[child.alpha as usize].values.is_empty()
    }

    fn local(&self, block: usize, belief: &Belief) -> Vec<u32> {
        belief
            .states
            .iter()
            .map(|&s| self.blocks.index(block, s))
            .collect()
    }

    fn new_child(&mut self, observation: usize, probability: f64, next: &Belief) -> Child {
        let block = self.blocks.place(next.states[0]).0 as usize;
        let local = self.local(block, next);
        let (lower, alpha) = self.lower.best(block, &local, &next.probabilities);
        Child {
            observation: observation as u32,
            block: block as u32,
            probability,
            node: NONE,
            upper: self
                .upper
                .at(block, &local, &next.probabilities, &self.graph),
            corner: self.upper.corner(block, &local, &next.probabilities),
            lower,
            alpha,
            seen_points: self.upper.log_len(block),
            seen_alphas: self.lower.log_len(block),
        }
    }

    fn renew(&mut self, child: &mut Child, next: &Belief) {
        let block = child.block as usize;
        let local = self.local(block, next);
        let known = (child.lower, child.alpha);
        (child.lower, child.alpha) =
            self.lower
                .better(block, child.seen_alphas, &local, &next.probabilities, known);
        child.upper = self.upper.better(
            block,
            child.seen_points,
            &local,
            &next.probabilities,
            child.corner,
            child.upper,
            &self.graph,
        );
        child.seen_points = self.upper.log_len(block);
        child.seen_alphas = self.lower.log_len(block);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use palaestra_envs::pomdp::{Pomdp, classic::Tag};

    use super::*;
    use crate::pomdp::planning::{SarsopSettings, Solver};

    /// A parent that did not learn of its children's bounds made sampling go round in circles.
    #[test]
    fn a_parent_knows_the_bounds_of_the_beliefs_it_leads_to() {
        let model = Arc::new(Pomdp::compile(&Tag::default()).unwrap());
        let mut solver = Sarsop::new(model, SarsopSettings::default()).unwrap();
        (0..300).for_each(|_| {
            solver.step();
        });
        let mut compared = 0;
        for node in 0..solver.state.graph.nodes.len() as u32 {
            solver.refresh(node);
            let nodes = &solver.state.graph.nodes;
            let actions = nodes[node as usize].actions.iter().filter(|a| !a.pruned);
            for child in actions.flat_map(|a| &a.children) {
                if let Some(visited) = nodes.get(child.node as usize) {
                    assert!(child.upper <= visited.upper && child.lower >= visited.lower);
                    compared += 1;
                }
            }
        }
        assert!(compared > 1000, "{compared}");
    }
}
