//! The two bounds: sets of α-vectors and of interpolated beliefs, by block.
//!
//! Both keep a log of what was added, so that a belief that has been compared with all up to some time is compared with
//! what is new only.

use std::collections::BTreeSet;

use palaestra_envs::pomdp::Pomdp;
use serde::{Deserialize, Serialize};

use super::{
    super::backup::{NONE, Vectors},
    Graph,
};
use crate::pomdp::planning::{AlphaVector, Blocks, largest, pbvi::restricted};

/// α-vectors.
///
/// A vector counts on others for what comes next, and its value is earned only if these, or larger ones, can still be
/// had then. So those that [`active`](Self::active) ones rest on are kept beside them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Lower {
    /// All ever added; the values of those no longer needed are gone.
    pub(super) arena: Vec<AlphaVector>,
    /// The block of each.
    pub(super) block: Vec<u32>,
    /// What each counts on for what comes next, besides the defaults.
    pub(super) rests_on: Vec<Vec<u32>>,
    /// Those that are searched for the best at a belief, of each block.
    pub(super) active: Vec<Vec<u32>>,
    /// Those added, of each block.
    pub(super) log: Vec<Vec<u32>>,
    /// Size of each block's set after it was last pruned.
    pub(super) pruned_to: Vec<usize>,
    /// Vectors that have values, and those that had after they were last collected.
    pub(super) live: usize,
    pub(super) collected_to: usize,
    /// The vector of each block to follow observations that were not expected.
    pub(super) default: Vec<u32>,
    /// Multiplications done in searches.
    pub(super) work: u64,
}

/// `Σ p_i values[local_i]`.
#[inline]
fn dot(local: &[u32], probabilities: &[f64], values: &[f64]) -> f64 {
    // Four sums, so that additions need not wait for each other.
    let mut sums = [0.0; 4];
    let (indices, rest) = local.as_chunks::<4>();
    let (weights, tail) = probabilities.as_chunks::<4>();
    for (i, p) in indices.iter().zip(weights) {
        for k in 0..4 {
            sums[k] += p[k] * values[i[k] as usize];
        }
    }
    let tail: f64 = rest
        .iter()
        .zip(tail)
        .map(|(&i, p)| p * values[i as usize])
        .sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + tail
}

impl Lower {
    /// The blind vectors `[actions][states]`; the defaults are those of action 0.
    pub(super) fn new(model: &Pomdp, blocks: &Blocks, blind: &[Vec<f64>]) -> Self {
        let n = blocks.len();
        let mut lower = Self {
            arena: Vec::new(),
            block: Vec::new(),
            rests_on: Vec::new(),
            live: 0,
            collected_to: 0,
            active: vec![Vec::new(); n],
            log: vec![Vec::new(); n],
            pruned_to: vec![0; n],
            default: vec![0; n],
            work: 0,
        };
        for block in 0..n {
            lower.default[block] = lower.arena.len() as u32;
            for (action, vector) in restricted(blind, blocks, block).into_iter().enumerate() {
                // To do the same again, wherever that leads.
                let members = blocks.members(block).iter();
                let next = members.flat_map(|&s| model.transition(s as usize, action).columns);
                let next = next.map(|&s| blocks.place(s).0 * blind.len() as u32 + action as u32);
                let next: BTreeSet<u32> = next.collect();
                lower.add(block, vector, next.into_iter().collect());
            }
        }
        lower
    }

    pub(super) fn add(&mut self, block: usize, vector: AlphaVector, rests_on: Vec<u32>) -> u32 {
        let index = self.arena.len() as u32;
        self.arena.push(vector);
        self.block.push(block as u32);
        self.rests_on.push(rests_on);
        self.live += 1;
        self.active[block].push(index);
        self.log[block].push(index);
        index
    }

    pub(super) fn log_len(&self, block: usize) -> u32 {
        self.log[block].len() as u32
    }

    /// Number of vectors in use.
    pub(super) fn active(&self) -> usize {
        self.active.iter().map(Vec::len).sum()
    }

    /// The vectors in use and all that they rest on, by block.
    pub(super) fn supported(&self) -> Vec<Vec<AlphaVector>> {
        let mut kept = self.clone();
        kept.collect();
        let mut vectors = vec![Vec::new(); self.active.len()];
        for (vector, block) in kept.arena.into_iter().zip(kept.block) {
            if !vector.values.is_empty() {
                vectors[block as usize].push(vector);
            }
        }
        vectors
    }

    fn best_of(
        &self,
        list: &[u32],
        local: &[u32],
        probabilities: &[f64],
        mut best: (f64, u32),
    ) -> (f64, u32) {
        for &index in list {
            let values = &self.arena[index as usize].values;
            if values.is_empty() {
                continue;
            }
            let value = dot(local, probabilities, values);
            if value > best.0 {
                best = (value, index);
            }
        }
        best
    }

    /// Value and index of the best vector at a belief.
    pub(super) fn best(
        &mut self,
        block: usize,
        local: &[u32],
        probabilities: &[f64],
    ) -> (f64, u32) {
        self.work += (self.active[block].len() * local.len()) as u64;
        let none = (f64::NEG_INFINITY, self.default[block]);
        self.best_of(&self.active[block], local, probabilities, none)
    }

    /// As [`best`](Self::best) for a belief whose best was `best` when the log had `seen` entries.
    pub(super) fn better(
        &mut self,
        block: usize,
        seen: u32,
        local: &[u32],
        probabilities: &[f64],
        best: (f64, u32),
    ) -> (f64, u32) {
        if self.arena[best.1 as usize].values.is_empty() {
            return self.best(block, local, probabilities);
        }
        let new = &self.log[block][seen as usize..];
        self.work += (new.len() * local.len()) as u64;
        self.best_of(new, local, probabilities, best)
    }

    /// Whether the block's set has grown enough to be worth pruning.
    pub(super) fn is_full(&self, block: usize) -> bool {
        self.active[block].len() > self.pruned_to[block] * 3 / 2 + 20
    }

    /// Searches no longer but the default and the vectors that are wanted: their places in the arena, in ascending
    /// order.
    pub(super) fn keep(&mut self, block: usize, mut wanted: Vec<u32>) {
        if let Err(place) = wanted.binary_search(&self.default[block]) {
            wanted.insert(place, self.default[block]);
        }
        self.pruned_to[block] = wanted.len();
        self.active[block] = wanted;
    }

    /// Whether enough vectors have been added to be worth a [`collect`](Self::collect).
    pub(super) fn is_littered(&self) -> bool {
        self.live > self.collected_to * 3 / 2 + 200
    }

    /// Forgets the values of vectors that neither are active nor are rested on.
    ///
    /// Where an active vector is at least as large everywhere as one that is rested on, it takes its place: then no
    /// value is larger than what its action earns together with the vectors after it, so that by the monotony of
    /// backups acting by the best vector earns at least the largest value.
    pub(super) fn collect(&mut self) {
        let mut needed = vec![false; self.arena.len()];
        let mut open: Vec<u32> = self.active.iter().flatten().copied().collect();
        open.iter().for_each(|&i| needed[i as usize] = true);
        let mut substitutes = vec![NONE; self.arena.len()];
        while let Some(vector) = open.pop() {
            let mut rests_on = std::mem::take(&mut self.rests_on[vector as usize]);
            for next in &mut rests_on {
                if !needed[*next as usize] {
                    let substitute = &mut substitutes[*next as usize];
                    if *substitute == NONE {
                        *substitute = self.at_least(*next);
                    }
                    *next = *substitute;
                }
                if !std::mem::replace(&mut needed[*next as usize], true) {
                    open.push(*next);
                }
            }
            rests_on.sort_unstable();
            rests_on.dedup();
            self.rests_on[vector as usize] = rests_on;
        }
        self.live = 0;
        for (vector, needed) in needed.into_iter().enumerate() {
            if needed {
                self.live += 1;
            } else {
                self.arena[vector].values = Vec::new();
                self.rests_on[vector] = Vec::new();
            }
        }
        self.collected_to = self.live;
    }

    /// The newest active vector that is nowhere below `vector`, or itself.
    fn at_least(&self, vector: u32) -> u32 {
        let values = &self.arena[vector as usize].values;
        let covers = |&&other: &&u32| {
            let larger = &self.arena[other as usize].values;
            larger.iter().zip(values).all(|(x, y)| x >= y)
        };
        let of_block = &self.active[self.block[vector as usize] as usize];
        of_block
            .iter()
            .rev()
            .find(covers)
            .copied()
            .unwrap_or(vector)
    }
}

impl Vectors for Lower {
    fn default_of(&self, block: usize) -> u32 {
        self.default[block]
    }

    fn values(&self, vector: u32) -> &[f64] {
        &self.arena[vector as usize].values
    }
}

/// Interpolated upper bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Upper {
    /// The bound at the corners: for each block a value for each state.
    pub(super) corners: Vec<Vec<f64>>,
    /// The vectors of the fast informed bound, `[blocks][actions][states of the block]`.
    pub(super) informed: Vec<Vec<Vec<f64>>>,
    /// Nodes with a bound below the interpolation, of each block.
    pub(super) points: Vec<Vec<u32>>,
    /// Nodes whose bound has fallen, in order.
    pub(super) log: Vec<Vec<u32>>,
    #[serde(skip)]
    dense: Vec<f64>,
    /// Divisions done in interpolations, at most.
    pub(super) work: u64,
}

impl Upper {
    pub(super) fn new(blocks: &Blocks, informed: &[Vec<f64>]) -> Self {
        let of_block = |block| -> Vec<Vec<f64>> {
            restricted(informed, blocks, block)
                .into_iter()
                .map(|v| v.values)
                .collect()
        };
        let informed: Vec<_> = (0..blocks.len()).map(of_block).collect();
        let corner = |vectors: &Vec<Vec<f64>>| -> Vec<f64> {
            (0..vectors[0].len())
                .map(|i| largest(vectors.iter().map(|v| v[i])))
                .collect()
        };
        Self {
            corners: informed.iter().map(corner).collect(),
            informed,
            points: vec![Vec::new(); blocks.len()],
            log: vec![Vec::new(); blocks.len()],
            dense: Vec::new(),
            work: 0,
        }
    }

    /// Largest value at any corner.
    pub(super) fn highest(&self) -> f64 {
        largest(self.corners.iter().flatten().copied())
    }

    pub(super) fn log_len(&self, block: usize) -> u32 {
        self.log[block].len() as u32
    }

    /// The plane through the corners at a belief.
    pub(super) fn corner(&self, block: usize, local: &[u32], probabilities: &[f64]) -> f64 {
        dot(local, probabilities, &self.corners[block])
    }

    /// Notes that a node's bound has fallen.
    pub(super) fn lowered(&mut self, block: usize, node: u32, is_new: bool) {
        if is_new {
            self.points[block].push(node);
        }
        self.log[block].push(node);
    }

    /// The bound at a belief from all points.
    pub(super) fn at(
        &mut self,
        block: usize,
        local: &[u32],
        probabilities: &[f64],
        graph: &Graph,
    ) -> f64 {
        let corner = self.corner(block, local, probabilities);
        let informed = self.informed[block]
            .iter()
            .map(|v| dot(local, probabilities, v));
        let best = largest(informed).min(corner);
        let points = std::mem::take(&mut self.points[block]);
        let best = self.interpolate(block, &points, local, probabilities, corner, best, graph);
        self.points[block] = points;
        best
    }

    /// As [`at`](Self::at) for a belief whose bound was `best` when the log had `seen` entries.
    #[expect(clippy::too_many_arguments, reason = "a belief is three of them")]
    pub(super) fn better(
        &mut self,
        block: usize,
        seen: u32,
        local: &[u32],
        probabilities: &[f64],
        corner: f64,
        best: f64,
        graph: &Graph,
    ) -> f64 {
        let log = std::mem::take(&mut self.log[block]);
        let best = self.interpolate(
            block,
            &log[seen as usize..],
            local,
            probabilities,
            corner,
            best,
            graph,
        );
        self.log[block] = log;
        best
    }

    #[expect(clippy::too_many_arguments, reason = "a belief is three of them")]
    fn interpolate(
        &mut self,
        block: usize,
        points: &[u32],
        local: &[u32],
        probabilities: &[f64],
        corner: f64,
        mut best: f64,
        graph: &Graph,
    ) -> f64 {
        if points.is_empty() {
            return best;
        }
        self.work += (points.len() * local.len()) as u64;
        self.dense
            .resize(self.dense.len().max(self.corners[block].len()), 0.0);
        for (&i, &p) in local.iter().zip(probabilities) {
            self.dense[i as usize] = p;
        }
        for &point in points {
            let node = &graph.nodes[point as usize];
            if node.local.len() > local.len() {
                continue;
            }
            let depth = node.upper - node.corner;
            // The ratio must be above this for the point to improve the bound.
            let needed = (best - corner) / depth;
            let mut ratio = 1.0;
            for (&i, &p) in node.local.iter().zip(&node.probabilities) {
                let b = self.dense[i as usize];
                if b < ratio * p {
                    ratio = b / p;
                    if ratio <= needed {
                        break;
                    }
                }
            }
            if ratio > needed {
                best = corner + ratio * depth;
            }
        }
        for &i in local {
            self.dense[i as usize] = 0.0;
        }
        best
    }
}
