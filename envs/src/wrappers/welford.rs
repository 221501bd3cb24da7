//! Running means and variances, one set for each row.
//!
//! *Welford, Note on a Method for Calculating Corrected Sums of Squares and Products, Technometrics 1962.*

use crate::{
    error::EnvError,
    sim::{read_value, write_value},
};

/// Added to variances before a root is taken, as in Gymnasium.
const EPSILON: f64 = 1e-8;

/// The element types of real observations.
pub(super) trait Real: Copy {
    fn to_f64(self) -> f64;
    fn of_f64(x: f64) -> Self;
}

impl Real for f32 {
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    fn of_f64(x: f64) -> Self {
        x as Self
    }
}

impl Real for f64 {
    fn to_f64(self) -> f64 {
        self
    }

    fn of_f64(x: f64) -> Self {
        x
    }
}

/// For each row, count, mean and sum of squared deviations of vectors of `width` elements.
pub(super) struct Running {
    width: usize,
    /// Vectors seen, `[rows]`.
    count: Vec<u64>,
    /// `[rows, width]`.
    mean: Vec<f64>,
    /// Sum of squared deviations from the mean, `[rows, width]`.
    squares: Vec<f64>,
}

impl Running {
    /// Nothing seen yet.
    pub(super) fn new(rows: usize, width: usize) -> Self {
        Self {
            width,
            count: vec![0; rows],
            mean: vec![0.0; rows * width],
            squares: vec![0.0; rows * width],
        }
    }

    /// The given statistics in every row.
    pub(super) fn given(rows: usize, mean: &[f64], variance: &[f64]) -> Self {
        Self {
            width: mean.len(),
            count: vec![2; rows],
            mean: mean.repeat(rows),
            squares: variance
                .iter()
                .map(|v| 2.0 * v)
                .collect::<Vec<_>>()
                .repeat(rows),
        }
    }

    /// Counts one more vector of row `row`, whose elements are [added](Self::add) next.
    pub(super) fn begin(&mut self, row: usize) {
        self.count[row] += 1;
    }

    /// Adds elements `first..` of the vector that was begun last.
    pub(super) fn add<T: Real>(&mut self, row: usize, first: usize, x: &[T]) {
        let start = row * self.width + first;
        let share = 1.0 / self.count[row] as f64;
        let mean = &mut self.mean[start..start + x.len()];
        let squares = &mut self.squares[start..start + x.len()];
        for ((x, mean), squares) in x.iter().zip(mean).zip(squares) {
            let deviation = x.to_f64() - *mean;
            *mean += deviation * share;
            *squares += deviation * (x.to_f64() - *mean);
        }
    }

    /// Subtracts from elements `first..` of a vector their means, divides by their deviations and clips.
    fn normalize<T: Real>(&self, row: usize, first: usize, x: &mut [T], clip: f64) {
        let start = row * self.width + first;
        let (share, unit) = self.variance_of_squares(row);
        let mean = &self.mean[start..start + x.len()];
        let squares = &self.squares[start..start + x.len()];
        for ((x, mean), squares) in x.iter_mut().zip(mean).zip(squares) {
            let deviation = (squares * share + unit + EPSILON).sqrt();
            let z = (x.to_f64() - mean) / deviation;
            *x = T::of_f64(z.clamp(-clip, clip));
        }
    }

    /// [Adds](Self::add) if it is an `update`, then [normalises](Self::normalize).
    pub(super) fn pass<T: Real>(
        &mut self,
        row: usize,
        first: usize,
        x: &mut [T],
        update: bool,
        clip: f64,
    ) {
        if update {
            self.add(row, first, x);
        }
        self.normalize(row, first, x, clip);
    }

    /// Standard deviation of element `i` in row `row` (of the vectors seen, not an estimate for more); 1 before
    /// there are two.
    pub(super) fn deviation(&self, row: usize, i: usize) -> f64 {
        let (share, unit) = self.variance_of_squares(row);
        (self.squares[row * self.width + i] * share + unit + EPSILON).sqrt()
    }

    /// The variance in row `row` is the sum of squares times the first number, plus the second.
    fn variance_of_squares(&self, row: usize) -> (f64, f64) {
        match self.count[row] {
            0 | 1 => (0.0, 1.0),
            count => (1.0 / count as f64, 0.0),
        }
    }

    pub(super) fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        let range = row * self.width..(row + 1) * self.width;
        write_value(&self.count[row], out)?;
        write_value(&self.mean[range.clone()], out)?;
        write_value(&self.squares[range], out)
    }

    pub(super) fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let count = read_value(bytes)?;
        let mean: Vec<f64> = read_value(bytes)?;
        let squares: Vec<f64> = read_value(bytes)?;
        if mean.len() != self.width || squares.len() != self.width {
            return Err(EnvError::Snapshot(format!(
                "running statistics have {} elements instead of {}",
                mean.len(),
                self.width
            )));
        }
        let range = row * self.width..(row + 1) * self.width;
        self.count[row] = count;
        self.mean[range.clone()].copy_from_slice(&mean);
        self.squares[range].copy_from_slice(&squares);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_of_the_two_pass_formulas() {
        let values = [3.0, -1.0, 4.0, 1.0, -5.0, 9.0];
        let mut running = Running::new(2, 2);
        for x in values {
            running.begin(1);
            running.add(1, 0, &[1e6 + x]);
            running.add(1, 1, &[x as f32]);
        }
        let mean = values.iter().sum::<f64>() / 6.0;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 6.0;
        let mut row = [1e6 + 3.0, 3.0];
        running.normalize(1, 0, &mut row, 10.0);
        let expected = (3.0 - mean) / (variance + EPSILON).sqrt();
        assert!((row[0] - expected).abs() < 1e-9, "{row:?} for {expected}");
        assert!((row[1] - expected).abs() < 1e-9, "{row:?} for {expected}");
        assert!((running.deviation(1, 0) - (variance + EPSILON).sqrt()).abs() < 1e-9);
        // The other row has seen nothing.
        assert_eq!(running.mean[..2], [0.0; 2]);
        assert!((running.deviation(0, 0) - 1.0).abs() < 1e-8);
    }
}
