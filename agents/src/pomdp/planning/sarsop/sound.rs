//! Checks that a state read from bytes refers to nothing that does not exist.

use palaestra_envs::pomdp::Pomdp;

use super::{
    super::backup::NONE, Graph, Lower, Node, Predictor, SarsopState, Upper, graph::Child,
    sample::INTERVALS,
};
use crate::pomdp::planning::Blocks;

impl SarsopState {
    /// Whether all that is referred to by number exists, for what was read from bytes.
    pub(super) fn is_sound(&self, model: &Pomdp) -> bool {
        let nodes = self.graph.nodes.len();
        self.lower.is_sound(&self.blocks, model)
            && self.upper.is_sound(&self.blocks, nodes)
            && self.predictor.is_sound(&self.graph)
            && self
                .graph
                .is_sound(&self.blocks, &self.lower, &self.upper, model)
    }
}

impl Lower {
    fn is_sound(&self, blocks: &Blocks, model: &Pomdp) -> bool {
        let n = blocks.len();
        let lengths = [
            self.active.len(),
            self.log.len(),
            self.pruned_to.len(),
            self.default.len(),
        ];
        let whole = |index: &u32, block: usize| {
            let vector = self.arena.get(*index as usize);
            vector.is_some_and(|v| v.values.len() == blocks.members(block).len())
        };
        let known = |index: &u32, block: usize| {
            let vector = self.arena.get(*index as usize);
            vector.is_some_and(|v| v.values.is_empty()) || whole(index, block)
        };
        let vectors = self.arena.len();
        let of_block = |(vector, &block): (usize, &u32)| {
            let values = &self.arena[vector].values;
            (block as usize) < n && (values.is_empty() || whole(&(vector as u32), block as usize))
        };
        lengths == [n; 4]
            && [self.block.len(), self.rests_on.len()] == [vectors; 2]
            && self.block.iter().enumerate().all(of_block)
            && self.rests_on.iter().flatten().all(|&next| {
                (next as usize) < vectors && !self.arena[next as usize].values.is_empty()
            })
            && self
                .arena
                .iter()
                .all(|v| (v.action as usize) < model.num_actions())
            && (0..n).all(|block| {
                whole(&self.default[block], block)
                    && self.active[block].iter().all(|i| whole(i, block))
                    && self.log[block].iter().all(|i| known(i, block))
            })
    }
}

impl Upper {
    fn is_sound(&self, blocks: &Blocks, nodes: usize) -> bool {
        let n = blocks.len();
        let size = |block: usize| blocks.members(block).len();
        let exists = |&node: &u32| (node as usize) < nodes;
        [
            self.corners.len(),
            self.informed.len(),
            self.points.len(),
            self.log.len(),
        ] == [n; 4]
            && self.points.iter().chain(&self.log).flatten().all(exists)
            && (0..n).all(|block| {
                let mut vectors = self.informed[block].iter().chain([&self.corners[block]]);
                vectors.all(|v| v.len() == size(block))
            })
    }
}

impl Predictor {
    fn is_sound(&self, graph: &Graph) -> bool {
        self.bins.len() == INTERVALS * INTERVALS
            && self.added.len() == graph.nodes.len()
            && graph
                .nodes
                .iter()
                .all(|node| (node.bin as usize) < self.bins.len())
    }
}

impl Graph {
    fn is_sound(&self, blocks: &Blocks, lower: &Lower, upper: &Upper, model: &Pomdp) -> bool {
        let alpha = |alpha: u32, block: u32| {
            let vector = lower.arena.get(alpha as usize);
            let size = blocks.members(block as usize).len();
            vector.is_some_and(|v| v.values.is_empty() || v.values.len() == size)
        };
        let seen = |block: u32, alphas: u32, points: u32| {
            alphas <= lower.log_len(block as usize) && points <= upper.log_len(block as usize)
        };
        let exists = |node: u32| node == NONE || (node as usize) < self.nodes.len();
        let child = |c: &Child| {
            (c.block as usize) < blocks.len()
                && (c.observation as usize) < model.num_observations()
                && alpha(c.alpha, c.block)
                && seen(c.block, c.seen_alphas, c.seen_points)
                && exists(c.node)
        };
        let node = |node: &Node| {
            (node.block as usize) < blocks.len()
                && node.local.len() == node.probabilities.len()
                && node
                    .local
                    .iter()
                    .all(|&i| (i as usize) < blocks.members(node.block as usize).len())
                && alpha(node.alpha, node.block)
                && seen(node.block, node.seen_alphas, node.seen_points)
                && (node.actions.is_empty() || node.actions.len() == model.num_actions())
                && node.actions.iter().flat_map(|a| &a.children).all(child)
        };
        !self.nodes.is_empty()
            && self.nodes.iter().all(node)
            && self
                .by_block
                .iter()
                .flatten()
                .all(|&node| node != NONE && exists(node))
    }
}
