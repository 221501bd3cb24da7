//! Multivariate Hawkes processes with exponential kernels: events that excite further events.
//!
//! Event type `i` has the intensity `λ_i(t) = μ_i + Σ_j Σ_{t_m < t, k_m = j} a_ij e^{-b_ij (t - t_m)}`: `i` receives from
//! `j`. On average an event of type `j` has `n_ij = a_ij / b_ij` children of type `i`; the process is stationary if and only
//! if the spectral radius of `n` is below 1, and then has the mean rates `(I - n)⁻¹ μ`.
//!
//! Sources: Hawkes, *Spectra of some self-exciting and mutually exciting point processes* (Biometrika 58, 1971); Ogata, *On
//! Lewis' simulation method for point processes* (IEEE Transactions on Information Theory 27, 1981) for
//! simulation; Ozaki, *Maximum likelihood estimation of Hawkes' self-exciting point processes* (Annals of the
//! Institute of Statistical Mathematics 31, 1979) for the recursions of the likelihood; Daley and Vere-Jones,
//! *An Introduction to the Theory of Point Processes* (2003), chapter 7.4, for residuals.
//!
//! Times are in any unit; rates and decays are per that unit. Events with equal times act on one another in the order given.

mod fit;
mod likelihood;
mod minimise;
mod residuals;
#[cfg(test)]
mod tests;
mod thinning;

pub use fit::{FitOptions, HawkesFit};
pub use likelihood::Gradient;
pub use residuals::{KsTest, exponential_ks};
pub use thinning::Thinning;

use serde::{Deserialize, Serialize};

use crate::math::ln;

/// Why parameters or events are refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HawkesError {
    /// The matrices do not fit the number of event types.
    #[error("`{matrix}` has {found} entries; {kinds} event types need {}", kinds * kinds)]
    Shape {
        /// `a` or `b`.
        matrix: &'static str,
        /// Its entries.
        found: usize,
        /// Number of event types, the length of `mu`.
        kinds: usize,
    },
    /// A parameter out of its range.
    #[error("`{name}[{index}]` is {value}; it must be finite and {range}")]
    Parameter {
        /// `mu`, `a` or `b`.
        name: &'static str,
        /// Flat position.
        index: usize,
        /// The value.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
    /// The process explodes.
    #[error(
        "the branching matrix has spectral radius {radius}, so the process has no stationary state: lower `a` or raise `b` \
         until it is below 1"
    )]
    Unstable {
        /// Spectral radius.
        radius: f64,
    },
    /// An event outside the window, before its predecessor, or of an unknown type.
    #[error("event {index} {problem}")]
    Event {
        /// Position in the list.
        index: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A window that is no length of time.
    #[error("the end of the window is {0}; it must be positive and finite")]
    Window(f64),
    /// A type that never occurs cannot be fitted.
    #[error("there is no event of type {0}: leave that type out of the model")]
    NoEvents(usize),
    /// The optimiser did not get there.
    #[error("the likelihood was still rising after {0} iterations: allow more")]
    NotConverged(usize),
}

/// An event of a point process.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub time: f64,
    /// Which type, from 0.
    pub kind: usize,
}

/// A multivariate Hawkes process.
#[derive(Debug, Clone, PartialEq)]
pub struct Hawkes {
    mu: Vec<f64>,
    /// `[kinds * kinds]`, receiver by receiver.
    a: Vec<f64>,
    /// `[kinds * kinds]`, receiver by receiver.
    b: Vec<f64>,
    /// The different decays among `b`: one exponential for each of them moves the whole process on.
    decays: Vec<f64>,
    /// Which of them each entry of `b` is.
    decay_of: Vec<usize>,
}

impl Hawkes {
    /// A process with base rates `mu[i] ≥ 0`, jumps `a[i * kinds + j] ≥ 0` and decays `b[i * kinds + j] > 0`.
    ///
    /// An unstable one is allowed, since over a finite window it is well defined: see [`check_stable`](Self::check_stable).
    ///
    /// # Errors
    /// [`HawkesError::Shape`] and [`HawkesError::Parameter`].
    pub fn new(mu: &[f64], a: &[f64], b: &[f64]) -> Result<Self, HawkesError> {
        let kinds = mu.len();
        for (matrix, values) in [("a", a), ("b", b)] {
            if values.len() != kinds * kinds || kinds == 0 {
                return Err(HawkesError::Shape {
                    matrix,
                    found: values.len(),
                    kinds,
                });
            }
        }
        let at_least_zero = |x: f64| x >= 0.0;
        let above_zero = |x: f64| x > 0.0;
        check("mu", mu, at_least_zero, "at least 0")?;
        check("a", a, at_least_zero, "at least 0")?;
        check("b", b, above_zero, "above 0")?;
        let mut decays: Vec<f64> = Vec::new();
        let decay_of = b.iter().map(|&b| {
            decays.iter().position(|&d| d == b).unwrap_or_else(|| {
                decays.push(b);
                decays.len() - 1
            })
        });
        let decay_of = decay_of.collect();
        Ok(Self {
            mu: mu.to_vec(),
            a: a.to_vec(),
            b: b.to_vec(),
            decays,
            decay_of,
        })
    }

    /// Number of event types.
    pub fn kinds(&self) -> usize {
        self.mu.len()
    }

    /// Base rates `μ`.
    pub fn mu(&self) -> &[f64] {
        &self.mu
    }

    /// Jumps `a`, `[kinds * kinds]`, receiver by receiver.
    pub fn a(&self) -> &[f64] {
        &self.a
    }

    /// Decays `b`, `[kinds * kinds]`, receiver by receiver.
    pub fn b(&self) -> &[f64] {
        &self.b
    }

    /// Mean numbers of children `n_ij = a_ij / b_ij`, `[kinds * kinds]`.
    pub fn branching(&self) -> Vec<f64> {
        self.a.iter().zip(&self.b).map(|(a, b)| a / b).collect()
    }

    /// Spectral radius of the branching matrix.
    pub fn spectral_radius(&self) -> f64 {
        spectral_radius(self.branching(), self.kinds())
    }

    /// # Errors
    /// [`HawkesError::Unstable`] unless the spectral radius is below 1.
    pub fn check_stable(&self) -> Result<(), HawkesError> {
        let radius = self.spectral_radius();
        if radius < 1.0 {
            Ok(())
        } else {
            Err(HawkesError::Unstable { radius })
        }
    }

    /// Mean rate of each type in the stationary state, `(I - n)⁻¹ μ`.
    ///
    /// # Errors
    /// [`HawkesError::Unstable`].
    pub fn stationary_rate(&self) -> Result<Vec<f64>, HawkesError> {
        self.check_stable()?;
        let kinds = self.kinds();
        let mut matrix = self.branching();
        for (k, entry) in matrix.iter_mut().enumerate() {
            *entry = f64::from(u8::from(k / kinds == k % kinds)) - *entry;
        }
        // `I - n` of a stable process is a non-singular M-matrix: elimination needs no pivoting.
        let mut rate = self.mu.clone();
        for pivot in 0..kinds {
            for row in pivot + 1..kinds {
                let factor = matrix[row * kinds + pivot] / matrix[pivot * kinds + pivot];
                for column in pivot..kinds {
                    matrix[row * kinds + column] -= factor * matrix[pivot * kinds + column];
                }
                rate[row] -= factor * rate[pivot];
            }
        }
        for row in (0..kinds).rev() {
            let known = (row + 1..kinds).map(|column| matrix[row * kinds + column] * rate[column]);
            rate[row] = (rate[row] - known.sum::<f64>()) / matrix[row * kinds + row];
        }
        Ok(rate)
    }
}

fn check(
    name: &'static str,
    values: &[f64],
    allowed: impl Fn(f64) -> bool,
    range: &'static str,
) -> Result<(), HawkesError> {
    let wrong = values.iter().position(|&x| !(x.is_finite() && allowed(x)));
    wrong.map_or(Ok(()), |index| {
        Err(HawkesError::Parameter {
            name,
            index,
            value: values[index],
            range,
        })
    })
}

/// Largest absolute eigenvalue of a square matrix without negative entries, by Gelfand's formula `lim ‖n^k‖^{1/k}` with `k`
/// doubled until only rounding is left; unlike the power iteration it needs no gap between eigenvalues.
fn spectral_radius(mut power: Vec<f64>, size: usize) -> f64 {
    let mut log_radius = 0.0;
    let mut exponent = 1.0;
    for _ in 0..50 {
        let rows = power.chunks_exact(size);
        let norm = rows.map(|row| row.iter().sum()).fold(0.0, f64::max);
        if norm == 0.0 {
            return 0.0;
        }
        // `power` is scaled to norm 1, and the scale kept in the logarithm.
        log_radius += ln(norm) / exponent;
        power.iter_mut().for_each(|x| *x /= norm);
        let entry = |k: usize| {
            let (row, column) = (k / size, k % size);
            (0..size)
                .map(|l| power[row * size + l] * power[l * size + column])
                .sum()
        };
        power = (0..size * size).map(entry).collect();
        exponent *= 2.0;
    }
    crate::math::exp(log_radius)
}
