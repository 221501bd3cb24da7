//! The two bounds: sets of α-vectors and of interpolated beliefs, by block.
//!
//! Both keep a log of what was added, so that a belief that has been compared with all up to some time is compared with
//! what is new only.

use serde::{Deserialize, Serialize};

use super::{super::backup::Vectors, Graph};
use crate::pomdp::planning::{AlphaVector, Blocks, largest, pbvi::restricted};

/// α-vectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Lower {
    /// All ever added; the values of those no longer needed are gone.
    pub(super) arena: Vec<AlphaVector>,
    /// Those in use, of each block.
    pub(super) active: Vec<Vec<u32>>,
    /// Those added, of each block.
    pub(super) log: Vec<Vec<u32>>,
    /// Size of each block's set after it was last pruned.
    pub(super) pruned_to: Vec<usize>,
    /// The vector of each block to follow observations that were not expected.
    pub(super) default: Vec<u32>,
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
    /// The blind vectors `[actions][states]`.
    pub(super) fn new(blocks: &Blocks, blind: &[Vec<f64>]) -> Self {
        let n = blocks.len();
        let mut lower = Self {
            arena: Vec::new(),
            active: vec![Vec::new(); n],
            log: vec![Vec::new(); n],
            pruned_to: vec![0; n],
            default: vec![0; n],
        };
        for block in 0..n {
            lower.default[block] = lower.arena.len() as u32;
            for vector in restricted(blind, blocks, block) {
                lower.add(block, vector);
            }
        }
        lower
    }

    pub(super) fn add(&mut self, block: usize, vector: AlphaVector) -> u32 {
        let index = self.arena.len() as u32;
        self.arena.push(vector);
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

    pub(super) fn vectors(&self, block: usize) -> impl Iterator<Item = &AlphaVector> {
        self.active[block].iter().map(|&i| &self.arena[i as usize])
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
    pub(super) fn best(&self, block: usize, local: &[u32], probabilities: &[f64]) -> (f64, u32) {
        let none = (f64::NEG_INFINITY, self.default[block]);
        self.best_of(&self.active[block], local, probabilities, none)
    }

    /// As [`best`](Self::best) for a belief whose best was `best` when the log had `seen` entries.
    pub(super) fn better(
        &self,
        block: usize,
        seen: u32,
        local: &[u32],
        probabilities: &[f64],
        best: (f64, u32),
    ) -> (f64, u32) {
        if self.arena[best.1 as usize].values.is_empty() {
            return self.best(block, local, probabilities);
        }
        self.best_of(
            &self.log[block][seen as usize..],
            local,
            probabilities,
            best,
        )
    }

    /// Whether the block's set has grown enough to be worth pruning.
    pub(super) fn is_full(&self, block: usize) -> bool {
        self.active[block].len() > self.pruned_to[block] * 3 / 2 + 20
    }

    /// Keeps the vectors that are wanted, indexed by their place in the arena, and forgets the values of the others.
    pub(super) fn keep(&mut self, block: usize, wanted: &[u32]) {
        for &index in &self.active[block] {
            if wanted.binary_search(&index).is_err() && index != self.default[block] {
                self.arena[index as usize].values = Vec::new();
            }
        }
        let default = self.default[block];
        self.active[block].retain(|index| *index == default || wanted.binary_search(index).is_ok());
        self.pruned_to[block] = self.active[block].len();
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
