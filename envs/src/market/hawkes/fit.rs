//! Maximum likelihood.
//!
//! The search is over `(ln μ, ln n, ln b)`, so that every parameter stays positive, with the exact gradient. Standard errors come
//! from the observed information, the second derivatives at the maximum in those coordinates, by the delta method.

use super::{Event, Hawkes, HawkesError, minimise::minimise};
use crate::math::{exp, sqrt};

/// How long and how exactly to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitOptions {
    /// Iterations of the optimiser, each one to a few passes over the events.
    pub max_iterations: usize,
    /// Largest derivative of the mean log-likelihood per event, by the logarithm of a parameter, that counts as none.
    pub tolerance: f64,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            max_iterations: 500,
            tolerance: 1e-6,
        }
    }
}

/// A process fitted to events.
#[derive(Debug, Clone, PartialEq)]
pub struct HawkesFit {
    /// The process of greatest likelihood.
    pub process: Hawkes,
    /// Its log-likelihood.
    pub log_likelihood: f64,
    /// Iterations that were needed.
    pub iterations: usize,
    /// Standard errors; `None` where the information matrix is not positive definite, as when some `n_ij` went to 0.
    pub standard_errors: Option<StandardErrors>,
}

/// Standard errors of fitted parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct StandardErrors {
    /// Of `μ`, `[kinds]`.
    pub mu: Vec<f64>,
    /// Of `n = a / b`, `[kinds * kinds]`.
    pub branching: Vec<f64>,
    /// Of `b`, `[kinds * kinds]`.
    pub b: Vec<f64>,
}

impl Hawkes {
    /// Fits a process with `kinds` event types to `events` over `[0, end]`.
    ///
    /// # Errors
    /// [`HawkesError::Event`], [`HawkesError::Window`], [`HawkesError::NoEvents`], [`HawkesError::NotConverged`].
    pub fn fit(
        kinds: usize,
        events: &[Event],
        end: f64,
        options: &FitOptions,
    ) -> Result<HawkesFit, HawkesError> {
        // Half of the events are taken to come by themselves, children after about the mean distance of events.
        let per_time = events.len() as f64 / end;
        let start = Hawkes::new(
            &vec![1.0; kinds],
            &vec![0.5 / kinds as f64 * per_time; kinds * kinds],
            &vec![per_time; kinds * kinds],
        )?;
        start.check_events(events, end)?;
        let mut mu = vec![0.0; kinds];
        events.iter().for_each(|event| mu[event.kind] += 0.5 / end);
        if let Some(kind) = mu.iter().position(|&mu| mu == 0.0) {
            return Err(HawkesError::NoEvents(kind));
        }
        let start = Hawkes { mu, ..start };
        let count = events.len() as f64;
        let objective = |x: &[f64]| {
            let Ok(process) = from_coordinates(x, kinds) else {
                return (f64::NAN, vec![f64::NAN; x.len()]);
            };
            let (value, gradient) = process.value_and_slope(events, end);
            (
                -value / count,
                gradient.into_iter().map(|g| -g / count).collect(),
            )
        };
        let found = minimise(
            to_coordinates(&start),
            options.max_iterations,
            options.tolerance,
            objective,
        );
        if !found.converged {
            return Err(HawkesError::NotConverged(found.iterations));
        }
        let process = from_coordinates(&found.x, kinds)?;
        Ok(HawkesFit {
            log_likelihood: process.log_likelihood(events, end)?,
            iterations: found.iterations,
            standard_errors: standard_errors(&found.x, kinds, events, end),
            process,
        })
    }

    /// Log-likelihood of events that were checked, and its gradient by the coordinates.
    fn value_and_slope(&self, events: &[Event], end: f64) -> (f64, Vec<f64>) {
        let Ok((value, gradient)) = self.log_likelihood_and_gradient(events, end) else {
            return (f64::NAN, Vec::new());
        };
        let by_mu = self.mu.iter().zip(&gradient.mu).map(|(mu, g)| mu * g);
        let by_n = self.a.iter().zip(&gradient.a).map(|(a, g)| a * g);
        let by_b = self.b.iter().zip(&gradient.b).map(|(b, g)| b * g);
        let by_b = by_b
            .zip(by_n.clone())
            .map(|(at_fixed_a, by_n)| at_fixed_a + by_n);
        (value, by_mu.chain(by_n).chain(by_b).collect())
    }
}

/// `(ln μ, ln n, ln b)`.
fn to_coordinates(process: &Hawkes) -> Vec<f64> {
    let branching = process.branching();
    let values = process.mu.iter().chain(&branching).chain(&process.b);
    values.map(|&x| crate::math::ln(x)).collect()
}

fn from_coordinates(x: &[f64], kinds: usize) -> Result<Hawkes, HawkesError> {
    let values: Vec<f64> = x.iter().map(|&x| exp(x)).collect();
    let (mu, rest) = values.split_at(kinds);
    let (branching, b) = rest.split_at(kinds * kinds);
    let a: Vec<f64> = branching.iter().zip(b).map(|(n, b)| n * b).collect();
    Hawkes::new(mu, &a, b)
}

fn standard_errors(x: &[f64], kinds: usize, events: &[Event], end: f64) -> Option<StandardErrors> {
    const STEP: f64 = 1e-4;
    let size = x.len();
    let slope_at = |k: usize, step: f64| {
        let mut x = x.to_vec();
        x[k] += step;
        let process = from_coordinates(&x, kinds).ok()?;
        Some(process.value_and_slope(events, end).1)
    };
    let mut information = vec![0.0; size * size];
    for k in 0..size {
        let (above, below) = (slope_at(k, STEP)?, slope_at(k, -STEP)?);
        for l in 0..size {
            let second = (below[l] - above[l]) / (2.0 * STEP);
            information[k * size + l] += 0.5 * second;
            information[l * size + k] += 0.5 * second;
        }
    }
    let variances = inverse_diagonal(information, size)?;
    let errors: Vec<f64> = x
        .iter()
        .zip(variances)
        .map(|(&x, v)| exp(x) * sqrt(v))
        .collect();
    let (mu, rest) = errors.split_at(kinds);
    let (branching, b) = rest.split_at(kinds * kinds);
    Some(StandardErrors {
        mu: mu.to_vec(),
        branching: branching.to_vec(),
        b: b.to_vec(),
    })
}

/// The diagonal of the inverse of a symmetric matrix; `None` unless it is positive definite.
fn inverse_diagonal(mut m: Vec<f64>, size: usize) -> Option<Vec<f64>> {
    // Cholesky, m = L Lᵀ; the diagonal of the inverse holds the squared lengths of the columns of L⁻¹.
    for i in 0..size {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| m[i * size + k] * m[j * size + k]).sum();
            let rest = m[i * size + j] - known;
            m[i * size + j] = if i == j {
                if rest <= 0.0 || rest.is_nan() {
                    return None;
                }
                sqrt(rest)
            } else {
                rest / m[j * size + j]
            };
        }
    }
    let squared_length = |column: usize| {
        let mut solution = vec![0.0; size];
        for i in column..size {
            let known: f64 = (column..i).map(|k| m[i * size + k] * solution[k]).sum();
            let unit = f64::from(u8::from(i == column));
            solution[i] = (unit - known) / m[i * size + i];
        }
        solution.iter().map(|x| x * x).sum()
    };
    Some((0..size).map(squared_length).collect())
}
