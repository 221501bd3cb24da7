//! Gaussian processes on finitely many points, conditioned on one payoff after the other.

use palaestra_envs::math::exp;
use serde::{Deserialize, Serialize};

use super::Prior;
use crate::bandits::{Memory, cells::Cells};

/// Posterior means and covariances of the payoffs of each arm in each of its states; arms are independent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Posterior {
    /// Where the cells and the covariances of each arm begin, `[N + 1]`.
    cells: Vec<usize>,
    pairs: Vec<usize>,
    noise_variance: f64,
    /// Covariances before any play, of one seat.
    prior: Vec<f64>,
    /// `[seats, cells]`.
    mean: Vec<f64>,
    /// `[seats, pairs of cells of one arm]`.
    covariance: Vec<f64>,
}

impl Posterior {
    pub(super) fn new(seats: usize, layout: &Cells, prior: Prior) -> Self {
        let (mut cells, mut pairs, mut covariance) = (vec![0], vec![0], Vec::new());
        for arm in 0..layout.arms() {
            // A first play is the covariate 0, further ones in a row are −1, −2, …
            let covariates = layout
                .caps(arm)
                .states()
                .map(|tau| f64::from(tau + i16::from(tau < 0)));
            let covariates: Vec<f64> = covariates.collect();
            for a in &covariates {
                let scaled = covariates.iter().map(|b| (a - b) / prior.length_scale);
                covariance.extend(scaled.map(|x| prior.variance * exp(-0.5 * x * x)));
            }
            cells.push(layout.of(arm).end);
            pairs.push(covariance.len());
        }
        let count = layout.count();
        Self {
            cells,
            pairs,
            noise_variance: prior.noise_variance,
            mean: vec![0.0; seats * count],
            covariance: covariance.repeat(seats),
            prior: covariance,
        }
    }

    /// Entries of the covariances of one seat.
    pub(super) fn pairs(layout: &Cells) -> u64 {
        let of_arm = |arm| (layout.of(arm).len() as u64).pow(2);
        (0..layout.arms()).map(of_arm).sum()
    }

    /// Posterior means of the cells of one seat.
    pub(super) fn means(&self, seat: usize) -> &[f64] {
        let count = self.cells[self.cells.len() - 1];
        &self.mean[seat * count..(seat + 1) * count]
    }

    /// Posterior covariances of the cells of `arm`, a square matrix, and the first of these cells.
    fn of_arm(&self, seat: usize, arm: usize) -> (&[f64], usize) {
        let start = seat * self.prior.len();
        let own = &self.covariance[start + self.pairs[arm]..start + self.pairs[arm + 1]];
        (own, self.cells[arm])
    }

    /// Posterior covariance of two cells of `arm`.
    #[inline]
    pub(super) fn covariance(&self, seat: usize, arm: usize, a: usize, b: usize) -> f64 {
        let (own, first) = self.of_arm(seat, arm);
        let width = self.cells[arm + 1] - first;
        own[(a - first) * width + (b - first)]
    }

    /// Posterior mean and standard deviation of a cell of `arm`.
    #[inline]
    pub(super) fn marginal(&self, seat: usize, arm: usize, cell: usize) -> (f64, f64) {
        let variance = self.covariance(seat, arm, cell, cell);
        (self.means(seat)[cell], variance.max(0.0).sqrt())
    }

    /// Conditions on a payoff in a cell of `arm`.
    pub(super) fn learn(&mut self, seat: usize, arm: usize, cell: usize, payoff: f64) {
        let count = self.cells[self.cells.len() - 1];
        let (first, end) = (self.cells[arm], self.cells[arm + 1]);
        let width = end - first;
        let at = cell - first;
        let start = seat * self.prior.len() + self.pairs[arm];
        let covariance = &mut self.covariance[start..start + width * width];
        let mean = &mut self.mean[seat * count + first..seat * count + end];
        // m += c (y − m_x) / (c_x + σ²) and C −= c cᵀ / (c_x + σ²), with c the column of the cell.
        let precision = 1.0 / (covariance[at * width + at] + self.noise_variance);
        let surprise = (payoff - mean[at]) * precision;
        for (i, mean) in mean.iter_mut().enumerate() {
            *mean += covariance[i * width + at] * surprise;
        }
        for i in (0..width).filter(|&i| i != at) {
            // The column of the cell itself is still needed and comes last.
            let gain = covariance[at * width + i] * precision;
            for j in (0..width).filter(|&j| j != at) {
                covariance[i * width + j] -= gain * covariance[at * width + j];
            }
        }
        let keep = self.noise_variance * precision;
        for i in 0..width {
            let shrunk = covariance[at * width + i] * keep;
            covariance[at * width + i] = shrunk;
            covariance[i * width + at] = shrunk;
        }
    }
}

impl Memory for Posterior {
    fn lengths(&self) -> Vec<usize> {
        vec![self.prior.len(), self.mean.len(), self.covariance.len()]
    }

    fn forget(&mut self, seat: usize) {
        let count = self.cells[self.cells.len() - 1];
        self.mean[seat * count..(seat + 1) * count].fill(0.0);
        let start = seat * self.prior.len();
        self.covariance[start..start + self.prior.len()].copy_from_slice(&self.prior);
    }
}
