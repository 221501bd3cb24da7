//! Sizes of orders.

use rand::{Rng, RngExt};

use super::normal;
use crate::{market::order::Size, math::exp};

/// Share of the log-normal sizes, and of those around 100, 200, … 1000 shares.
const LOG_NORMAL: f64 = 0.2;
const HUNDREDS: [f64; 10] = [
    0.7, 0.06, 0.004, 0.0329, 0.001, 0.0006, 0.0004, 0.0005, 0.0003, 0.0003,
];
/// Standard deviation of the sizes around a round one.
const DEVIATION: f64 = 0.15;

/// The size of an order, at least 0: the mixture that ABIDES fitted to orders of a day.
pub fn order_size(rng: &mut impl Rng) -> Size {
    let mut left = rng.random::<f64>();
    let noise = normal(rng);
    if left < LOG_NORMAL {
        return exp(2.9 + 1.2 * noise).round() as Size;
    }
    left -= LOG_NORMAL;
    let mut hundreds = 1.0;
    for share in HUNDREDS {
        if left < share {
            break;
        }
        left -= share;
        // What rounding leaves beyond the last share counts to it.
        hundreds = f64::min(hundreds + 1.0, 10.0);
    }
    (100.0 * hundreds + DEVIATION * noise).round() as Size
}
