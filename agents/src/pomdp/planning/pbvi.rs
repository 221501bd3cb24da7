//! Point-based value iteration: Pineau, Gordon, Thrun (IJCAI 2003).
//!
//! A set of beliefs that grows from the initial one. Each iteration backs up every belief some times, then adds to each
//! belief the one of its sampled successors (one for each action) that lies farthest from the set in L1 distance.
//! Vectors start from the blind policies, so that each iterate is a lower bound; the upper bound is the fast informed
//! one and does not move.
//!
//! Our own: a vector is dropped only if another one is at least as large everywhere, not already if it is the best at no
//! belief of the set. So whatever a vector promises for what follows can still be had when it does, and the policy
//! earns its bound.

use std::sync::Arc;

use palaestra_envs::{pomdp::Pomdp, stream::Stream};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{
    AlphaPolicy, AlphaVector, Blocks, Informed, Progress, Solver, SolverError,
    backup::{self, NONE, Vectors},
};
use crate::pomdp::{Belief, Workspace};

/// Settings of [`Pbvi`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PbviSettings {
    /// Sweeps over the set of beliefs in each iteration.
    pub sweeps: u32,
    /// Beliefs after which the set no longer grows.
    pub max_beliefs: usize,
    /// Seed of the sampled observations.
    pub seed: u64,
}

impl Default for PbviSettings {
    fn default() -> Self {
        Self {
            sweeps: 10,
            max_beliefs: 1000,
            seed: 0,
        }
    }
}

/// What PBVI has found so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PbviState {
    settings: PbviSettings,
    iteration: u64,
    beliefs: Vec<Belief>,
    /// The vectors of each block; the first is there from the start.
    policy: AlphaPolicy,
    upper: f64,
    rng: Stream,
    /// Largest gain of a belief in the last sweep.
    gain: f64,
    /// Iterations since the set of beliefs has grown.
    barren: u32,
}

/// Point-based value iteration.
#[derive(Debug, Clone)]
pub struct Pbvi {
    model: Arc<Pomdp>,
    state: PbviState,
    work: Workspace,
}

/// Gain of a sweep below which a set of beliefs that grows no more has converged.
const PRECISION: f64 = 1e-9;
/// Iterations without a new belief after which none is expected.
const BARREN: u32 = 50;

impl Pbvi {
    /// Starts with the initial belief and the blind policies, which are solved first.
    ///
    /// # Errors
    /// [`SolverError::Undiscounted`].
    pub fn new(model: Arc<Pomdp>, settings: PbviSettings) -> Result<Self, SolverError> {
        let informed = Informed::new(&model)?;
        Ok(Self::from_bounds(model, settings, &informed))
    }

    /// As [`new`](Self::new) with tables of the same model.
    pub fn from_bounds(model: Arc<Pomdp>, settings: PbviSettings, informed: &Informed) -> Self {
        let blocks = Blocks::of(&model);
        let vectors = (0..blocks.len()).map(|block| restricted(&informed.blind, &blocks, block));
        let vectors = vectors.collect();
        Self {
            work: Workspace::new(&model),
            state: PbviState {
                settings,
                iteration: 0,
                beliefs: vec![Belief::start(&model)],
                policy: AlphaPolicy { blocks, vectors },
                upper: informed.bounds.fib,
                rng: Stream::new(settings.seed, 0, "pbvi.expand"),
                gain: f64::INFINITY,
                barren: 0,
            },
            model,
        }
    }

    /// Number of beliefs.
    pub fn beliefs(&self) -> usize {
        self.state.beliefs.len()
    }

    /// One backup of every belief against the vectors of the last sweep.
    fn sweep(&mut self) {
        let policy = &self.state.policy;
        let flat = Flat::of(policy);
        let mut vectors: Vec<Vec<AlphaVector>> = vec![Vec::new(); policy.blocks.len()];
        let mut gain: f64 = 0.0;
        for belief in &self.state.beliefs {
            let Some(block) = policy.blocks.block_of(belief) else {
                continue;
            };
            let old = flat.best(policy, block, belief);
            let place = (policy, block);
            let new = Self::backup(&self.model, &flat, place, belief, &mut self.work);
            let value = |values: &[f64]| -> f64 {
                belief
                    .iter()
                    .map(|(s, p)| p * values[policy.blocks.index(block, s as u32) as usize])
                    .sum()
            };
            let improvement = value(&new.values) - old.1;
            gain = gain.max(improvement);
            if improvement > 0.0 && !vectors[block].contains(&new) {
                vectors[block].push(new);
            }
        }
        for (new, old) in vectors.iter_mut().zip(&policy.vectors) {
            *new = undominated(old.iter().cloned().chain(new.drain(..)));
        }
        self.state.gain = gain;
        self.state.policy.vectors = vectors;
    }

    fn backup(
        model: &Pomdp,
        flat: &Flat<'_>,
        (policy, block): (&AlphaPolicy, usize),
        belief: &Belief,
        work: &mut Workspace,
    ) -> AlphaVector {
        let mut after = vec![NONE; model.num_observations()];
        let mut best: Option<(f64, usize, Vec<u32>)> = None;
        for action in 0..model.num_actions() {
            after.fill(NONE);
            let mut future = 0.0;
            belief.for_successors(model, action, work, |o, p, next| {
                if let Some(block) = policy.blocks.block_of(next) {
                    let (vector, value) = flat.best(policy, block, next);
                    after[o] = vector;
                    future += p * value;
                }
            });
            let q = belief.dot(model.rewards(action)) + model.discount() * future;
            if best.as_ref().is_none_or(|(most, ..)| q > *most) {
                best = Some((q, action, after.clone()));
            }
        }
        let (_, action, after) = best.unwrap_or((0.0, 0, after));
        AlphaVector {
            action: action as u32,
            values: backup::alpha(model, &policy.blocks, flat, block, action, &after),
        }
    }

    /// Adds the farthest sampled successor of each belief.
    fn expand(&mut self) {
        let state = &mut self.state;
        for i in 0..state.beliefs.len() {
            if state.beliefs.len() >= state.settings.max_beliefs {
                return;
            }
            let mut farthest: Option<(f64, Belief)> = None;
            for action in 0..self.model.num_actions() {
                let mut left: f64 = state.rng.random();
                let successors = state.beliefs[i].successors(&self.model, action, &mut self.work);
                let drawn = successors.into_iter().find(|s| {
                    left -= s.probability;
                    left < 0.0
                });
                let Some(drawn) = drawn.filter(|s| !self.model.is_terminal(s.belief.mode())) else {
                    continue;
                };
                let distances = state.beliefs.iter().map(|b| b.distance(&drawn.belief));
                let distance = distances.fold(f64::INFINITY, f64::min);
                if distance > 1e-9 && farthest.as_ref().is_none_or(|(most, _)| distance > *most) {
                    farthest = Some((distance, drawn.belief));
                }
            }
            state.beliefs.extend(farthest.map(|(_, belief)| belief));
        }
    }
}

/// The vectors that no other one is at least as large as everywhere; of equal ones the first.
fn undominated(vectors: impl Iterator<Item = AlphaVector>) -> Vec<AlphaVector> {
    let covers = |x: &AlphaVector, y: &AlphaVector| {
        let mut pairs = x.values.iter().zip(&y.values);
        pairs.all(|(x, y)| x >= y)
    };
    let mut kept: Vec<AlphaVector> = Vec::new();
    for vector in vectors {
        if !kept.iter().any(|known| covers(known, &vector)) {
            kept.retain(|known| !covers(&vector, known));
            kept.push(vector);
        }
    }
    kept
}

/// The vectors over all states, restricted to a block.
pub(super) fn restricted(q: &[Vec<f64>], blocks: &Blocks, block: usize) -> Vec<AlphaVector> {
    let vector = |(action, values): (usize, &Vec<f64>)| AlphaVector {
        action: action as u32,
        values: blocks
            .members(block)
            .iter()
            .map(|&s| values[s as usize])
            .collect(),
    };
    q.iter().enumerate().map(vector).collect()
}

/// The vectors of all blocks under one numbering.
struct Flat<'a> {
    all: Vec<&'a AlphaVector>,
    first: Vec<u32>,
}

impl<'a> Flat<'a> {
    fn of(policy: &'a AlphaPolicy) -> Self {
        let (mut all, mut first) = (Vec::new(), Vec::new());
        for vectors in &policy.vectors {
            first.push(all.len() as u32);
            all.extend(vectors);
        }
        Self { all, first }
    }

    fn best(&self, policy: &AlphaPolicy, block: usize, belief: &Belief) -> (u32, f64) {
        let indices: Vec<u32> = belief
            .states
            .iter()
            .map(|&s| policy.blocks.index(block, s))
            .collect();
        let mut best = (self.first[block], f64::NEG_INFINITY);
        for (at, vector) in policy.vectors[block].iter().enumerate() {
            let terms = indices.iter().zip(&belief.probabilities);
            let value: f64 = terms.map(|(&i, p)| p * vector.values[i as usize]).sum();
            if value > best.1 {
                best = (self.first[block] + at as u32, value);
            }
        }
        best
    }
}

impl Vectors for Flat<'_> {
    fn default_of(&self, block: usize) -> u32 {
        self.first[block]
    }

    fn values(&self, vector: u32) -> &[f64] {
        &self.all[vector as usize].values
    }
}

impl Solver for Pbvi {
    type State = PbviState;

    fn resume(model: Arc<Pomdp>, state: PbviState) -> Result<Self, SolverError> {
        super::discounted("PBVI", &model)?;
        let n = model.num_states();
        let is_one = |belief: &Belief| {
            let known = belief.states.iter().all(|&s| (s as usize) < n);
            known && !belief.states.is_empty() && belief.states.len() == belief.probabilities.len()
        };
        let policy = &state.policy;
        let fits = policy.blocks == Blocks::of(&model)
            && policy.fits(&model)
            && policy.vectors.iter().all(|of_block| !of_block.is_empty());
        if !fits || state.beliefs.is_empty() || !state.beliefs.iter().all(is_one) {
            return Err(SolverError::Saved(
                "its parts do not belong to this model".into(),
            ));
        }
        Ok(Self {
            work: Workspace::new(&model),
            model,
            state,
        })
    }

    fn state(&self) -> &PbviState {
        &self.state
    }

    fn step(&mut self) -> Progress {
        let before = self.state.beliefs.len();
        self.expand();
        self.state.barren = if self.state.beliefs.len() > before {
            0
        } else {
            self.state.barren.saturating_add(1)
        };
        for _ in 0..self.state.settings.sweeps {
            self.sweep();
        }
        self.state.iteration += 1;
        self.progress()
    }

    fn progress(&self) -> Progress {
        let start = &self.state.beliefs[0];
        Progress {
            iteration: self.state.iteration,
            lower: self.state.policy.value(start).unwrap_or(f64::NEG_INFINITY),
            upper: self.state.upper,
        }
    }

    fn converged(&self) -> bool {
        let full = self.state.beliefs.len() >= self.state.settings.max_beliefs;
        (full || self.state.barren >= BARREN) && self.state.gain < PRECISION
    }

    fn policy(&self) -> AlphaPolicy {
        self.state.policy.clone()
    }
}
