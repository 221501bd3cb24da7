//! Regret matching: Hart and Mas-Colell, *A Simple Adaptive Procedure Leading to Correlated Equilibrium* (Econometrica
//! 2000); regret matching+: Tammelin (arXiv 1407.5042); Hedge: Freund and Schapire (1997).
//!
//! Both players update at once. In zero-sum games the average policies come near an equilibrium, by `1 / √T` at least.
//! From the uniform start nothing moves in symmetric rock, paper, scissors: everything there is an equilibrium already.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{BimatrixGame, Iterate, Solver, SolverError, cfr::match_regrets, simplex};

/// How regrets become policies and policies are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum RegretVariant {
    /// Proportional to positive regrets; plain averages.
    Matching,
    /// The same with regrets cut off at 0, and averages that weigh iteration `t` by `t`.
    MatchingPlus,
    /// Exponential weights with this step size; plain averages. With preferences as payoffs this is SPPO.
    Hedge(f64),
}

/// What regret matching is set to and has found so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegretState {
    variant: RegretVariant,
    iteration: u64,
    regrets: [Vec<f64>; 2],
    sums: [Vec<f64>; 2],
}

/// Regret matching, its `+` variant, or Hedge.
#[derive(Debug, Clone)]
pub struct RegretMatching {
    game: Arc<BimatrixGame>,
    state: RegretState,
    policies: [Vec<f64>; 2],
    values: [Vec<f64>; 2],
}

impl RegretMatching {
    /// A solver at the start, where both policies are uniform.
    ///
    /// # Errors
    /// [`SolverError::Setting`] for a step size that is not positive.
    pub fn new(game: Arc<BimatrixGame>, variant: RegretVariant) -> Result<Self, SolverError> {
        let zeros = game.actions().map(|n| vec![0.0; n]);
        let state = RegretState {
            variant,
            iteration: 0,
            regrets: zeros.clone(),
            sums: zeros,
        };
        Self::resume(game, state)
    }

    fn renew(&mut self) {
        for (policy, regrets) in self.policies.iter_mut().zip(&self.state.regrets) {
            match self.state.variant {
                RegretVariant::Hedge(eta) => {
                    for (p, r) in policy.iter_mut().zip(regrets) {
                        *p = eta * r;
                    }
                    let total = simplex::log_sum_exp(policy);
                    policy
                        .iter_mut()
                        .for_each(|p| *p = palaestra_envs::math::exp(*p - total));
                }
                _ => match_regrets(regrets, policy),
            }
        }
    }
}

impl Solver for RegretMatching {
    type Game = BimatrixGame;
    type State = RegretState;
    type Policy = [Vec<f64>; 2];

    fn resume(game: Arc<BimatrixGame>, state: RegretState) -> Result<Self, SolverError> {
        let actions = game.actions();
        for (player, n) in actions.into_iter().enumerate() {
            SolverError::misfit("regrets", state.regrets[player].len(), n)?;
            SolverError::misfit("sums", state.sums[player].len(), n)?;
        }
        if let RegretVariant::Hedge(eta) = state.variant {
            SolverError::positive("eta", eta)?;
        }
        let zeros = actions.map(|n| vec![0.0; n]);
        let mut solver = Self {
            game,
            state,
            policies: zeros.clone(),
            values: zeros,
        };
        solver.renew();
        Ok(solver)
    }

    fn state(&self) -> &RegretState {
        &self.state
    }

    fn step(&mut self) {
        self.state.iteration += 1;
        let plus = self.state.variant == RegretVariant::MatchingPlus;
        let weight = if plus {
            self.state.iteration as f64
        } else {
            1.0
        };
        for player in 0..2 {
            let values = &mut self.values[player];
            self.game.values(player, &self.policies[1 - player], values);
            let mean = simplex::dot(&self.policies[player], values);
            for (r, v) in self.state.regrets[player].iter_mut().zip(&*values) {
                *r += v - mean;
                if plus {
                    *r = r.max(0.0);
                }
            }
            for (s, p) in self.state.sums[player]
                .iter_mut()
                .zip(&self.policies[player])
            {
                *s += weight * p;
            }
        }
        self.renew();
    }

    fn iteration(&self) -> u64 {
        self.state.iteration
    }

    fn policy(&self, which: Iterate) -> [Vec<f64>; 2] {
        match which {
            Iterate::Last => self.policies.clone(),
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
