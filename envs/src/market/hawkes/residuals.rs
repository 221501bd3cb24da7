//! Goodness of fit: under the true process the compensator of each type grows by independent, exponentially distributed amounts
//! of mean 1 between two of its events (the random time change).

use super::{Event, Hawkes, HawkesError, likelihood::Memory};
use crate::math::{exp, sqrt};

impl Hawkes {
    /// Growth of each type's compensator from one of its events to the next (the first: from 0), `[kinds][events of the kind]`.
    ///
    /// # Errors
    /// [`HawkesError::Event`] and [`HawkesError::Window`].
    pub fn residuals(&self, events: &[Event]) -> Result<Vec<Vec<f64>>, HawkesError> {
        let kinds = self.kinds();
        let mut residuals = vec![Vec::new(); kinds];
        let Some(last) = events.last() else {
            return Ok(residuals);
        };
        self.check_events(events, last.time.max(f64::MIN_POSITIVE))?;
        let branching = self.branching();
        let mut memory = Memory::new(self);
        // Σ_j n_ij R_ij after the last event of type i, its time, and events of each type j since then.
        let mut carried = vec![0.0; kinds];
        let mut since = vec![0.0; kinds];
        let mut counts = vec![0.0; kinds * kinds];
        for event in events {
            memory.advance(event.time);
            let i = event.kind;
            let row = i * kinds..(i + 1) * kinds;
            let remaining = |r: &[f64]| -> f64 {
                branching[row.clone()]
                    .iter()
                    .zip(r)
                    .map(|(n, r)| n * r)
                    .sum()
            };
            let arrived = remaining(&counts[row.clone()]);
            let left = remaining(&memory.r[row.clone()]);
            residuals[i].push(self.mu[i] * (event.time - since[i]) + carried[i] + arrived - left);
            memory.excite(i);
            carried[i] = remaining(&memory.r[row.clone()]);
            since[i] = event.time;
            counts[row].fill(0.0);
            for receiver in (0..kinds).filter(|&receiver| receiver != i) {
                counts[receiver * kinds + i] += 1.0;
            }
        }
        Ok(residuals)
    }
}

/// A Kolmogorov-Smirnov test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KsTest {
    /// Largest distance between the empirical distribution function and the one tested.
    pub statistic: f64,
    /// Probability of so large a distance if the values are of that distribution.
    pub p_value: f64,
}

/// Tests whether `values` are independent draws of the exponential distribution with mean 1; `None` without values. Sorts them.
///
/// The p-value is Kolmogorov's limit with Stephens' correction for finite samples, good to 0.01 from five values on.
pub fn exponential_ks(values: &mut [f64]) -> Option<KsTest> {
    if values.is_empty() {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let distances = values.iter().enumerate().map(|(i, &x)| {
        let probability = 1.0 - exp(-x.max(0.0));
        (probability - i as f64 / n).max((i + 1) as f64 / n - probability)
    });
    let statistic = distances.fold(0.0, f64::max);
    let x = (sqrt(n) + 0.12 + 0.11 / sqrt(n)) * statistic;
    // 2 Σ_k (-1)^{k-1} e^{-2 k² x²}; for small x the series converges slowly, to 1.
    let p_value = if x < 0.2 {
        1.0
    } else {
        let term = |k: i32| {
            let k2 = f64::from(k * k);
            let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
            sign * exp(-2.0 * k2 * x * x)
        };
        (1..=40).map(term).sum::<f64>().clamp(0.0, 1.0)
    };
    Some(KsTest { statistic, p_value })
}
