//! PSRO with exact oracles: Lanctot et al., *A Unified Game-Theoretic Approach to Multiagent Reinforcement Learning*
//! (arXiv 1711.00832); with the meta-solver [`LpNash`](MetaSolver::LpNash) it is double oracle (McMahan, Gordon
//! and Blum, ICML 2003).
//!
//! A game over few actions is solved by a meta-solver, each player's best response to the other's mixture joins, and so
//! on until no response gains anything.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    BimatrixGame, Iterate, Solver, SolverError, lp_nash::lp_nash, replicator::Replicator, simplex,
};

/// What is played in the restricted game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetaSolver {
    /// All actions found so far, equally likely: fictitious play without weights.
    Uniform,
    /// An equilibrium of the restricted game; it must be zero-sum.
    LpNash,
    /// Where projected replicator dynamics are on average after 100,000 steps.
    ProjectedReplicator,
}

/// Steps of projected replicator dynamics.
const DYNAMICS: u64 = 100_000;
/// A best response must gain more than this to join.
const GAIN: f64 = 1e-9;

/// What PSRO is set to and has found so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PsroState {
    meta_solver: MetaSolver,
    round: u64,
    /// Actions of each player in the restricted game, in ascending order.
    actions: [Vec<usize>; 2],
    /// The meta-policies as policies of the whole game.
    profile: [Vec<f64>; 2],
}

/// Policy-space response oracles in a normal-form game.
///
/// Not a [`Solver`]: a round can fail, because a linear program can.
#[derive(Debug, Clone)]
pub struct Psro {
    game: Arc<BimatrixGame>,
    state: PsroState,
}

impl Psro {
    /// Starts with the first action of both players.
    ///
    /// # Errors
    /// [`SolverError::Kind`] if the meta-solver is for zero-sum games and the game is none.
    pub fn new(game: Arc<BimatrixGame>, meta_solver: MetaSolver) -> Result<Self, SolverError> {
        let mut psro = Self {
            state: PsroState {
                meta_solver,
                round: 1,
                actions: [vec![0], vec![0]],
                profile: game.actions().map(|n| vec![0.0; n]),
            },
            game,
        };
        psro.solve_restricted()?;
        Ok(psro)
    }

    /// Goes on from a saved state.
    ///
    /// # Errors
    /// [`SolverError::Saved`] if it is of another game.
    pub fn resume(game: Arc<BimatrixGame>, state: PsroState) -> Result<Self, SolverError> {
        for (player, n) in game.actions().into_iter().enumerate() {
            SolverError::misfit("probabilities", state.profile[player].len(), n)?;
            let known = &state.actions[player];
            if known.is_empty() || known.iter().any(|&action| action >= n) {
                let what = format!("it has the actions {known:?} of {n}");
                return Err(SolverError::Saved(what));
            }
        }
        Ok(Self { game, state })
    }

    /// What it is set to and has found so far.
    pub fn state(&self) -> &PsroState {
        &self.state
    }

    /// Restricted games solved.
    pub fn round(&self) -> u64 {
        self.state.round
    }

    /// Actions of each player in the restricted game, in ascending order.
    pub fn actions(&self) -> &[Vec<usize>; 2] {
        &self.state.actions
    }

    /// The policies found, over the actions of the whole game.
    pub fn profile(&self) -> &[Vec<f64>; 2] {
        &self.state.profile
    }

    /// NashConv of the policies found.
    pub fn gap(&self) -> f64 {
        self.game.nash_conv(&self.state.profile)
    }

    /// Each player's best response to the other's policy; of equally good ones the first. And its gain.
    pub fn responses(&self) -> [(usize, f64); 2] {
        [0, 1].map(|player| {
            let mut values = vec![0.0; self.game.actions()[player]];
            let profile = &self.state.profile;
            self.game.values(player, &profile[1 - player], &mut values);
            let (action, value) = simplex::best(&values);
            (action, value - simplex::dot(&profile[player], &values))
        })
    }

    /// Lets the best responses join and solves the restricted game again. Whether one has joined; otherwise nothing
    /// has changed, and more rounds change nothing.
    ///
    /// # Errors
    /// [`SolverError::LinearProgram`] if the meta-solver fails.
    pub fn step(&mut self) -> Result<bool, SolverError> {
        let mut joined = false;
        let responses = self.responses();
        for (known, (action, gain)) in self.state.actions.iter_mut().zip(responses) {
            if gain > GAIN
                && let Err(place) = known.binary_search(&action)
            {
                known.insert(place, action);
                joined = true;
            }
        }
        if joined {
            self.state.round += 1;
            self.solve_restricted()?;
        }
        Ok(joined)
    }

    fn solve_restricted(&mut self) -> Result<(), SolverError> {
        let [rows, columns] = &self.state.actions;
        let restricted = self.game.restricted(rows, columns);
        let found = match self.state.meta_solver {
            MetaSolver::Uniform => restricted.actions().map(|n| vec![1.0 / n as f64; n]),
            MetaSolver::LpNash => lp_nash(&restricted)?.profile,
            MetaSolver::ProjectedReplicator => {
                let mut dynamics = Replicator::projected(Arc::new(restricted))?;
                dynamics.run(DYNAMICS);
                dynamics.policy(Iterate::Average)
            }
        };
        for ((profile, known), found) in self
            .state
            .profile
            .iter_mut()
            .zip(&self.state.actions)
            .zip(found)
        {
            profile.fill(0.0);
            for (&action, p) in known.iter().zip(found) {
                profile[action] = p;
            }
        }
        Ok(())
    }
}
