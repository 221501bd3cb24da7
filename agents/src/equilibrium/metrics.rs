//! How far a policy of a preference game is from an equilibrium.
//!
//! All are in the units of `P`, where the game's value is 1/2; NashConv of the payoffs `2 P - 1` is twice the preference
//! gap. `Pᵀ a = 1 - P a`, so that one product serves both sides.

use super::{preference::PreferenceGame, simplex};

/// Duality gap of the policy playing itself: `max (P π) - min (πᵀ P) = 2 (max (P π) - 1/2)`; 0 iff an equilibrium.
pub fn preference_gap(game: &PreferenceGame, policy: &[f64]) -> f64 {
    let n = game.len();
    let most = game
        .wins()
        .chunks_exact(n)
        .map(|row| simplex::dot(row, policy))
        .fold(f64::NEG_INFINITY, f64::max);
    2.0 * most - 1.0
}

/// Room for a product of the preference matrix with a policy, and the like.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    policy: Vec<f64>,
    wins: Vec<f64>,
}

/// Gap of the profile (`a`, `b`), given as logits, in the regularised game
/// `V_τ(a, b) = aᵀ P b - τ KL(a, μ) + τ KL(b, μ)`: what the best replies to both gain together. Closed form,
/// not negative but for rounding (about 1e-14).
pub fn regularised_gap_of(
    game: &PreferenceGame,
    tau: f64,
    a: &[f64],
    b: &[f64],
    room: &mut Workspace,
) -> f64 {
    side(game, tau, a, room) + side(game, tau, b, room) - 1.0
}

/// [`regularised_gap_of`] a policy, given as logits, against itself.
pub fn regularised_gap(
    game: &PreferenceGame,
    tau: f64,
    logits: &[f64],
    room: &mut Workspace,
) -> f64 {
    2.0 * side(game, tau, logits, room) - 1.0
}

/// Value of the best reply to the softmax of `logits`, and what it pays for its own distance.
fn side(game: &PreferenceGame, tau: f64, logits: &[f64], room: &mut Workspace) -> f64 {
    room.policy.resize(game.len(), 0.0);
    room.wins.resize(game.len(), 0.0);
    side_in(game, tau, logits, &mut room.policy, &mut room.wins)
}

/// The same with buffers of the game's size.
pub(super) fn side_in(
    game: &PreferenceGame,
    tau: f64,
    logits: &[f64],
    policy: &mut [f64],
    wins: &mut [f64],
) -> f64 {
    simplex::softmax(logits, policy);
    game.against(policy, wins);
    for (w, log) in wins.iter_mut().zip(game.log_reference()) {
        *w = log + *w / tau;
    }
    tau * (simplex::log_sum_exp(wins) + simplex::kl_of_logits(logits, game.log_reference()))
}

/// Writes the logits of the best reply to `opponent` in the regularised game: `μ exp(P b / τ)`.
pub fn regularised_reply(game: &PreferenceGame, tau: f64, opponent: &[f64], out: &mut [f64]) {
    game.against(opponent, out);
    for (o, log) in out.iter_mut().zip(game.log_reference()) {
        *o = log + *o / tau;
    }
}

/// Kullback–Leibler divergence between two policies given as logits, in nats.
pub fn divergence(p: &[f64], q: &[f64]) -> f64 {
    let total = simplex::log_sum_exp(q);
    simplex::kl_of_logits(p, q) + total
}
