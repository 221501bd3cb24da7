//! How fast regret grows: the exponent `b` of `T^b`, fitted to means over seeds.
//!
//! A learner that is tuned for a horizon plays otherwise when the horizon is another, so the points of a fit are runs of
//! different lengths where a sweep has them. Otherwise they are times within runs of one length, which tells how fast
//! regret grew in these runs.

use palaestra_envs::{math::powf, stream::Stream};

use super::{
    Growth, GrowthBasis, GrowthRow, ReportError, SEED, STATISTICS, bootstrap,
    load::{LineUp, Loaded},
    normalised::mean_interval,
    regret::{Rate, curve},
};
use crate::stats::power_law_exponent;

/// Fewest points of a fit.
const FEWEST: usize = 3;
/// Times within a run: quarters of a power of ten, over two of them.
const TIMES: usize = 9;

/// Regret at several `T`.
struct Points {
    rounds: Vec<f64>,
    /// `[seed][T]`
    values: Vec<Vec<f64>>,
}

/// The growth of the regret that `notion` names, with the rate of each line-up.
pub(super) fn growth(
    loaded: &Loaded,
    notion: &str,
    rates: &[Option<Rate>],
    expected: bool,
) -> Result<Growth, ReportError> {
    let enough = |line_up: &LineUp| line_up.shorter.len() + 1 >= FEWEST;
    let basis = if loaded.line_ups.iter().any(enough) {
        GrowthBasis::Lengths
    } else {
        GrowthBasis::Times
    };
    let mut rows = Vec::new();
    for (line_up, rate) in loaded.line_ups.iter().zip(rates) {
        let Some(rate) = rate else {
            continue;
        };
        let points = match basis {
            GrowthBasis::Lengths => of_lengths(line_up, expected, rate.value),
            GrowthBasis::Times => of_times(line_up, expected, rate.value),
        };
        rows.push(row(&line_up.name, &points)?);
    }
    let points = match basis {
        GrowthBasis::Lengths => {
            "the lengths of the sweep, each of them runs of their own (a learner that is tuned for a horizon is tuned \
             for each)"
        }
        GrowthBasis::Times => {
            "times within the runs, evenly spaced in their logarithm over the last two powers of ten, from where the regret \
             of all seeds is positive. It tells how fast regret grew in these runs; what a learner that is tuned for a horizon does at other horizons takes a sweep \
             over `experiment.total_env_steps`"
        }
    };
    Ok(Growth {
        meaning: format!(
            "Exponent: the slope of the least-squares line through the logarithms of T and of the mean `{notion}` over \
             seeds; 1 is regret in proportion to time. Interval: bootstrap over seeds. The points are {points}."
        ),
        basis,
        plot: (basis == GrowthBasis::Lengths).then(|| "regret-lengths".into()),
        rows,
    })
}

fn row(agent: &str, points: &Points) -> Result<GrowthRow, ReportError> {
    let column = |at: usize| {
        points
            .values
            .iter()
            .map(|run| run[at])
            .collect::<Vec<f64>>()
    };
    let seeds = points.values.len();
    let mut regret = Vec::new();
    for at in (0..points.rounds.len()).filter(|_| seeds > 0) {
        regret.push(mean_interval(&column(at))?);
    }
    let (mut exponent, mut reason) = (None, None);
    if seeds == 0 || points.rounds.len() < FEWEST {
        reason = Some(format!(
            "there are fewer than {FEWEST} points with positive regret"
        ));
    } else {
        exponent = power_law_exponent(
            &points.rounds,
            &points.values,
            &bootstrap(STATISTICS.comparison_replicates),
            &mut Stream::new(SEED, 0, "bootstrap"),
        )?;
        if exponent.is_none() {
            reason =
                Some("the regret is not positive at all points, or in too few resamples".into());
        }
    }
    Ok(GrowthRow {
        agent: agent.into(),
        seeds,
        rounds: points.rounds.clone(),
        regret,
        exponent,
        reason,
    })
}

/// Regret of one life at the lengths of a sweep, for the seeds that all of them have.
fn of_lengths(line_up: &LineUp, expected: bool, rate: f64) -> Points {
    let lengths: Vec<&LineUp> = line_up.shorter.iter().chain([line_up]).collect();
    let life = |line_up: &LineUp| line_up.life().unwrap_or(1) as f64;
    let last = |line_up: &LineUp, seed: u64| {
        let mut trials = line_up.trials.iter();
        let trial = trials.find(|trial| trial.result.seed == seed)?;
        let (rounds, regret) = *curve(line_up, trial, expected, rate)?.last()?;
        // Several lives of a run are averaged.
        Some(regret * life(line_up) / rounds)
    };
    let seeds = line_up.trials.iter().map(|trial| trial.result.seed);
    Points {
        rounds: lengths.iter().map(|line_up| life(line_up)).collect(),
        values: seeds
            .filter_map(|seed| lengths.iter().map(|line_up| last(line_up, seed)).collect())
            .collect(),
    }
}

/// Regret along the runs of one length.
fn of_times(line_up: &LineUp, expected: bool, rate: f64) -> Points {
    let trials = line_up.trials.iter();
    let curves: Vec<Vec<(f64, f64)>> = trials
        .filter_map(|trial| curve(line_up, trial, expected, rate))
        .filter(|curve| !curve.is_empty())
        .collect();
    let Some(first) = curves.first() else {
        return Points {
            rounds: Vec::new(),
            values: Vec::new(),
        };
    };
    let rounds = spaced(&first.iter().map(|point| point.0).collect::<Vec<f64>>());
    let at = |curve: &Vec<(f64, f64)>, round: f64| {
        let before = curve
            .partition_point(|point| point.0 <= round)
            .checked_sub(1)?;
        Some(curve[before].1)
    };
    let values = curves.iter();
    let values = values.filter_map(|curve| rounds.iter().map(|round| at(curve, *round)).collect());
    let mut points = Points {
        values: values.collect(),
        rounds,
    };
    points.begin_above_zero();
    points
}

impl Points {
    /// Leaves out the first times, until the regret of all seeds is positive: arms that start rested pay more at first
    /// than any policy can earn in the long run.
    fn begin_above_zero(&mut self) {
        let positive = |at: &usize| self.values.iter().all(|run| run[*at] > 0.0);
        let all = 0..self.rounds.len();
        let first = all.clone().find(positive).unwrap_or(all.end);
        self.rounds.drain(..first);
        for run in &mut self.values {
            run.drain(..first);
        }
    }
}

/// Of ascending positions those nearest to quarter powers of ten below the last, over two powers of ten.
fn spaced(grid: &[f64]) -> Vec<f64> {
    let Some(&last) = grid.last() else {
        return Vec::new();
    };
    let nearest = |quarters: usize| {
        let wanted = last * powf(10.0, -(quarters as f64) / 4.0);
        let next = grid.partition_point(|x| *x < wanted);
        let near = [next.checked_sub(1), Some(next)];
        let near = near
            .into_iter()
            .flatten()
            .filter_map(|place| grid.get(place));
        // By ratio; one that is far off stands for another time.
        near.copied()
            .filter(|x| *x > wanted / 1.3 && *x < wanted * 1.3)
            .min_by(|a, b| ratio(*a, wanted).total_cmp(&ratio(*b, wanted)))
    };
    let mut places: Vec<f64> = (0..TIMES).rev().filter_map(nearest).collect();
    places.dedup();
    places
}

fn ratio(a: f64, b: f64) -> f64 {
    (a / b).max(b / a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spaced_by_ratio() {
        let grid: Vec<f64> = (1..=200).map(|point| f64::from(point) * 500.0).collect();
        let times = spaced(&grid);
        assert_eq!(
            times,
            [
                1000.0, 2000.0, 3000.0, 5500.0, 10_000.0, 18_000.0, 31_500.0, 56_000.0, 100_000.0
            ]
        );
        // A coarse grid has fewer, and no point stands for two times.
        assert_eq!(spaced(&[50.0, 100.0]), [50.0, 100.0]);
        assert_eq!(spaced(&[]), [0.0; 0]);
    }

    #[test]
    fn a_fit_begins_where_regret_is_positive() {
        let mut points = Points {
            rounds: vec![1.0, 2.0, 3.0, 4.0],
            values: vec![vec![-2.0, 1.0, -3.0, 5.0], vec![9.0, 1.0, 1.0, 1.0]],
        };
        points.begin_above_zero();
        assert_eq!(points.rounds, [2.0, 3.0, 4.0]);
        assert_eq!(points.values[1], [1.0, 1.0, 1.0]);
        points.values = vec![vec![-1.0; 3]];
        points.begin_above_zero();
        assert_eq!((points.rounds.len(), points.values[0].len()), (0, 0));
    }
}
