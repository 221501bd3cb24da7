//! Replicator dynamics: Taylor and Jonker, *Evolutionary Stable Strategies and Game Dynamics* (1978); projected: Lanctot
//! et al., *A Unified Game-Theoretic Approach to Multiagent Reinforcement Learning* (arXiv 1711.00832).
//!
//! `ẋ_k = x_k ((A y)_k - x·A y)`, likewise for `y`, by Euler steps. In a symmetric game with equal starts this is the
//! dynamics of a single population. With a floor, every step is projected back onto the policies whose probabilities
//! are at least that.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{BimatrixGame, Iterate, Solver, SolverError, simplex};

/// What replicator dynamics are set to, and where they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicatorState {
    step: f64,
    floor: f64,
    iteration: u64,
    policies: [Vec<f64>; 2],
    sums: [Vec<f64>; 2],
}

/// Replicator dynamics of two populations.
#[derive(Debug, Clone)]
pub struct Replicator {
    game: Arc<BimatrixGame>,
    state: ReplicatorState,
    values: [Vec<f64>; 2],
    sorted: Vec<f64>,
}

impl Replicator {
    /// Dynamics from these policies with Euler steps of `step`; with a `floor` above 0 they are projected.
    ///
    /// # Errors
    /// [`SolverError::Setting`] unless the step is positive and the floor leaves something to decide,
    /// [`SolverError::Saved`] if the policies are of another game.
    pub fn new(
        game: Arc<BimatrixGame>,
        start: [Vec<f64>; 2],
        step: f64,
        floor: f64,
    ) -> Result<Self, SolverError> {
        let state = ReplicatorState {
            step,
            floor,
            iteration: 0,
            sums: start.clone(),
            policies: start,
        };
        Self::resume(game, state)
    }

    /// Projected dynamics from the uniform policies, with the step 0.001 and the floor 1e-6 that PSRO's authors use.
    ///
    /// # Errors
    /// [`SolverError::Setting`] for games of so many actions that the floor leaves nothing to decide.
    pub fn projected(game: Arc<BimatrixGame>) -> Result<Self, SolverError> {
        let uniform = game.actions().map(|n| vec![1.0 / n as f64; n]);
        Self::new(game, uniform, 1e-3, 1e-6)
    }
}

/// The nearest point (in the Euclidean sense) whose entries are at least `floor` and sum to 1.
fn project(policy: &mut [f64], floor: f64, sorted: &mut Vec<f64>) {
    let mass = 1.0 - floor * policy.len() as f64;
    sorted.clear();
    sorted.extend(policy.iter().map(|p| p - floor));
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let (mut sum, mut shift) = (0.0, 0.0);
    for (k, v) in sorted.iter().enumerate() {
        sum += v;
        let candidate = (sum - mass) / (k + 1) as f64;
        if *v > candidate {
            shift = candidate;
        }
    }
    for p in policy {
        *p = floor + (*p - floor - shift).max(0.0);
    }
}

impl Solver for Replicator {
    type Game = BimatrixGame;
    type State = ReplicatorState;
    type Policy = [Vec<f64>; 2];

    fn resume(game: Arc<BimatrixGame>, state: ReplicatorState) -> Result<Self, SolverError> {
        let actions = game.actions();
        SolverError::positive("step", state.step)?;
        for (player, n) in actions.into_iter().enumerate() {
            SolverError::misfit("probabilities", state.policies[player].len(), n)?;
            SolverError::misfit("sums", state.sums[player].len(), n)?;
            let most = 1.0 / n as f64;
            let holds = (0.0..=most).contains(&state.floor);
            SolverError::check(
                "floor",
                state.floor,
                holds,
                "between 0 and 1 / number of actions",
            )?;
        }
        Ok(Self {
            values: actions.map(|n| vec![0.0; n]),
            sorted: Vec::new(),
            game,
            state,
        })
    }

    fn state(&self) -> &ReplicatorState {
        &self.state
    }

    fn step(&mut self) {
        let ReplicatorState {
            step,
            floor,
            iteration,
            policies,
            sums,
        } = &mut self.state;
        for player in 0..2 {
            self.game
                .values(player, &policies[1 - player], &mut self.values[player]);
        }
        for player in 0..2 {
            let (policy, values) = (&mut policies[player], &self.values[player]);
            let mean = simplex::dot(policy, values);
            for (p, v) in policy.iter_mut().zip(values) {
                *p += *step * *p * (v - mean);
            }
            if *floor > 0.0 {
                project(policy, *floor, &mut self.sorted);
            }
            for (s, p) in sums[player].iter_mut().zip(&*policy) {
                *s += p;
            }
        }
        *iteration += 1;
    }

    fn iteration(&self) -> u64 {
        self.state.iteration
    }

    /// The average is that over time, the start included.
    fn policy(&self, which: Iterate) -> [Vec<f64>; 2] {
        match which {
            Iterate::Last => self.state.policies.clone(),
            Iterate::Average => {
                let mut policies = self.state.sums.clone();
                policies.iter_mut().for_each(|p| simplex::normalise(p));
                policies
            }
        }
    }

    /// NashConv.
    fn gap(&mut self, which: Iterate) -> f64 {
        self.game.nash_conv(&self.policy(which))
    }
}
