//! Monte Carlo CFR: Lanctot et al., *Monte Carlo Sampling for Regret Minimization in Extensive Games* (NeurIPS 2009).
//!
//! Regret matching on sampled counterfactual values, which are right on average. External sampling draws chance and the
//! other player and tries all own actions; outcome sampling draws a single line of play, with exploration.

use std::sync::Arc;

use palaestra_envs::stream::Stream;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{
    BestResponse, Iterate, Solver, SolverError,
    cfr::{average, match_regrets},
    extensive::{ExtensiveGame, Kind},
    simplex,
};

/// What is drawn and what is tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum McSampling {
    /// Chance and the other player are drawn; policies are averaged where the other player acts.
    External,
    /// Everything is drawn; the player whose regrets are updated explores with probability `epsilon`.
    Outcome {
        /// Exploration, above 0 and at most 1.
        epsilon: f64,
    },
}

impl McSampling {
    /// Outcome sampling with the exploration of its authors, 0.6.
    pub const OUTCOME: Self = Self::Outcome { epsilon: 0.6 };
}

/// What Monte Carlo CFR is set to and has found so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MccfrState {
    sampling: McSampling,
    stream: Stream,
    iteration: u64,
    regrets: Vec<f64>,
    sums: Vec<f64>,
}

/// Monte Carlo counterfactual regret minimisation.
#[derive(Debug, Clone)]
pub struct Mccfr {
    game: Arc<ExtensiveGame>,
    state: MccfrState,
    /// Values of actions and policies on the way down, one after the other.
    stack: Vec<f64>,
    response: BestResponse,
}

impl Mccfr {
    /// A solver at the start.
    ///
    /// # Errors
    /// [`SolverError::Setting`] if the exploration is not above 0 and at most 1.
    pub fn new(
        game: Arc<ExtensiveGame>,
        sampling: McSampling,
        seed: u64,
    ) -> Result<Self, SolverError> {
        let zeros = vec![0.0; game.num_actions()];
        let state = MccfrState {
            sampling,
            stream: Stream::new(seed, 0, "equilibrium.mccfr"),
            iteration: 0,
            regrets: zeros.clone(),
            sums: zeros,
        };
        Self::resume(game, state)
    }

    /// The child that chance draws, and its probability.
    fn chance(&mut self, index: usize) -> (usize, f64) {
        let children = self.game.nodes[index].children();
        let outcomes = &self.game.chance[children.clone()];
        let drawn = simplex::pick(outcomes.iter().copied(), self.state.stream.random());
        (children.start + drawn, outcomes[drawn])
    }

    /// Puts the current policy of an information set on the stack, and tells where.
    fn push_policy(&mut self, set: usize) -> (usize, std::ops::Range<usize>) {
        let actions = self.game.infosets()[set].actions.clone();
        let start = self.stack.len();
        self.stack.resize(start + actions.len(), 0.0);
        match_regrets(
            &self.state.regrets[actions.clone()],
            &mut self.stack[start..],
        );
        (start, actions)
    }

    /// External sampling below a node: the sampled value for `player`.
    fn external(&mut self, index: usize, player: usize) -> f64 {
        let node = self.game.nodes[index];
        let first = node.first as usize;
        let set = match node.kind {
            Kind::End => return self.game.gains[index][player],
            Kind::Chance => {
                let (child, _) = self.chance(index);
                return self.external(child, player);
            }
            Kind::Decision(set) => set as usize,
        };
        let (start, actions) = self.push_policy(set);
        let count = actions.len();
        let value = if self.game.infosets()[set].player == player {
            self.stack.resize(start + 2 * count, 0.0);
            let mut mean = 0.0;
            for action in 0..count {
                let value = self.external(first + action, player);
                self.stack[start + count + action] = value;
                mean += self.stack[start + action] * value;
            }
            for (regret, value) in self.state.regrets[actions]
                .iter_mut()
                .zip(&self.stack[start + count..])
            {
                *regret += value - mean;
            }
            mean
        } else {
            let policy = &self.stack[start..start + count];
            for (sum, p) in self.state.sums[actions].iter_mut().zip(policy) {
                *sum += p;
            }
            let drawn = simplex::pick(policy.iter().copied(), self.state.stream.random());
            self.external(first + drawn, player)
        };
        self.stack.truncate(start);
        value
    }

    /// Outcome sampling below a node: an unbiased estimate of its value for `player`. `own` and `other` are how likely
    /// the player, and chance with the other, are to come here; `sampled` how likely this line of play was to be drawn.
    fn outcome(
        &mut self,
        index: usize,
        player: usize,
        epsilon: f64,
        [own, other, sampled]: [f64; 3],
    ) -> f64 {
        let node = self.game.nodes[index];
        let set = match node.kind {
            Kind::End => return self.game.gains[index][player],
            Kind::Chance => {
                let (child, p) = self.chance(index);
                return self.outcome(child, player, epsilon, [own, other * p, sampled * p]);
            }
            Kind::Decision(set) => set as usize,
        };
        let (start, actions) = self.push_policy(set);
        let count = actions.len();
        let mine = self.game.infosets()[set].player == player;
        let explored = if mine { epsilon } else { 0.0 };
        let share = explored / count as f64;
        let draw: f64 = self.state.stream.random();
        let policy = &self.stack[start..start + count];
        let drawn = simplex::pick(policy.iter().map(|p| (1.0 - explored) * p + share), draw);
        let p = policy[drawn];
        let q = (1.0 - explored) * p + share;
        let reach = if mine {
            [own * p, other, sampled * q]
        } else {
            [own, other * p, sampled * q]
        };
        let below = self.outcome(node.first as usize + drawn, player, epsilon, reach) / q;
        let mean = p * below;
        if mine {
            let weight = other / sampled;
            for (offset, action) in actions.enumerate() {
                let value = if offset == drawn { below } else { 0.0 };
                self.state.regrets[action] += weight * (value - mean);
                self.state.sums[action] += own * self.stack[start + offset] / sampled;
            }
        }
        self.stack.truncate(start);
        mean
    }
}

impl Solver for Mccfr {
    type Game = ExtensiveGame;
    type State = MccfrState;
    type Policy = Vec<f64>;

    fn resume(game: Arc<ExtensiveGame>, state: MccfrState) -> Result<Self, SolverError> {
        SolverError::misfit("regrets", state.regrets.len(), game.num_actions())?;
        SolverError::misfit("sums", state.sums.len(), game.num_actions())?;
        if let McSampling::Outcome { epsilon } = state.sampling {
            let holds = epsilon > 0.0 && epsilon <= 1.0;
            SolverError::check("epsilon", epsilon, holds, "above 0 and at most 1")?;
        }
        Ok(Self {
            game,
            state,
            stack: Vec::new(),
            response: BestResponse::default(),
        })
    }

    fn state(&self) -> &MccfrState {
        &self.state
    }

    /// One line of play, or tree of own actions, for each player.
    fn step(&mut self) {
        for player in 0..2 {
            match self.state.sampling {
                McSampling::External => self.external(0, player),
                McSampling::Outcome { epsilon } => self.outcome(0, player, epsilon, [1.0; 3]),
            };
        }
        self.state.iteration += 1;
    }

    fn iteration(&self) -> u64 {
        self.state.iteration
    }

    fn policy(&self, which: Iterate) -> Vec<f64> {
        match which {
            Iterate::Last => {
                let mut policy = self.game.uniform();
                for set in self.game.infosets() {
                    let actions = set.actions.clone();
                    match_regrets(&self.state.regrets[actions.clone()], &mut policy[actions]);
                }
                policy
            }
            Iterate::Average => average(&self.game, &self.state.sums),
        }
    }

    /// NashConv.
    fn gap(&mut self, which: Iterate) -> f64 {
        let policy = self.policy(which);
        self.response.nash_conv(&self.game, &policy)
    }
}
