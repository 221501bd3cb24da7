//! Small dense matrices, `[n * n]` row by row.

use palaestra_envs::math;

/// `exp(t A)` for a matrix whose entries off the diagonal are not negative, and `t ≥ 0`; all finite.
///
/// Uniformisation: with `c` the largest `-A_ii` (at least 0), `B = A + c I` has no negative entry, and
/// `exp(t A) = e^{-ct} Σ_k (tB)^k / k!` is a sum of terms without sign, so that nothing cancels and every entry has full relative
/// precision. Where `t B` is large, `t` is halved first and the result squared.
pub(crate) fn exponential(a: &[f64], n: usize, t: f64) -> Vec<f64> {
    let shift = (0..n).map(|i| -a[i * n + i]).fold(0.0, f64::max);
    let shifted = |k: usize| a[k] + shift * f64::from(u8::from(k / n == k % n));
    let norm = (0..n)
        .map(|i| (0..n).map(|j| shifted(i * n + j)).sum())
        .fold(0.0, f64::max);
    let (mut part, mut halvings) = (t, 0);
    while norm * part > 1.0 {
        part *= 0.5;
        halvings += 1;
    }
    let scaled: Vec<f64> = (0..n * n).map(|k| shifted(k) * part).collect();
    let mut term = identity(n);
    let mut sum = term.clone();
    for k in 1..30 {
        term = product(&term, &scaled, n);
        term.iter_mut().for_each(|x| *x /= f64::from(k));
        sum.iter_mut().zip(&term).for_each(|(s, x)| *s += x);
    }
    let factor = math::exp(-shift * part);
    sum.iter_mut().for_each(|x| *x *= factor);
    for _ in 0..halvings {
        sum = product(&sum, &sum, n);
    }
    sum
}

fn identity(n: usize) -> Vec<f64> {
    (0..n * n)
        .map(|k| f64::from(u8::from(k / n == k % n)))
        .collect()
}

pub(crate) fn product(x: &[f64], y: &[f64], n: usize) -> Vec<f64> {
    let entry = |k: usize| (0..n).map(|l| x[k / n * n + l] * y[l * n + k % n]).sum();
    (0..n * n).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_of_two_by_two_matrices_have_a_closed_form() {
        // Eigenvalues -1 and 5 of [[1, 4], [2, 3]] with eigenvectors (2, -1) and (1, 1).
        for t in [0.0, 0.01, 0.7, 6.0] {
            let (fast, slow) = (math::exp(5.0 * t), math::exp(-t));
            let expected = [
                fast + 2.0 * slow,
                2.0 * (fast - slow),
                fast - slow,
                2.0 * fast + slow,
            ];
            let found = exponential(&[1.0, 4.0, 2.0, 3.0], 2, t);
            for (found, expected) in found.iter().zip(expected) {
                let error = (3.0 * found - expected).abs();
                assert!(error <= 1e-13 * expected.max(1.0), "{found} at {t}");
            }
        }
    }

    #[test]
    fn rates_give_probabilities_over_any_time() {
        let rates = [-3.0, 3.0, 0.5, -0.5];
        for t in [0.1, 1.0, 1e3, 1e6] {
            let found = exponential(&rates, 2, t);
            // The stationary distribution is (1, 6) / 7.
            let left = math::exp(-3.5 * t);
            for (found, expected) in found.iter().zip([
                (1.0 + 6.0 * left) / 7.0,
                (6.0 - 6.0 * left) / 7.0,
                (1.0 - left) / 7.0,
                (6.0 + left) / 7.0,
            ]) {
                assert!((found - expected).abs() < 1e-9, "{found} at {t}");
            }
        }
    }
}
