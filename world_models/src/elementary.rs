//! Elementary functions that the compiler can turn into vector code: the ones of the standard library are calls, a
//! number at a time.

/// e^x to about 1 unit in the last place; 0 below −87.3 (no subnormal numbers), infinite above 88.7.
///
/// Cody–Waite reduction to |r| ≤ ln 2 / 2, then the Taylor polynomial of degree 7.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    // ln 2 in two parts, the first with zeros at its end, so that n·HIGH is exact.
    const HIGH: f32 = 355.0 / 512.0;
    const LOW: f32 = -2.121_944_4e-4;
    // Adding 1.5·2²³ rounds to the nearest integer, and leaves it in the last bits.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.3, 88.7);
    let shifted = clamped * LOG2_E + ROUND;
    let k = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let n = shifted - ROUND;
    let r = clamped - n * HIGH - n * LOW;
    let mut p = 1.0 / 5040.0;
    for c in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        p = p * r + c;
    }
    // In two factors: 2¹²⁸ alone is no number.
    let half = k >> 1;
    let two = |k: i32| f32::from_bits((k.wrapping_add(127) << 23) as u32);
    let value = p * two(half) * two(k.wrapping_sub(half));
    let value = if x > 88.7 { f32::INFINITY } else { value };
    if x < -87.3 { 0.0 } else { value }
}

/// The hyperbolic tangent to about 1 unit in the last place near 0, to 10⁻⁷ elsewhere.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let square = x * x;
    let mut series = 62.0 / 2835.0;
    for c in [-17.0 / 315.0, 2.0 / 15.0, -1.0 / 3.0, 1.0] {
        series = series * square + c;
    }
    let large = 1.0 - 2.0 / (exp(2.0 * x) + 1.0);
    if x.abs() < 0.25 { x * series } else { large }
}

/// ln(1 + e^x) to about 2·10⁻⁷, without overflow.
#[inline(always)]
pub(crate) fn softplus(x: f32) -> f32 {
    let t = exp(-x.abs());
    // ln(1 + t) = 2 artanh(t/(2 + t)), where the argument is at most ⅓.
    let s = t / (2.0 + t);
    let square = s * s;
    let mut series = 1.0 / 13.0;
    for c in [1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 0.2, 1.0 / 3.0, 1.0] {
        series = series * square + c;
    }
    let rest = 2.0 * s * series;
    if x > 0.0 { x + rest } else { rest }
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn exponential_is_that_of_double_precision() {
        let mut worst = 0.0_f64;
        for i in -87_000..=88_000 {
            let x = i as f32 * 1e-3;
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(exp(x)) / exact - 1.0).abs());
        }
        assert!(worst < 1.5e-7, "relative error {worst:e}");
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-100.0), 0.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(100.0), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
    }
}
