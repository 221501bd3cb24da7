//! Elementary functions with the same bits on every platform.
//!
//! The standard library's `sin`, `exp`, `ln` … call the platform's C library, whose last digits differ between
//! systems. Everything in this crate that feeds an observation or a reward goes through this module: `f64`
//! functions from `libm` (a Rust port of musl), and branch-free `f32` polynomials for the batch kernels, which
//! the compiler can vectorise.

/// Sine of `x` radians.
pub fn sin(x: f64) -> f64 {
    libm::sin(x)
}

/// Cosine of `x` radians.
pub fn cos(x: f64) -> f64 {
    libm::cos(x)
}

/// `e` to the power `x`.
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// Natural logarithm of `x`.
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// `x` to the power `y`.
pub fn powf(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// Hyperbolic tangent of `x`.
pub fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

/// Square root of `x`; correctly rounded by IEEE 754, so the hardware instruction is already portable.
pub fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

/// `x` modulo `m` with the sign of `m`, as Python's `%` (for `m > 0` the result lies in `[0, m)`).
pub fn floor_mod(x: f64, m: f64) -> f64 {
    let remainder = x % m;
    if remainder != 0.0 && (remainder < 0.0) != (m < 0.0) {
        remainder + m
    } else {
        remainder
    }
}

/// Sine and cosine of `x` radians for `|x| < 1e4`, absolute error below 2e-7; branch-free.
///
/// Cody-Waite reduction to `[-π/4, π/4]` and the minimax polynomials that Cephes published for single precision.
#[inline(always)]
pub fn sin_cos_f32(x: f32) -> (f32, f32) {
    // Adding and subtracting 1.5·2²³ rounds to the nearest integer without a branch or a library call.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::FRAC_2_PI + ROUND;
    let quadrant = shifted.to_bits();
    let n = shifted - ROUND;
    // π/2 split in three parts, so that n·part is exact for moderate n.
    let r = ((x - n * 1.570_312_5) - n * 4.837_513e-4) - n * 7.549_79e-8;
    let (s, c) = sin_cos_quarter_f32(r);
    let swap = 0u32.wrapping_sub(quadrant & 1);
    let (sb, cb) = (s.to_bits(), c.to_bits());
    let sin_magnitude = (sb & !swap) | (cb & swap);
    let cos_magnitude = (cb & !swap) | (sb & swap);
    let sin_sign = (quadrant & 2) << 30;
    let cos_sign = (quadrant.wrapping_add(1) & 2) << 30;
    (
        f32::from_bits(sin_magnitude ^ sin_sign),
        f32::from_bits(cos_magnitude ^ cos_sign),
    )
}

/// [`sin_cos_f32`] for `|x| <= π/4`, the same bits without the reduction.
#[inline(always)]
pub fn sin_cos_quarter_f32(x: f32) -> (f32, f32) {
    let x2 = x * x;
    let s = x + x * x2 * (-1.666_665_5e-1 + x2 * (8.332_161e-3 - x2 * 1.951_529_6e-4));
    let c =
        1.0 - 0.5 * x2 + x2 * x2 * (4.166_664_6e-2 + x2 * (-1.388_731_6e-3 + x2 * 2.443_315_7e-5));
    (s, c)
}

/// Natural logarithm of a normal `x` > 0, relative error below 3e-7; branch-free.
///
/// `x = m·2ᵉ` with `m` in `[√½, √2)`, and the minimax polynomial for `ln(1 + (m - 1))` that Cephes published for
/// single precision.
#[inline(always)]
pub fn ln_f32(x: f32) -> f32 {
    // Taking the bits of √½ off moves the border between two exponents from 1 to √½.
    const SQRT_HALF: u32 = 0x3F35_04F3;
    let bits = x.to_bits().wrapping_sub(SQRT_HALF);
    let exponent = (bits as i32 >> 23) as f32;
    let m = f32::from_bits((bits & 0x007F_FFFF) + SQRT_HALF) - 1.0;
    let m2 = m * m;
    let p = 7.037_684e-2;
    let p = p * m - 1.151_461e-1;
    let p = p * m + 1.167_699_87e-1;
    let p = p * m - 1.242_014_1e-1;
    let p = p * m + 1.424_932_3e-1;
    let p = p * m - 1.666_805_8e-1;
    let p = p * m + 2.000_071_4e-1;
    let p = p * m - 2.499_999_4e-1;
    let p = p * m + 3.333_333e-1;
    // ln 2 in two parts, so that the larger, times a small integer, is exact.
    let tail = m * m2 * p - 2.121_944_4e-4 * exponent - 0.5 * m2;
    m + tail + 0.693_359_4 * exponent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reduced_form_has_the_same_bits() {
        for i in -7853..=7853 {
            let x = i as f32 * 1e-4;
            assert_eq!(sin_cos_quarter_f32(x), sin_cos_f32(x));
        }
    }

    #[test]
    fn single_precision_sine_and_cosine_follow_double_precision() {
        for i in -200_000..=200_000 {
            let x = i as f32 * 1e-3;
            let (s, c) = sin_cos_f32(x);
            assert!(
                (f64::from(s) - sin(f64::from(x))).abs() < 2e-7,
                "sin({x}) = {s}"
            );
            assert!(
                (f64::from(c) - cos(f64::from(x))).abs() < 2e-7,
                "cos({x}) = {c}"
            );
        }
    }

    #[test]
    fn single_precision_logarithm_follows_double_precision() {
        // Every 997th single-precision number from 2⁻⁴⁰ to 2⁴⁰.
        for bits in ((87u32 << 23)..(167 << 23)).step_by(997) {
            let x = f32::from_bits(bits);
            let expected = ln(f64::from(x));
            let error = (f64::from(ln_f32(x)) - expected).abs();
            assert!(error <= 3e-7 * expected.abs(), "ln({x}) = {}", ln_f32(x));
        }
    }

    #[test]
    fn floor_mod_has_the_sign_of_the_modulus() {
        assert_eq!(floor_mod(-0.5, 2.0), 1.5);
        assert_eq!(floor_mod(4.5, 2.0), 0.5);
        assert_eq!(floor_mod(-4.0, 2.0), 0.0);
    }
}
