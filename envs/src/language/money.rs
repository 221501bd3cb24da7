//! Money in whole hundredths, so that sums are exact.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount of money, a whole number of hundredths.
///
/// ```
/// use palaestra_envs::language::Money;
///
/// let [a, b] = ["33.3", "66.7"].map(|text| Money::parse(text).unwrap());
/// assert_eq!(a + b, Money::whole(100));
/// assert_eq!(Money::parse("1234567.50").unwrap().to_string(), "1,234,567.5");
/// ```
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Money(i64);

/// Hundredths in a unit.
const MINOR: i64 = 100;
/// No amount is larger; in `f64` every hundredth up to here is apart from the next.
const LARGEST: i64 = 1_000_000_000_000_000;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many units.
    pub const fn whole(units: i64) -> Self {
        Self(units * MINOR)
    }

    /// So many hundredths.
    pub const fn from_minor(minor: i64) -> Self {
        Self(minor)
    }

    /// Hundredths.
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// The nearest amount, to even between two; `None` for what is not finite or beyond 10^13.
    pub fn from_f64(units: f64) -> Option<Self> {
        let minor = (units * MINOR as f64).round_ties_even();
        (minor.abs() <= LARGEST as f64).then_some(Self(minor as i64))
    }

    /// The amount in units.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / MINOR as f64
    }

    /// This amount as a part of `whole`.
    #[inline]
    pub fn share_of(self, whole: Self) -> f64 {
        self.0 as f64 / whole.0 as f64
    }

    /// `part / parts` of this amount, rounded down.
    #[must_use]
    pub fn fraction(self, part: u32, parts: u32) -> Self {
        Self((i128::from(self.0) * i128::from(part) / i128::from(parts.max(1))) as i64)
    }

    /// This amount times a factor, to the nearest hundredth.
    pub fn times(self, factor: f64) -> Option<Self> {
        Self::from_f64(self.to_f64() * factor)
    }

    /// Reads a decimal number as JSON writes it (sign, digits, fraction, exponent), exactly; what is finer than a
    /// hundredth is rounded, to even between two. So two numbers that add up to a whole number of units still do
    /// after rounding. `None` for anything else, or an amount beyond 10^13.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = || whole.bytes().chain(fraction.bytes());
        if digits().next().is_none() || !digits().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // The place of the decimal point among the digits once they count hundredths.
        let point = (whole.len() as i64)
            .saturating_add(exponent)
            .saturating_add(2);
        let mut minor: i64 = 0;
        let mut rest = Rest::Nothing;
        for (place, digit) in (0i64..).zip(digits()) {
            let digit = i64::from(digit - b'0');
            if place < point {
                minor = minor.checked_mul(10)?.checked_add(digit)?;
            } else {
                rest = rest.then(digit, place == point);
            }
        }
        let written = (whole.len() + fraction.len()) as i64;
        if minor != 0 && point > written {
            let zeros = u32::try_from(point - written).ok().filter(|&n| n < 19)?;
            minor = minor.checked_mul(10i64.checked_pow(zeros)?)?;
        }
        // With the point before the first digit, the first hundredth's tenth is a zero that is not written.
        if point < 0 && rest != Rest::Nothing {
            rest = Rest::Less;
        }
        let up = match rest {
            Rest::Nothing | Rest::Less => false,
            Rest::Half => minor % 2 == 1,
            Rest::More => true,
        };
        let minor = minor.checked_add(i64::from(up))?;
        (minor <= LARGEST).then_some(Self(if negative { -minor } else { minor }))
    }
}

/// What is left below a hundredth, compared with one half.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Nothing,
    Less,
    Half,
    More,
}

impl Rest {
    fn then(self, digit: i64, first: bool) -> Self {
        match (self, digit) {
            (_, 5) if first => Self::Half,
            (_, 6..) if first => Self::More,
            (Self::Half, 1..) => Self::More,
            (Self::Nothing, 1..) => Self::Less,
            (rest, _) => rest,
        }
    }
}

impl std::ops::Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// With thousands separators, at most two decimals, without trailing zeros.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minor = self.0.unsigned_abs();
        let (units, rest) = (minor / MINOR as u64, minor % MINOR as u64);
        let digits = units.to_string();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        for (place, digit) in digits.char_indices() {
            if place > 0 && (digits.len() - place) % 3 == 0 {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        match (rest / 10, rest % 10) {
            (0, 0) => Ok(()),
            (tenth, 0) => write!(f, ".{tenth}"),
            (tenth, hundredth) => write!(f, ".{tenth}{hundredth}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Money;

    #[test]
    fn decimals_are_read_exactly_and_rounded_to_even() {
        for (text, minor) in [
            ("0", 0),
            ("-0.01", -1),
            ("1e2", 10_000),
            ("12.5E-1", 125),
            ("33.335", 3334),
            ("66.665", 6666),
            ("0.005", 0),
            ("0.0050000000000000000000000000001", 1),
            ("0.0049999999999999999999999999999", 0),
            ("5e-3", 0),
            ("6e-3", 1),
            ("9e-9", 0),
            ("51e-4", 1),
            ("0000000000000000000000000001", 100),
            ("0e999999999999", 0),
        ] {
            assert_eq!(Money::parse(text), Some(Money::from_minor(minor)), "{text}");
        }
        for text in [
            "",
            ".",
            "-",
            "1.2.3",
            "1e",
            "1e99",
            "10000000000000.01",
            "NaN",
            "1_0",
            "+1",
        ] {
            assert_eq!(Money::parse(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_are_written_for_people() {
        for (minor, text) in [
            (0, "0"),
            (-123_456_789, "-1,234,567.89"),
            (100_000, "1,000"),
            (99_950, "999.5"),
            (5, "0.05"),
        ] {
            assert_eq!(Money::from_minor(minor).to_string(), text);
        }
    }
}
