//! Sums from which moments and correlations follow. They add up over days, so that days can be resampled without their minutes
//! being looked at again.

use palaestra_envs::math::sqrt;

/// Something that adds up over days.
pub(super) trait Additive: Clone {
    /// Nothing.
    fn zero() -> Self;
    /// Adds the same of another day.
    fn add(&mut self, other: &Self);
}

/// Count and sums of the first four powers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments([f64; 5]);

impl Moments {
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut sums = [0.0; 5];
        for x in values {
            let square = x * x;
            let powers = [1.0, x, square, square * x, square * square];
            sums.iter_mut()
                .zip(powers)
                .for_each(|(sum, power)| *sum += power);
        }
        Self(sums)
    }

    /// Count, mean, and the means of the second to fourth power of the distance to the mean.
    fn central(&self) -> (f64, f64, f64, f64, f64) {
        let [n, s1, s2, s3, s4] = self.0;
        let m = s1 / n;
        let (r2, r3, r4) = (s2 / n, s3 / n, s4 / n);
        let c2 = r2 - m * m;
        let c3 = r3 - 3.0 * m * r2 + 2.0 * m * m * m;
        let c4 = r4 - 4.0 * m * r3 + 6.0 * m * m * r2 - 3.0 * m * m * m * m;
        (n, m, c2, c3, c4)
    }

    /// Unbiased excess kurtosis; no number for fewer than four values, or equal ones.
    pub(super) fn kurtosis(&self) -> f64 {
        let (n, _, c2, _, c4) = self.central();
        if n < 4.0 || c2 <= 0.0 {
            return f64::NAN;
        }
        (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * (c4 / (c2 * c2) - 3.0) + 6.0)
    }

    /// Unbiased skewness; no number for fewer than three values, or equal ones.
    pub(super) fn skewness(&self) -> f64 {
        let (n, _, c2, c3, _) = self.central();
        if n < 3.0 || c2 <= 0.0 {
            return f64::NAN;
        }
        sqrt(n * (n - 1.0)) / (n - 2.0) * c3 / (c2 * sqrt(c2))
    }

    /// Sample variance over mean.
    pub(super) fn dispersion(&self) -> f64 {
        let (n, mean, c2, _, _) = self.central();
        if n < 2.0 || mean == 0.0 {
            return f64::NAN;
        }
        c2 * n / (n - 1.0) / mean
    }

    /// Mean.
    pub(super) fn mean(&self) -> f64 {
        self.0[1] / self.0[0]
    }

    /// Standard deviation, divisor `count`.
    pub(super) fn deviation(&self) -> f64 {
        let (_, _, c2, _, _) = self.central();
        sqrt(c2.max(0.0))
    }
}

impl Additive for Moments {
    fn zero() -> Self {
        Self::default()
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a += b);
    }
}

/// Sums of pairs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Products([f64; 6]);

impl Products {
    /// Of the pairs `(x_t, y_{t + lag})`.
    pub(super) fn lagged(x: &[f64], y: &[f64], lag: isize) -> Self {
        let (x, y) = if lag < 0 {
            (x.get(lag.unsigned_abs()..).unwrap_or_default(), y)
        } else {
            (x, y.get(lag.unsigned_abs()..).unwrap_or_default())
        };
        let mut sums = [0.0; 6];
        for (x, y) in x.iter().zip(y) {
            let terms = [1.0, *x, *y, x * x, y * y, x * y];
            sums.iter_mut()
                .zip(terms)
                .for_each(|(sum, term)| *sum += term);
        }
        Self(sums)
    }

    /// Pearson's correlation; no number if one side does not vary.
    pub(super) fn correlation(&self) -> f64 {
        let [n, x, y, xx, yy, xy] = self.0;
        let (vx, vy) = (xx - x * x / n, yy - y * y / n);
        // What rounding leaves of a variance that is none.
        let flat = vx <= 1e-14 * xx || vy <= 1e-14 * yy;
        if n < 2.0 || flat || !(vx > 0.0 && vy > 0.0) {
            return f64::NAN;
        }
        (xy - x * y / n) / sqrt(vx * vy)
    }
}

impl Additive for Products {
    fn zero() -> Self {
        Self::default()
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a += b);
    }
}

impl<T: Additive> Additive for Vec<T> {
    fn zero() -> Self {
        Self::new()
    }

    fn add(&mut self, other: &Self) {
        self.resize_with(self.len().max(other.len()), T::zero);
        self.iter_mut().zip(other).for_each(|(a, b)| a.add(b));
    }
}

/// The `q`-quantile of values that are not empty, linear between them, as NumPy's default.
pub(super) fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = q * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = sorted[(below + 1).min(sorted.len() - 1)];
    sorted[below] + (place - place.floor()) * (above - sorted[below])
}
