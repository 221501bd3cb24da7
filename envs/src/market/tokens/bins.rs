//! Numbers to bins of about equal weight, and back.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// Why bins cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BinError {
    /// Fewer than two bins.
    #[error("{0} bins are too few: at least 2 are needed")]
    TooFewBins(usize),
    /// A value that is not finite.
    #[error("value {index} is {value}: only finite values can be binned")]
    NotFinite {
        /// Its position.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Too few different values for so many bins.
    #[error(
        "{distinct} different values are too few for {bins} bins: take fewer bins, or more values"
    )]
    TooFewValues {
        /// Different values given.
        distinct: usize,
        /// Bins asked for.
        bins: usize,
    },
    /// Edges that do not rise.
    #[error("edge {0} is not finite or lies below the one before it")]
    Edges(usize),
}

/// Values kept of a bin to draw from, the most frequent ones.
const KEPT: usize = 100;

/// Bins whose upper edges belong to them, `(e_i, e_{i+1}]`; what lies outside of all counts to the first or last.
///
/// ```
/// use palaestra_envs::market::tokens::BinConverter;
///
/// // Half of all orders are of 100 shares: a bin ends there.
/// let sizes: Vec<f64> = (0..1000).map(|i| if i % 2 == 0 { 100.0 } else { f64::from(i) }).collect();
/// let bins = BinConverter::fit(&sizes, 8)?;
/// assert_eq!(bins.count(), 8);
/// assert_eq!(bins.bin(100.0) + 1, bins.bin(101.0));
/// # Ok::<(), palaestra_envs::market::tokens::BinError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BinConverter {
    /// `[count + 1]`.
    edges: Vec<f64>,
    /// Values to draw from for each bin, with the number of those before them and them, `[count][…]`.
    values: Vec<Vec<(f64, u64)>>,
}

impl BinConverter {
    /// Fits `bins` bins to `values`.
    ///
    /// A value more frequent than `1 / bins` of all is the upper edge of a bin; the others are parted in equal numbers, except that
    /// equal values stay together.
    ///
    /// # Errors
    /// [`BinError`].
    pub fn fit(values: &[f64], bins: usize) -> Result<Self, BinError> {
        if bins < 2 {
            return Err(BinError::TooFewBins(bins));
        }
        if let Some(index) = values.iter().position(|x| !x.is_finite()) {
            let value = values[index];
            return Err(BinError::NotFinite { index, value });
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let runs: Vec<&[f64]> = sorted.chunk_by(|x, y| x == y).collect();
        let too_few = BinError::TooFewValues {
            distinct: runs.len(),
            bins,
        };
        let share = sorted.len() as f64 / bins as f64;
        let is_single = |run: &[f64]| run.len() as f64 > share;
        let singles = runs.iter().filter(|run| is_single(run)).map(|run| run[0]);
        let mut edges: Vec<f64> = singles.collect();
        let rest: Vec<f64> = runs
            .iter()
            .filter(|run| !is_single(run))
            .copied()
            .flatten()
            .copied()
            .collect();
        let (Some(first), Some(last)) = (runs.first(), rest.last()) else {
            return Err(too_few);
        };
        let mut open = (bins + 1).checked_sub(edges.len()).ok_or(too_few)?;
        edges.push(if is_single(first) {
            first[0] - 1.0
        } else {
            first[0]
        });
        let mut cursor = 0;
        while open > 0 && cursor < rest.len() {
            if open == 1 {
                return Err(too_few);
            }
            let (start, end) = (rest[cursor], cursor + (rest.len() - cursor) / (open - 1));
            let differs = (end..rest.len()).find(|&i| rest[i] != start);
            // Where none differs, the cursor stays on the last value.
            cursor = differs.unwrap_or(end.max(rest.len() - 1));
            open -= 1;
            edges.push(rest.get(cursor).copied().unwrap_or(*last));
        }
        edges.sort_by(f64::total_cmp);
        if edges.len() != bins + 1 {
            return Err(too_few);
        }
        let mut converter = Self::with_edges(edges)?;
        converter.keep(&runs);
        Ok(converter)
    }

    /// Bins with given edges, in rising order, and nothing to draw from.
    ///
    /// # Errors
    /// [`BinError`].
    pub fn with_edges(edges: Vec<f64>) -> Result<Self, BinError> {
        if edges.len() < 3 {
            return Err(BinError::TooFewBins(edges.len().saturating_sub(1)));
        }
        let falls = |i: &usize| !edges[*i].is_finite() || *i > 0 && edges[*i] < edges[i - 1];
        if let Some(index) = (0..edges.len()).find(falls) {
            return Err(BinError::Edges(index));
        }
        Ok(Self {
            values: vec![Vec::new(); edges.len() - 1],
            edges,
        })
    }

    /// Keeps the most frequent values of each bin; of equally frequent ones the smaller.
    fn keep(&mut self, runs: &[&[f64]]) {
        for run in runs {
            let bin = self.bin(run[0]);
            self.values[bin].push((run[0], run.len() as u64));
        }
        for bin in &mut self.values {
            bin.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            bin.truncate(KEPT);
            let mut total = 0;
            for (_, count) in bin {
                total += *count;
                *count = total;
            }
        }
    }

    /// Number of bins.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// The edges, one more than there are bins.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The bin of a value.
    #[inline]
    pub fn bin(&self, value: f64) -> usize {
        let below = self.edges.partition_point(|edge| *edge < value);
        below.saturating_sub(1).min(self.values.len() - 1)
    }

    /// The values of a bin that it keeps, the most frequent first.
    pub fn values(&self, bin: usize) -> impl Iterator<Item = f64> + '_ {
        self.values
            .get(bin)
            .into_iter()
            .flatten()
            .map(|(value, _)| *value)
    }

    /// Draws one of the values that a bin keeps, as often as it was seen; `None` if there are none.
    pub fn sample(&self, bin: usize, rng: &mut impl Rng) -> Option<f64> {
        let values = self.values.get(bin)?;
        let (_, total) = values.last()?;
        let drawn = rng.random_range(0..*total);
        let place = values.partition_point(|(_, until)| *until <= drawn);
        values.get(place).map(|(value, _)| *value)
    }
}
