//! Preference games: responses are compared two at a time, and `wins[i][j]` is the probability that response `i` is
//! preferred to `j`.
//!
//! With `A = 2 P - 1` it is a symmetric zero-sum game of value 0; in the units of `P` the value is 1/2. A reference
//! policy `μ` with full support belongs to the game, because the regularised learners are pulled towards it.

use palaestra_envs::math;
use serde::{Deserialize, Serialize};

use super::{GameError, simplex};

/// A preference game over `n` responses with a reference policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreferenceGame {
    n: usize,
    /// `[n * n]`, row by row.
    wins: Vec<f64>,
    /// Logarithms of the reference policy.
    log_reference: Vec<f64>,
}

/// How far `P + Pᵀ` may be from 1, and a reference policy's sum from 1.
const SLACK: f64 = 1e-9;

impl PreferenceGame {
    /// The game of `wins`, `[n * n]` row by row, with a uniform reference policy.
    ///
    /// # Errors
    /// [`GameError::Preference`] if an entry is not in `[0, 1]` or does not complement its mirror image to 1.
    pub fn new(n: usize, wins: Vec<f64>) -> Result<Self, GameError> {
        if n == 0 || wins.len() != n * n {
            return Err(GameError::Shape {
                what: "preference matrix",
                found: wins.len(),
                expected: n * n,
            });
        }
        for i in 0..n {
            for j in 0..=i {
                let (a, b) = (wins[i * n + j], wins[j * n + i]);
                let fits = (0.0..=1.0).contains(&a) && (a + b - 1.0).abs() <= SLACK;
                if !fits {
                    return Err(GameError::Preference { i, j, a, b });
                }
            }
        }
        let log_reference = vec![-math::ln(n as f64); n];
        Ok(Self {
            n,
            wins,
            log_reference,
        })
    }

    /// The same game with this reference policy.
    ///
    /// # Errors
    /// [`GameError::Reference`] unless all `n` probabilities are positive and sum to 1.
    pub fn with_reference(self, reference: &[f64]) -> Result<Self, GameError> {
        let positive = reference.iter().all(|&p| p > 0.0);
        let sum: f64 = reference.iter().sum();
        if !positive || (sum - 1.0).abs() > SLACK {
            return Err(GameError::Reference(sum));
        }
        self.with_reference_logits(&simplex::logs(reference))
    }

    /// The same game with the softmax of `logits` as its reference policy.
    ///
    /// # Errors
    /// [`GameError::Shape`] unless there are `n` of them, [`GameError::Reference`] if one is not finite.
    pub fn with_reference_logits(mut self, logits: &[f64]) -> Result<Self, GameError> {
        if logits.len() != self.n {
            return Err(GameError::Shape {
                what: "reference policy",
                found: logits.len(),
                expected: self.n,
            });
        }
        if let Some(&bad) = logits.iter().find(|x| !x.is_finite()) {
            return Err(GameError::Reference(bad));
        }
        self.log_reference.copy_from_slice(logits);
        simplex::normalise_logs(&mut self.log_reference);
        Ok(self)
    }

    fn of_rows<const N: usize>(rows: [[f64; N]; N]) -> Self {
        Self {
            n: N,
            wins: rows.as_flattened().to_vec(),
            log_reference: vec![-math::ln(N as f64); N],
        }
    }

    /// Non-transitive dice: each of three beats the next with probability 5/9.
    pub fn dice_cycle() -> Self {
        let (w, l) = (5.0 / 9.0, 4.0 / 9.0);
        Self::of_rows([[0.5, w, l], [l, 0.5, w], [w, l, 0.5]])
    }

    /// A cycle of three with unequal strengths; its equilibrium is (2/9, 1/3, 4/9).
    pub fn biased_cycle() -> Self {
        Self::of_rows([[0.5, 0.9, 0.2], [0.1, 0.5, 0.7], [0.8, 0.3, 0.5]])
    }

    /// Rock, paper, scissors with certain wins: the hardest case for step sizes.
    pub fn extreme_rps() -> Self {
        Self::of_rows([[0.5, 0.0, 1.0], [1.0, 0.5, 0.0], [0.0, 1.0, 0.5]])
    }

    /// The Bradley–Terry model: `i` beats `j` with probability `σ(r_i - r_j)`.
    ///
    /// # Errors
    /// [`GameError::Shape`] without rewards, [`GameError::Preference`] if one is not a number.
    pub fn bradley_terry(rewards: &[f64]) -> Result<Self, GameError> {
        let n = rewards.len();
        let wins = (0..n * n)
            .map(|k| 1.0 / (1.0 + math::exp(rewards[k % n] - rewards[k / n])))
            .collect();
        Self::new(n, wins)
    }

    /// A random game of `n` responses: the lower triangle, row by row, uniform from a linear congruential generator
    /// (1103515245 s + 12345 modulo 2³¹), so that any language makes the same one.
    pub fn random(n: usize, seed: u32) -> Self {
        let mut state = u64::from(seed);
        let mut wins = vec![0.5; n * n];
        for i in 1..n {
            for j in 0..i {
                state = (1_103_515_245 * state + 12_345) % (1 << 31);
                let p = state as f64 / f64::from(1u32 << 31);
                wins[i * n + j] = p;
                wins[j * n + i] = 1.0 - p;
            }
        }
        Self {
            n,
            wins,
            log_reference: vec![-math::ln(n as f64); n],
        }
    }

    /// Number of responses.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are no responses; never so for a game that was made.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Probability that `i` is preferred to `j`.
    pub fn win(&self, i: usize, j: usize) -> f64 {
        self.wins[i * self.n + j]
    }

    /// `[n * n]`, row by row.
    pub fn wins(&self) -> &[f64] {
        &self.wins
    }

    /// Logarithms of the reference policy.
    pub fn log_reference(&self) -> &[f64] {
        &self.log_reference
    }

    /// `P π`: how often each response is preferred to a draw from `opponent`.
    pub fn against(&self, opponent: &[f64], out: &mut [f64]) {
        for (o, row) in out.iter_mut().zip(self.wins.chunks_exact(self.n)) {
            *o = simplex::dot(row, opponent);
        }
    }
}
