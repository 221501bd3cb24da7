//! Random numbers of the distributions that traders draw from.

use rand::{Rng, RngExt};

use crate::math::{cos, ln, sqrt};

/// Exponential with the given mean.
#[inline]
pub(crate) fn exponential(rng: &mut impl Rng, mean: f64) -> f64 {
    -mean * ln(1.0 - rng.random::<f64>())
}

/// Normal with mean 0 and standard deviation 1, by the method of Box and Muller; two uniforms.
#[inline]
pub(crate) fn normal(rng: &mut impl Rng) -> f64 {
    let (u, v): (f64, f64) = (rng.random(), rng.random());
    sqrt(-2.0 * ln(1.0 - u)) * cos(2.0 * std::f64::consts::PI * v)
}
