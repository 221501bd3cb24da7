//! PaRIS, the particle-based rapid incremental smoother: Olsson, Westerborn, *Efficient Particle-Based Online Smoothing in
//! General Hidden Markov Models* (Bernoulli 23, 2017).
//!
//! It estimates `E[Σ_t h_t(x_t, x_{t+1}) | y_0 … y_n]` while measurements come in, without going back:
//!
//! ```text
//! β_{t+1}^i = (1/M) Σ_{m ≤ M} β_t^J + h_t(ξ_t^J, ξ_{t+1}^i)      J ~ Cat(ω_t^j m_t(ξ_t^j, ξ_{t+1}^i)), anew for each m
//! estimate  = Σ_i ω^i β^i / Σ_i ω^i
//! ```
//!
//! `J` is drawn by rejection from `Cat(ω_t)` with the bound on the transition density, which costs O(1) on average; after
//! many rejections it is drawn exactly.

use palaestra_envs::stream::Stream;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::Depleted;

/// A hidden Markov process with transition and observation densities, its measurements, and sums to be smoothed.
pub trait StateSpaceModel {
    /// A hidden state.
    type State: Copy;

    /// Number of measurements, at least 1.
    fn steps(&self) -> usize;
    /// Draws `x_0`.
    fn start(&self, rng: &mut Stream) -> Self::State;
    /// Draws `x_{t+1}`.
    fn propagate(&self, t: usize, x: Self::State, rng: &mut Stream) -> Self::State;
    /// `m_t(x_t, x_{t+1})`.
    fn transition_density(&self, t: usize, x: Self::State, next: Self::State) -> f64;
    /// A number that `m_t` does not exceed.
    fn transition_bound(&self, t: usize) -> f64;
    /// `g_t(x_t)`: density of measurement `t`.
    fn observation_density(&self, t: usize, x: Self::State) -> f64;
    /// Number of functionals.
    fn functionals(&self) -> usize;
    /// Adds `h_t(x_t, x_{t+1})` to `out`, `[functionals]`.
    fn functional(&self, t: usize, x: Self::State, next: Self::State, out: &mut [f64]);
}

/// Settings of [`Paris`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParisSettings {
    /// Number of particles.
    pub particles: usize,
    /// `M`, backward draws of each; 2 is usual, at least 2 keeps the variance from growing.
    pub draws: usize,
}

impl Default for ParisSettings {
    fn default() -> Self {
        Self {
            particles: 64,
            draws: 2,
        }
    }
}

/// Particles with their smoothed sums, after some number of measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct Paris<S> {
    pub(super) settings: ParisSettings,
    pub(super) t: usize,
    pub(super) states: Vec<S>,
    pub(super) weights: Vec<f64>,
    /// Cumulative weights.
    sums: Vec<f64>,
    /// `β`, `[particles, functionals]`.
    pub(super) statistics: Vec<f64>,
    pub(super) width: usize,
    /// The first backward draw of each particle, for each step so far where it is asked for.
    pub(super) ancestors: Vec<Vec<u32>>,
    pub(super) history: Vec<Vec<S>>,
}

/// Rejections after which an ancestor is drawn exactly.
const REJECTIONS: usize = 100;

impl<S: Copy> Paris<S> {
    /// Particles at the first measurement; `frozen` is the state of the last one, if it is not to be drawn.
    pub(super) fn start<M: StateSpaceModel<State = S>>(
        model: &M,
        settings: ParisSettings,
        frozen: Option<S>,
        rng: &mut Stream,
    ) -> Result<Self, Depleted> {
        let count = settings.particles.max(2);
        let mut states: Vec<S> = (0..count).map(|_| model.start(rng)).collect();
        if let Some(frozen) = frozen {
            states[count - 1] = frozen;
        }
        let width = model.functionals();
        let mut all = Self {
            settings,
            t: 0,
            weights: vec![0.0; count],
            sums: vec![0.0; count],
            statistics: vec![0.0; count * width],
            width,
            ancestors: Vec::new(),
            history: Vec::new(),
            states,
        };
        all.weigh(model)?;
        Ok(all)
    }

    /// Particles at the first measurement.
    ///
    /// # Errors
    /// [`Depleted`] if the measurement has density 0 for all of them (in 64 bits).
    pub fn new<M: StateSpaceModel<State = S>>(
        model: &M,
        settings: ParisSettings,
        rng: &mut Stream,
    ) -> Result<Self, Depleted> {
        Self::start(model, settings, None, rng)
    }

    fn weigh<M: StateSpaceModel<State = S>>(&mut self, model: &M) -> Result<(), Depleted> {
        let mut sum = 0.0;
        for ((state, weight), total) in self
            .states
            .iter()
            .zip(&mut self.weights)
            .zip(&mut self.sums)
        {
            *weight = model.observation_density(self.t, *state);
            sum += *weight;
            *total = sum;
        }
        if sum > 0.0 && sum.is_finite() {
            Ok(())
        } else {
            Err(Depleted {
                step: self.t as u64,
            })
        }
    }

    /// An index drawn by weight.
    pub(super) fn draw(&self, rng: &mut Stream) -> usize {
        let last = self.sums.len() - 1;
        let pointer = rng.random::<f64>() * self.sums[last];
        self.sums.partition_point(|&sum| sum <= pointer).min(last)
    }

    /// A backward draw: the index of a particle that may have led to `next`.
    fn backward<M: StateSpaceModel<State = S>>(
        &self,
        model: &M,
        next: S,
        rng: &mut Stream,
    ) -> usize {
        let bound = model.transition_bound(self.t);
        for _ in 0..REJECTIONS {
            let j = self.draw(rng);
            let density = model.transition_density(self.t, self.states[j], next);
            if rng.random::<f64>() * bound < density {
                return j;
            }
        }
        let joint =
            |j: usize| self.weights[j] * model.transition_density(self.t, self.states[j], next);
        let total: f64 = (0..self.states.len()).map(joint).sum();
        let mut left = rng.random::<f64>() * total;
        for j in 0..self.states.len() {
            left -= joint(j);
            if left < 0.0 {
                return j;
            }
        }
        self.draw(rng)
    }

    /// Takes in the next measurement; `frozen` is the next state of the last particle, if it is not to be drawn.
    pub(super) fn advance<M: StateSpaceModel<State = S>>(
        &mut self,
        model: &M,
        frozen: Option<S>,
        rng: &mut Stream,
    ) -> Result<(), Depleted> {
        let (count, width) = (self.states.len(), self.width);
        let draws = self.settings.draws.max(1);
        let mut next: Vec<S> = Vec::with_capacity(count);
        for _ in 0..count {
            let j = self.draw(rng);
            next.push(model.propagate(self.t, self.states[j], rng));
        }
        if let Some(frozen) = frozen {
            next[count - 1] = frozen;
        }
        let mut statistics = vec![0.0; count * width];
        let mut ancestors = Vec::with_capacity(count);
        for (state, beta) in next.iter().zip(statistics.chunks_mut(width)) {
            for draw in 0..draws {
                let j = self.backward(model, *state, rng);
                if draw == 0 {
                    ancestors.push(j as u32);
                }
                let old = &self.statistics[j * width..(j + 1) * width];
                beta.iter_mut().zip(old).for_each(|(b, old)| *b += old);
                model.functional(self.t, self.states[j], *state, beta);
            }
            beta.iter_mut().for_each(|b| *b /= draws as f64);
        }
        if frozen.is_some() {
            self.ancestors.push(ancestors);
            self.history.push(std::mem::replace(&mut self.states, next));
        } else {
            self.states = next;
        }
        self.statistics = statistics;
        self.t += 1;
        self.weigh(model)
    }

    /// Takes in the next measurement.
    ///
    /// # Errors
    /// As [`new`](Self::new); the particles are then of no use.
    pub fn step<M: StateSpaceModel<State = S>>(
        &mut self,
        model: &M,
        rng: &mut Stream,
    ) -> Result<(), Depleted> {
        self.advance(model, None, rng)
    }

    /// The estimates, `[functionals]`.
    pub fn estimate(&self) -> Vec<f64> {
        let total = self.sums[self.sums.len() - 1];
        let of = |k: usize| -> f64 {
            let terms = self
                .weights
                .iter()
                .zip(self.statistics.iter().skip(k).step_by(self.width));
            terms.map(|(w, b)| w * b).sum::<f64>() / total
        };
        (0..self.width).map(of).collect()
    }

    /// The estimates after all measurements of `model`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn run<M: StateSpaceModel<State = S>>(
        model: &M,
        settings: ParisSettings,
        rng: &mut Stream,
    ) -> Result<Vec<f64>, Depleted> {
        let mut all = Self::new(model, settings, rng)?;
        (1..model.steps()).try_for_each(|_| all.step(model, rng))?;
        Ok(all.estimate())
    }
}
