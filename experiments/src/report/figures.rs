//! Numbers as text, with as many digits as are known.

use palaestra_envs::math;

use crate::{
    plot::measured,
    stats::{Interval, Summary},
};

/// Differences below this share of a value are rounding errors of sums, not measurements.
const ROUNDING: f64 = 1e-9;

/// A value next to its uncertainty: two significant digits of the uncertainty, five of the value without one.
fn number(value: f64, uncertainty: f64) -> String {
    if uncertainty > ROUNDING * value.abs() {
        return measured(value, uncertainty);
    }
    trimmed(&measured(value, 1.5e-3 * value.abs()))
}

/// Without zeros at the end of a fraction: they say nothing of a number without uncertainty.
fn trimmed(text: &str) -> String {
    if text.contains('.') && !text.contains('×') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

/// A mean and its standard error; no error for a single value.
pub(crate) fn mean_and_error(summary: &Summary) -> (String, Option<String>) {
    let error = summary.standard_error;
    let mean = number(summary.mean, error.unwrap_or(0.0));
    let error = error.map(|error| {
        if error > ROUNDING * summary.mean.abs() {
            measured(error, error)
        } else {
            "0".to_owned()
        }
    });
    (mean, error)
}

/// `548.39 ± 0.12`.
pub(crate) fn mean(summary: &Summary) -> String {
    match mean_and_error(summary) {
        (mean, Some(error)) => format!("{mean} ± {error}"),
        (mean, None) => mean,
    }
}

/// An estimate, and its interval if it is from several values.
pub(crate) fn estimate(interval: &Interval, values: usize) -> (String, Option<String>) {
    let width = interval.high - interval.low;
    let [estimate, low, high] =
        [interval.estimate, interval.low, interval.high].map(|value| number(value, width));
    (estimate, (values > 1).then(|| format!("[{low}, {high}]")))
}

/// A rate or another constant that is known exactly, to six digits.
pub(crate) fn constant(value: f64) -> String {
    let digits = (math::ln(value.abs()) / std::f64::consts::LN_10).floor();
    trimmed(&measured(value, 1.5 * math::powf(10.0, digits - 4.0)))
}

/// `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(values: &[f64]) -> Summary {
        Summary::of(values).unwrap()
    }

    #[test]
    fn means_have_the_digits_of_their_error() {
        assert_eq!(mean(&summary(&[548.0, 549.0, 548.5])), "548.50 ± 0.29");
        assert_eq!(mean(&summary(&[21.25])), "21.25");
        assert_eq!(mean(&summary(&[0.0, 0.0])), "0 ± 0");
        // A sum of 3600 payoffs is exact to some 1e-13.
        assert_eq!(mean(&summary(&[548.39, 548.39 + 1e-13])), "548.39 ± 0");
        assert_eq!(mean(&summary(&[200.0, 200.0])), "200 ± 0");
        assert_eq!(mean(&summary(&[-1.0, 1.0])), "0.0 ± 1.0");
    }

    #[test]
    fn intervals() {
        let interval = |estimate, low, high| Interval {
            estimate,
            low,
            high,
        };
        let text = estimate(&interval(1.234, 1.0, 1.5), 5);
        assert_eq!(text, ("1.23".into(), Some("[1.00, 1.50]".into())));
        assert_eq!(
            estimate(&interval(1.234, 1.234, 1.234), 1),
            ("1.234".into(), None)
        );
        let text = estimate(&interval(500.0, 500.0, 500.0), 3);
        assert_eq!(text, ("500".into(), Some("[500, 500]".into())));
    }

    #[test]
    fn counts_and_constants() {
        assert_eq!(
            [count(7), count(1234), count(1_234_567)],
            ["7", "1,234", "1,234,567"]
        );
        assert_eq!(constant(4.56 / 9.0), "0.506667");
        assert_eq!(constant(0.5), "0.5");
        assert_eq!(constant(0.536_356_72), "0.536357");
        assert_eq!(constant(0.669_124_842_6), "0.669125");
        assert_eq!(constant(4.317_953_64), "4.31795");
        assert_eq!(constant(0.0), "0");
    }
}
