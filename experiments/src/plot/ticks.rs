//! Where an axis is labelled, and how numbers are written.

use palaestra_envs::math;

use super::axis::{Range, Scale};

/// A labelled place on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

/// About `target` ticks at round values inside `range`, ascending.
pub(super) fn ticks(range: &Range, target: usize) -> Vec<Tick> {
    let target = target.max(2);
    let values = match range.scale {
        Scale::Linear => linear(range.low, range.high, target),
        Scale::Log => logarithmic(range, target),
    };
    let labels = labels(&values);
    values
        .into_iter()
        .zip(labels)
        .map(|(value, label)| Tick { value, label })
        .collect()
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn linear(low: f64, high: f64, target: usize) -> Vec<f64> {
    let raw = (high - low) / target as f64;
    let magnitude = power_of_ten(exponent(raw));
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * magnitude)
        .find(|step| *step >= raw * (1.0 - 1e-9))
        .unwrap_or(10.0 * magnitude);
    // The slack keeps ends that are themselves round values.
    let slack = 1e-9 * (high - low);
    let first = ((low - slack) / step).ceil();
    let last = ((high + slack) / step).floor();
    let count = (last - first).clamp(-1.0, 1e3) as i64 + 1;
    (0..count)
        .map(|index| {
            let multiple = first + index as f64;
            // Division by the inverse keeps 0.1 steps exact: 3 / 10 is 0.3, 3 * 0.1 is not.
            if step < 1.0 {
                multiple / (1.0 / step).round()
            } else {
                multiple * step
            }
        })
        .map(|value| if value == 0.0 { 0.0 } else { value })
        .collect()
}

/// Powers of ten, thinned; or, on a short axis, also their multiples; or round values as on a linear axis.
fn logarithmic(range: &Range, target: usize) -> Vec<f64> {
    let inside =
        |value: &f64| *value >= range.low * (1.0 - 1e-9) && *value <= range.high * (1.0 + 1e-9);
    let (first, last) = (exponent(range.low), exponent(range.high));
    let decades: Vec<f64> = (first..=last).map(power_of_ten).filter(inside).collect();
    if decades.len() >= 3 {
        let every = decades.len().div_ceil(target);
        return decades.into_iter().step_by(every).collect();
    }
    for multiples in [&[1.0, 3.0][..], &[1.0, 2.0, 5.0]] {
        let values: Vec<f64> = (first..=last)
            .flat_map(|decade| multiples.iter().map(move |m| m * power_of_ten(decade)))
            .filter(inside)
            .collect();
        if values.len() >= 3 {
            return values;
        }
    }
    let values = linear(range.low, range.high, target);
    values.into_iter().filter(inside).collect()
}

/// Labels of the ticks of one axis: one unit and one number of decimals for all.
fn labels(values: &[f64]) -> Vec<String> {
    let largest = values.iter().fold(0.0_f64, |m, value| m.max(value.abs()));
    let positive = values.iter().copied().filter(|value| *value > 0.0);
    let smallest = positive.fold(f64::INFINITY, f64::min);
    let step = values
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .fold(f64::INFINITY, f64::min);
    let finest = if step.is_finite() { step } else { largest };
    let is_power =
        |value: &f64| *value > 0.0 && (value / power_of_ten(exponent(*value)) - 1.0).abs() < 1e-6;
    let plain = largest < 1e10 && finest >= 0.99e-4 && !(smallest < 0.99e-3 && largest >= 1e4);
    if plain {
        // Prices such as 10,002 differ beyond what a suffix leaves.
        let in_full = smallest > 999.0 && largest < 0.999_999e6 && finest < 99.0;
        let full = |value: &f64| in_units(*value, 1.0, "");
        let short = |value: &f64| with_suffix(*value);
        return if in_full {
            values.iter().map(full).collect()
        } else {
            values.iter().map(short).collect()
        };
    }
    if values.iter().all(is_power) {
        return values
            .iter()
            .map(|value| format!("10{}", superscript(exponent(*value))))
            .collect();
    }
    // One power of ten for all, so that labels differ only in their first factor.
    let power = exponent(largest);
    let decimals = usize::try_from(power - exponent(finest))
        .unwrap_or(0)
        .min(12);
    values
        .iter()
        .map(|value| {
            if *value == 0.0 {
                return "0".to_owned();
            }
            // In two steps: the inverse of a very small power of ten overflows.
            let half = power / 2;
            let factor = value / power_of_ten(half) / power_of_ten(power - half);
            minus(&format!("{factor:.decimals$}×10{}", superscript(power)))
        })
        .collect()
}

/// The shortest form of a round value, in units of thousand (k), million (M) or billion (G) from 10,000 on.
fn with_suffix(value: f64) -> String {
    let size = value.abs();
    let (unit, suffix) = if size >= 0.999_999e9 {
        (1e9, "G")
    } else if size >= 0.999_999e6 {
        (1e6, "M")
    } else if size >= 0.999_999e4 {
        (1e3, "k")
    } else {
        (1.0, "")
    };
    in_units(value, unit, suffix)
}

fn in_units(value: f64, unit: f64, suffix: &str) -> String {
    // Twelve digits hide the rounding of multiples of a step.
    let text = format!("{:.9}", value / unit);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    minus(&format!("{text}{suffix}"))
}

/// A measured value next to its interval: two significant digits of `uncertainty`, four of the value without one.
pub(crate) fn measured(value: f64, uncertainty: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let known = uncertainty.is_finite() && uncertainty > 0.0;
    let size = value.abs().max(if known { uncertainty } else { 0.0 });
    if size > 0.0 && !(1e-4..1e7).contains(&size) {
        let power = exponent(size);
        let half = power / 2;
        let factor = value / power_of_ten(half) / power_of_ten(power - half);
        return minus(&format!("{factor:.2}×10{}", superscript(power)));
    }
    let digits = if known {
        1 - exponent(uncertainty)
    } else if value == 0.0 {
        0
    } else {
        3 - exponent(size)
    };
    let decimals = usize::try_from(digits).unwrap_or(0).min(7);
    let text = format!("{value:.decimals$}");
    let text = if !known && text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    let is_zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    minus(if is_zero {
        text.trim_start_matches('-')
    } else {
        text
    })
}

fn minus(text: &str) -> String {
    text.replace('-', "−")
}

fn superscript(exponent: i32) -> String {
    let digits = exponent.to_string();
    digits
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4' => '⁴',
            '5' => '⁵',
            '6' => '⁶',
            '7' => '⁷',
            '8' => '⁸',
            '9' => '⁹',
            _ => '⁰',
        })
        .collect()
}

/// The largest `e` with `10^e <= value` (up to rounding), for positive values.
fn exponent(value: f64) -> i32 {
    let estimate = (math::ln(value) / std::f64::consts::LN_10).floor() as i32;
    // The logarithm of 1000 may come out a little below 3.
    if power_of_ten(estimate + 1) <= value * (1.0 + 1e-12) {
        estimate + 1
    } else {
        estimate
    }
}

fn power_of_ten(exponent: i32) -> f64 {
    10.0_f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(scale: Scale, low: f64, high: f64) -> Vec<String> {
        let ticks = ticks(&Range { low, high, scale }, 6);
        ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        let linear = |low, high| texts(Scale::Linear, low, high);
        assert_eq!(linear(0.0, 1.0), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(linear(-0.35, 0.35), ["−0.2", "0", "0.2"]);
        assert_eq!(linear(0.0, 3600.0), ["0", "1000", "2000", "3000"]);
        assert_eq!(
            linear(0.0, 10_000.0),
            ["0", "2000", "4000", "6000", "8000", "10k"]
        );
        assert_eq!(
            linear(9_998.8, 10_002.2),
            ["9999", "10000", "10001", "10002"]
        );
        assert_eq!(
            linear(0.0, 1.2e6),
            ["0", "200k", "400k", "600k", "800k", "1M", "1.2M"]
        );
        assert_eq!(
            linear(548.0, 548.5),
            ["548", "548.1", "548.2", "548.3", "548.4", "548.5"]
        );
        assert_eq!(
            linear(0.0, 3e-6),
            [
                "0",
                "0.5×10⁻⁶",
                "1.0×10⁻⁶",
                "1.5×10⁻⁶",
                "2.0×10⁻⁶",
                "2.5×10⁻⁶",
                "3.0×10⁻⁶"
            ]
        );
    }

    #[test]
    fn logarithmic_ticks() {
        let log = |low, high| texts(Scale::Log, low, high);
        assert_eq!(log(0.5, 20_000.0), ["1", "10", "100", "1000", "10k"]);
        assert_eq!(log(8.0, 700.0), ["10", "30", "100", "300"]);
        assert_eq!(
            log(200.0, 700.0),
            ["200", "300", "400", "500", "600", "700"]
        );
        assert_eq!(
            log(1e-8, 1.0),
            ["10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "1"].map(|s| if s == "1" { "10⁰" } else { s })
        );
    }

    #[test]
    fn measured_values_show_what_is_known() {
        assert_eq!(measured(548.3912, 0.0123), "548.391");
        assert_eq!(measured(548.3912, 3.4), "548.4");
        assert_eq!(measured(548.3912, 34.0), "548");
        assert_eq!(measured(0.5222, 0.0), "0.5222");
        assert_eq!(measured(1.0, 0.0), "1");
        assert_eq!(measured(1200.0, 0.0), "1200");
        assert_eq!(measured(-0.001, 0.2), "0.00");
        assert_eq!(measured(-12.5, 1.0), "−12.5");
        assert_eq!(measured(1.25e9, 1e7), "1.25×10⁹");
        assert_eq!(measured(0.0, 0.0), "0");
        assert_eq!(measured(f64::NAN, 0.0), "–");
    }
}
