//! What LOB-Bench (Nagy et al., *LOB-Bench: Benchmarking Generative AI for Finance*, arXiv 2502.09172) measures of every message of
//! a market, in windows of as many messages.
//!
//! Recordings and simulated days are measured by the same code: a simulated day is turned into the events that a feed of it would
//! publish. The statistics are those of LOB-Bench without conditions, but for its four levels of orders, which are depths counted
//! in another way. Prices are in units of currency, sizes in shares, times in logarithms of seconds.

use std::collections::HashMap;

use palaestra_envs::{
    market::{
        data::{FeedEvent, Kind, RecordedBook, Side, Units},
        order::Price,
    },
    math::{ln, powf},
};

use super::moments::Moments;

/// Statistics of a message.
pub const STATISTICS: [&str; 12] = [
    "spread",
    "imbalance",
    "ln inter-arrival",
    "ln time to cancel",
    "bid size",
    "ask size",
    "bid volume",
    "ask volume",
    "bid depth of orders",
    "ask depth of orders",
    "bid depth of cancels",
    "ask depth of cancels",
];
const SPREAD: usize = 0;
const IMBALANCE: usize = 1;
const INTER_ARRIVAL: usize = 2;
const CANCEL: usize = 3;
const SIZE: usize = 4;
const VOLUME: usize = 6;
const ORDER_DEPTH: usize = 8;
const CANCEL_DEPTH: usize = 10;

/// Levels whose sizes are a side's volume.
const LEVELS: usize = 10;
/// The shortest time that has a logarithm here, in seconds: LOB-Bench's.
const SHORTEST: f64 = 1e-9;

/// Messages one after the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Window {
    /// Values of each of [`STATISTICS`]; a message has a value of some of them.
    pub values: [Vec<f64>; STATISTICS.len()],
    /// New orders, withdrawals of orders or parts of them, trades.
    kinds: [u32; 3],
    messages: usize,
    mids: Option<[f64; 2]>,
}

impl Window {
    /// The window in numbers, to tell markets apart by: mean and standard deviation of each statistic, shares of the kinds of
    /// messages, and how far the price went. What it has no value of is no number.
    pub fn summary(&self) -> Vec<f64> {
        let mut numbers = Vec::with_capacity(2 * STATISTICS.len() + 4);
        for values in &self.values {
            let moments = Moments::of(values.iter().copied());
            numbers.extend(if values.is_empty() {
                [f64::NAN; 2]
            } else {
                [moments.mean(), moments.deviation()]
            });
        }
        let all = self.messages.max(1) as f64;
        numbers.extend(self.kinds.iter().map(|count| f64::from(*count) / all));
        numbers.push(match self.mids {
            Some([first, last]) if first > 0.0 && last > 0.0 => ln(last / first).abs(),
            _ => f64::NAN,
        });
        numbers
    }
}

/// Cuts a market into windows, of which it keeps some, evenly spread, however long the market is.
#[derive(Debug)]
pub struct Windows {
    length: usize,
    keep: usize,
    /// Every window of so many is kept.
    stride: usize,
    number: usize,
    kept: Vec<Window>,
    current: Window,
    /// When orders came that have not been changed since.
    entered: HashMap<u64, u64>,
    last: Option<u64>,
    price: f64,
    size: f64,
}

impl Windows {
    /// At most `keep` windows of `length` messages of a market in these units.
    pub fn new(length: usize, keep: usize, units: Units) -> Self {
        let unit = |decimals: u8| powf(10.0, -f64::from(decimals));
        Self {
            length: length.max(1),
            keep: keep.max(1),
            stride: 1,
            number: 0,
            kept: Vec::new(),
            current: Window::default(),
            entered: HashMap::new(),
            last: None,
            price: unit(units.price_decimals),
            size: unit(units.size_decimals),
        }
    }

    /// Takes in an event, given the book after it.
    pub fn add(&mut self, event: &FeedEvent, book: &RecordedBook) {
        let kind = match event.kind {
            Kind::Add | Kind::Replace => 0,
            Kind::Reduce | Kind::Delete | Kind::Modify => 1,
            Kind::Execute | Kind::Hidden => 2,
            Kind::SetLevel => usize::from(event.size == 0),
            Kind::Clear => {
                self.entered.clear();
                return;
            }
            _ => return,
        };
        let lifetime = self.lifetime(event, book);
        let before = self.last.replace(event.time_ns);
        // What is not kept is not measured either.
        if self.number.is_multiple_of(self.stride) {
            if let Some(lifetime) = lifetime {
                self.current.values[CANCEL].push(log_seconds(lifetime));
            }
            if let Some(before) = before {
                let pause = event.time_ns.saturating_sub(before);
                self.current.values[INTER_ARRIVAL].push(log_seconds(pause));
            }
            self.look(event, kind, book);
        }
        self.current.kinds[kind] += 1;
        self.current.messages += 1;
        if self.current.messages == self.length {
            self.turn();
        }
    }

    /// Nanoseconds from the entry of an order to its first change that is no trade.
    fn lifetime(&mut self, event: &FeedEvent, book: &RecordedBook) -> Option<u64> {
        let entered = match event.kind {
            Kind::Add => {
                self.entered.insert(event.order_id, event.time_ns);
                None
            }
            Kind::Replace => {
                let entered = self.entered.remove(&event.order_id);
                self.entered.insert(event.new_order_id, event.time_ns);
                entered
            }
            Kind::Reduce | Kind::Delete | Kind::Modify => self.entered.remove(&event.order_id),
            Kind::Execute if book.order(event.order_id).is_none() => {
                self.entered.remove(&event.order_id);
                None
            }
            _ => None,
        };
        entered.map(|entered| event.time_ns.saturating_sub(entered))
    }

    fn look(&mut self, event: &FeedEvent, kind: usize, book: &RecordedBook) {
        let (Some((bid, bids)), Some((ask, asks))) = (book.best(Side::Buy), book.best(Side::Sell))
        else {
            return;
        };
        if ask <= bid {
            return;
        }
        let values = &mut self.current.values;
        values[SPREAD].push((ask - bid) as f64 * self.price);
        let [b, a] = [bids.size, asks.size].map(|size| size as f64 * self.size);
        values[IMBALANCE].push((b - a) / (b + a));
        for (place, side, best) in [(0, Side::Buy, b), (1, Side::Sell, a)] {
            values[SIZE + place].push(best);
            let levels = book.levels(side).take(LEVELS);
            let volume: u64 = levels.map(|(_, level)| level.size).sum();
            values[VOLUME + place].push(volume as f64 * self.size);
        }
        let mid = 0.5 * (bid + ask) as f64;
        let mids = self.current.mids.get_or_insert([mid; 2]);
        mids[1] = mid;
        let depth = |price: Price| (price as f64 - mid).abs() * self.price;
        let from = [ORDER_DEPTH, CANCEL_DEPTH];
        if let (Some(side), Some(price), Some(from)) = (event.side, event.price, from.get(kind)) {
            values[from + usize::from(side == Side::Sell)].push(depth(price));
        }
    }

    /// A window is full.
    fn turn(&mut self) {
        let window = std::mem::take(&mut self.current);
        if self.number.is_multiple_of(self.stride) {
            self.kept.push(window);
        }
        self.number += 1;
        if self.kept.len() > 2 * self.keep {
            let mut number = 0;
            self.kept.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.stride *= 2;
        }
    }

    /// The windows in order of time; one that is not full is left out.
    pub fn finish(self) -> Vec<Window> {
        evenly(self.kept, self.keep)
    }
}

/// At most `keep` of them, evenly spread.
pub(super) fn evenly(mut windows: Vec<Window>, keep: usize) -> Vec<Window> {
    let found = windows.len();
    if found > keep {
        let chosen = (0..keep).map(|k| k * found / keep);
        windows = chosen.map(|k| std::mem::take(&mut windows[k])).collect();
    }
    windows
}

fn log_seconds(nanoseconds: u64) -> f64 {
    ln((nanoseconds as f64 / 1e9).max(SHORTEST))
}

#[cfg(test)]
mod tests {
    use palaestra_envs::market::data::{Clock, Position, RecordedBooks, Rules};

    use super::*;

    const UNITS: Units = Units {
        clock: Clock::Midnight,
        price_decimals: 4,
        size_decimals: 0,
    };

    fn event(seconds: u64, kind: Kind, id: u64, side: Side, size: u64, price: i64) -> FeedEvent {
        FeedEvent {
            kind,
            side: Some(side),
            order_id: id,
            size,
            price: Some(price),
            ..FeedEvent::other(seconds * 1_000_000_000, 0)
        }
    }

    fn windows(
        length: usize,
        keep: usize,
        events: impl IntoIterator<Item = FeedEvent>,
    ) -> Vec<Window> {
        let mut books = RecordedBooks::new(Rules::Strict);
        let mut windows = Windows::new(length, keep, UNITS);
        for mut event in events {
            let book = books.apply(&mut event, Position::Byte(0)).unwrap();
            windows.add(&event, book);
        }
        windows.finish()
    }

    #[test]
    fn statistics_are_read_off_messages_and_book() {
        let (buy, sell) = (Side::Buy, Side::Sell);
        let found = windows(
            7,
            9,
            [
                event(0, Kind::Add, 1, buy, 300, 9_900),
                event(1, Kind::Add, 2, sell, 100, 10_100),
                event(3, Kind::Add, 3, buy, 100, 9_800),
                event(7, Kind::Delete, 3, buy, 100, 9_800),
                event(8, Kind::Execute, 1, buy, 200, 9_900),
                event(8, Kind::Resume, 0, buy, 0, 0),
                event(8, Kind::Add, 4, sell, 50, 10_300),
                event(9, Kind::Reduce, 4, sell, 25, 10_300),
                // Alone in a window that does not fill.
                event(9, Kind::Delete, 4, sell, 25, 10_300),
            ],
        );
        let [window] = &found[..] else {
            panic!("{found:?}");
        };
        let near = |statistic: &str, expected: &[f64]| {
            let place = STATISTICS.iter().position(|name| *name == statistic);
            let values = &window.values[place.unwrap()];
            let same = values
                .iter()
                .zip(expected)
                .all(|(x, y)| (x - y).abs() < 1e-12);
            assert!(
                same && values.len() == expected.len(),
                "{statistic}: {values:?}"
            );
        };
        near("spread", &[0.02; 6]);
        near("imbalance", &[0.5, 0.5, 0.5, 0.0, 0.0, 0.0]);
        near("bid size", &[300.0, 300.0, 300.0, 100.0, 100.0, 100.0]);
        near("bid volume", &[300.0, 400.0, 300.0, 100.0, 100.0, 100.0]);
        near("ask volume", &[100.0, 100.0, 100.0, 100.0, 150.0, 125.0]);
        near("bid depth of orders", &[0.02]);
        near("ask depth of orders", &[0.01, 0.03]);
        near("bid depth of cancels", &[0.02]);
        near("ask depth of cancels", &[0.03]);
        near("ln time to cancel", &[ln(4.0), ln(1.0)]);
        let pauses = [1.0, 2.0, 4.0, 1.0, SHORTEST, 1.0].map(ln);
        near("ln inter-arrival", &pauses);
        let summary = window.summary();
        assert_eq!(summary.len(), 2 * STATISTICS.len() + 4);
        assert_eq!(summary[24..27], [4.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0]);
        assert_eq!(summary[27], 0.0);
    }

    #[test]
    fn windows_of_long_markets_are_spread_over_them() {
        let messages = (0..1000).flat_map(|k| {
            let price = 9_000 + k;
            [
                event(k as u64, Kind::Add, k as u64 + 1, Side::Buy, 10, price),
                event(k as u64, Kind::Delete, k as u64 + 1, Side::Buy, 10, price),
            ]
        });
        let best = event(0, Kind::Add, 5000, Side::Sell, 10, 20_000);
        let found = windows(10, 8, std::iter::once(best).chain(messages));
        assert_eq!(found.len(), 8);
        // The best bid rises, so the spread tells the time.
        let spreads: Vec<f64> = found
            .iter()
            .map(|window| window.values[SPREAD][0])
            .collect();
        assert!(spreads.is_sorted_by(|a, b| a > b), "{spreads:?}");
        assert!(spreads[0] > 1.09 && spreads[7] < 1.03, "{spreads:?}");
        assert!(found.iter().all(|window| window.messages == 10));
        assert_eq!(windows(10, 8, []), []);
    }
}
