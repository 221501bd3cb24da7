//! Axes: what the user asks for ([`Axis`]) and the range of values that is shown for it (`Range`).

use palaestra_envs::math;

/// How values are laid out along an axis or a colour bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Equal differences take equal room.
    #[default]
    Linear,
    /// Equal ratios take equal room; values that are not positive cannot be shown.
    Log,
}

/// An axis of a plot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axis {
    /// What is measured, with its unit: `dynamic regret`, `wall time (s)`.
    pub label: String,
    /// Linear or logarithmic.
    pub scale: Scale,
    /// Values that are to be in view whatever the data, such as 0, or 0 and 1 for a probability.
    pub include: Vec<f64>,
}

impl Axis {
    /// A linear axis.
    pub fn linear(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..Self::default()
        }
    }

    /// A logarithmic axis.
    pub fn log(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            scale: Scale::Log,
            include: Vec::new(),
        }
    }

    /// The same axis with `value` always in view.
    #[must_use]
    pub fn including(mut self, value: f64) -> Self {
        self.include.push(value);
        self
    }
}

/// A line across the plot at one value, with a label: a bound, the score of an oracle, an even chance.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Where, on the value axis.
    pub value: f64,
    /// What it stands for.
    pub label: String,
}

/// Values beyond this are treated as infinite: differences of drawable values never overflow.
const LARGEST: f64 = 1e300;
/// Values below this are treated as zero on a logarithmic axis.
const SMALLEST: f64 = 1e-300;

/// The interval of values that an axis shows; never empty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) scale: Scale,
}

/// Whether `value` has a place on an axis of this scale.
pub(super) fn drawable(scale: Scale, value: f64) -> bool {
    value.abs() <= LARGEST && (scale == Scale::Linear || value >= SMALLEST)
}

impl Range {
    /// The range of the drawable ones among `values`, widened by the share `margin` at each end; `None` without any.
    pub(super) fn of(
        scale: Scale,
        values: impl IntoIterator<Item = f64>,
        margin: f64,
    ) -> Option<Self> {
        let mut ends: Option<(f64, f64)> = None;
        for value in values {
            if drawable(scale, value) {
                let (low, high) = ends.unwrap_or((value, value));
                ends = Some((low.min(value), high.max(value)));
            }
        }
        let (low, high) = ends?;
        let (low, high) = match scale {
            Scale::Linear => widen_linear(low, high, margin),
            Scale::Log => widen_log(low, high, margin),
        };
        Some(Self { low, high, scale })
    }

    /// Where `value` lies: 0 at the low end, 1 at the high end, values outside at the ends; `None` if it cannot be drawn.
    pub(super) fn position(&self, value: f64) -> Option<f64> {
        if !drawable(self.scale, value) {
            return None;
        }
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => {
                let low = math::ln(self.low);
                (math::ln(value) - low) / (math::ln(self.high) - low)
            }
        };
        Some(share.clamp(0.0, 1.0))
    }
}

fn widen_linear(low: f64, high: f64, margin: f64) -> (f64, f64) {
    let span = high - low;
    let size = low.abs().max(high.abs());
    // Differences below the resolution of the numbers are no differences.
    if span <= size * 1e-12 {
        let half = if size > SMALLEST { size * 0.1 } else { 1.0 };
        return (low - half, high + half);
    }
    let widened = (low - margin * span, high + margin * span);
    // A margin must not suggest that something of one sign crosses zero.
    let keep_sign = |widened: f64, end: f64| if widened * end <= 0.0 { 0.0 } else { widened };
    if low >= 0.0 {
        (keep_sign(widened.0, low), widened.1)
    } else if high <= 0.0 {
        (widened.0, keep_sign(widened.1, high))
    } else {
        widened
    }
}

fn widen_log(low: f64, high: f64, margin: f64) -> (f64, f64) {
    // Sums of logarithms: the ratio of two drawable values may overflow.
    let span = math::ln(high) - math::ln(low);
    let added = if span > 1e-9 {
        margin * span
    } else {
        std::f64::consts::LN_2
    };
    let widened = (math::ln(low) - added, math::ln(high) + added);
    (
        math::exp(widened.0).max(SMALLEST),
        math::exp(widened.1).min(LARGEST),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(values: &[f64], margin: f64) -> Option<(f64, f64)> {
        Range::of(Scale::Linear, values.iter().copied(), margin)
            .map(|range| (range.low, range.high))
    }

    #[test]
    fn margins_do_not_cross_zero() {
        assert_eq!(linear(&[0.0, 10.0], 0.1), Some((0.0, 11.0)));
        assert_eq!(linear(&[0.5, 10.0], 0.1), Some((0.0, 10.95)));
        assert_eq!(linear(&[-10.0, 0.0], 0.1), Some((-11.0, 0.0)));
        assert_eq!(linear(&[-10.0, 10.0], 0.1), Some((-12.0, 12.0)));
        assert_eq!(linear(&[100.0, 110.0], 0.1), Some((99.0, 111.0)));
    }

    #[test]
    fn degenerate_data_has_a_range() {
        assert_eq!(linear(&[], 0.1), None);
        assert_eq!(linear(&[f64::NAN, f64::INFINITY, 1e301], 0.1), None);
        assert_eq!(linear(&[0.0], 0.1), Some((-1.0, 1.0)));
        assert_eq!(linear(&[5.0, 5.0], 0.1), Some((4.5, 5.5)));
        let log = Range::of(Scale::Log, [-1.0, 0.0, 3.0], 0.1).unwrap();
        assert!((log.low - 1.5).abs() < 1e-12 && (log.high - 6.0).abs() < 1e-12);
        assert!(Range::of(Scale::Log, [-1.0, 0.0], 0.1).is_none());
    }

    #[test]
    fn positions() {
        let log = Range::of(Scale::Log, [1.0, 100.0], 0.0).unwrap();
        assert!((log.position(10.0).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(log.position(0.0), None);
        let linear = Range::of(Scale::Linear, [2.0, 4.0], 0.0).unwrap();
        assert_eq!(linear.position(3.5), Some(0.75));
        assert_eq!(linear.position(99.0), Some(1.0));
        assert_eq!(linear.position(f64::NAN), None);
    }
}
