//! A recorded stream of 2,000 messages: trades, state after each, queues, and what a LOBSTER file of it would say.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::market::event::{EventLog, Trade};

/// FNV-1a, 64 bits, of numbers as 8 bytes each, the little end first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, number: i64) {
        for byte in number.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

fn rows(csv: &str) -> impl Iterator<Item = Vec<&str>> {
    csv.lines().skip(1).map(|line| line.split(',').collect())
}

fn number(field: &str) -> i64 {
    field.parse().unwrap()
}

/// The messages with their times.
fn stream() -> Vec<(Time, Message)> {
    rows(include_str!(
        "../../../../../tests/golden/market/stream_2000.csv"
    ))
    .map(|row| {
        let id = OrderId(number(row[3]) as u64);
        let (size, price) = (number(row[4]), number(row[5]));
        let side = if row[6] == "1" { Side::Buy } else { Side::Sell };
        let message = match row[2] {
            "L" => Message::New(NewOrder::limit(id, TraderId(0), side, size, price)),
            "M" => Message::New(NewOrder::market(id, TraderId(0), side, size)),
            "X" => Message::Reduce { id, by: size },
            "D" => Message::Cancel { id },
            other => panic!("unknown kind {other}"),
        };
        (number(row[1]), message)
    })
    .collect()
}

/// The word that the recording has for an outcome.
fn status(outcome: Outcome) -> &'static str {
    match (outcome.end, outcome.fills) {
        (End::Rested, 0) => "RESTING",
        (End::Rested, _) => "PARTIAL",
        (End::Filled, _) => "FILLED",
        (End::Discarded, 0) => "NOFILL",
        (End::Discarded, _) => "PARTIAL_DISCARD",
        (End::Reduced, _) => "REDUCED",
        // A reduction by all that is left is still called one in the recording.
        (End::Cancelled, _) => "DELETED",
        (End::Rejected(Reject::UnknownOrder), _) => "REJ_UNKNOWN",
        (End::Rejected(Reject::Size), _) => "REJ_SIZE",
        other => panic!("unexpected outcome {other:?}"),
    }
}

fn best(book: &Book, side: Side) -> (String, String) {
    match book.touch(side) {
        Some(level) => (level.price.to_string(), level.size.to_string()),
        None => (String::new(), String::new()),
    }
}

#[test]
fn trades_states_and_queues_are_those_recorded() {
    let golden: Value =
        serde_json::from_str(include_str!("../../../../../tests/golden/market/book.json")).unwrap();
    let per_event = include_str!("../../../../../tests/golden/market/per_event.csv");
    let trades = include_str!("../../../../../tests/golden/market/trades.csv");
    for ids in [Ids::Sequential, Ids::Any] {
        let mut book = Book::new(BookConfig {
            capacity: 512,
            window: 64,
            ids,
            ..BookConfig::default()
        })
        .unwrap();
        let mut trades = rows(trades).enumerate();
        let mut hash = Fnv::new();
        let mut snapshot = Snapshot::new(10);
        for ((seq, (time, message)), row) in stream().iter().enumerate().zip(rows(per_event)) {
            let mut log = EventLog::default();
            let outcome = book.submit(*time, message, &mut log);
            let (bid, bid_size) = best(&book, Side::Buy);
            let (ask, ask_size) = best(&book, Side::Sell);
            let (fills, traded) = (outcome.fills.to_string(), outcome.traded.to_string());
            let seq_text = seq.to_string();
            let state = [
                &seq_text,
                status(outcome),
                &fills,
                &traded,
                &bid,
                &bid_size,
                &ask,
                &ask_size,
            ];
            assert_eq!(row, state);
            for (time, event) in log.entries {
                let Event::Trade(trade) = event else { continue };
                let (i, row) = trades.next().unwrap();
                let Trade {
                    price,
                    size,
                    maker,
                    taker,
                    aggressor,
                    ..
                } = trade;
                let (maker, taker) = (maker.0 as i64, taker.0 as i64);
                let values = [i as i64, seq as i64, time, price, size, maker, taker];
                let row: Vec<i64> = row.into_iter().map(number).collect();
                assert_eq!(row, [&values[..], &[aggressor.sign()]].concat());
                for value in [seq as i64, price, size, maker, taker, aggressor.sign()] {
                    hash.add(value);
                }
            }
            let recorded = &golden["snapshots"][&seq_text];
            if !recorded.is_null() {
                book.snapshot(&mut snapshot);
                for (side, key) in [(Side::Buy, "bids"), (Side::Sell, "asks")] {
                    let levels: Vec<(Price, Size, u32)> =
                        serde_json::from_value(recorded[key].clone()).unwrap();
                    let ours = snapshot.side(side).iter();
                    assert!(ours.map(|l| (l.price, l.size, l.count)).eq(levels), "{seq}");
                }
                let last: Option<Price> =
                    serde_json::from_value(recorded["last_trade"].clone()).unwrap();
                assert_eq!(book.last_price(), last);
                let resting = Side::BOTH.map(|side| book.resting(side).count());
                assert_eq!(serde_json::json!(resting), recorded["n_resting"]);
            }
        }
        assert!(trades.next().is_none());
        let meta = &golden["meta"];
        assert_eq!(
            format!("{:016x}", hash.0),
            meta["fnv1a64_trades_le_i64_seq_price_size_maker_taker_aggr"]
        );
        for (side, key) in [(Side::Buy, "bids"), (Side::Sell, "asks")] {
            let queues: Vec<(Price, u64, Size)> =
                serde_json::from_value(golden["final_l3"][key].clone()).unwrap();
            let ours = book.resting(side);
            assert!(ours.map(|o| (o.price.unwrap(), o.id.0, o.open)).eq(queues));
        }
    }
}

/// The displayed book, made from events alone.
#[derive(Debug, Default)]
struct Replica {
    levels: [BTreeMap<Price, Size>; 2],
    /// Events after which a LOBSTER file has a row, and a hash of these rows.
    rows: usize,
}

impl Replica {
    /// Applies an event; says whether it is one of a LOBSTER file.
    fn apply(&mut self, event: &Event) -> bool {
        let (side, price, change) = match *event {
            Event::Rested {
                side,
                price,
                displayed,
                ..
            } => (side, price, displayed),
            Event::Trade(trade) => (trade.aggressor.opposite(), trade.price, -trade.size),
            Event::Cancelled {
                side,
                limit: Some(price),
                displayed,
                reason: CancelReason::Requested,
                ..
            }
            | Event::Reduced {
                side,
                limit: Some(price),
                displayed,
                reason: CancelReason::Requested,
                ..
            } => (side, price, -displayed),
            _ => return false,
        };
        let level = self.levels[side.index()].entry(price).or_default();
        *level += change;
        if *level == 0 {
            self.levels[side.index()].remove(&price);
        }
        self.rows += 1;
        true
    }

    /// Ten levels: ask price, ask size, bid price, bid size.
    fn hash_row(&self, hash: &mut Fnv) {
        let mut bids = self.levels[0].iter().rev();
        let mut asks = self.levels[1].iter();
        for _ in 0..10 {
            let (ask, ask_size) = asks.next().unwrap_or((&9_999_999_999, &0));
            let (bid, bid_size) = bids.next().unwrap_or((&-9_999_999_999, &0));
            for value in [ask, ask_size, bid, bid_size] {
                hash.add(*value);
            }
        }
    }
}

#[test]
fn events_alone_give_every_row_of_the_order_book_file() {
    let golden: Value =
        serde_json::from_str(include_str!("../../../../../tests/golden/market/book.json")).unwrap();
    let mut book = Book::new(BookConfig::default()).unwrap();
    let (mut replica, mut hash) = (Replica::default(), Fnv::new());
    for (time, message) in stream() {
        book.submit(time, &message, &mut |_, event: Event| {
            if replica.apply(&event) {
                replica.hash_row(&mut hash);
            }
        });
    }
    assert_eq!(replica.rows, 2453);
    assert_eq!(
        format!("{:016x}", hash.0),
        golden["meta"]["fnv1a64_lobster_orderbook_le_i64"]
    );
}

#[test]
fn shares_are_conserved_on_each_side() {
    let golden: Value =
        serde_json::from_str(include_str!("../../../../../tests/golden/market/book.json")).unwrap();
    let mut book = Book::new(BookConfig::default()).unwrap();
    // Submitted, traded, cancelled, discarded.
    let mut sums = [[0; 4]; 2];
    for (time, message) in stream() {
        book.submit(time, &message, &mut |_, event: Event| match event {
            Event::Accepted { side, size, .. } => sums[side.index()][0] += size,
            Event::Trade(trade) => sums.iter_mut().for_each(|sums| sums[1] += trade.size),
            Event::Cancelled {
                side, size, reason, ..
            }
            | Event::Reduced {
                side, size, reason, ..
            } => sums[side.index()][if reason.is_discard() { 3 } else { 2 }] += size,
            _ => {}
        });
    }
    for (side, key) in [(Side::Buy, "1"), (Side::Sell, "-1")] {
        let [submitted, traded, cancelled, discarded] = sums[side.index()];
        let resting: Size = book.resting(side).map(|order| order.left()).sum();
        let ours = serde_json::json!({
            "submitted": submitted,
            "traded": traded,
            "cancelled": cancelled,
            "discarded": discarded,
            "resting": resting,
        });
        assert_eq!(ours, golden["meta"]["conservation"][key]);
        assert_eq!(submitted, traded + cancelled + discarded + resting);
    }
}
