//! Exact simulation by Ogata's thinning: between events every intensity only falls, so the total intensity now bounds it until
//! the next event. Candidates come at that bound, and one at time `t` is kept as an event of type `i` with probability
//! `λ_i(t) / bound`.

use super::{Event, Hawkes};
use crate::math::{exp, ln};

/// A Hawkes process being simulated, one event after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Thinning {
    process: Hawkes,
    time: f64,
    /// `Σ_m a_ij e^{-b_ij (t - t_m)}` at `time`, `[kinds * kinds]`.
    excitation: Vec<f64>,
    factors: Vec<f64>,
}

impl Thinning {
    /// A simulation of `process` from time 0, without a past.
    pub fn new(process: Hawkes) -> Self {
        Self {
            time: 0.0,
            excitation: vec![0.0; process.a.len()],
            factors: vec![0.0; process.decays.len()],
            process,
        }
    }

    /// The process.
    pub fn process(&self) -> &Hawkes {
        &self.process
    }

    /// The time, and what each entry of the excitation is then, `[kinds * kinds]`: all that the future depends on.
    pub fn past(&self) -> (f64, &[f64]) {
        (self.time, &self.excitation)
    }

    /// Goes on from such a past; `false`, and nothing changes, if there cannot be one like it.
    pub fn resume(&mut self, time: f64, excitation: &[f64]) -> bool {
        let possible = time.is_finite()
            && excitation.len() == self.excitation.len()
            && excitation.iter().all(|x| x.is_finite() && *x >= 0.0);
        if possible {
            self.time = time;
            self.excitation.copy_from_slice(excitation);
        }
        possible
    }

    /// Forgets the past and starts over at time 0.
    pub fn restart(&mut self) {
        self.time = 0.0;
        self.excitation.fill(0.0);
    }

    /// The next event, or `None` if there is none until `end`, inclusively; the simulation then goes on from `end`.
    ///
    /// `uniform` gives independent numbers in `[0, 1)`: two for each candidate, the first for its time.
    pub fn next_event(&mut self, end: f64, mut uniform: impl FnMut() -> f64) -> Option<Event> {
        let kinds = self.process.kinds();
        loop {
            let bound: f64 = (0..kinds).map(|kind| self.intensity(kind)).sum();
            let wait = -ln(1.0 - uniform()) / bound;
            // A bound of 0 gives a wait that is infinite or no number: there are no further events.
            let within = self.time + wait <= end;
            if !within {
                self.advance(end);
                return None;
            }
            self.advance(self.time + wait);
            let threshold = uniform() * bound;
            let mut cumulative = 0.0;
            for kind in 0..kinds {
                cumulative += self.intensity(kind);
                if threshold < cumulative {
                    self.excite(kind);
                    let time = self.time;
                    return Some(Event { time, kind });
                }
            }
        }
    }

    /// Intensity of type `kind` just after the last event, or where the simulation stopped.
    pub fn intensity(&self, kind: usize) -> f64 {
        let kinds = self.process.kinds();
        let row = &self.excitation[kind * kinds..(kind + 1) * kinds];
        self.process.mu[kind] + row.iter().sum::<f64>()
    }

    fn advance(&mut self, time: f64) {
        let elapsed = time - self.time;
        self.time = time;
        let decays = self.process.decays.iter();
        self.factors
            .iter_mut()
            .zip(decays)
            .for_each(|(f, b)| *f = exp(-b * elapsed));
        for (x, &k) in self.excitation.iter_mut().zip(&self.process.decay_of) {
            *x *= self.factors[k];
        }
    }

    fn excite(&mut self, kind: usize) {
        let kinds = self.process.kinds();
        for i in 0..kinds {
            self.excitation[i * kinds + kind] += self.process.a[i * kinds + kind];
        }
    }
}

impl Hawkes {
    /// All events in `[0, end]` of a simulation without a past.
    ///
    /// ```
    /// use palaestra_envs::{market::hawkes::Hawkes, stream::Stream};
    /// use rand::RngExt;
    ///
    /// let process = Hawkes::new(&[0.5], &[0.8], &[1.6])?;
    /// let mut stream = Stream::new(1, 0, "example");
    /// let events = process.simulate(10_000.0, || stream.random());
    /// let rate = process.stationary_rate()?[0]; // 0.5 / (1 - 0.8 / 1.6) = 1
    /// assert!((events.len() as f64 / 10_000.0 - rate).abs() < 0.1);
    /// # Ok::<(), palaestra_envs::market::hawkes::HawkesError>(())
    /// ```
    pub fn simulate(&self, end: f64, mut uniform: impl FnMut() -> f64) -> Vec<Event> {
        let mut simulation = Thinning::new(self.clone());
        std::iter::from_fn(|| simulation.next_event(end, &mut uniform)).collect()
    }
}
