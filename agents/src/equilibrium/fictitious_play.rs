//! Fictitious play: Brown, *Iterative Solution of Games by Fictitious Play* (1951); in extensive games: Heinrich, Lanctot
//! and Silver, *Fictitious Self-Play in Extensive-Form Games* (ICML 2015).
//!
//! Everyone responds best to the average of what the others have played so far. Averages converge in zero-sum games,
//! slowly. Of equally good actions the first is played, and actions count as equally good if they differ by no more than
//! rounding: ties are frequent, and what follows depends on how they are broken.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    BestResponse, BimatrixGame, Iterate, Solver, SolverError,
    cfr::{average, normalise_sets},
    extensive::ExtensiveGame,
    simplex,
};

/// What fictitious play has found so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlayCounts {
    iteration: u64,
    /// How often each action was played; whole numbers.
    counts: [Vec<f64>; 2],
}

/// Simultaneous fictitious play in a normal-form game. Both players begin with their first action.
#[derive(Debug, Clone)]
pub struct FictitiousPlay {
    game: Arc<BimatrixGame>,
    state: PlayCounts,
    values: [Vec<f64>; 2],
    last: [usize; 2],
    /// Largest payoff in absolute terms.
    scale: f64,
}

/// Rounding of a value, relative to plays times the largest payoff.
const ROUNDING: f64 = 1e-12;

impl FictitiousPlay {
    /// A solver before the first play.
    pub fn new(game: Arc<BimatrixGame>) -> Self {
        let zeros = game.actions().map(|n| vec![0.0; n]);
        Self {
            state: PlayCounts {
                iteration: 0,
                counts: zeros.clone(),
            },
            values: zeros,
            last: [0; 2],
            scale: game.largest_payoff(),
            game,
        }
    }

    fn respond(&mut self) {
        for player in 0..2 {
            let values = &mut self.values[player];
            self.game
                .values(player, &self.state.counts[1 - player], values);
            let best =
                simplex::best(values).1 - ROUNDING * self.scale * self.state.iteration as f64;
            self.last[player] = values.iter().position(|v| *v >= best).unwrap_or_default();
        }
    }
}

impl Solver for FictitiousPlay {
    type Game = BimatrixGame;
    type State = PlayCounts;
    type Policy = [Vec<f64>; 2];

    fn resume(game: Arc<BimatrixGame>, state: PlayCounts) -> Result<Self, SolverError> {
        for (counts, n) in state.counts.iter().zip(game.actions()) {
            SolverError::misfit("counts", counts.len(), n)?;
        }
        let mut solver = Self::new(game);
        solver.state = state;
        solver.respond();
        Ok(solver)
    }

    fn state(&self) -> &PlayCounts {
        &self.state
    }

    fn step(&mut self) {
        for (counts, action) in self.state.counts.iter_mut().zip(self.last) {
            counts[action] += 1.0;
        }
        self.state.iteration += 1;
        self.respond();
    }

    fn iteration(&self) -> u64 {
        self.state.iteration
    }

    /// The last policy is the pure one that is played next.
    fn policy(&self, which: Iterate) -> [Vec<f64>; 2] {
        let mut policies = self.state.counts.clone();
        for (policy, action) in policies.iter_mut().zip(self.last) {
            match which {
                Iterate::Last => {
                    policy.fill(0.0);
                    policy[action] = 1.0;
                }
                Iterate::Average => simplex::normalise(policy),
            }
        }
        policies
    }

    /// NashConv.
    fn gap(&mut self, which: Iterate) -> f64 {
        self.game.nash_conv(&self.policy(which))
    }
}

/// What fictitious play in an extensive game has found so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExtensivePlay {
    iteration: u64,
    /// Sum of the realisation weights of everything played.
    sums: Vec<f64>,
}

/// Fictitious play in an extensive game (XFP). The first policies are uniform; policies are mixed in realisation
/// weights, not in probabilities.
#[derive(Debug, Clone)]
pub struct ExtensiveFictitiousPlay {
    game: Arc<ExtensiveGame>,
    state: ExtensivePlay,
    own: Vec<f64>,
    /// The average, and what is played against it.
    average: Vec<f64>,
    pure: Vec<f64>,
    response: BestResponse,
}

impl ExtensiveFictitiousPlay {
    /// A solver before the first response.
    pub fn new(game: Arc<ExtensiveGame>) -> Self {
        let mut solver = Self {
            state: ExtensivePlay {
                iteration: 0,
                sums: vec![0.0; game.num_actions()],
            },
            own: vec![0.0; game.infosets().len()],
            average: game.uniform(),
            pure: game.uniform(),
            response: BestResponse::default(),
            game,
        };
        solver.add(0);
        solver.add(1);
        solver
    }

    /// Adds the realisation weights of a player's part of what is played.
    fn add(&mut self, player: usize) {
        let policy = &self.pure;
        self.game.own_reach(player, policy, &mut self.own);
        for (set, own) in self.game.infosets().iter().zip(&self.own) {
            if set.player == player {
                for action in set.actions.clone() {
                    self.state.sums[action] += own * policy[action];
                }
            }
        }
    }
}

impl Solver for ExtensiveFictitiousPlay {
    type Game = ExtensiveGame;
    type State = ExtensivePlay;
    type Policy = Vec<f64>;

    fn resume(game: Arc<ExtensiveGame>, state: ExtensivePlay) -> Result<Self, SolverError> {
        SolverError::misfit("sums", state.sums.len(), game.num_actions())?;
        let mut solver = Self::new(game);
        solver.state = state;
        Ok(solver)
    }

    fn state(&self) -> &ExtensivePlay {
        &self.state
    }

    fn step(&mut self) {
        self.average.copy_from_slice(&self.state.sums);
        normalise_sets(&self.game, &mut self.average);
        for player in 0..2 {
            self.response.value(&self.game, player, &self.average);
            self.pure.fill(0.0);
            for (set, &choice) in self.game.infosets().iter().zip(self.response.choices()) {
                if set.player == player {
                    self.pure[set.actions.start + choice] = 1.0;
                }
            }
            self.add(player);
        }
        self.state.iteration += 1;
    }

    fn iteration(&self) -> u64 {
        self.state.iteration
    }

    /// There is no last policy apart from the average, to which the next one responds.
    fn policy(&self, _: Iterate) -> Vec<f64> {
        average(&self.game, &self.state.sums)
    }

    /// NashConv.
    fn gap(&mut self, which: Iterate) -> f64 {
        let policy = self.policy(which);
        self.response.nash_conv(&self.game, &policy)
    }
}
