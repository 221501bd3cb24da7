//! The equilibrium of a KL-regularised preference game, to rounding: the fixed point `π = softmax(log μ + P π / τ)`.
//!
//! It is unique, because the regularised value is strongly concave in one's own policy and convex in the other's. The
//! extragradient steps of EGPO (arXiv 2503.08942) come near it from anywhere; Newton's method on the logits finishes.
//! Learners are judged against it.

use super::{
    PreferenceGame, SolverError, linear,
    metrics::{self, Workspace},
    simplex,
};

/// Games up to this size get Newton steps, whose cost grows with the cube.
const NEWTON_SIZE: usize = 400;
/// Extragradient steps between looks at the residual.
const STRIDE: usize = 25;
/// Steps after which something is wrong with the game.
const MOST_STEPS: usize = 2_000_000;

/// The equilibrium of a regularised preference game.
#[derive(Debug, Clone, PartialEq)]
pub struct RegularisedNash {
    /// The policy, `[n]`.
    pub policy: Vec<f64>,
    /// Its logarithms.
    pub log_policy: Vec<f64>,
    /// Largest entry of `|π - softmax(log μ + P π / τ)|`.
    pub residual: f64,
    /// Extragradient and Newton steps made.
    pub steps: usize,
}

impl RegularisedNash {
    /// Solves `game` at temperature `tau`, until the residual is at most `tolerance` (1e-13 is near rounding for
    /// temperatures from 0.01 on).
    ///
    /// # Errors
    /// [`SolverError::Setting`] for a temperature that is not positive, [`SolverError::NoConvergence`] if the tolerance
    /// is not reached.
    pub fn solve(game: &PreferenceGame, tau: f64, tolerance: f64) -> Result<Self, SolverError> {
        SolverError::positive("tau", tau)?;
        let n = game.len();
        let eta = 1.0f64.min(1.0 / tau);
        let mut logits = game.log_reference().to_vec();
        let mut half = vec![0.0; n];
        let mut policy = vec![0.0; n];
        let mut wins = vec![0.0; n];
        let mut steps = 0;
        loop {
            let mut residual = residual(game, tau, &logits, &mut policy, &mut wins);
            if residual > tolerance && residual < 0.1 && n <= NEWTON_SIZE {
                residual = newton(game, tau, &mut logits, residual, tolerance, &mut steps);
            }
            if residual <= tolerance {
                simplex::normalise_logs(&mut logits);
                simplex::softmax(&logits, &mut policy);
                return Ok(Self {
                    policy,
                    log_policy: logits,
                    residual,
                    steps,
                });
            }
            if steps >= MOST_STEPS {
                return Err(SolverError::NoConvergence {
                    solver: "regularised Nash",
                    steps,
                    residual,
                });
            }
            for _ in 0..STRIDE {
                simplex::softmax(&logits, &mut policy);
                pull(game, tau, eta, &logits, &policy, &mut half);
                simplex::softmax(&half, &mut policy);
                pull(game, tau, eta, &logits, &policy, &mut half);
                logits.copy_from_slice(&half);
                simplex::centre(&mut logits);
                steps += 1;
            }
        }
    }

    /// Gap of this policy without regularisation.
    pub fn unregularised_gap(&self, game: &PreferenceGame) -> f64 {
        metrics::preference_gap(game, &self.policy)
    }

    /// Gap of this policy in the regularised game at `tau`.
    pub fn gap(&self, game: &PreferenceGame, tau: f64) -> f64 {
        metrics::regularised_gap(game, tau, &self.log_policy, &mut Workspace::default())
    }
}

/// `(1 - ητ) θ + ητ log μ + η P b`: one step of every exact learner of this family.
pub(super) fn pull(
    game: &PreferenceGame,
    tau: f64,
    eta: f64,
    logits: &[f64],
    opponent: &[f64],
    out: &mut [f64],
) {
    game.against(opponent, out);
    let keep = 1.0 - eta * tau;
    for ((o, v), log) in out.iter_mut().zip(logits).zip(game.log_reference()) {
        *o = keep * v + eta * tau * log + eta * *o;
    }
}

fn residual(
    game: &PreferenceGame,
    tau: f64,
    logits: &[f64],
    policy: &mut [f64],
    reply: &mut [f64],
) -> f64 {
    simplex::softmax(logits, policy);
    metrics::regularised_reply(game, tau, policy, reply);
    let total = simplex::log_sum_exp(reply);
    let off = |(p, r): (&f64, &f64)| (p - palaestra_envs::math::exp(r - total)).abs();
    policy.iter().zip(&*reply).map(off).fold(0.0, f64::max)
}

/// Newton's method on `F(θ) = θ - log μ - P softmax(θ) / τ`, whose Jacobian is `I - P (diag π - π πᵀ) / τ`, as long as it
/// makes the residual smaller; the residual afterwards.
fn newton(
    game: &PreferenceGame,
    tau: f64,
    logits: &mut [f64],
    mut residual_now: f64,
    tolerance: f64,
    steps: &mut usize,
) -> f64 {
    let n = game.len();
    let (mut policy, mut wins) = (vec![0.0; n], vec![0.0; n]);
    let mut jacobian = vec![0.0; n * n];
    let mut tried = logits.to_vec();
    for _ in 0..40 {
        simplex::softmax(logits, &mut policy);
        game.against(&policy, &mut wins);
        let mut direction: Vec<f64> = (0..n)
            .map(|i| logits[i] - game.log_reference()[i] - wins[i] / tau)
            .collect();
        for i in 0..n {
            for j in 0..n {
                let slope = policy[j] * (game.win(i, j) - wins[i]) / tau;
                jacobian[i * n + j] = f64::from(u8::from(i == j)) - slope;
            }
        }
        if !linear::solve(&mut jacobian, &mut direction) {
            break;
        }
        for ((t, v), d) in tried.iter_mut().zip(&*logits).zip(&direction) {
            *t = v - d;
        }
        *steps += 1;
        let then = residual(game, tau, &tried, &mut policy, &mut wins);
        if then >= residual_now || then.is_nan() {
            break;
        }
        logits.copy_from_slice(&tried);
        residual_now = then;
        if residual_now <= tolerance {
            break;
        }
    }
    residual_now
}
