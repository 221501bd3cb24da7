//! Performance profiles: the tail distribution of run scores (Dolan and Moré 2002; Agarwal et al. 2021, §4.2).

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::bootstrap::draw;
use super::{Bootstrap, Interval, Scores, StatsError, check_finite};

/// The fraction of runs above each threshold, mean over tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PerformanceProfile {
    /// The thresholds, as given.
    pub thresholds: Vec<f64>,
    /// For each threshold the fraction of runs with a score strictly above it, in [0, 1].
    pub fraction_above: Vec<Interval>,
}

/// The fraction of runs with `score > threshold` (strictly), mean over tasks, for each threshold.
///
/// # Errors
/// [`StatsError::Empty`] without thresholds, [`StatsError::NotFinite`] for a threshold that is not a number.
pub fn performance_profile(scores: &Scores, thresholds: &[f64]) -> Result<Vec<f64>, StatsError> {
    check_thresholds(thresholds)?;
    Ok(thresholds
        .iter()
        .map(|threshold| {
            let above = scores.flat().iter().filter(|score| *score > threshold);
            above.count() as f64 / scores.flat().len() as f64
        })
        .collect())
}

/// [`performance_profile`] with a pointwise stratified bootstrap interval; 2,000 replicates are customary.
///
/// Order of draws: replicate, task, run; all thresholds share one resample.
///
/// # Errors
/// As [`performance_profile`], and [`StatsError::NoReplicates`], [`StatsError::Confidence`].
pub fn performance_profile_intervals(
    scores: &Scores,
    thresholds: &[f64],
    bootstrap: &Bootstrap,
    rng: &mut impl Rng,
) -> Result<PerformanceProfile, StatsError> {
    bootstrap.check()?;
    let estimates = performance_profile(scores, thresholds)?;
    let replicates = bootstrap.replicates as usize;
    let runs = scores.runs();
    let points = thresholds.len();

    // With the thresholds in order, a run is above the first `passed` of them: one increment per drawn run.
    let mut order: Vec<usize> = (0..points).collect();
    order.sort_by(|&a, &b| thresholds[a].total_cmp(&thresholds[b]));
    let passed: Vec<usize> = scores
        .flat()
        .iter()
        .map(|score| order.partition_point(|&point| thresholds[point] < *score))
        .collect();

    let mut fractions = vec![0.0; replicates * points];
    let mut stopped_at = vec![0_u32; points + 1];
    for replicate in 0..replicates {
        stopped_at.fill(0);
        for task in passed.chunks_exact(runs) {
            for _ in 0..runs {
                stopped_at[task[draw(rng, runs)]] += 1;
            }
        }
        let mut above = passed.len() as u32;
        for (&point, stopped) in order.iter().zip(&stopped_at) {
            above -= stopped;
            fractions[point * replicates + replicate] = f64::from(above) / passed.len() as f64;
        }
    }
    let fraction_above = estimates
        .iter()
        .zip(fractions.chunks_exact_mut(replicates))
        .map(|(estimate, fractions)| bootstrap.interval(*estimate, fractions))
        .collect();
    Ok(PerformanceProfile {
        thresholds: thresholds.to_vec(),
        fraction_above,
    })
}

fn check_thresholds(thresholds: &[f64]) -> Result<(), StatsError> {
    if thresholds.is_empty() {
        return Err(StatsError::Empty { what: "thresholds" });
    }
    check_finite("thresholds", thresholds)
}

#[cfg(test)]
mod tests {
    use palaestra_envs::stream::Stream;

    use super::super::aggregate::tests::golden_x;
    use super::*;

    #[test]
    fn by_hand_and_strict() {
        // Scores of the reference matrix: 15 values; above 0.5 strictly: .9 1.3 .7 .6 1.1 .55 .8 = 7.
        let profile = performance_profile(&golden_x(), &[0.5, -1.0, 1.3]).unwrap();
        assert_eq!(profile, [7.0 / 15.0, 1.0, 0.0]);
    }

    #[test]
    fn intervals_hold_the_estimate_in_any_order_of_thresholds() {
        let thresholds = [0.8, 0.1, 0.5, 0.5];
        let run = |thresholds: &[f64]| {
            let mut rng = Stream::new(1, 0, "bootstrap");
            let bootstrap = Bootstrap::with_replicates(2_000);
            performance_profile_intervals(&golden_x(), thresholds, &bootstrap, &mut rng).unwrap()
        };
        let profile = run(&thresholds);
        for interval in &profile.fraction_above {
            assert!(interval.low <= interval.estimate && interval.estimate <= interval.high);
        }
        let sorted = run(&[0.1, 0.5, 0.5, 0.8]);
        assert_eq!(profile.fraction_above[0], sorted.fraction_above[3]);
        assert_eq!(profile.fraction_above[1], sorted.fraction_above[0]);
        assert_eq!(profile.fraction_above[2], sorted.fraction_above[1]);
    }

    #[test]
    fn one_task_has_the_interval_of_a_proportion() {
        // Half of 100 runs above: binomial(100, 1/2) / 100 has 2.5 % and 97.5 % points 0.40 and 0.60; 0.02 is two
        // runs, far above the error of 5,000 replicates.
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let scores = Scores::single_task(&values).unwrap();
        let mut rng = Stream::new(2, 0, "bootstrap");
        let bootstrap = Bootstrap::with_replicates(5_000);
        let profile =
            performance_profile_intervals(&scores, &[49.5], &bootstrap, &mut rng).unwrap();
        let interval = profile.fraction_above[0];
        assert_eq!(interval.estimate, 0.5);
        assert!((interval.low - 0.40).abs() < 0.02 && (interval.high - 0.60).abs() < 0.02);
    }

    #[test]
    fn thresholds_are_checked() {
        assert!(performance_profile(&golden_x(), &[]).is_err());
        assert!(performance_profile(&golden_x(), &[f64::INFINITY]).is_err());
    }
}
