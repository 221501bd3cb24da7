//! Counterfactual regret minimisation: Zinkevich et al., *Regret Minimization in Games with Incomplete Information*
//! (NeurIPS 2007); CFR+: Tammelin, *Solving Large Imperfect Information Games Using CFR+* (arXiv 1407.5042); discounted
//! and linear CFR: Brown and Sandholm (arXiv 1809.04040).
//!
//! In every information set the regret of an action grows by what it would have gained over the policy, weighted by how
//! likely chance and the other player are to lead there; the next policy is proportional to positive regrets. The
//! average, weighted by the player's own reach, has a NashConv of the order of `1 / √T` in zero-sum games.

use std::sync::Arc;

use palaestra_envs::math;
use serde::{Deserialize, Serialize};

use super::{
    BestResponse, Iterate, Solver, SolverError,
    extensive::{ExtensiveGame, Kind},
    simplex,
};

/// How regrets and averages are weighted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum CfrVariant {
    /// All iterations alike.
    Vanilla,
    /// Regrets are cut off at 0 after each pass; the average weighs iteration `t` by `t`.
    Plus,
    /// After iteration `t` positive regrets are multiplied by `t^α / (t^α + 1)`, negative ones by `t^β / (t^β + 1)` and
    /// averages by `(t / (t + 1))^γ`.
    Discounted {
        /// For positive regrets.
        alpha: f64,
        /// For negative regrets.
        beta: f64,
        /// For averages.
        gamma: f64,
    },
}

impl CfrVariant {
    /// Discounted CFR with its authors' recommendation, (1.5, 0, 2).
    pub const DISCOUNTED: Self = Self::Discounted {
        alpha: 1.5,
        beta: 0.0,
        gamma: 2.0,
    };
    /// Linear CFR: iteration `t` counts `t` times.
    pub const LINEAR: Self = Self::Discounted {
        alpha: 1.0,
        beta: 1.0,
        gamma: 1.0,
    };
}

/// Whose regrets an iteration updates when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Updates {
    /// The first player's, then the second's against the new policy.
    Alternating,
    /// Both against the old policies. Slower.
    Simultaneous,
}

/// What CFR is set to and has found so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CfrState {
    variant: CfrVariant,
    updates: Updates,
    iteration: u64,
    regrets: Vec<f64>,
    sums: Vec<f64>,
}

/// Counterfactual regret minimisation over the whole tree.
#[derive(Debug, Clone)]
pub struct Cfr {
    game: Arc<ExtensiveGame>,
    state: CfrState,
    policy: Vec<f64>,
    reach: Vec<f64>,
    own: Vec<f64>,
    values: Vec<f64>,
    response: BestResponse,
}

impl Cfr {
    /// A solver at the start.
    ///
    /// # Errors
    /// [`SolverError::Setting`] if discounts are not numbers.
    pub fn new(
        game: Arc<ExtensiveGame>,
        variant: CfrVariant,
        updates: Updates,
    ) -> Result<Self, SolverError> {
        let zeros = vec![0.0; game.num_actions()];
        let state = CfrState {
            variant,
            updates,
            iteration: 0,
            regrets: zeros.clone(),
            sums: zeros,
        };
        Self::resume(game, state)
    }

    /// The game.
    pub fn game(&self) -> &ExtensiveGame {
        &self.game
    }

    /// Adds the regrets of one pass for `player` under the current policies, and the player's policy to the sums with
    /// this weight.
    fn pass(&mut self, player: usize, weight: f64) {
        let Self {
            game,
            state,
            policy,
            reach,
            own,
            values,
            ..
        } = self;
        game.reach_without(player, policy, reach);
        game.own_reach(player, policy, own);
        for index in (0..game.nodes.len()).rev() {
            let node = game.nodes[index];
            let children = node.children();
            let value = match node.kind {
                Kind::End => game.gains[index][player],
                Kind::Chance => simplex::dot(&game.chance[children.clone()], &values[children]),
                Kind::Decision(set) => {
                    let set = &game.infosets()[set as usize];
                    let value =
                        simplex::dot(&policy[set.actions.clone()], &values[children.clone()]);
                    if set.player == player {
                        let regrets = &mut state.regrets[set.actions.clone()];
                        for (regret, v) in regrets.iter_mut().zip(&values[children]) {
                            *regret += reach[index] * (v - value);
                        }
                    }
                    value
                }
            };
            values[index] = value;
        }
        for (set, own) in game.infosets().iter().zip(own) {
            if set.player == player {
                for action in set.actions.clone() {
                    state.sums[action] += weight * *own * policy[action];
                }
                if state.variant == CfrVariant::Plus {
                    let regrets = &mut state.regrets[set.actions.clone()];
                    regrets.iter_mut().for_each(|r| *r = r.max(0.0));
                }
            }
        }
    }

    /// Matches regrets in the information sets of `player`.
    fn renew(&mut self, player: usize) {
        for set in self.game.infosets() {
            if set.player == player {
                let actions = set.actions.clone();
                match_regrets(
                    &self.state.regrets[actions.clone()],
                    &mut self.policy[actions],
                );
            }
        }
    }

    fn discount(&mut self, alpha: f64, beta: f64, gamma: f64) {
        let t = self.state.iteration as f64;
        // `t^p / (t^p + 1)` without overflow.
        let share = |power: f64| 1.0 / (1.0 + math::powf(t, -power));
        let (positive, negative) = (share(alpha), share(beta));
        for regret in &mut self.state.regrets {
            *regret *= if *regret > 0.0 { positive } else { negative };
        }
        let average = math::powf(t / (t + 1.0), gamma);
        self.state.sums.iter_mut().for_each(|s| *s *= average);
    }
}

/// Writes the policy that is proportional to positive regrets; uniform if there are none.
pub(super) fn match_regrets(regrets: &[f64], policy: &mut [f64]) {
    for (p, r) in policy.iter_mut().zip(regrets) {
        *p = r.max(0.0);
    }
    simplex::normalise(policy);
}

/// Sums of policies, normalised in each information set; uniform where there are none.
pub(super) fn average(game: &ExtensiveGame, sums: &[f64]) -> Vec<f64> {
    let mut policy = sums.to_vec();
    normalise_sets(game, &mut policy);
    policy
}

/// Scales the weights of every information set to sum to 1; uniform where all are 0.
pub(super) fn normalise_sets(game: &ExtensiveGame, weights: &mut [f64]) {
    for set in game.infosets() {
        simplex::normalise(&mut weights[set.actions.clone()]);
    }
}

impl Solver for Cfr {
    type Game = ExtensiveGame;
    type State = CfrState;
    type Policy = Vec<f64>;

    fn resume(game: Arc<ExtensiveGame>, state: CfrState) -> Result<Self, SolverError> {
        SolverError::misfit("regrets", state.regrets.len(), game.num_actions())?;
        SolverError::misfit("sums", state.sums.len(), game.num_actions())?;
        if let CfrVariant::Discounted { alpha, beta, gamma } = state.variant {
            for (name, value) in [("alpha", alpha), ("beta", beta), ("gamma", gamma)] {
                SolverError::check(name, value, !value.is_nan(), "a number")?;
            }
        }
        let mut solver = Self {
            policy: game.uniform(),
            reach: vec![0.0; game.len()],
            own: vec![0.0; game.infosets().len()],
            values: vec![0.0; game.len()],
            response: BestResponse::default(),
            game,
            state,
        };
        solver.renew(0);
        solver.renew(1);
        Ok(solver)
    }

    fn state(&self) -> &CfrState {
        &self.state
    }

    fn step(&mut self) {
        self.state.iteration += 1;
        let weight = match self.state.variant {
            CfrVariant::Plus => self.state.iteration as f64,
            _ => 1.0,
        };
        match self.state.updates {
            Updates::Alternating => {
                for player in 0..2 {
                    self.pass(player, weight);
                    self.renew(player);
                }
            }
            Updates::Simultaneous => {
                self.pass(0, weight);
                self.pass(1, weight);
                self.renew(0);
                self.renew(1);
            }
        }
        if let CfrVariant::Discounted { alpha, beta, gamma } = self.state.variant {
            self.discount(alpha, beta, gamma);
            // A policy is always that of the regrets to the last bit, so that a saved solver goes on alike.
            self.renew(0);
            self.renew(1);
        }
    }

    fn iteration(&self) -> u64 {
        self.state.iteration
    }

    fn policy(&self, which: Iterate) -> Vec<f64> {
        match which {
            Iterate::Last => self.policy.clone(),
            Iterate::Average => average(&self.game, &self.state.sums),
        }
    }

    /// NashConv.
    fn gap(&mut self, which: Iterate) -> f64 {
        let policy = self.policy(which);
        self.response.nash_conv(&self.game, &policy)
    }
}
