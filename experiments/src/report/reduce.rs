//! Curves of several seeds reduced to one.

use palaestra_envs::stream::Stream;

use super::{CurveSeries, SEED, STATISTICS, bootstrap};
use crate::stats::{Aggregate, CurveIntervals, StatsError, curve_intervals};

/// Most points of a reduced curve; more cannot be seen.
const MOST: usize = 300;

/// Reduces one agent's curves, one per seed, to their interquartile mean with a pointwise interval.
///
/// The curves are brought to one grid: all positions of any of them from the first at which all have a value, thinned
/// to `MOST`. A curve keeps its value until its next point.
pub(super) fn reduce(name: &str, curves: Vec<Vec<(f64, f64)>>) -> Result<CurveSeries, StatsError> {
    let mut series = CurveSeries {
        agent: name.to_owned(),
        seeds: curves.len(),
        ..CurveSeries::default()
    };
    let firsts = curves.iter().filter_map(|curve| Some(curve.first()?.0));
    let start = firsts.fold(f64::NEG_INFINITY, f64::max);
    let mut grid: Vec<f64> = curves.iter().flatten().map(|point| point.0).collect();
    grid.retain(|x| *x >= start);
    grid.sort_unstable_by(f64::total_cmp);
    grid.dedup();
    let grid = thinned(grid);
    if grid.is_empty() {
        return Ok(series);
    }
    let on_grid = |curve: &Vec<(f64, f64)>| -> Vec<f64> {
        let at = |x: &f64| {
            let next = curve.partition_point(|point| point.0 <= *x);
            curve[next.saturating_sub(1)].1
        };
        grid.iter().map(at).collect()
    };
    let aligned: Vec<Vec<f64>> = curves.iter().map(on_grid).collect();
    let CurveIntervals {
        estimate,
        low,
        high,
    } = curve_intervals(
        &aligned,
        Aggregate::InterquartileMean,
        &bootstrap(STATISTICS.curve_replicates),
        &mut Stream::new(SEED, 0, "bootstrap"),
    )?;
    series.x = grid;
    series.iqm = estimate;
    series.low = low;
    series.high = high;
    Ok(series)
}

/// At most `MOST` of the positions, evenly chosen, the last among them.
fn thinned(grid: Vec<f64>) -> Vec<f64> {
    if grid.len() <= MOST {
        return grid;
    }
    let last = grid.len() - 1;
    (0..MOST)
        .map(|index| grid[index * last / (MOST - 1)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_keep_their_value_until_the_next_point_and_start_when_all_have_begun() {
        let series = reduce(
            "a",
            vec![
                vec![(1.0, 10.0), (3.0, 30.0)],
                vec![(2.0, 20.0), (4.0, 40.0)],
            ],
        )
        .unwrap();
        assert_eq!(series.x, [2.0, 3.0, 4.0]);
        // Two seeds: the interquartile mean drops none.
        assert_eq!(series.iqm, [15.0, 25.0, 35.0]);
        assert_eq!((series.low[0], series.high[0]), (10.0, 20.0));
    }

    #[test]
    fn no_curve_is_an_empty_series() {
        assert_eq!(reduce("a", Vec::new()).unwrap().x, [0.0; 0]);
    }

    #[test]
    fn a_long_grid_is_thinned_to_its_ends() {
        let grid = thinned((0..10_000).map(f64::from).collect());
        assert_eq!((grid.len(), grid[0], grid[MOST - 1]), (MOST, 0.0, 9999.0));
    }
}
