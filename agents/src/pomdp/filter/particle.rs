//! The bootstrap particle filter: Gordon, Salmond, Smith, *Novel Approach to Nonlinear/Non-Gaussian Bayesian State
//! Estimation* (IEE Proceedings F, 1993), with systematic resampling where the effective sample size falls below half.

use palaestra_envs::{math, pomdp::Generative, stream::Stream};
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// No particle could explain an observation, not even after reinvigoration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no particle explains the observation of step {step}: the model does not allow it, or there are too few particles"
)]
pub struct Depleted {
    /// Updates before this one.
    pub step: u64,
}

/// Weighted particles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParticleFilter<S> {
    particles: Vec<S>,
    /// They sum to 1.
    weights: Vec<f64>,
    step: u64,
    depletions: u64,
}

/// Attempts to find particles that explain an observation: so many for each particle, but not fewer than this.
const REINVIGORATIONS: usize = 20;
const FEWEST_ATTEMPTS: usize = 1000;
/// Times that the initial belief is drawn anew, at most, while the first observation leaves too few particles.
const FIRST_DRAWS: usize = 32;

/// `(Σ w)² / Σ w²`; 0 without weight.
fn effective_size(weights: &[f64]) -> f64 {
    let sum: f64 = weights.iter().sum();
    let squares: f64 = weights.iter().map(|w| w * w).sum();
    if squares > 0.0 {
        sum * sum / squares
    } else {
        0.0
    }
}

impl<S: Clone> ParticleFilter<S> {
    /// `count` particles of the initial belief, at least one.
    pub fn new<M: Generative<State = S>>(model: &M, count: usize, rng: &mut Stream) -> Self {
        let count = count.max(1);
        Self {
            particles: (0..count).map(|_| model.sample_start(rng)).collect(),
            weights: vec![1.0 / count as f64; count],
            step: 0,
            depletions: 0,
        }
    }

    /// Draws all particles anew from the initial belief, for another episode. The count of depletions goes on.
    pub fn restart<M: Generative<State = S>>(&mut self, model: &M, rng: &mut Stream) {
        *self = Self {
            depletions: self.depletions,
            ..Self::new(model, self.particles.len(), rng)
        };
    }

    /// Particles and their weights, which sum to 1.
    pub fn particles(&self) -> impl Iterator<Item = (&S, f64)> {
        self.particles.iter().zip(self.weights.iter().copied())
    }

    /// How often all particles had become impossible and new ones were sought.
    pub fn depletions(&self) -> u64 {
        self.depletions
    }

    /// `1 / Σ w²`: how many particles of equal weight would be as good.
    pub fn effective_size(&self) -> f64 {
        effective_size(&self.weights)
    }

    /// Draws a particle by its weight.
    pub fn draw(&self, rng: &mut Stream) -> &S {
        let mut left: f64 = rng.random();
        for (particle, weight) in self.particles() {
            left -= weight;
            if left < 0.0 {
                return particle;
            }
        }
        &self.particles[self.particles.len() - 1]
    }

    /// Moves all particles by `action` and weights them by `observation`. Returns the log-likelihood of the observation,
    /// `ln Σ w p(o | particle)`.
    ///
    /// Of the initial belief more particles are drawn if the first observation is unlikely.
    ///
    /// If no particle explains it, the particles before are moved again with other noise, then particles of the initial
    /// belief, and those that explain the observation are taken; the log-likelihood is then a rough one.
    ///
    /// # Errors
    /// [`Depleted`] if nothing explains it; the filter stays as it was.
    pub fn update<M: Generative<State = S>>(
        &mut self,
        model: &M,
        action: usize,
        observation: &M::Observation,
        rng: &mut Stream,
    ) -> Result<f64, Depleted> {
        let mut moved = Vec::with_capacity(self.particles.len());
        let mut weights = Vec::with_capacity(self.particles.len());
        for (particle, weight) in self.particles.iter().zip(&self.weights) {
            let next = model.step(particle, action, rng).next;
            weights.push(weight * model.likelihood(action, &next, observation));
            moved.push(next);
        }
        let (count, mut draws) = (self.particles.len(), 1);
        while self.step == 0 && draws < FIRST_DRAWS && effective_size(&weights) < count as f64 / 2.0
        {
            for _ in 0..count {
                let next = model.step(&model.sample_start(rng), action, rng).next;
                weights.push(model.likelihood(action, &next, observation) / count as f64);
                moved.push(next);
            }
            draws += 1;
        }
        weights.iter_mut().for_each(|w| *w /= draws as f64);
        let mut total: f64 = weights.iter().sum();
        if !(total > 0.0 && total.is_finite()) {
            (moved, weights) = self.reinvigorate(model, action, observation, rng)?;
            total = weights.iter().sum();
            self.depletions += 1;
            let mean = total / self.attempts() as f64;
            self.accept(moved, weights, total, rng);
            return Ok(math::ln(mean));
        }
        self.accept(moved, weights, total, rng);
        Ok(math::ln(total))
    }

    fn accept(&mut self, moved: Vec<S>, weights: Vec<f64>, total: f64, rng: &mut Stream) {
        let count = self.particles.len();
        (self.particles, self.weights) = (moved, weights);
        self.weights.iter_mut().for_each(|w| *w /= total);
        self.step += 1;
        if self.effective_size() < count as f64 / 2.0 || self.particles.len() != count {
            self.resample(count, rng);
        }
    }

    fn attempts(&self) -> usize {
        (self.particles.len() * REINVIGORATIONS).max(FEWEST_ATTEMPTS)
    }

    /// Particles that explain the observation, with their weights.
    fn reinvigorate<M: Generative<State = S>>(
        &self,
        model: &M,
        action: usize,
        observation: &M::Observation,
        rng: &mut Stream,
    ) -> Result<(Vec<S>, Vec<f64>), Depleted> {
        for from_start in [false, true] {
            let (mut found, mut weights) = (Vec::new(), Vec::new());
            for _ in 0..self.attempts() {
                let from = if from_start {
                    model.sample_start(rng)
                } else {
                    self.draw(rng).clone()
                };
                let next = model.step(&from, action, rng).next;
                let weight = model.likelihood(action, &next, observation);
                if weight > 0.0 && weight.is_finite() {
                    found.push(next);
                    weights.push(weight);
                }
            }
            if !found.is_empty() {
                return Ok((found, weights));
            }
        }
        Err(Depleted { step: self.step })
    }

    /// Systematic resampling: one random number, and `count` equally spaced pointers.
    fn resample(&mut self, count: usize, rng: &mut Stream) {
        let offset: f64 = rng.random();
        let mut chosen = Vec::with_capacity(count);
        let (mut at, mut sum) = (0, self.weights[0]);
        for i in 0..count {
            let pointer = (i as f64 + offset) / count as f64;
            while pointer >= sum && at + 1 < self.weights.len() {
                at += 1;
                sum += self.weights[at];
            }
            chosen.push(self.particles[at].clone());
        }
        self.particles = chosen;
        self.weights = vec![1.0 / count as f64; count];
    }
}
