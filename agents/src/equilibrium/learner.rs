//! Learners of preference games: one loop, many update rules.
//!
//! A learner holds logits and, over the iterations, the sum of its policies; a [`Rule`] says how the logits move.

use std::sync::Arc;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Iterate, PreferenceGame, Solver, SolverError,
    metrics::{self, Workspace},
    simplex,
};

/// How a learner's logits move in one iteration.
pub trait Rule: Clone + Serialize + DeserializeOwned {
    /// Temperature of the regularised game whose equilibrium is sought; 0 without regularisation.
    fn temperature(&self) -> f64;

    /// Refuses settings outside their range, or a memory that is not of a game with `n` responses.
    ///
    /// # Errors
    /// [`SolverError::Setting`] or [`SolverError::Saved`].
    fn check(&self, n: usize) -> Result<(), SolverError>;

    /// Makes room for what the rule remembers, before the first iteration.
    fn start(&mut self, _logits: &[f64]) {}

    /// Moves `logits`; `iteration` counts from 0. What `room` holds is arbitrary before and after.
    fn update(
        &mut self,
        game: &PreferenceGame,
        iteration: u64,
        logits: &mut [f64],
        room: &mut Room,
    );
}

/// Buffers that rules use within an update.
#[derive(Debug, Clone, Default)]
pub struct Room {
    /// A policy, `[n]`.
    pub policy: Vec<f64>,
    /// Logits or preferences, `[n]`.
    pub a: Vec<f64>,
    /// Logits or preferences, `[n]`.
    pub b: Vec<f64>,
}

impl Room {
    /// Room for a game of `n` responses.
    pub fn new(n: usize) -> Self {
        let zeros = vec![0.0; n];
        Self {
            policy: zeros.clone(),
            a: zeros.clone(),
            b: zeros,
        }
    }
}

/// What a learner of a preference game is set to and has found so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearnerState<R> {
    /// The rule with its settings and what it remembers.
    pub rule: R,
    iteration: u64,
    logits: Vec<f64>,
    /// Sum of the policies before each iteration and after the last.
    sum: Vec<f64>,
}

/// A learner of a preference game in self-play.
#[derive(Debug, Clone)]
pub struct PreferenceLearner<R> {
    game: Arc<PreferenceGame>,
    state: LearnerState<R>,
    room: Room,
    workspace: Workspace,
}

impl<R: Rule> PreferenceLearner<R> {
    /// A learner that starts from the game's reference policy.
    ///
    /// # Errors
    /// [`SolverError::Setting`] if a setting is outside its range.
    pub fn new(game: Arc<PreferenceGame>, rule: R) -> Result<Self, SolverError> {
        let logits = game.log_reference().to_vec();
        Self::starting_at(game, rule, &logits)
    }

    /// A learner that starts from the softmax of these logits.
    ///
    /// # Errors
    /// [`SolverError::Setting`] if a setting is outside its range, [`SolverError::Saved`] if the logits are not as many
    /// as the game has responses.
    pub fn starting_at(
        game: Arc<PreferenceGame>,
        mut rule: R,
        logits: &[f64],
    ) -> Result<Self, SolverError> {
        rule.start(logits);
        let mut sum = vec![0.0; logits.len()];
        simplex::softmax(logits, &mut sum);
        let state = LearnerState {
            rule,
            iteration: 0,
            logits: logits.to_vec(),
            sum,
        };
        Self::resume(game, state)
    }

    /// The game.
    pub fn game(&self) -> &PreferenceGame {
        &self.game
    }

    /// Logits of the last policy, up to a constant.
    pub fn logits(&self) -> &[f64] {
        &self.state.logits
    }

    /// The gap without regularisation.
    pub fn preference_gap(&self, which: Iterate) -> f64 {
        metrics::preference_gap(&self.game, &self.policy(which))
    }
}

impl<R: Rule> Solver for PreferenceLearner<R> {
    type Game = PreferenceGame;
    type State = LearnerState<R>;
    type Policy = Vec<f64>;

    fn resume(game: Arc<PreferenceGame>, state: Self::State) -> Result<Self, SolverError> {
        let n = game.len();
        SolverError::misfit("logits", state.logits.len(), n)?;
        SolverError::misfit("sums", state.sum.len(), n)?;
        state.rule.check(n)?;
        Ok(Self {
            game,
            state,
            room: Room::new(n),
            workspace: Workspace::default(),
        })
    }

    fn state(&self) -> &Self::State {
        &self.state
    }

    fn step(&mut self) {
        if self.has_diverged() {
            return;
        }
        let state = &mut self.state;
        state.rule.update(
            &self.game,
            state.iteration,
            &mut state.logits,
            &mut self.room,
        );
        state.iteration += 1;
        simplex::softmax(&state.logits, &mut self.room.policy);
        for (sum, p) in state.sum.iter_mut().zip(&self.room.policy) {
            *sum += p;
        }
    }

    fn iteration(&self) -> u64 {
        self.state.iteration
    }

    /// Whether the logits are beyond all numbers. A learner that has diverged stays where it is.
    fn has_diverged(&self) -> bool {
        !self.state.logits.iter().all(|v| v.is_finite())
    }

    /// The average is that of the starting policy and those after each iteration.
    fn policy(&self, which: Iterate) -> Vec<f64> {
        let mut policy = vec![0.0; self.game.len()];
        match which {
            Iterate::Last => simplex::softmax(&self.state.logits, &mut policy),
            Iterate::Average => {
                policy.copy_from_slice(&self.state.sum);
                simplex::normalise(&mut policy);
            }
        }
        policy
    }

    /// The regularised gap at the rule's temperature, or the preference gap if that is 0.
    fn gap(&mut self, which: Iterate) -> f64 {
        let tau = self.state.rule.temperature();
        if tau == 0.0 {
            return self.preference_gap(which);
        }
        match which {
            Iterate::Last => {
                metrics::regularised_gap(&self.game, tau, &self.state.logits, &mut self.workspace)
            }
            Iterate::Average => {
                let logits = simplex::logs(&self.policy(which));
                metrics::regularised_gap(&self.game, tau, &logits, &mut self.workspace)
            }
        }
    }
}
