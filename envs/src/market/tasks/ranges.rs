//! Ranges of the arguments that several tasks have.

use crate::error::EnvError;

/// Whether an argument is fine, its key, and what it may be.
pub(super) type Range = (bool, &'static str, &'static str);

/// Refuses the first argument that is out of its range.
pub(super) fn check(ranges: &[Range]) -> Result<(), EnvError> {
    match ranges.iter().find(|(fine, ..)| !fine) {
        None => Ok(()),
        Some((_, path, range)) => Err(EnvError::argument(path, format!("must be {range}"))),
    }
}

/// Whether a number lies in a closed interval; NaN lies in none.
pub(super) fn within(x: f64, low: f64, high: f64) -> bool {
    (low..=high).contains(&x)
}

/// Shares of an order.
pub(super) fn shares(size: u32, key: &'static str) -> Range {
    let fine = (1..=1_000_000_000).contains(&size);
    (fine, key, "1 to 1,000,000,000")
}

/// Milliseconds from a player to the exchange.
pub(super) fn latency(milliseconds: f64) -> Range {
    let fine = within(milliseconds, 0.0, 86_400_000.0);
    (fine, "latency", "0 to 86,400,000 ms")
}

/// Seconds between two decisions.
pub(super) fn interval(seconds: f64) -> Range {
    let fine = within(seconds, 1e-6, 86_400.0);
    (fine, "interval", "0.000001 to 86,400 s")
}

/// Seconds before the player joins.
pub(super) fn lead(seconds: f64, key: &'static str) -> Range {
    (within(seconds, 0.0, 86_400.0), key, "0 to 86,400 s")
}

/// A fee as parts per million.
pub(super) fn fee(rate: i64, key: &'static str) -> Range {
    let fine = (-1_000_000..=1_000_000).contains(&rate);
    (fine, key, "-1,000,000 to 1,000,000")
}
