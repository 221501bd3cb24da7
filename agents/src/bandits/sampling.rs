//! Random variates with the same bits on every platform.

use std::f64::consts::TAU;

use palaestra_envs::{
    math::{cos, exp, ln, powf, sin},
    stream::Stream,
};
use rand::RngExt;

/// Two independent standard normal deviates (Box, Muller 1958).
pub(super) fn normal_pair(rng: &mut Stream) -> [f64; 2] {
    // 1 - u lies in (0, 1], so that the logarithm is finite.
    let radius = (-2.0 * ln(1.0 - rng.random::<f64>())).sqrt();
    let angle = TAU * rng.random::<f64>();
    [radius * cos(angle), radius * sin(angle)]
}

/// A deviate of Beta(a, b), `a >= 1`, `b >= 1`.
///
/// Where a parameter is 1 the distribution function is a power and is inverted; else algorithm BB of Cheng,
/// *Generating Beta Variates with Nonintegral Shape Parameters*, CACM 21 (4), 1978: rejection from a log-logistic
/// distribution, with fewer than 1.5 attempts on average.
pub(super) fn beta(a: f64, b: f64, rng: &mut Stream) -> f64 {
    if a == 1.0 {
        return 1.0 - powf(1.0 - rng.random::<f64>(), 1.0 / b);
    }
    if b == 1.0 {
        return powf(rng.random::<f64>(), 1.0 / a);
    }
    let (low, high) = (a.min(b), a.max(b));
    let sum = a + b;
    let lambda = ((sum - 2.0) / (2.0 * a * b - sum)).sqrt();
    let gamma = low + 1.0 / lambda;
    loop {
        // Both in (0, 1].
        let (u1, u2) = (1.0 - rng.random::<f64>(), 1.0 - rng.random::<f64>());
        if u1 == 1.0 {
            continue; // Its logit is infinite.
        }
        let v = lambda * ln(u1 / (1.0 - u1));
        let w = low * exp(v);
        let z = u1 * u1 * u2;
        let r = gamma * v - LN_4;
        let s = low + r - w;
        // A quick test that accepts most, then the exact one.
        if s + ONE_PLUS_LN_5 >= 5.0 * z || r + sum * ln(sum / (high + w)) >= ln(z) {
            let x = w / (high + w);
            return if a == low { x } else { 1.0 - x };
        }
    }
}

const LN_4: f64 = 1.386_294_361_119_890_6;
const ONE_PLUS_LN_5: f64 = 2.609_437_912_434_100_3;

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 200_000;

    /// Share of draws below `x` within 5 standard errors of the distribution function.
    fn assert_share(draws: &[f64], x: f64, expected: f64) {
        let share = draws.iter().filter(|d| **d < x).count() as f64 / draws.len() as f64;
        let error = (expected * (1.0 - expected) / draws.len() as f64).sqrt();
        assert!(
            (share - expected).abs() < 5.0 * error,
            "P(X < {x}) = {share}, not {expected}"
        );
    }

    #[test]
    fn beta_deviates_follow_the_distribution_function() {
        // For integers a, b: P(X < x) = P(Binomial(a+b-1, x) >= a).
        let cdf = |a: u32, b: u32, x: f64| {
            let n = a + b - 1;
            let choose = |k: u32| (1..=k).fold(1.0, |c, i| c * f64::from(n - k + i) / f64::from(i));
            (a..=n)
                .map(|k| choose(k) * x.powi(k as i32) * (1.0 - x).powi((n - k) as i32))
                .sum::<f64>()
        };
        for (a, b) in [(1, 1), (1, 5), (4, 1), (2, 2), (2, 7), (9, 3), (40, 25)] {
            let mut rng = Stream::new(5, u64::from(a * 100 + b), "test");
            let draws: Vec<f64> = (0..DRAWS)
                .map(|_| beta(f64::from(a), f64::from(b), &mut rng))
                .collect();
            assert!(draws.iter().all(|x| (0.0..=1.0).contains(x)));
            let mean = f64::from(a) / f64::from(a + b);
            for x in [0.8 * mean, mean, mean + 0.3 * (1.0 - mean)] {
                assert_share(&draws, x, cdf(a, b, x));
            }
        }
    }

    #[test]
    fn beta_deviates_of_long_experience_concentrate() {
        let mut rng = Stream::new(6, 0, "test");
        let (a, b) = (2e6, 6e6);
        let spread = (0.25 * 0.75 / 8e6_f64).sqrt();
        for _ in 0..1000 {
            assert!((beta(a, b, &mut rng) - 0.25).abs() < 6.0 * spread);
        }
    }

    #[test]
    fn normal_deviates_come_in_independent_pairs() {
        let mut rng = Stream::new(7, 0, "test");
        let pairs: Vec<[f64; 2]> = (0..DRAWS).map(|_| normal_pair(&mut rng)).collect();
        for side in 0..2 {
            let draws: Vec<f64> = pairs.iter().map(|p| p[side]).collect();
            assert_share(&draws, 0.0, 0.5);
            assert_share(&draws, 1.0, 0.841_344_746);
            assert_share(&draws, -2.0, 0.022_750_132);
        }
        let product = pairs.iter().map(|p| p[0] * p[1]).sum::<f64>() / DRAWS as f64;
        assert!(product.abs() < 5.0 / (DRAWS as f64).sqrt());
    }
}
