//! EGPO: Zhou, Fazel and Du, *Extragradient Preference Optimization* (arXiv 2503.08942).
//!
//! A half step against oneself, `θ_h = (1 - ηβ) θ + ηβ θ_ref + η P π`, and a full step from where one was against the
//! policy of the half step, `θ' = (1 - ηβ) θ + ηβ θ_ref + η P π_h`. The last iterate converges linearly to the
//! regularised equilibrium, where the single step ([`IpoMd`](super::IpoMd) without mixture) cycles unless `η` is of the
//! order of `β`. On the games tried here it converges for every `η ≤ 3`.
//!
//! Both steps are gradient steps of the online IPO loss with a fixed opponent ([`contrast_gradient`]), by
//! `ηβ = 4 rate / n`; [`SampledEgpo`] takes them from comparisons.

use palaestra_envs::stream::Stream;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{PreferenceGame, Room, Rule, SolverError, regularised_nash::pull, simplex};

/// EGPO with exact preferences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Egpo {
    /// Temperature.
    pub beta: f64,
    /// Step size.
    pub eta: f64,
}

impl Default for Egpo {
    fn default() -> Self {
        Self {
            beta: 0.1,
            eta: 1.0,
        }
    }
}

impl Rule for Egpo {
    fn temperature(&self) -> f64 {
        self.beta
    }

    fn check(&self, _: usize) -> Result<(), SolverError> {
        SolverError::positive("beta", self.beta)?;
        SolverError::positive("eta", self.eta)
    }

    fn update(&mut self, game: &PreferenceGame, _: u64, logits: &mut [f64], room: &mut Room) {
        let Self { beta, eta } = *self;
        simplex::softmax(logits, &mut room.policy);
        pull(game, beta, eta, logits, &room.policy, &mut room.a);
        simplex::softmax(&room.a, &mut room.policy);
        pull(game, beta, eta, logits, &room.policy, &mut room.a);
        logits.copy_from_slice(&room.a);
        simplex::centre(logits);
    }
}

/// Gradient of the online IPO loss with a fixed opponent,
/// `mean over i, j of ((h_i - h_j) - ((P o)_i - (P o)_j) / β)²` with `h = log(π / π_ref)`, by summing over all pairs.
///
/// It equals `4 (d - mean d) / n` with `d = θ - θ_ref - P o / β`, which the learners use; this is the same without that
/// algebra, for checking losses against.
pub fn contrast_gradient(
    game: &PreferenceGame,
    beta: f64,
    logits: &[f64],
    opponent: &[f64],
) -> Vec<f64> {
    let n = game.len();
    let mut wins = vec![0.0; n];
    game.against(opponent, &mut wins);
    let ratio: Vec<f64> = logits
        .iter()
        .zip(game.log_reference())
        .map(|(v, log)| v - log)
        .collect();
    let mut gradient = vec![0.0; n];
    let scale = 2.0 / (n * n) as f64;
    for i in 0..n {
        for j in 0..n {
            let error = (ratio[i] - ratio[j]) - (wins[i] - wins[j]) / beta;
            gradient[i] += scale * error;
            gradient[j] -= scale * error;
        }
    }
    gradient
}

/// EGPO, or online IPO without the half step, from sampled comparisons: pairs `(i, j)` uniform, an opponent `k` from the
/// policy, target `(P_ik - P_jk) / β`, squared error, plain gradient descent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampledEgpo {
    /// Temperature.
    pub beta: f64,
    /// Learning rate; corresponds to `η = 4 rate / (n β)`.
    pub rate: f64,
    /// Comparisons for each gradient.
    pub comparisons: u32,
    /// Whether to take the half step first, which costs a gradient more.
    pub extragradient: bool,
    /// Where the comparisons are drawn from.
    pub stream: Stream,
}

impl SampledEgpo {
    /// The settings of the paper's sampled experiments at a learning rate that suits few responses.
    pub fn new(seed: u64) -> Self {
        Self {
            beta: 0.1,
            rate: 0.003,
            comparisons: 100,
            extragradient: true,
            stream: Stream::new(seed, 0, "equilibrium.comparisons"),
        }
    }

    /// One gradient step from `logits` against `opponent`; writes the logits after it to `out`.
    fn descend(
        &mut self,
        game: &PreferenceGame,
        logits: &[f64],
        opponent: &[f64],
        out: &mut [f64],
    ) {
        let n = game.len();
        out.copy_from_slice(logits);
        let scale = 2.0 * self.rate / f64::from(self.comparisons);
        let reference = game.log_reference();
        for _ in 0..self.comparisons {
            let (i, j) = (
                self.stream.random_range(0..n),
                self.stream.random_range(0..n),
            );
            let k = simplex::pick(opponent.iter().copied(), self.stream.random());
            let ratio = (logits[i] - reference[i]) - (logits[j] - reference[j]);
            let error = ratio - (game.win(i, k) - game.win(j, k)) / self.beta;
            out[i] -= scale * error;
            out[j] += scale * error;
        }
    }
}

impl Rule for SampledEgpo {
    fn temperature(&self) -> f64 {
        self.beta
    }

    fn check(&self, _: usize) -> Result<(), SolverError> {
        SolverError::positive("beta", self.beta)?;
        SolverError::positive("rate", self.rate)?;
        SolverError::positive("comparisons", f64::from(self.comparisons))
    }

    fn update(&mut self, game: &PreferenceGame, _: u64, logits: &mut [f64], room: &mut Room) {
        simplex::softmax(logits, &mut room.policy);
        if self.extragradient {
            self.descend(game, logits, &room.policy, &mut room.a);
            simplex::softmax(&room.a, &mut room.policy);
        }
        self.descend(game, logits, &room.policy, &mut room.a);
        logits.copy_from_slice(&room.a);
        simplex::centre(logits);
    }
}
