//! From exponential weights to a random set of k arms: capped marginal probabilities and dependent rounding.
//!
//! Uchiya, Nakamura, Kudo, *Algorithms for Adversarial Bandit Problems with Multiple Plays*, ALT 2010 (EXP3.M and
//! its `DepRound`); the rounding is that of Gandhi, Khuller, Parthasarathy, Srinivasan, JACM 53, 2006.

use palaestra_envs::{
    math::{exp, ln},
    stream::Stream,
};
use rand::RngExt;

/// Writes the probability `p_i` that arm `i` is among the `plays` arms to be played, and returns the logarithm of
/// the cap `α` on the weights (infinite if no weight is capped).
///
/// `p_i = k ((1-γ) w_i / Σ w + γ/N)` over the `N` arms that `mask` allows (empty: all), with
/// `w_i = exp(log_weight_i)` cut at `α`, the weight at which `p_i` becomes 1. `p` sums to `min(k, N)`; it is
/// exactly 1 for capped arms and 0 for forbidden ones.
pub(super) fn marginals(
    log_weights: &[f64],
    mask: &[u8],
    plays: usize,
    gamma: f64,
    p: &mut [f64],
) -> f64 {
    let allowed = |i: usize| mask.is_empty() || mask[i] != 0;
    let n = (0..p.len()).filter(|&i| allowed(i)).count();
    for (i, p) in p.iter_mut().enumerate() {
        *p = if allowed(i) { OPEN } else { 0.0 };
    }
    if n <= plays {
        p.iter_mut()
            .for_each(|p| *p = if *p == OPEN { 1.0 } else { 0.0 });
        return f64::INFINITY;
    }
    let (k, n) = (plays as f64, n as f64);
    // The share of the weights at which an arm is certain: k ((1-γ) share + γ/N) = 1. At least 1/k.
    let certain = (1.0 / k - gamma / n) / (1.0 - gamma);
    let mut capped = 0.0;
    loop {
        // Weights relative to the largest below the cap, so that none of them overflows and not all vanish.
        let open = || p.iter().zip(log_weights).filter(|(p, _)| **p == OPEN);
        let top = open().map(|(_, w)| *w).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = open().map(|(_, w)| exp(w - top)).sum();
        // α = certain · (sum + capped · α)
        let cap = certain * sum / (1.0 - certain * capped).max(0.0);
        let mut rose = false;
        if cap <= 1.0 && plays > 1 {
            for (p, w) in p.iter_mut().zip(log_weights) {
                if *p == OPEN && exp(w - top) >= cap {
                    *p = 1.0;
                    capped += 1.0;
                    rose = true;
                }
            }
        }
        if !rose {
            let total = if capped > 0.0 {
                sum + capped * cap
            } else {
                sum
            };
            for (p, w) in p.iter_mut().zip(log_weights).filter(|(p, _)| **p == OPEN) {
                *p = (k * ((1.0 - gamma) * exp(w - top) / total + gamma / n)).min(1.0);
            }
            return if capped > 0.0 {
                top + ln(cap)
            } else {
                f64::INFINITY
            };
        }
    }
}

/// Marks an arm whose probability is still to be found.
const OPEN: f64 = -1.0;

/// Turns probabilities `p` with whole sum into zeros and ones with the same sum, such that element `i` becomes 1
/// with probability `p_i`.
pub(super) fn dependent_rounding(p: &mut [f64], rng: &mut Stream) {
    let mut fractional: Option<usize> = None;
    for j in 0..p.len() {
        if p[j] <= 0.0 || p[j] >= 1.0 {
            continue;
        }
        let Some(i) = fractional else {
            fractional = Some(j);
            continue;
        };
        // Of two fractions one becomes 0 or 1 and the other takes up the difference; each keeps its mean.
        let (a, b) = (p[i], p[j]);
        let u = rng.random::<f64>();
        let (whole, rest, chance) = if a + b < 1.0 {
            (0.0, a + b, b / (a + b))
        } else {
            (1.0, a + b - 1.0, (1.0 - b) / (2.0 - a - b))
        };
        let (settled, open) = if u < chance { (i, j) } else { (j, i) };
        p[settled] = whole;
        p[open] = rest;
        fractional = (rest > 0.0 && rest < 1.0).then_some(open);
    }
    if let Some(i) = fractional {
        p[i] = p[i].round(); // What is left is a rounding error away from 0 or 1.
    }
}

/// Turns probabilities `p` with sum 1 into a single one among zeros.
pub(super) fn draw_one(p: &mut [f64], rng: &mut Stream) {
    let total: f64 = p.iter().sum();
    let mut u = rng.random::<f64>() * total;
    let mut drawn = None;
    for (i, p) in p.iter_mut().enumerate() {
        let weight = std::mem::replace(p, 0.0);
        // The last possible arm stands in should rounding use up all of them.
        if u >= 0.0 && weight > 0.0 {
            drawn = Some(i);
        }
        u -= weight;
    }
    if let Some(i) = drawn {
        p[i] = 1.0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marginals_sum_to_the_plays(
            weights in prop::collection::vec((-900.0..900.0f64, 0u8..4), 1..12),
            plays in 1usize..6,
            gamma in 0.0..0.9f64,
            masked: bool,
        ) {
            let mask: Vec<u8> = weights.iter().map(|w| u8::from(w.1 > 0)).collect();
            let mask = if masked { &mask[..] } else { &[] };
            let weights: Vec<f64> = weights.iter().map(|w| w.0).collect();
            let n = if masked { mask.iter().filter(|m| **m != 0).count() } else { weights.len() };
            let mut p = vec![f64::NAN; weights.len()];
            let cap = marginals(&weights, mask, plays, gamma, &mut p);
            let sum: f64 = p.iter().sum();
            prop_assert!((sum - n.min(plays) as f64).abs() < 1e-9, "{p:?} sums to {sum}");
            for (i, (&p, &w)) in p.iter().zip(&weights).enumerate() {
                prop_assert!((0.0..=1.0).contains(&p));
                prop_assert!(!masked || mask[i] != 0 || p == 0.0);
                // Capped arms are certain.
                prop_assert!(w < cap + 1e-9 || p > 1.0 - 1e-9 || (masked && mask[i] == 0));
            }
        }
    }

    #[test]
    fn one_weight_above_the_cap_is_certain_and_the_rest_share() {
        // w = 8, 1, 1 with two plays and γ = 0: α = (α + 2) / 2 = 2.
        let weights = [8_f64.ln(), 0.0, 0.0];
        let mut p = [0.0; 3];
        let cap = marginals(&weights, &[], 2, 0.0, &mut p);
        assert!((cap - 2_f64.ln()).abs() < 1e-15);
        assert_eq!(p, [1.0, 0.5, 0.5]);
        // With γ = 0.3: share (1/2 - 0.1) / 0.7 = 4/7, α = 4/7 (α + 2) = 8/3, p = 2 (0.7 · 3/14 + 0.1) = 1/2.
        let cap = marginals(&weights, &[], 2, 0.3, &mut p);
        assert!((cap - (8.0_f64 / 3.0).ln()).abs() < 1e-14);
        assert_eq!(p[0], 1.0);
        assert!((p[1] - 0.5).abs() < 1e-15 && (p[2] - 0.5).abs() < 1e-15);
    }

    /// Share of each arm within 5 standard errors of its probability, and always the same number of arms.
    #[test]
    fn dependent_rounding_keeps_the_marginals() {
        let p = [0.9, 0.1, 0.35, 0.65, 1.0, 0.0, 0.5, 0.25, 0.25];
        let mut rng = Stream::new(4, 0, "test");
        let n = 200_000;
        let mut counts = [0.0; 9];
        for _ in 0..n {
            let mut drawn = p;
            dependent_rounding(&mut drawn, &mut rng);
            assert!(drawn.iter().all(|x| *x == 0.0 || *x == 1.0), "{drawn:?}");
            assert_eq!(drawn.iter().sum::<f64>(), 4.0);
            counts.iter_mut().zip(drawn).for_each(|(c, x)| *c += x);
        }
        for (count, p) in counts.iter().zip(p) {
            let share = count / f64::from(n);
            assert!((share - p).abs() <= 5.0 * (p * (1.0 - p) / f64::from(n)).sqrt());
        }
    }

    #[test]
    fn one_arm_is_drawn_by_its_probability() {
        let p = [0.0, 0.2, 0.7, 0.1, 0.0];
        let mut rng = Stream::new(4, 1, "test");
        let n = 100_000;
        let mut counts = [0.0; 5];
        for _ in 0..n {
            let mut drawn = p;
            draw_one(&mut drawn, &mut rng);
            assert_eq!(drawn.iter().sum::<f64>(), 1.0);
            counts.iter_mut().zip(drawn).for_each(|(c, x)| *c += x);
        }
        for (count, p) in counts.iter().zip(p) {
            let share = count / f64::from(n);
            assert!((share - p).abs() <= 5.0 * (p * (1.0 - p) / f64::from(n)).sqrt());
        }
    }
}
