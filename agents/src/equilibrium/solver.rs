//! What all iterative solvers of games have in common.

use std::sync::Arc;

use palaestra_envs::sim::{read_value, write_value};
use serde::{Serialize, de::DeserializeOwned};

/// A game that is none.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GameError {
    /// Numbers are missing or too many.
    #[error("the {what} has {found} entries instead of {expected}")]
    Shape {
        /// Which part of the game.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// Two preference probabilities that do not belong together.
    #[error(
        "preferences [{i}][{j}] = {a} and [{j}][{i}] = {b} must lie between 0 and 1 and sum to 1"
    )]
    Preference {
        /// Row of the first.
        i: usize,
        /// Column of the first.
        j: usize,
        /// The first.
        a: f64,
        /// Its mirror image.
        b: f64,
    },
    /// A reference policy without full support, or whose sum is not 1; tells the sum or the logit in question.
    #[error(
        "a reference policy needs finite logits, or positive probabilities that sum to 1; found {0}"
    )]
    Reference(f64),
    /// A payoff that is not a finite number.
    #[error("the payoff [{row}][{column}] is {value}; payoffs must be finite")]
    Payoff {
        /// The row player's action.
        row: usize,
        /// The column player's action.
        column: usize,
        /// The payoff.
        value: f64,
    },
    /// An extensive game whose rules contradict each other.
    #[error("{game}: {reason}")]
    Tree {
        /// The game's name.
        game: String,
        /// What is wrong, and where.
        reason: String,
    },
}

/// Why a solver cannot work, or cannot be loaded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SolverError {
    /// A setting outside its range.
    #[error("`{name}` is {value}; it must be {range}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it was set to.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
    /// A method that has not come to an end.
    #[error("{solver} stopped after {steps} steps with a residual of {residual:e}")]
    NoConvergence {
        /// The method.
        solver: &'static str,
        /// Steps made.
        steps: usize,
        /// What is left.
        residual: f64,
    },
    /// A linear program that its solver gives up.
    #[error("the linear program of a {rows} x {columns} game failed: {reason}")]
    LinearProgram {
        /// Actions of the row player.
        rows: usize,
        /// Actions of the column player.
        columns: usize,
        /// What the solver says.
        reason: String,
    },
    /// A solver for symmetric or zero-sum games was given another one.
    #[error("{solver} needs a {needs} game")]
    Kind {
        /// The solver.
        solver: &'static str,
        /// What it is for.
        needs: &'static str,
    },
    /// A saved solver of another game or kind.
    #[error("the saved state does not fit: {0}")]
    Saved(String),
    /// The game itself is wrong.
    #[error(transparent)]
    Game(#[from] GameError),
}

impl SolverError {
    /// Refuses what is not a positive finite number.
    pub(super) fn positive(name: &'static str, value: f64) -> Result<(), Self> {
        Self::check(
            name,
            value,
            value > 0.0 && value.is_finite(),
            "positive and finite",
        )
    }

    /// Refuses what is not between 0 and 1.
    pub(super) fn fraction(name: &'static str, value: f64) -> Result<(), Self> {
        Self::check(name, value, (0.0..=1.0).contains(&value), "between 0 and 1")
    }

    pub(super) fn check(
        name: &'static str,
        value: f64,
        holds: bool,
        range: &'static str,
    ) -> Result<(), Self> {
        if holds {
            Ok(())
        } else {
            Err(Self::Setting { name, value, range })
        }
    }

    /// A saved state has a vector of another length.
    pub(super) fn misfit(what: &str, found: usize, expected: usize) -> Result<(), Self> {
        if found == expected {
            Ok(())
        } else {
            Err(Self::Saved(format!(
                "it has {found} {what} instead of {expected}"
            )))
        }
    }
}

/// Which policy of a solver: not every method converges in its last iterate, and not every one keeps a useful average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Iterate {
    /// The policy that would be played next.
    Last,
    /// The average of all policies so far, with the method's own weights; of an extensive game, weighted by how likely
    /// its player is to reach the information set.
    Average,
}

/// An iterative solver of games.
///
/// It differs from the [solver of POMDPs](crate::pomdp::planning::Solver) in what it tells: planners bound the optimal
/// value at a belief from both sides and give one policy, while here there are two policies and the gap is a property
/// of each, which costs as much as several iterations and is computed only when asked for.
///
/// No clock is read here. A solver can be saved, and goes on after loading as if it had not been stopped.
pub trait Solver {
    /// What it solves.
    type Game;
    /// What it is set to and has found so far.
    type State: Serialize + DeserializeOwned;
    /// A policy, or one for each player.
    type Policy;

    /// A solver that takes up `state`.
    ///
    /// # Errors
    /// [`SolverError::Saved`] if it is of another game, [`SolverError::Setting`] if a setting is outside its range.
    fn resume(game: Arc<Self::Game>, state: Self::State) -> Result<Self, SolverError>
    where
        Self: Sized;

    /// What it is set to and has found so far.
    fn state(&self) -> &Self::State;

    /// Does one iteration.
    fn step(&mut self);

    /// Iterations done.
    fn iteration(&self) -> u64;

    /// Whether it has left all numbers behind, so that it says nothing any more.
    fn has_diverged(&self) -> bool {
        false
    }

    /// A policy found so far.
    fn policy(&self, which: Iterate) -> Self::Policy;

    /// How far that policy is from an equilibrium: the gap that this solver is meant to close.
    fn gap(&mut self, which: Iterate) -> f64;

    /// Does `iterations` iterations; fewer if it diverges.
    fn run(&mut self, iterations: u64) {
        for _ in 0..iterations {
            self.step();
        }
    }

    /// The state as bytes.
    ///
    /// # Errors
    /// [`SolverError::Saved`] if it cannot be written.
    fn save(&self) -> Result<Vec<u8>, SolverError> {
        let mut bytes = Vec::new();
        let written = write_value(self.state(), &mut bytes);
        written.map_err(|e| SolverError::Saved(e.to_string()))?;
        Ok(bytes)
    }

    /// A solver that goes on from saved bytes.
    ///
    /// # Errors
    /// [`SolverError::Saved`] if they are not of such a solver, or of another game.
    fn load(game: Arc<Self::Game>, mut bytes: &[u8]) -> Result<Self, SolverError>
    where
        Self: Sized,
    {
        let state = read_value(&mut bytes).map_err(|e| SolverError::Saved(e.to_string()))?;
        Self::resume(game, state)
    }
}
