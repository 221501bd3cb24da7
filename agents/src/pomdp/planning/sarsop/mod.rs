//! SARSOP: Kurniawati, Hsu, Lee, *SARSOP: Efficient Point-Based POMDP Planning by Approximating Optimally Reachable
//! Belief Spaces* (RSS 2008).
//!
//! Each iteration samples a path of beliefs from the initial one, by the action with the largest upper bound and the
//! observation with the largest excess gap, as far as the bounds can still matter to the root; backs up both bounds
//! along it in reverse; and drops actions and vectors that have become needless.
//!
//! * lower bound: α-vectors, from the blind policies;
//! * upper bound: sawtooth interpolation between the fast informed bound at the corners and the beliefs visited,
//!   `U(b) = b · v + min_i [min_{s: b_i(s) > 0} b(s) / b_i(s)] (U_i - b_i · v)`.
//!
//! What differs from the paper: a vector that others count on for what comes next is kept, so that the policy earns its
//! bound; beliefs reached by several paths are one node, so that the tree is a graph; after a path
//! that improves next to nothing, the next one goes by the gap alone; and vectors live on the [`Blocks`] of the states
//! that a belief can spread over, so that mixed observability need not be declared.

mod bounds;
mod graph;
mod sample;
mod sound;

use std::sync::Arc;

use bounds::{Lower, Upper};
use graph::{Graph, Node};
use palaestra_envs::pomdp::{Pomdp, SparseRows};
use sample::Predictor;
use serde::{Deserialize, Serialize};

use super::{AlphaPolicy, Blocks, Informed, Progress, Solver, SolverError, misfit};
use crate::pomdp::{Belief, Workspace};

/// How paths are sampled.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Selective deepening by predicted optimal values.
    #[default]
    Sarsop,
    /// Until the gap is closed to what matters at the root: heuristic search value iteration (Smith, Simmons 2005).
    Gap,
}

/// Settings of [`Sarsop`]. The defaults are those of the released program, as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SarsopSettings {
    /// Gap between the bounds at the initial belief at which it has converged.
    pub precision: f64,
    /// Gap that a path aims at, as a share of the present one at the root.
    pub gap_share: f64,
    /// How paths are sampled.
    pub sampling: Sampling,
}

impl Default for SarsopSettings {
    fn default() -> Self {
        Self {
            precision: 1e-3,
            gap_share: 0.5,
            sampling: Sampling::Sarsop,
        }
    }
}

/// What SARSOP has found so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SarsopState {
    settings: SarsopSettings,
    iteration: u64,
    blocks: Blocks,
    graph: Graph,
    lower: Lower,
    upper: Upper,
    predictor: Predictor,
    /// Whether the last path has improved nothing.
    stalled: bool,
    /// Multiplications in following beliefs and in new vectors.
    work: u64,
}

/// SARSOP on one model.
#[derive(Debug, Clone)]
pub struct Sarsop {
    model: Arc<Pomdp>,
    state: SarsopState,
    work: Workspace,
    after: Vec<u32>,
    /// Products of transition and observation in the average row of a state and an action.
    outcomes: u64,
}

/// Products of transition and observation in the average row of a state and an action, at least 1.
fn outcomes(model: &Pomdp) -> u64 {
    let parts = model.parts();
    let entries = |tables: &[SparseRows]| -> u64 {
        let sizes = tables.iter().map(|rows| rows.offset(rows.rows()) as u64);
        sizes.sum()
    };
    let rows = (model.num_states() * model.num_actions()) as u64;
    let successors = entries(&parts.transition).div_ceil(rows);
    (successors * entries(&parts.observation).div_ceil(rows)).max(1)
}

impl Sarsop {
    /// Starts from the blind policies and the fast informed bound, which are solved first.
    ///
    /// # Errors
    /// [`SolverError::Undiscounted`].
    pub fn new(model: Arc<Pomdp>, settings: SarsopSettings) -> Result<Self, SolverError> {
        let informed = Informed::new(&model)?;
        Ok(Self::from_bounds(model, settings, &informed))
    }

    /// As [`new`](Self::new) with tables of the same model.
    pub fn from_bounds(model: Arc<Pomdp>, settings: SarsopSettings, informed: &Informed) -> Self {
        let blocks = Blocks::of(&model);
        let lower = Lower::new(&model, &blocks, &informed.blind);
        let upper = Upper::new(&blocks, &informed.fib);
        let mut state = SarsopState {
            settings,
            iteration: 0,
            stalled: false,
            work: 0,
            predictor: Predictor::new(&upper, &lower),
            graph: Graph::default(),
            blocks,
            lower,
            upper,
        };
        let (root, start) = (state.blocks.root(), Belief::start(&model));
        state.add_node(root, &start);
        let mut solver = Self {
            work: Workspace::new(&model),
            after: Vec::new(),
            outcomes: outcomes(&model),
            model,
            state,
        };
        solver.refresh(0);
        solver
    }

    /// Changes the gap at which it has converged.
    pub fn set_precision(&mut self, precision: f64) {
        self.state.settings.precision = precision;
    }

    /// Multiplications done, about: in following beliefs, in comparing them with vectors and interpolated points, and
    /// in new vectors.
    pub fn work(&self) -> u64 {
        self.state.work + self.state.lower.work + self.state.upper.work
    }

    /// Number of beliefs visited, and of vectors in use.
    pub fn sizes(&self) -> (usize, usize) {
        (self.state.graph.nodes.len(), self.state.lower.active())
    }
}

impl SarsopState {
    /// The node of a belief, which is made if there is none yet.
    fn add_node(&mut self, block: usize, belief: &Belief) -> u32 {
        let local: Vec<u32> = belief
            .states
            .iter()
            .map(|&s| self.blocks.index(block, s))
            .collect();
        let key = Graph::key(block, &local, &belief.probabilities);
        if let Some(node) = self.graph.find(key, block, &local, &belief.probabilities) {
            return node;
        }
        let upper = self
            .upper
            .at(block, &local, &belief.probabilities, &self.graph);
        let (lower, alpha) = self.lower.best(block, &local, &belief.probabilities);
        let node = Node {
            block: block as u32,
            corner: self.upper.corner(block, &local, &belief.probabilities),
            bin: self.predictor.bin(upper, belief.entropy()),
            seen_points: self.upper.log_len(block),
            seen_alphas: self.lower.log_len(block),
            probabilities: belief.probabilities.clone(),
            local,
            upper,
            lower,
            alpha,
            actions: Vec::new(),
            is_point: false,
        };
        self.predictor.enter(&node);
        self.graph.add(key, node)
    }
}

impl Solver for Sarsop {
    type State = SarsopState;

    fn resume(model: Arc<Pomdp>, mut state: SarsopState) -> Result<Self, SolverError> {
        super::discounted("SARSOP", &model)?;
        if state.blocks != Blocks::of(&model) {
            return Err(misfit("states", state.blocks.states(), model.num_states()));
        }
        if !state.is_sound(&model) {
            return Err(SolverError::Saved(
                "its parts do not belong together".into(),
            ));
        }
        state.graph.reindex();
        Ok(Self {
            work: Workspace::new(&model),
            after: Vec::new(),
            outcomes: outcomes(&model),
            model,
            state,
        })
    }

    fn state(&self) -> &SarsopState {
        &self.state
    }

    fn step(&mut self) -> Progress {
        let path = self.sample();
        let mut improved = false;
        for &node in path.iter().rev() {
            improved |= self.backup(node);
        }
        self.state.stalled = !improved;
        self.state.prune_vectors();
        self.state.iteration += 1;
        self.progress()
    }

    fn progress(&self) -> Progress {
        let root = &self.state.graph.nodes[0];
        Progress {
            iteration: self.state.iteration,
            lower: root.lower,
            upper: root.upper.max(root.lower),
        }
    }

    fn converged(&self) -> bool {
        let progress = self.progress();
        progress.upper - progress.lower <= self.state.settings.precision
    }

    fn policy(&self) -> AlphaPolicy {
        AlphaPolicy {
            vectors: self.state.lower.supported(),
            blocks: self.state.blocks.clone(),
        }
    }
}
