//! Isotonic regression, for estimates of payoffs that are known to be monotone.
//!
//! Ayer, Brunk, Ewing, Reid, Silverman, *An Empirical Distribution Function for Sampling with Incomplete Information*,
//! Annals of Mathematical Statistics 26 (4), 1955.

/// Pool-adjacent-violators: the nearest non-decreasing values in weighted squares, of which the last `tail` are equal.
/// Weights must be positive.
pub(super) fn isotonic(values: &mut [f64], weights: &[f64], tail: usize) {
    // (mean, weight, length) of runs with one value; the tail is a run from the beginning.
    let one = |i: usize| (values[i], weights[i], 1);
    let pool = |a: (f64, f64, usize), b: (f64, f64, usize)| {
        let weight = a.1 + b.1;
        ((a.0 * a.1 + b.0 * b.1) / weight, weight, a.2 + b.2)
    };
    let begin = values.len() - tail;
    let last = (begin..values.len()).map(one).reduce(pool);
    let mut runs: Vec<(f64, f64, usize)> = Vec::with_capacity(values.len());
    for mut run in (0..begin).map(one).chain(last) {
        while let Some(before) = runs.pop_if(|before| before.0 > run.0) {
            run = pool(before, run);
        }
        runs.push(run);
    }
    let mut rest = values;
    for (mean, _, length) in runs {
        let (run, behind) = rest.split_at_mut(length);
        run.fill(mean);
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The projection is monotone, and no worse than any monotone table among many.
        #[test]
        fn isotonic_values_are_the_nearest(
            data in prop::collection::vec((0.0..1.0f64, 0.1..5.0f64), 1..8),
            others in prop::collection::vec(prop::collection::vec(0.0..1.0f64, 8), 30),
            tail in 1usize..4,
        ) {
            let tail = tail.min(data.len());
            let (given, weights): (Vec<f64>, Vec<f64>) = data.into_iter().unzip();
            let mut values = given.clone();
            isotonic(&mut values, &weights, tail);
            prop_assert!(values.windows(2).all(|w| w[0] <= w[1] + 1e-12));
            let last = values[values.len() - 1];
            prop_assert!(values[values.len() - tail..].iter().all(|v| (v - last).abs() < 1e-12));
            let distance = |to: &[f64]| -> f64 {
                given.iter().zip(to).zip(&weights).map(|((a, b), w)| w * (a - b) * (a - b)).sum()
            };
            for mut other in others {
                other.truncate(given.len());
                other.sort_by(f64::total_cmp);
                let highest = other[other.len() - 1];
                let begin = other.len() - tail;
                other[begin..].fill(highest);
                prop_assert!(distance(&values) <= distance(&other) + 1e-12);
                // Also near by: a mixture with a monotone table is monotone.
                let near: Vec<f64> = values.iter().zip(&other).map(|(v, o)| 0.99 * v + 0.01 * o).collect();
                prop_assert!(distance(&values) <= distance(&near) + 1e-12);
            }
        }
    }
}
