//! A test of pairs: is their mean difference above zero?

use rand::Rng;

use super::{StatsError, check_finite};

/// The probability that the mean of `differences` would be as large as it is, or larger, if each of them had its sign
/// by chance: the one-sided sign-flip test (Fisher 1935), which knows no distribution. Of `flips` random flips, and
/// the signs as they are; never below `1 / (flips + 1)`.
///
/// Order of draws: flip, then a bit per difference, 32 to a word, lowest first.
///
/// # Errors
/// [`StatsError::Empty`], [`StatsError::NotFinite`].
pub fn paired_p_value(
    differences: &[f64],
    flips: u32,
    rng: &mut impl Rng,
) -> Result<f64, StatsError> {
    if differences.is_empty() {
        return Err(StatsError::Empty { what: "sample" });
    }
    check_finite("sample", differences)?;
    let observed: f64 = differences.iter().sum();
    // Sums that differ by rounding alone are equal.
    let slack = 1e-12 * differences.iter().map(|d| d.abs()).sum::<f64>();
    let mut as_large = 1_u32;
    for _ in 0..flips {
        let mut sum = 0.0;
        for differences in differences.chunks(32) {
            let mut bits = rng.next_u32();
            for difference in differences {
                sum += if bits & 1 == 1 {
                    *difference
                } else {
                    -difference
                };
                bits >>= 1;
            }
        }
        as_large += u32::from(sum >= observed - slack);
    }
    Ok(f64::from(as_large) / (f64::from(flips) + 1.0))
}

#[cfg(test)]
mod tests {
    use palaestra_envs::stream::Stream;

    use super::*;

    fn p(differences: &[f64]) -> f64 {
        paired_p_value(differences, 20_000, &mut Stream::new(0, 0, "test")).unwrap()
    }

    /// Of the 2⁵ signs of 1, 2, 3, 4, 5 three give a sum of at least 11: none, 1, or 2 negative.
    #[test]
    fn few_pairs_as_counted() {
        assert!((p(&[1.0, 2.0, 3.0, 4.0, 5.0]) - 1.0 / 32.0).abs() < 0.004);
        assert!((p(&[-2.0, 1.0, 3.0, 4.0, 5.0]) - 3.0 / 32.0).abs() < 0.006);
    }

    #[test]
    fn no_difference_is_no_gain() {
        assert_eq!(p(&[0.0; 7]), 1.0);
        assert!(p(&[-1.0, -2.0, -1.5]) > 0.9);
        assert!(paired_p_value(&[], 9, &mut Stream::new(0, 0, "test")).is_err());
        assert!(paired_p_value(&[f64::NAN], 9, &mut Stream::new(0, 0, "test")).is_err());
    }

    #[test]
    fn a_clear_gain_is_as_rare_as_can_be() {
        let gains: Vec<f64> = (0..100).map(|i| 1.0 + f64::from(i % 7) * 0.1).collect();
        assert_eq!(p(&gains), 1.0 / 20_001.0);
    }
}
