//! Unweighted particles by rejection: a particle is kept if its simulation shows what was seen. It needs no likelihood,
//! but observations must be few enough to be met by chance. Used by Silver, Veness (POMCP, NIPS 2010).

use palaestra_envs::{pomdp::Generative, stream::Stream};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::Depleted;

/// Particles that saw what was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectionFilter<S> {
    particles: Vec<S>,
    count: usize,
    /// Simulations for each particle wanted, at most.
    attempts: usize,
    step: u64,
    shortages: u64,
}

impl<S: Clone> RejectionFilter<S> {
    /// `count` particles of the initial belief, at least one; an update simulates at most `attempts` times as many.
    pub fn new<M: Generative<State = S>>(
        model: &M,
        count: usize,
        attempts: usize,
        rng: &mut Stream,
    ) -> Self {
        let count = count.max(1);
        Self {
            particles: (0..count).map(|_| model.sample_start(rng)).collect(),
            count,
            attempts: attempts.max(1),
            step: 0,
            shortages: 0,
        }
    }

    /// The particles.
    pub fn particles(&self) -> &[S] {
        &self.particles
    }

    /// How often fewer particles than wanted were found, and repeated.
    pub fn shortages(&self) -> u64 {
        self.shortages
    }

    /// Draws a particle.
    pub fn draw(&self, rng: &mut Stream) -> &S {
        &self.particles[rng.random_range(0..self.particles.len())]
    }

    /// Simulates `action` from random particles and keeps the states where `observation` was seen. Returns the share of
    /// simulations kept, an estimate of the observation's probability.
    ///
    /// # Errors
    /// [`Depleted`] if it was never seen; the filter stays as it was.
    pub fn update<M>(
        &mut self,
        model: &M,
        action: usize,
        observation: &M::Observation,
        rng: &mut Stream,
    ) -> Result<f64, Depleted>
    where
        M: Generative<State = S, Observation: PartialEq>,
    {
        let mut kept = Vec::with_capacity(self.count);
        let mut tried = 0usize;
        while kept.len() < self.count && tried < self.count * self.attempts {
            let outcome = model.step(self.draw(rng), action, rng);
            tried += 1;
            if outcome.observation == *observation {
                kept.push(outcome.next);
            }
        }
        if kept.is_empty() {
            return Err(Depleted { step: self.step });
        }
        let (found, share) = (kept.len(), kept.len() as f64 / tried as f64);
        if found < self.count {
            self.shortages += 1;
            for _ in found..self.count {
                kept.push(kept[rng.random_range(0..found)].clone());
            }
        }
        self.particles = kept;
        self.step += 1;
        Ok(share)
    }
}
