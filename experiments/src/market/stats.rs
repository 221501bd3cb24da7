//! Counting a recording.

use palaestra_envs::market::data::{FeedEvent, Kind, RecordedBook, Side, Units};
use serde::Serialize;

use super::{
    Format, RecordedFacts, Recording,
    quantiles::{Quantiles, Summary},
};

/// Counts as events go by.
#[derive(Debug, Default)]
pub struct MarketStats {
    first_ns: Option<u64>,
    last_ns: u64,
    trades: u64,
    volume: u128,
    notional: i128,
    spread: Quantiles,
    size_at_best: Quantiles,
    between: Quantiles,
    one_sided: u64,
    locked: u64,
    crossed: u64,
    changes: u64,
}

impl MarketStats {
    /// Counts an event, given the book of its symbol after it.
    pub fn add(&mut self, event: &FeedEvent, book: &RecordedBook) {
        if self.first_ns.is_some() {
            self.between.add(event.time_ns.saturating_sub(self.last_ns));
        } else {
            self.first_ns = Some(event.time_ns);
        }
        self.last_ns = event.time_ns;
        if event.kind.is_trade() {
            self.trades += 1;
            self.volume += u128::from(event.size);
            self.notional += i128::from(event.size) * i128::from(event.price.unwrap_or(0));
        }
        let changes = !matches!(
            event.kind,
            Kind::Hidden | Kind::Cross | Kind::Halt | Kind::Quote | Kind::Resume | Kind::Other
        );
        if changes {
            self.look(book);
        }
    }

    fn look(&mut self, book: &RecordedBook) {
        self.changes += 1;
        let (Some((bid, bids)), Some((ask, asks))) = (book.best(Side::Buy), book.best(Side::Sell))
        else {
            self.one_sided += 1;
            return;
        };
        match ask.checked_sub(bid).map(u64::try_from) {
            Some(Ok(0)) => self.locked += 1,
            Some(Ok(spread)) => self.spread.add(spread),
            _ => self.crossed += 1,
        }
        self.size_at_best.add(bids.size);
        self.size_at_best.add(asks.size);
    }

    /// The report, when `recording` has been read.
    pub fn report(&self, recording: &Recording) -> StatsReport {
        let tally = recording.books().tally();
        let units = recording.units();
        StatsReport {
            file: recording.path().display().to_string(),
            format: recording.format(),
            price_decimals: units.price_decimals,
            size_decimals: units.size_decimals,
            symbols: recording.books().num_symbols(),
            events: tally.events(),
            first_ns: self.first_ns,
            last_ns: self.first_ns.map(|_| self.last_ns),
            kinds: Kind::ALL
                .into_iter()
                .filter(|kind| tally.of(*kind) > 0)
                .map(|kind| (kind.name(), tally.of(kind)))
                .collect(),
            trades: self.trades,
            volume: self.volume,
            vwap: vwap(self.notional, self.volume, units),
            spread: self.spread.summary(),
            size_at_best: self.size_at_best.summary(),
            between_ns: self.between.summary(),
            changes: self.changes,
            one_sided: self.one_sided,
            locked: self.locked,
            crossed: self.crossed,
            unknown_orders: tally.unknown_orders,
            back_in_time: tally.back_in_time,
            duplicate_orders: tally.duplicates,
            too_much: tally.too_much,
            facts: None,
            units,
        }
    }
}

fn vwap(notional: i128, volume: u128, units: Units) -> Option<f64> {
    let scale = 10f64.powi(i32::from(units.price_decimals));
    (volume > 0).then(|| notional as f64 / volume as f64 / scale)
}

/// What was counted.
#[derive(Debug, Clone, Serialize)]
pub struct StatsReport {
    /// The file.
    pub file: String,
    /// Its format.
    pub format: Format,
    /// Prices are integers of 10^−this.
    pub price_decimals: u8,
    /// Sizes are integers of 10^−this.
    pub size_decimals: u8,
    /// Symbols with events.
    pub symbols: usize,
    /// All events.
    pub events: u64,
    /// Time of the first, in nanoseconds since midnight or 1970.
    pub first_ns: Option<u64>,
    /// Time of the last.
    pub last_ns: Option<u64>,
    /// Events by kind.
    pub kinds: Vec<(&'static str, u64)>,
    /// Trades, hidden ones and auctions included.
    pub trades: u64,
    /// Size traded.
    pub volume: u128,
    /// Mean price of what traded, in units of currency.
    pub vwap: Option<f64>,
    /// Spread after each change of a book with two sides, where it is above 0.
    pub spread: Option<Summary>,
    /// Sizes of the best bid and ask after each change.
    pub size_at_best: Option<Summary>,
    /// Nanoseconds from one event to the next.
    pub between_ns: Option<Summary>,
    /// Events that may change a book.
    pub changes: u64,
    /// Of these, those that leave a side empty.
    pub one_sided: u64,
    /// Those that leave bid = ask.
    pub locked: u64,
    /// Those that leave bid > ask.
    pub crossed: u64,
    /// Events about orders from before the recording.
    pub unknown_orders: u64,
    /// Records older than the one before.
    pub back_in_time: u64,
    /// Orders added twice.
    pub duplicate_orders: u64,
    /// Orders that lost more than they had.
    pub too_much: u64,
    /// The stylised facts, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<RecordedFacts>,
    /// For showing.
    #[serde(skip)]
    pub units: Units,
}
