//! Learning curves: an aggregate over seeds, with an interval, at every point of a common grid.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::aggregate::interquartile_mean_of_counts;
use super::bootstrap::{Ranking, draw};
use super::{Aggregate, Bootstrap, Scores, StatsError, check_finite};

/// A family of curves reduced to one, point by point. All three have one value per grid point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurveIntervals {
    /// The aggregate over seeds.
    pub estimate: Vec<f64>,
    /// Lower ends of the pointwise intervals.
    pub low: Vec<f64>,
    /// Upper ends of the pointwise intervals.
    pub high: Vec<f64>,
}

/// Reduces `curves` (one per seed, all on one grid of `points` values) to an aggregate with a pointwise bootstrap
/// interval. A replicate resamples whole curves, so that all points share it.
///
/// Order of draws: replicate, seed. Time is replicates × seeds × points; memory is replicates × seeds. 2,000 replicates
/// are enough for a band.
///
/// # Errors
/// [`StatsError::Empty`] without curves or points, [`StatsError::CurveLength`], [`StatsError::NotFinite`] (with the
/// position `seed * points + point`, or for `gamma`), [`StatsError::NoReplicates`], [`StatsError::Confidence`].
pub fn curve_intervals(
    curves: &[Vec<f64>],
    aggregate: Aggregate,
    bootstrap: &Bootstrap,
    rng: &mut impl Rng,
) -> Result<CurveIntervals, StatsError> {
    bootstrap.check()?;
    aggregate.check()?;
    let points = check_curves(curves)?;
    let seeds = curves.len();
    let replicates = bootstrap.replicates as usize;

    // How often each replicate holds each seed.
    let mut multiplicity = vec![0_u32; replicates * seeds];
    for counts in multiplicity.chunks_exact_mut(seeds) {
        for _ in 0..seeds {
            counts[draw(rng, seeds)] += 1;
        }
    }

    let mut reduced = CurveIntervals {
        estimate: Vec::with_capacity(points),
        low: Vec::with_capacity(points),
        high: Vec::with_capacity(points),
    };
    let mut values = vec![0.0; replicates];
    let mut by_rank = vec![0; seeds];
    for point in 0..points {
        let column: Vec<f64> = curves.iter().map(|curve| curve[point]).collect();
        let ranking = Ranking::of(&column);
        for (seed, &rank) in ranking.rank.iter().enumerate() {
            by_rank[rank as usize] = seed;
        }
        let capped: Vec<f64> = match aggregate {
            Aggregate::OptimalityGap { gamma } => column.iter().map(|v| v.min(gamma)).collect(),
            _ => Vec::new(),
        };
        for (value, counts) in values.iter_mut().zip(multiplicity.chunks_exact(seeds)) {
            *value = match aggregate {
                Aggregate::InterquartileMean => interquartile_mean_of_counts(
                    &ranking.sorted,
                    by_rank.iter().map(|&seed| counts[seed]),
                    seeds,
                ),
                // One task: the median over tasks is the mean of its runs.
                Aggregate::Mean | Aggregate::Median => weighted_mean(&column, counts),
                Aggregate::OptimalityGap { gamma } => gamma - weighted_mean(&capped, counts),
            };
        }
        let estimate = aggregate.of(&Scores::single_task(&column)?);
        let interval = bootstrap.interval(estimate, &mut values);
        reduced.estimate.push(interval.estimate);
        reduced.low.push(interval.low);
        reduced.high.push(interval.high);
    }
    Ok(reduced)
}

/// Mean of a sample with `counts[i]` copies of `values[i]`, as many in all as there are values.
fn weighted_mean(values: &[f64], counts: &[u32]) -> f64 {
    let pairs = values.iter().zip(counts);
    pairs
        .map(|(value, count)| value * f64::from(*count))
        .sum::<f64>()
        / values.len() as f64
}

/// The number of points that every curve has.
fn check_curves(curves: &[Vec<f64>]) -> Result<usize, StatsError> {
    let Some(first) = curves.first().filter(|first| !first.is_empty()) else {
        return Err(StatsError::Empty { what: "curves" });
    };
    let expected = first.len();
    for (index, curve) in curves.iter().enumerate() {
        if curve.len() != expected {
            return Err(StatsError::CurveLength {
                index,
                len: curve.len(),
                expected,
            });
        }
        check_finite("curves", curve).map_err(|error| match error {
            StatsError::NotFinite {
                what,
                index: point,
                value,
            } => StatsError::NotFinite {
                what,
                index: index * expected + point,
                value,
            },
            other => other,
        })?;
    }
    Ok(expected)
}

#[cfg(test)]
mod tests {
    use palaestra_envs::stream::Stream;

    use super::super::aggregate_interval;
    use super::*;

    fn curves() -> Vec<Vec<f64>> {
        let column = [0.3, 2.0, 1.1, 0.9, 5.0, 1.7, 0.2, 1.2, 1.9, 0.4];
        column
            .iter()
            .enumerate()
            .map(|(seed, value)| vec![*value, 1.0, value * value - seed as f64])
            .collect()
    }

    /// Every point is the single-task bootstrap with the same draws, to rounding.
    #[test]
    fn each_point_is_the_bootstrap_of_its_column() {
        let curves = curves();
        let bootstrap = Bootstrap::with_replicates(400);
        for aggregate in [
            Aggregate::InterquartileMean,
            Aggregate::Mean,
            Aggregate::OptimalityGap { gamma: 1.0 },
        ] {
            let mut rng = Stream::new(9, 0, "bootstrap");
            let reduced = curve_intervals(&curves, aggregate, &bootstrap, &mut rng).unwrap();
            for point in 0..3 {
                let column: Vec<f64> = curves.iter().map(|curve| curve[point]).collect();
                let scores = Scores::single_task(&column).unwrap();
                let mut rng = Stream::new(9, 0, "bootstrap");
                let one = aggregate_interval(&scores, aggregate, &bootstrap, &mut rng).unwrap();
                assert_eq!(reduced.estimate[point], one.estimate);
                assert!((reduced.low[point] - one.low).abs() < 1e-12);
                assert!((reduced.high[point] - one.high).abs() < 1e-12);
            }
            assert_eq!(reduced.low[1], reduced.high[1]);
        }
    }

    #[test]
    fn one_seed_is_its_own_interval() {
        let mut rng = Stream::new(0, 0, "bootstrap");
        let reduced = curve_intervals(
            &[vec![1.0, -2.0]],
            Aggregate::default(),
            &Bootstrap::with_replicates(3),
            &mut rng,
        )
        .unwrap();
        assert_eq!(reduced.estimate, [1.0, -2.0]);
        assert_eq!(
            (&reduced.low, &reduced.high),
            (&reduced.estimate, &reduced.estimate)
        );
    }

    #[test]
    fn bad_curves_are_typed_errors() {
        let mut rng = Stream::new(0, 0, "bootstrap");
        let mut run = |curves: &[Vec<f64>]| {
            let bootstrap = Bootstrap::with_replicates(3);
            curve_intervals(curves, Aggregate::default(), &bootstrap, &mut rng).unwrap_err()
        };
        assert_eq!(run(&[]), StatsError::Empty { what: "curves" });
        assert_eq!(run(&[vec![]]), StatsError::Empty { what: "curves" });
        assert_eq!(
            run(&[vec![1.0, 2.0], vec![1.0]]),
            StatsError::CurveLength {
                index: 1,
                len: 1,
                expected: 2
            }
        );
        assert!(matches!(
            run(&[vec![1.0, 2.0], vec![1.0, f64::NEG_INFINITY]]),
            StatsError::NotFinite { index: 3, .. }
        ));
    }
}
