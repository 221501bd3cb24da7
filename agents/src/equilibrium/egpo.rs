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

use super::{
    PreferenceGame, Room, Rule, SolverError, metrics::side_in, regularised_nash::pull, simplex,
};

/// EGPO with exact preferences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Egpo {
    /// Temperature.
    pub beta: f64,
    /// Step size; times `beta` at most 1, so that logits stay bounded.
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
        SolverError::positive("eta", self.eta)?;
        SolverError::fraction("eta * beta", self.eta * self.beta)
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

/// EGPO whose step is halved whenever the gap has not fallen over a number of updates, for games in which it is too long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HalvingEgpo {
    /// Temperature and the step as it is now.
    pub egpo: Egpo,
    /// Updates between two looks at the gap.
    pub every: u64,
    /// The gap at the last look; infinite before the first.
    last: f64,
}

impl HalvingEgpo {
    /// Looks at the gap every 50 updates.
    pub fn new(egpo: Egpo) -> Self {
        Self {
            egpo,
            every: 50,
            last: f64::INFINITY,
        }
    }
}

/// Gaps below this are rounding, and say nothing about the step.
const ROUNDING: f64 = 1e-14;

impl Rule for HalvingEgpo {
    fn temperature(&self) -> f64 {
        self.egpo.temperature()
    }

    fn check(&self, n: usize) -> Result<(), SolverError> {
        SolverError::check("every", self.every as f64, self.every > 0, "at least 1")?;
        self.egpo.check(n)
    }

    fn update(
        &mut self,
        game: &PreferenceGame,
        iteration: u64,
        logits: &mut [f64],
        room: &mut Room,
    ) {
        if iteration.is_multiple_of(self.every) {
            let beta = self.egpo.beta;
            let gap = 2.0 * side_in(game, beta, logits, &mut room.policy, &mut room.a) - 1.0;
            // Written so that a gap that is no number counts as one that has not fallen.
            let fallen = gap < self.last || gap <= ROUNDING;
            if !fallen {
                self.egpo.eta *= 0.5;
            }
            self.last = gap;
        }
        self.egpo.update(game, iteration, logits, room);
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

/// What a comparison tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Labels {
    /// The probability that one response is preferred to the other.
    #[default]
    Probability,
    /// Which one was preferred, drawn with that probability: what people give.
    Bernoulli,
}

/// EGPO, or online IPO without the half step, from sampled comparisons: pairs `(i, j)` uniform, an opponent `k` from the
/// policy, target `(P_ik - P_jk) / β`, squared error, plain gradient descent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampledEgpo {
    /// Temperature.
    pub beta: f64,
    /// Learning rate; corresponds to `η = 4 rate / (n β)`, so that `4 rate / n` must be at most 1.
    pub rate: f64,
    /// Comparisons for each gradient.
    pub comparisons: u32,
    /// Whether to take the half step first, which costs a gradient more.
    pub extragradient: bool,
    /// What a comparison tells.
    pub labels: Labels,
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
            labels: Labels::Probability,
            stream: Stream::new(seed, 0, "equilibrium.comparisons"),
        }
    }

    /// What a comparison of a response with an opponent's tells.
    fn label(&mut self, game: &PreferenceGame, response: usize, opponent: usize) -> f64 {
        let win = game.win(response, opponent);
        match self.labels {
            Labels::Probability => win,
            Labels::Bernoulli => f64::from(u8::from(self.stream.random::<f64>() < win)),
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
            let [first, second] = [i, j].map(|response| self.label(game, response, k));
            let error = ratio - (first - second) / self.beta;
            out[i] -= scale * error;
            out[j] += scale * error;
        }
    }
}

impl Rule for SampledEgpo {
    fn temperature(&self) -> f64 {
        self.beta
    }

    fn check(&self, n: usize) -> Result<(), SolverError> {
        SolverError::positive("beta", self.beta)?;
        SolverError::positive("rate", self.rate)?;
        SolverError::fraction("4 * rate / responses", 4.0 * self.rate / n as f64)?;
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
