//! A book as people look at it.

use std::{collections::VecDeque, fmt::Write as _};

use palaestra_envs::market::data::{FeedEvent, Kind, Level, RecordedBook, Side, Units};
use serde::Serialize;

use crate::market::{decimal, shown_time};

/// Trades that are shown beside a book.
const TRADES: usize = 5;
/// Letters of the longest bar.
const BAR: usize = 20;

/// The trades that happened last.
#[derive(Debug, Default)]
pub(super) struct Tape(VecDeque<FeedEvent>);

impl Tape {
    pub(super) fn add(&mut self, event: &FeedEvent) {
        if event.kind.is_trade() {
            self.0.truncate(TRADES - 1);
            self.0.push_front(*event);
        }
    }
}

/// A book at a time.
#[derive(Debug, Serialize)]
pub(super) struct Frame {
    symbol: String,
    time_ns: u64,
    event: u64,
    bids: Vec<Row>,
    asks: Vec<Row>,
    trades: Vec<Print>,
    /// What happened last.
    #[serde(skip)]
    last: FeedEvent,
    #[serde(skip)]
    units: Units,
}

#[derive(Debug, Serialize)]
struct Row {
    price: i64,
    size: u64,
    orders: u32,
}

#[derive(Debug, Serialize)]
struct Print {
    time_ns: u64,
    price: Option<i64>,
    size: u64,
    aggressor: Option<&'static str>,
    kind: &'static str,
}

impl Frame {
    pub(super) fn new(
        symbol: String,
        (time_ns, event): (u64, u64),
        last: FeedEvent,
        book: &RecordedBook,
        tape: &Tape,
        levels: usize,
        units: Units,
    ) -> Self {
        let rows = |side| {
            let best = book.levels(side).take(levels);
            let row = |(price, Level { size, orders })| Row {
                price,
                size,
                orders,
            };
            best.map(row).collect()
        };
        let print = |trade: &FeedEvent| Print {
            time_ns: trade.time_ns,
            price: trade.price,
            size: trade.size,
            aggressor: match (trade.kind, trade.side) {
                (Kind::Cross, _) | (_, None) => None,
                (_, Some(Side::Buy)) => Some("sell"),
                (_, Some(Side::Sell)) => Some("buy"),
            },
            kind: trade.kind.name(),
        };
        Self {
            symbol,
            time_ns,
            event,
            bids: rows(Side::Buy),
            asks: rows(Side::Sell),
            trades: tape.0.iter().map(print).collect(),
            last,
            units,
        }
    }

    /// The last event in a line.
    fn last(&self) -> String {
        let event = &self.last;
        let mut text = event.kind.name().to_owned();
        if event.order_id != 0 {
            let _ = write!(text, " order {}", event.order_id);
        }
        if event.new_order_id != 0 {
            let _ = write!(text, " by {}", event.new_order_id);
        }
        if let Some(price) = event.price {
            let side = match event.side {
                Some(Side::Buy) => "bid ",
                Some(Side::Sell) => "ask ",
                None => "",
            };
            let size = decimal(event.size.into(), self.units.size_decimals);
            let price = decimal(price.into(), self.units.price_decimals);
            let _ = write!(text, ", {side}{size} at {price}");
        }
        text
    }

    /// Asks above bids, and the last trades.
    pub(super) fn text(&self) -> String {
        let clock = self.units.clock;
        let mut text = format!(
            "{} · {} · event {}",
            self.symbol,
            shown_time(self.time_ns, clock),
            super::grouped(self.event.into())
        );
        let price = |value: i64| decimal(value.into(), self.units.price_decimals);
        let size = |value: u64| decimal(value.into(), self.units.size_decimals);
        let _ = write!(text, "\n{}", self.last());
        let rows = || self.asks.iter().chain(&self.bids);
        let largest = rows().map(|row| row.size).max().unwrap_or(0).max(1);
        let width = |cells: &mut dyn Iterator<Item = String>| {
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
                .max(5)
        };
        let prices = width(&mut rows().map(|row| price(row.price)));
        let sizes = width(&mut rows().map(|row| size(row.size)));
        let with_orders = rows().any(|row| row.orders > 0);
        let line = |side: &str, row: &Row| {
            let length = (row.size as u128 * BAR as u128).div_ceil(largest.into()) as usize;
            let orders = if with_orders {
                format!("  {:>6}", row.orders)
            } else {
                String::new()
            };
            format!(
                "\n  {side}  {:>prices$}  {:>sizes$}{orders}  {}",
                price(row.price),
                size(row.size),
                "█".repeat(length)
            )
        };
        let orders = if with_orders { "  orders" } else { "" };
        let _ = write!(
            text,
            "\n\n       {:>prices$}  {:>sizes$}{orders}",
            "price", "size"
        );
        for row in self.asks.iter().rev() {
            text += &line("ask", row);
        }
        if let (Some(bid), Some(ask)) = (self.bids.first(), self.asks.first()) {
            let spread = i128::from(ask.price) - i128::from(bid.price);
            let middle = (i128::from(ask.price) + i128::from(bid.price)) * 5;
            let _ = write!(
                text,
                "\n       spread {}, mid {}",
                decimal(spread, self.units.price_decimals),
                decimal(middle, self.units.price_decimals + 1)
            );
        } else {
            let empty = match (self.bids.is_empty(), self.asks.is_empty()) {
                (true, true) => "no orders",
                (true, false) => "no bids",
                _ => "no asks",
            };
            let _ = write!(text, "\n       {empty}");
        }
        for row in &self.bids {
            text += &line("bid", row);
        }
        if !self.trades.is_empty() {
            text += "\n\n  last trades";
        }
        for trade in &self.trades {
            let side = match trade.aggressor {
                Some(side) => format!("{side:<4}"),
                None => " ".repeat(4),
            };
            let note = if trade.kind == "execute" {
                String::new()
            } else {
                format!("  {}", trade.kind)
            };
            let _ = write!(
                text,
                "\n  {}  {side}  {:>sizes$} at {}{note}",
                shown_time(trade.time_ns, clock),
                size(trade.size),
                trade.price.map_or_else(|| "?".into(), price)
            );
        }
        text
    }
}
