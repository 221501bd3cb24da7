//! A market in text: a ladder of its best levels, the players' orders in them, and the last trades.

use std::fmt::Write as _;

use super::Floor;
use super::tape::Tape;
use crate::market::book::Depth;
use crate::market::event::{Phase, Trade};
use crate::market::kernel::SECOND;
use crate::market::order::{Price, Side, Size, Time};

/// Levels of each side.
const LEVELS: usize = 5;
/// Width of the longest bar.
const BAR: i64 = 12;

/// Draws the market of `floor`; traders from `players` on are players.
pub(super) fn draw(floor: &Floor<'_>, tape: &Tape, players: u32, text: &mut String) {
    let book = floor.book();
    let [bids, asks] =
        Side::BOTH.map(|side| book.levels(side).take(LEVELS).collect::<Vec<Depth>>());
    let largest = bids.iter().chain(&asks).map(|level| level.size).max();
    let largest = largest.unwrap_or(1).max(1);
    let own = |side: Side, price: Price| -> Size {
        let queue = book.queue(side, price);
        let own = queue.filter(|order| order.trader.0 >= players);
        own.map(|order| order.left()).sum()
    };
    let _ = write!(text, "{}", clock(floor.now()));
    let _ = match book.phase() {
        Phase::Continuous => Ok(()),
        Phase::Auction => write!(
            text,
            "   call auction, {} orders wait",
            book.pooled().count()
        ),
        Phase::Halted => write!(text, "   halted"),
        Phase::Closed => write!(text, "   closed"),
    };
    if let (Some(bid), Some(ask)) = (bids.first(), asks.first()) {
        let _ = write!(
            text,
            "   mid {}   spread {}",
            shown(f64::midpoint(bid.price as f64, ask.price as f64)),
            shown((ask.price - bid.price) as f64)
        );
    }
    let _ = writeln!(
        text,
        "\n{:>w$} {:>8} {:>11} ask",
        "",
        "bid",
        "price",
        w = BAR as usize
    );
    let mut rows: Vec<(Side, Depth)> = asks.iter().rev().map(|l| (Side::Sell, *l)).collect();
    rows.extend(bids.iter().map(|l| (Side::Buy, *l)));
    let mut trades = tape.newest();
    for (i, (side, level)) in rows.iter().enumerate() {
        let bar = "▪".repeat(((level.size * BAR + largest - 1) / largest).max(1) as usize);
        let price = shown(level.price as f64);
        let own = own(*side, level.price);
        let mark = if own > 0 {
            format!("own {own}")
        } else {
            String::new()
        };
        let line = match side {
            Side::Sell => format!(
                "{:>w$} {:>8} {price:>11} {:<8} {bar:<w$}",
                mark,
                "",
                level.size,
                w = BAR as usize
            ),
            Side::Buy => format!(
                "{bar:>w$} {:>8} {price:>11} {:<8} {:<w$}",
                level.size,
                "",
                mark,
                w = BAR as usize
            ),
        };
        let _ = write!(text, "{line}");
        let beside = match i {
            0 => {
                let (count, volume) = tape.sums();
                format!("{count} trades, {volume} shares")
            }
            _ => trades
                .next()
                .map(|trade| told(trade, players))
                .unwrap_or_default(),
        };
        let kept = text.trim_end().len();
        if beside.is_empty() {
            text.truncate(kept);
        } else {
            let _ = write!(text, "   {beside}");
        }
        text.push('\n');
    }
}

/// A trade in a few words.
fn told((time, trade): &(Time, Trade), players: u32) -> String {
    let arrow = match trade.aggressor {
        Side::Buy => '▲',
        Side::Sell => '▼',
    };
    let is_own = [trade.taker_trader, trade.maker_trader]
        .iter()
        .any(|trader| trader.0 >= players);
    let mark = if is_own { " own" } else { "" };
    format!(
        "{} {arrow} {} at {}{mark}",
        clock(*time),
        trade.size,
        shown(trade.price as f64)
    )
}

/// A price in currency units, as many decimals as it has.
fn shown(price: f64) -> String {
    let units = price / 1e4;
    if price % 100.0 == 0.0 {
        format!("{units:.2}")
    } else {
        format!("{units:.4}")
    }
}

/// A time of the day.
fn clock(time: Time) -> String {
    let seconds = time.div_euclid(SECOND);
    let milliseconds = time.rem_euclid(SECOND) / 1_000_000;
    format!(
        "{:02}:{:02}:{:02}.{milliseconds:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
