//! The exponent of growth: how a quantity that is measured at several sizes grows with them.

use palaestra_envs::math::{exp, ln};
use rand::Rng;

use super::bootstrap::draw;
use super::scores::mean;
use super::{Bootstrap, Interval, StatsError, check_finite};

/// A power law `y = factor · x^exponent`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerLaw {
    /// Slope in logarithms.
    pub exponent: f64,
    /// Value at 1.
    pub factor: f64,
}

impl PowerLaw {
    /// The least-squares line through `(ln x, ln y)`; `None` unless all numbers are positive and two `x` differ.
    pub fn fit(x: &[f64], y: &[f64]) -> Option<Self> {
        if x.len() != y.len() || x.is_empty() || x.iter().any(|x| *x <= 0.0) {
            return None;
        }
        let exponent = Fit::of(x).slope(y)?;
        let logs = |values: &[f64]| mean(&values.iter().map(|x| ln(*x)).collect::<Vec<_>>());
        Some(Self {
            exponent,
            factor: exp(logs(y) - exponent * logs(x)),
        })
    }
}

/// Hill's estimate of the exponent of the upper tail from the `k` largest of positive values; `None` unless there are more than
/// `k ≥ 1` of them.
pub fn hill_tail_index(values: &[f64], k: usize) -> Option<f64> {
    let mut positive: Vec<f64> = values.iter().copied().filter(|x| *x > 0.0).collect();
    if k == 0 || positive.len() <= k {
        return None;
    }
    positive.sort_by(|x, y| y.total_cmp(x));
    let excess = positive[..k].iter().map(|x| ln(x / positive[k]));
    Some(k as f64 / excess.sum::<f64>())
}

/// The exponent `b` of `y ≈ a·x^b`: the slope of the least-squares line through `(ln x, ln ȳ)`, where `ȳ` is the mean
/// over runs at each `x`, with the percentile bootstrap interval over runs.
///
/// `runs[run][point]`: every run has a value at each `x`; a resampled run brings all its values along. `None` if there
/// are fewer than two different `x`, if a mean is not positive, or if that happens in so many replicates that the
/// interval has no end.
///
/// # Errors
/// [`StatsError`] for no runs, runs of different length, values that are not finite, `x` that are not positive, and bad
/// settings of the bootstrap.
pub fn power_law_exponent(
    x: &[f64],
    runs: &[Vec<f64>],
    bootstrap: &Bootstrap,
    rng: &mut impl Rng,
) -> Result<Option<Interval>, StatsError> {
    bootstrap.check()?;
    if runs.is_empty() {
        return Err(StatsError::Empty { what: "runs" });
    }
    for (index, run) in runs.iter().enumerate() {
        if run.len() != x.len() {
            return Err(StatsError::CurveLength {
                index,
                len: run.len(),
                expected: x.len(),
            });
        }
        check_finite("runs", run)?;
    }
    if let Some(index) = x.iter().position(|x| !(x.is_finite() && *x > 0.0)) {
        return Err(StatsError::NotPositive {
            what: "sizes",
            index,
            value: x[index],
        });
    }
    let fit = Fit::of(x);
    let total = |picked: &mut dyn FnMut() -> usize| {
        let mut sums = vec![0.0; x.len()];
        for _ in 0..runs.len() {
            let run = &runs[picked()];
            sums.iter_mut().zip(run).for_each(|(sum, y)| *sum += y);
        }
        sums
    };
    let mut next = 0..runs.len();
    let Some(estimate) = fit.slope(&total(&mut || next.next().unwrap_or(0))) else {
        return Ok(None);
    };
    let replicates = bootstrap.replicates as usize;
    let mut slopes = Vec::with_capacity(replicates);
    for _ in 0..replicates {
        slopes.extend(fit.slope(&total(&mut || draw(rng, runs.len()))));
    }
    let lost = (replicates - slopes.len()) as f64 / replicates as f64;
    if lost >= 0.5 * (1.0 - bootstrap.confidence) {
        return Ok(None);
    }
    Ok(Some(bootstrap.interval(estimate, &mut slopes)))
}

/// The fit of a line over fixed positions.
struct Fit {
    /// `ln x` less its mean.
    centred: Vec<f64>,
    /// Sum of their squares.
    spread: f64,
}

impl Fit {
    fn of(x: &[f64]) -> Self {
        let logs: Vec<f64> = x.iter().map(|x| ln(*x)).collect();
        let centre = mean(&logs);
        let centred: Vec<f64> = logs.iter().map(|log| log - centre).collect();
        Self {
            spread: centred.iter().map(|log| log * log).sum(),
            centred,
        }
    }

    /// The slope for `y` up to a factor; `None` where a line cannot be had.
    fn slope(&self, y: &[f64]) -> Option<f64> {
        if y.iter().any(|y| *y <= 0.0) || self.spread.is_nan() || self.spread < 1e-12 {
            return None;
        }
        let products = self.centred.iter().zip(y).map(|(x, y)| x * ln(*y));
        Some(products.sum::<f64>() / self.spread)
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::stream::Stream;

    use super::*;

    const X: [f64; 5] = [1e3, 3162.0, 1e4, 31_623.0, 1e5];

    fn exponent(x: &[f64], runs: &[Vec<f64>]) -> Result<Option<Interval>, StatsError> {
        let bootstrap = Bootstrap::with_replicates(2_000);
        power_law_exponent(x, runs, &bootstrap, &mut Stream::new(0, 0, "bootstrap"))
    }

    fn power(factor: f64, exponent: f64) -> Vec<f64> {
        X.iter().map(|x| factor * x.powf(exponent)).collect()
    }

    #[test]
    fn a_power_law_is_found_whatever_its_factor() {
        // The mean of equal powers is that power, in every replicate.
        let runs = vec![power(2.0, 0.61), power(0.1, 0.61), power(5.0, 0.61)];
        let found = exponent(&X, &runs).unwrap().unwrap();
        for end in [found.estimate, found.low, found.high] {
            assert!((end - 0.61).abs() < 1e-12, "{found:?}");
        }
        // Published means of UCB1 on `log3`: slope 1.09.
        let means = vec![234.0, 883.0, 3058.0, 10_461.0, 35_807.0];
        let found = exponent(&X, &[means]).unwrap().unwrap();
        assert!((found.estimate - 1.09).abs() < 0.005, "{found:?}");
        assert_eq!(found.low, found.estimate);
    }

    #[test]
    fn means_are_fitted_not_single_runs() {
        // Two runs of exponents 0 and 1: the mean's slope lies between, and replicates reach both.
        let runs = vec![power(1e3, 0.0), power(1.0, 1.0)];
        let found = exponent(&X, &runs).unwrap().unwrap();
        assert!((found.low, found.high) == (0.0, 1.0) || found.high - found.low > 0.99);
        assert!(found.estimate > 0.3 && found.estimate < 1.0, "{found:?}");
    }

    #[test]
    fn what_has_no_exponent_has_none() {
        assert_eq!(exponent(&X, &[power(-1.0, 0.5)]).unwrap(), None);
        assert_eq!(exponent(&[7.0, 7.0], &[vec![1.0, 2.0]]).unwrap(), None);
        assert_eq!(exponent(&[], &[vec![]]).unwrap(), None);
        // Positive on average, but not in the quarter of the replicates that draw the second run twice.
        let mut other = power(1.0, 0.5);
        other[0] = -1.0;
        assert_eq!(exponent(&X, &[power(1.0, 0.5), other]).unwrap(), None);
    }

    #[test]
    fn bad_input_is_a_typed_error() {
        assert_eq!(exponent(&X, &[]), Err(StatsError::Empty { what: "runs" }));
        assert!(matches!(
            exponent(&X, &[vec![1.0]]),
            Err(StatsError::CurveLength { .. })
        ));
        assert!(matches!(
            exponent(&[0.0], &[vec![1.0]]),
            Err(StatsError::NotPositive { .. })
        ));
        assert!(matches!(
            exponent(&[1.0], &[vec![f64::NAN]]),
            Err(StatsError::NotFinite { .. })
        ));
    }
}
