//! A day of trading, minute by minute.

use palaestra_envs::market::order::{Size, Time};
use serde::{Deserialize, Serialize};

const MINUTE: Time = 60_000_000_000;
/// Minutes of a day.
const DAY: u32 = 24 * 60;

/// What is known after one order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Print {
    /// When it came, ns.
    pub time: Time,
    /// Price of the last order that traded; 0 if none has.
    pub price: f64,
    /// Shares that it traded.
    pub volume: Size,
}

/// Bars of one minute each, without gaps.
///
/// As in the report of MarS, an order belongs to the *nearest* minute, and the first minute is left out, because it is not whole.
/// A minute without orders repeats the prices of the one before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MinuteBars {
    /// Price of the first trade of the last order that traded in each minute.
    pub last: Vec<f64>,
    /// Mean over its orders of the price of the last trade.
    pub mean: Vec<f64>,
    /// Shares traded.
    pub volume: Vec<f64>,
    /// Minute of the day of the first bar, which the time of day is counted from.
    pub first_minute: u32,
}

impl MinuteBars {
    /// Bars of prints in order of time; those without a price before the first trade are left out.
    pub fn of(prints: impl IntoIterator<Item = Print>) -> Self {
        let mut builder = BarBuilder::default();
        prints.into_iter().for_each(|print| builder.add(print));
        builder.finish()
    }

    /// Those of `places`, counted from the first.
    pub(crate) fn part(&self, places: std::ops::Range<usize>) -> Self {
        Self {
            first_minute: (self.first_minute + places.start as u32) % DAY,
            last: self.last[places.clone()].to_vec(),
            mean: self.mean[places.clone()].to_vec(),
            volume: self.volume[places].to_vec(),
        }
    }

    /// Number of bars.
    pub fn len(&self) -> usize {
        self.last.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }
}

/// Makes bars print by print.
#[derive(Debug, Clone, Default)]
pub struct BarBuilder {
    bars: MinuteBars,
    minute: Option<Time>,
    /// In the minute.
    orders: f64,
}

impl BarBuilder {
    /// The next print; one without a price before the first trade is left out.
    pub fn add(&mut self, print: Print) {
        if print.price.is_nan() || print.price <= 0.0 {
            return;
        }
        let bars = &mut self.bars;
        let minute = (print.time + MINUTE / 2).div_euclid(MINUTE);
        let missing = minute - *self.minute.get_or_insert(minute - 1);
        if bars.is_empty() {
            bars.first_minute = (minute + 1).rem_euclid(DAY.into()) as u32;
        }
        for _ in 0..missing {
            let price = bars.last.last().copied().unwrap_or(print.price);
            bars.last.push(price);
            bars.mean.push(price);
            bars.volume.push(0.0);
            self.orders = 0.0;
        }
        self.minute = Some(minute);
        self.orders += 1.0;
        let at = bars.last.len() - 1;
        bars.last[at] = print.price;
        bars.mean[at] += (print.price - bars.mean[at]) / self.orders;
        bars.volume[at] += print.volume as f64;
    }

    /// The bars, without the first minute.
    pub fn finish(self) -> MinuteBars {
        let mut bars = self.bars;
        for column in [&mut bars.last, &mut bars.mean, &mut bars.volume] {
            column.drain(..1.min(column.len()));
        }
        bars
    }
}
