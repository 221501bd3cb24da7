//! Log-likelihood, its gradient, and intensities, in one pass over the events.
//!
//! `ln L = Σ_n ln λ_{k_n}(t_n) - Σ_i ∫_0^T λ_i`. The sums over the past obey recursions: with `R_ij(t) = Σ_m e^{-b_ij (t - t_m)}`
//! and `S_ij(t) = Σ_m (t - t_m) e^{-b_ij (t - t_m)}` over events `m` of type `j`, a time `Δ` without events turns `(R, S)` into
//! `e^{-bΔ} (R, S + Δ R)`, and an event of type `j` adds 1 to every `R_ij`.

use super::{Event, Hawkes, HawkesError};
use crate::math::{exp, ln};

/// Derivatives of the log-likelihood by the parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    /// By `μ`, `[kinds]`.
    pub mu: Vec<f64>,
    /// By `a`, `[kinds * kinds]`.
    pub a: Vec<f64>,
    /// By `b`, `[kinds * kinds]`.
    pub b: Vec<f64>,
}

/// The sums over the past at one time.
pub(super) struct Memory<'a> {
    process: &'a Hawkes,
    time: f64,
    /// `R`, `[kinds * kinds]`.
    pub(super) r: Vec<f64>,
    /// `e^{-bΔ}` of the last move, for each different decay.
    factors: Vec<f64>,
}

impl<'a> Memory<'a> {
    pub(super) fn new(process: &'a Hawkes) -> Self {
        Self {
            process,
            time: 0.0,
            r: vec![0.0; process.a.len()],
            factors: vec![1.0; process.decays.len()],
        }
    }

    /// Lets the time until `time` pass; returns it.
    pub(super) fn advance(&mut self, time: f64) -> f64 {
        let elapsed = time - self.time;
        self.time = time;
        let decays = self.process.decays.iter();
        self.factors
            .iter_mut()
            .zip(decays)
            .for_each(|(f, b)| *f = exp(-b * elapsed));
        for (r, &k) in self.r.iter_mut().zip(&self.process.decay_of) {
            *r *= self.factors[k];
        }
        elapsed
    }

    /// Takes in an event of type `kind` now.
    pub(super) fn excite(&mut self, kind: usize) {
        let kinds = self.process.kinds();
        self.r[kind..]
            .iter_mut()
            .step_by(kinds)
            .for_each(|r| *r += 1.0);
    }

    /// Intensity of type `kind` now.
    pub(super) fn intensity(&self, kind: usize) -> f64 {
        let kinds = self.process.kinds();
        let row = kind * kinds..(kind + 1) * kinds;
        let excited = self.process.a[row.clone()].iter().zip(&self.r[row]);
        self.process.mu[kind] + excited.map(|(a, r)| a * r).sum::<f64>()
    }
}

impl Hawkes {
    /// Log-likelihood of `events` over `[0, end]`, by the density against a Poisson process of rate 1 for each type up to the
    /// usual constant; minus infinity if one of them is impossible.
    ///
    /// # Errors
    /// [`HawkesError::Event`] and [`HawkesError::Window`].
    pub fn log_likelihood(&self, events: &[Event], end: f64) -> Result<f64, HawkesError> {
        self.check_events(events, end)?;
        let mut memory = Memory::new(self);
        let mut sum = 0.0;
        for event in events {
            memory.advance(event.time);
            sum += ln(memory.intensity(event.kind));
            memory.excite(event.kind);
        }
        memory.advance(end);
        Ok(sum
            - self
                .compensators_at(&memory, &self.counts(events))
                .sum::<f64>())
    }

    /// Log-likelihood of `events` over `[0, end]` with its gradient.
    ///
    /// # Errors
    /// [`HawkesError::Event`] and [`HawkesError::Window`].
    pub fn log_likelihood_and_gradient(
        &self,
        events: &[Event],
        end: f64,
    ) -> Result<(f64, Gradient), HawkesError> {
        self.check_events(events, end)?;
        let kinds = self.kinds();
        let mut memory = Memory::new(self);
        let mut s = vec![0.0; kinds * kinds];
        let mut gradient = Gradient {
            mu: vec![-end; kinds],
            a: vec![0.0; kinds * kinds],
            b: vec![0.0; kinds * kinds],
        };
        let mut sum = 0.0;
        for event in events {
            advance_both(&mut memory, &mut s, event.time);
            let row = event.kind * kinds..(event.kind + 1) * kinds;
            let intensity = memory.intensity(event.kind);
            sum += ln(intensity);
            let share = 1.0 / intensity;
            gradient.mu[event.kind] += share;
            for k in row {
                gradient.a[k] += memory.r[k] * share;
                gradient.b[k] -= self.a[k] * s[k] * share;
            }
            memory.excite(event.kind);
        }
        advance_both(&mut memory, &mut s, end);
        let counts = self.counts(events);
        for k in 0..kinds * kinds {
            // Σ_m (1 - e^{-bτ}) / b, and its derivative by b.
            let integral = (counts[k % kinds] - memory.r[k]) / self.b[k];
            gradient.a[k] -= integral;
            gradient.b[k] += self.a[k] * (integral - s[k]) / self.b[k];
        }
        let compensator: f64 = self.compensators_at(&memory, &counts).sum();
        Ok((sum - compensator, gradient))
    }

    /// `∫_0^end λ_i` for each type `i`.
    ///
    /// # Errors
    /// [`HawkesError::Event`] and [`HawkesError::Window`].
    pub fn compensators(&self, events: &[Event], end: f64) -> Result<Vec<f64>, HawkesError> {
        let memory = self.memory_at(events, end)?;
        Ok(self
            .compensators_at(&memory, &self.counts(events))
            .collect())
    }

    /// Intensity of each type just after `end`.
    ///
    /// # Errors
    /// [`HawkesError::Event`] and [`HawkesError::Window`].
    pub fn intensities(&self, events: &[Event], end: f64) -> Result<Vec<f64>, HawkesError> {
        let memory = self.memory_at(events, end)?;
        Ok((0..self.kinds())
            .map(|kind| memory.intensity(kind))
            .collect())
    }

    fn memory_at(&self, events: &[Event], end: f64) -> Result<Memory<'_>, HawkesError> {
        self.check_events(events, end)?;
        let mut memory = Memory::new(self);
        for event in events {
            memory.advance(event.time);
            memory.excite(event.kind);
        }
        memory.advance(end);
        Ok(memory)
    }

    /// `∫ λ_i` from 0 to the time of `memory`, before which there were `counts` events.
    fn compensators_at(&self, memory: &Memory<'_>, counts: &[f64]) -> impl Iterator<Item = f64> {
        let kinds = self.kinds();
        (0..kinds).map(move |i| {
            let received = (0..kinds).map(|j| {
                let k = i * kinds + j;
                self.a[k] / self.b[k] * (counts[j] - memory.r[k])
            });
            self.mu[i] * memory.time + received.sum::<f64>()
        })
    }

    fn counts(&self, events: &[Event]) -> Vec<f64> {
        let mut counts = vec![0.0; self.kinds()];
        events.iter().for_each(|event| counts[event.kind] += 1.0);
        counts
    }

    pub(super) fn check_events(&self, events: &[Event], end: f64) -> Result<(), HawkesError> {
        if !(end > 0.0 && end.is_finite()) {
            return Err(HawkesError::Window(end));
        }
        let mut last = 0.0;
        for (index, event) in events.iter().enumerate() {
            let problem = if event.kind >= self.kinds() {
                format!(
                    "is of type {}; there are {} types",
                    event.kind,
                    self.kinds()
                )
            } else if !(event.time >= last && event.time <= end) {
                format!("is at time {}, not in [{last}, {end}]", event.time)
            } else {
                last = event.time;
                continue;
            };
            return Err(HawkesError::Event { index, problem });
        }
        Ok(())
    }
}

/// Moves `R` and `S` on to `time`.
fn advance_both(memory: &mut Memory<'_>, s: &mut [f64], time: f64) {
    let elapsed = time - memory.time;
    for (s, r) in s.iter_mut().zip(&memory.r) {
        *s += elapsed * r;
    }
    memory.advance(time);
    for (s, &k) in s.iter_mut().zip(&memory.process.decay_of) {
        *s *= memory.factors[k];
    }
}
