//! Point aggregates of a score matrix, as `rliable` defines them.

use serde::{Deserialize, Serialize};

use super::scores::{Scores, mean};
use super::{StatsError, check_finite};

/// A number that stands for a whole score matrix.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Mean of the middle half of all run scores of all tasks: `floor(n / 4)` values are dropped at each end, no
    /// fractional weights.
    #[default]
    InterquartileMean,
    /// Mean over runs per task, then over tasks.
    Mean,
    /// Median over tasks of the mean over runs. With one task this is the mean.
    Median,
    /// `gamma - mean(min(score, gamma))`: how far the runs stay below `gamma` (1 for normalised scores). Lower is
    /// better.
    OptimalityGap {
        /// The score that counts as solved; finite.
        gamma: f64,
    },
}

impl Aggregate {
    /// The aggregate of `scores`.
    ///
    /// # Examples
    /// ```
    /// use palaestra::stats::{Aggregate, Scores};
    ///
    /// let scores = Scores::single_task(&[1.0, 2.0, 3.0, 400.0])?;
    /// assert_eq!(Aggregate::InterquartileMean.of(&scores), 2.5);
    /// # Ok::<(), palaestra::stats::StatsError>(())
    /// ```
    pub fn of(self, scores: &Scores) -> f64 {
        match self {
            Self::InterquartileMean => {
                let mut sorted = scores.flat().to_vec();
                sorted.sort_unstable_by(f64::total_cmp);
                let cut = sorted.len() / 4;
                mean(&sorted[cut..sorted.len() - cut])
            }
            Self::Mean => mean(scores.flat()),
            Self::Median => median(&mut scores.strata().map(mean).collect::<Vec<_>>()),
            Self::OptimalityGap { gamma } => {
                let capped: f64 = scores.flat().iter().map(|score| score.min(gamma)).sum();
                gamma - capped / scores.flat().len() as f64
            }
        }
    }

    pub(super) fn check(self) -> Result<(), StatsError> {
        match self {
            Self::OptimalityGap { gamma } => check_finite("gamma", &[gamma]),
            _ => Ok(()),
        }
    }

    /// Short name for tables and axes.
    pub fn label(self) -> &'static str {
        match self {
            Self::InterquartileMean => "IQM",
            Self::Mean => "mean",
            Self::Median => "median",
            Self::OptimalityGap { .. } => "optimality gap",
        }
    }
}

/// Median of values that are not empty; the mean of the middle two if their number is even. Reorders `values`.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        0.5 * (values[middle - 1] + values[middle])
    }
}

/// Interquartile mean of the sample that holds `counts[i]` copies of `sorted[i]` (`sorted` ascending).
///
/// One walk, no sort: this is what makes tens of thousands of bootstrap replicates cheap.
#[inline]
pub(super) fn interquartile_mean_of_counts(
    sorted: &[f64],
    counts: impl Iterator<Item = u32>,
    total: usize,
) -> f64 {
    let (first, end) = (total / 4, total - total / 4);
    let mut position = 0;
    let mut sum = 0.0;
    for (value, count) in sorted.iter().zip(counts) {
        let next = position + count as usize;
        // Copies at positions `position..next` that lie in `first..end`.
        let kept = next.min(end).saturating_sub(position.max(first));
        sum += kept as f64 * value;
        position = next;
    }
    sum / (end - first) as f64
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The reference matrices; expected values from `rliable` 1.2.0.
    pub(in crate::stats) fn golden_x() -> Scores {
        let x = [
            0.1, 0.9, 0.5, 0.2, 1.3, 0.4, 0.0, 0.7, 0.6, 0.4, 1.1, 0.55, 0.3, 0.8, 0.45,
        ];
        Scores::new(&x, 5, 3).unwrap()
    }

    pub(in crate::stats) fn golden_y() -> Scores {
        let y = [0.2, 0.8, 0.5, 0.1, 1.0, 0.7, 0.3, 0.9, 0.5, 0.5, 1.2, 0.65];
        Scores::new(&y, 4, 3).unwrap()
    }

    #[test]
    fn golden_aggregates() {
        let x = golden_x();
        for (aggregate, expected) in [
            (Aggregate::InterquartileMean, 0.522_222_2),
            (Aggregate::Mean, 0.553_333_3),
            (Aggregate::Median, 0.5),
            (Aggregate::OptimalityGap { gamma: 1.0 }, 0.473_333_3),
        ] {
            let got = aggregate.of(&x);
            assert!((got - expected).abs() < 1e-6, "{aggregate:?}: {got}");
        }
    }

    #[test]
    fn counts_agree_with_the_sorted_sample() {
        let sorted = [-1.0, 0.0, 0.5, 2.0, 9.0];
        for counts in [
            [1, 1, 1, 1, 1],
            [0, 3, 0, 2, 0],
            [5, 0, 0, 0, 0],
            [2, 0, 1, 0, 4],
        ] {
            let sample: Vec<f64> = sorted
                .iter()
                .zip(counts)
                .flat_map(|(value, count)| std::iter::repeat_n(*value, count as usize))
                .collect();
            let direct = Aggregate::InterquartileMean.of(&Scores::single_task(&sample).unwrap());
            let walked = interquartile_mean_of_counts(&sorted, counts.into_iter(), sample.len());
            assert!((direct - walked).abs() < 1e-12, "{counts:?}");
        }
    }

    #[test]
    fn median_of_even_and_odd() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
