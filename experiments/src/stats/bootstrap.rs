//! The stratified percentile bootstrap (Efron and Tibshirani 1993; stratified by task as in Agarwal et al. 2021, §4).
//!
//! One replicate draws, for every task on its own, as many runs as there are, with replacement, and computes the
//! statistic again. The interval is the central part of the replicates.
//!
//! Order of draws: replicate by replicate, inside it task by task, inside that run by run; one 32-bit word per draw.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::aggregate::{interquartile_mean_of_counts, median};
use super::{Aggregate, Scores, StatsError};

/// How intervals are computed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Number of replicates, at least 1. Default 50,000.
    pub replicates: u32,
    /// Probability that the interval is to cover, in (0, 1). Default 0.95.
    pub confidence: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            replicates: 50_000,
            confidence: 0.95,
        }
    }
}

impl Bootstrap {
    /// A 95 % interval from `replicates` replicates. Curves and profiles, which need an interval at every point,
    /// are customarily drawn from 2,000.
    pub fn with_replicates(replicates: u32) -> Self {
        Self {
            replicates,
            ..Self::default()
        }
    }

    pub(crate) fn check(&self) -> Result<(), StatsError> {
        if self.replicates == 0 {
            return Err(StatsError::NoReplicates);
        }
        if self.confidence > 0.0 && self.confidence < 1.0 {
            Ok(())
        } else {
            Err(StatsError::Confidence(self.confidence))
        }
    }

    /// The interval of `replicates` (reordered on the way) around `estimate`.
    pub(crate) fn interval(&self, estimate: f64, replicates: &mut [f64]) -> Interval {
        let tail = 0.5 * (1.0 - self.confidence);
        Interval {
            estimate,
            low: quantile(replicates, tail),
            high: quantile(replicates, 1.0 - tail),
        }
    }
}

/// A point estimate with its bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The statistic of the scores themselves.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// `aggregate` of `scores` with its stratified bootstrap interval.
///
/// # Errors
/// [`StatsError::NoReplicates`], [`StatsError::Confidence`], [`StatsError::NotFinite`] for a `gamma` that is not a number.
///
/// # Examples
/// ```
/// use palaestra::stats::{Aggregate, Bootstrap, Scores, aggregate_interval};
/// use palaestra_envs::stream::Stream;
///
/// let scores = Scores::single_task(&[1.0, 2.0, 2.5, 3.0, 9.0])?;
/// let mut rng = Stream::new(0, 0, "bootstrap");
/// let iqm = aggregate_interval(
///     &scores,
///     Aggregate::InterquartileMean,
///     &Bootstrap::with_replicates(2_000),
///     &mut rng,
/// )?;
/// assert_eq!(iqm.estimate, 2.5);
/// assert!(iqm.low < 2.5 && 2.5 < iqm.high);
/// # Ok::<(), palaestra::stats::StatsError>(())
/// ```
pub fn aggregate_interval(
    scores: &Scores,
    aggregate: Aggregate,
    bootstrap: &Bootstrap,
    rng: &mut impl Rng,
) -> Result<Interval, StatsError> {
    bootstrap.check()?;
    aggregate.check()?;
    let replicates = bootstrap.replicates as usize;
    let runs = scores.runs();
    let size = scores.flat().len();
    let mut values = Vec::with_capacity(replicates);
    match aggregate {
        Aggregate::InterquartileMean => {
            let ranking = Ranking::of(scores.flat());
            let mut counts = vec![0_u32; size];
            for _ in 0..replicates {
                counts.fill(0);
                for ranks in ranking.rank.chunks_exact(runs) {
                    for _ in 0..runs {
                        counts[ranks[draw(rng, runs)] as usize] += 1;
                    }
                }
                values.push(interquartile_mean_of_counts(
                    &ranking.sorted,
                    counts.iter().copied(),
                    size,
                ));
            }
        }
        // Tasks have equally many runs, so the mean of task means is the mean of everything.
        Aggregate::Mean => {
            for _ in 0..replicates {
                let sum: f64 = scores.strata().map(|task| resampled_sum(task, rng)).sum();
                values.push(sum / size as f64);
            }
        }
        Aggregate::OptimalityGap { gamma } => {
            let capped: Vec<f64> = scores.flat().iter().map(|score| score.min(gamma)).collect();
            for _ in 0..replicates {
                let strata = capped.chunks_exact(runs);
                let sum: f64 = strata.map(|task| resampled_sum(task, rng)).sum();
                values.push(gamma - sum / size as f64);
            }
        }
        Aggregate::Median => {
            let mut task_means = vec![0.0; scores.tasks()];
            for _ in 0..replicates {
                for (task_mean, task) in task_means.iter_mut().zip(scores.strata()) {
                    *task_mean = resampled_sum(task, rng) / runs as f64;
                }
                values.push(median(&mut task_means));
            }
        }
    }
    Ok(bootstrap.interval(aggregate.of(scores), &mut values))
}

/// Uniform index below `n`, from one 32-bit word (multiply and shift). The bias is below `n / 2^32`.
///
/// Written out rather than taken from a library so that a given seed means the same replicates for good.
#[inline]
pub(crate) fn draw(rng: &mut impl Rng, n: usize) -> usize {
    ((u64::from(rng.next_u32()) * n as u64) >> 32) as usize
}

#[inline]
fn resampled_sum(values: &[f64], rng: &mut impl Rng) -> f64 {
    (0..values.len())
        .map(|_| values[draw(rng, values.len())])
        .sum()
}

/// A sample in ascending order, and where each of its values went.
pub(super) struct Ranking {
    /// The values, ascending.
    pub(super) sorted: Vec<f64>,
    /// `rank[i]` is the place of value `i` in `sorted`.
    pub(super) rank: Vec<u32>,
}

impl Ranking {
    pub(super) fn of(values: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        let mut rank = vec![0; values.len()];
        for (place, &index) in order.iter().enumerate() {
            rank[index] = place as u32;
        }
        Self {
            sorted: order.iter().map(|&index| values[index]).collect(),
            rank,
        }
    }
}

/// Quantile with linear interpolation between order statistics (`NumPy`'s default). Reorders `values`, which must not be
/// empty.
pub(super) fn quantile(values: &mut [f64], probability: f64) -> f64 {
    let position = probability.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let below = position.floor() as usize;
    let (_, &mut low, rest) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = rest.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    low + (position - below as f64) * (high - low)
}

#[cfg(test)]
mod tests {
    use palaestra_envs::stream::Stream;

    use super::super::aggregate::tests::golden_x;
    use super::*;

    const ALL: [Aggregate; 4] = [
        Aggregate::InterquartileMean,
        Aggregate::Mean,
        Aggregate::Median,
        Aggregate::OptimalityGap { gamma: 1.0 },
    ];

    #[test]
    fn quantile_is_numpys() {
        let mut values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(quantile(&mut values, 0.0), 1.0);
        assert_eq!(quantile(&mut values, 1.0), 5.0);
        // numpy.percentile([1, 2, 3, 4, 5], 97.5) = 4.9, 2.5 gives 1.1.
        assert!((quantile(&mut values, 0.975) - 4.9).abs() < 1e-12);
        assert!((quantile(&mut values, 0.025) - 1.1).abs() < 1e-12);
        assert_eq!(quantile(&mut [7.0], 0.3), 7.0);
    }

    /// Intervals of `rliable` 1.2.0 (50,000 replicates). Its own seed is not settable, so two correct
    /// implementations differ by Monte-Carlo error, well below 0.01.
    #[test]
    fn golden_intervals() {
        for (aggregate, (low, high)) in ALL.into_iter().zip(GOLDEN_INTERVALS) {
            let mut rng = Stream::new(3, 0, "bootstrap");
            let interval =
                aggregate_interval(&golden_x(), aggregate, &Bootstrap::default(), &mut rng)
                    .unwrap();
            assert!(
                (interval.low - low).abs() < 0.01 && (interval.high - high).abs() < 0.01,
                "{aggregate:?}: {interval:?}, expected {low} to {high}"
            );
        }
    }

    const GOLDEN_INTERVALS: [(f64, f64); 4] = [
        (0.466_667, 0.583_333),
        (0.476_667, 0.633_333),
        (0.44, 0.56),
        (0.416_667, 0.53),
    ];

    #[test]
    fn the_same_seed_gives_the_same_bits_and_another_seed_does_not() {
        for aggregate in ALL {
            let run = |seed| {
                let mut rng = Stream::new(seed, 0, "bootstrap");
                aggregate_interval(
                    &golden_x(),
                    aggregate,
                    &Bootstrap::with_replicates(501),
                    &mut rng,
                )
                .unwrap()
            };
            assert_eq!(run(1), run(1));
            if aggregate != Aggregate::Median {
                assert_ne!(run(1), run(2), "{aggregate:?}");
            }
        }
    }

    #[test]
    fn constant_scores_have_an_empty_interval() {
        let scores = Scores::new(&[2.0; 12], 4, 3).unwrap();
        let mut rng = Stream::new(0, 0, "bootstrap");
        for aggregate in ALL {
            let interval = aggregate_interval(
                &scores,
                aggregate,
                &Bootstrap::with_replicates(50),
                &mut rng,
            )
            .unwrap();
            assert_eq!(interval.low, interval.estimate);
            assert_eq!(interval.high, interval.estimate);
        }
    }

    /// Of 400 samples of 20 uniform numbers, the 95 % interval of the mean covers 1/2 in about 93 % (the percentile
    /// bootstrap is a little narrow for small samples); four standard errors of a proportion are 0.05.
    #[test]
    fn coverage_of_the_mean() {
        use rand::RngExt;
        let mut data = Stream::new(11, 0, "data");
        let mut rng = Stream::new(11, 0, "bootstrap");
        let covered = (0..400)
            .filter(|_| {
                let sample: Vec<f64> = (0..20).map(|_| data.random()).collect();
                let interval = aggregate_interval(
                    &Scores::single_task(&sample).unwrap(),
                    Aggregate::Mean,
                    &Bootstrap::with_replicates(1_000),
                    &mut rng,
                )
                .unwrap();
                interval.low <= 0.5 && 0.5 <= interval.high
            })
            .count();
        let rate = covered as f64 / 400.0;
        assert!((rate - 0.93).abs() < 0.05, "{rate}");
    }

    #[test]
    fn bad_settings_are_errors() {
        let mut rng = Stream::new(0, 0, "bootstrap");
        let mut run = |replicates, confidence| {
            let bootstrap = Bootstrap {
                replicates,
                confidence,
            };
            aggregate_interval(&golden_x(), Aggregate::Mean, &bootstrap, &mut rng)
        };
        assert_eq!(run(0, 0.95), Err(StatsError::NoReplicates));
        assert_eq!(run(10, 1.0), Err(StatsError::Confidence(1.0)));
        assert!(matches!(run(10, f64::NAN), Err(StatsError::Confidence(_))));
    }
}
