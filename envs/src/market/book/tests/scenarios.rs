//! 34 scenarios, one for each rule of an order type.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::market::event::EventLog;
use crate::market::order::TimeInForce;

#[derive(Debug, Deserialize)]
struct Scenario {
    name: String,
    stp: String,
    ops: Vec<Op>,
    expect: Expect,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Op {
    op: String,
    id: u64,
    new: Option<u64>,
    #[serde(default)]
    side: i64,
    size: Option<Size>,
    px: Option<Price>,
    #[serde(default)]
    tif: Option<String>,
    #[serde(default)]
    post: bool,
    #[serde(default)]
    hidden: bool,
    #[serde(default)]
    disp: Size,
    stop: Option<Price>,
    own: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Expect {
    bids: Value,
    asks: Value,
    stops: Vec<Value>,
    status: BTreeMap<String, String>,
    trades: Value,
    last: Option<Price>,
}

impl Op {
    fn message(&self) -> Message {
        let id = OrderId(self.id);
        match self.op.as_str() {
            "new" => Message::New(NewOrder {
                id,
                // Orders without an owner belong to as many traders.
                trader: TraderId(self.own.unwrap_or(1000 + self.id as u32)),
                side: if self.side == 1 {
                    Side::Buy
                } else {
                    Side::Sell
                },
                size: self.size.unwrap(),
                price: self.px,
                tif: match self.tif.as_deref() {
                    None => TimeInForce::Gtc,
                    Some("IOC") => TimeInForce::Ioc,
                    Some("FOK") => TimeInForce::Fok,
                    other => panic!("unknown time in force {other:?}"),
                },
                post_only: self.post,
                hidden: self.hidden,
                display: self.disp,
                stop: self.stop,
            }),
            "cancel" => Message::Cancel { id },
            "modify" => Message::Modify {
                id,
                size: self.size,
                price: self.px,
            },
            "replace" => Message::Replace {
                id,
                new_id: OrderId(self.new.unwrap()),
                size: self.size.unwrap(),
                price: self.px.unwrap(),
            },
            other => panic!("unknown operation {other}"),
        }
    }
}

/// The words of the file for what has become of each order when it last entered.
fn note(
    status: &mut BTreeMap<String, String>,
    stp: &str,
    op: &Op,
    outcome: Outcome,
    events: &EventLog,
) {
    let partial = if outcome.fills > 0 { "PARTIAL_" } else { "" };
    let word = match outcome.end {
        End::Rested => format!("{partial}RESTING"),
        End::Filled => "FILLED".into(),
        End::Discarded => format!("{partial}CANCELLED"),
        End::Killed => "KILLED".into(),
        End::SelfTrade => format!("{partial}CANCELLED_STP"),
        End::Held => "HELD".into(),
        End::Pooled => "POOLED".into(),
        End::Cancelled => "CANCELLED".into(),
        End::Reduced => "KEEP".into(),
        End::Rejected(Reject::UnknownOrder) => "REJ_UNKNOWN".into(),
        End::Rejected(Reject::PostOnly) => "REJ_POST_ONLY".into(),
        End::Rejected(other) => panic!("refused: {other}"),
    };
    match (op.op.as_str(), outcome.end) {
        ("cancel", End::Rejected(_)) => status.insert(format!("cancel:{}", op.id), word),
        ("modify", End::Cancelled) => status.insert(op.id.to_string(), "MODIFIED_KEEP".into()),
        ("modify", _) => status.insert(op.id.to_string(), format!("MODIFIED_{word}")),
        ("replace", _) => {
            status.insert(op.id.to_string(), "REPLACED".into());
            status.insert(op.new.unwrap().to_string(), word)
        }
        _ => status.insert(op.id.to_string(), word),
    };
    // Of other orders: those lost to self-trade prevention, and stop orders that were released.
    let mut released: Option<String> = None;
    for (_, event) in &events.entries {
        match event {
            Event::Cancelled {
                id,
                reason: CancelReason::SelfTrade,
                ..
            } if id.0 != op.id && stp == "cancel_oldest" => {
                status.insert(id.to_string(), "CANCELLED_STP".into());
            }
            Event::Triggered { id, .. } => released = Some(id.to_string()),
            Event::Trade(trade) if released == Some(trade.taker.to_string()) => {
                let word = if trade.taker_left == 0 {
                    "FILLED"
                } else {
                    "PARTIAL"
                };
                status.insert(trade.taker.to_string(), word.into());
            }
            Event::Rested { id, .. } if released == Some(id.to_string()) => {
                let traded = status[&id.to_string()] == "PARTIAL";
                let partial = if traded { "PARTIAL_" } else { "" };
                status.insert(id.to_string(), format!("{partial}RESTING"));
            }
            _ => {}
        }
    }
}

#[test]
fn every_scenario_ends_as_it_should() {
    let file: Value = serde_json::from_str(include_str!(
        "../../../../../tests/golden/market/scenarios.json"
    ))
    .unwrap();
    let scenarios: Vec<Scenario> = serde_json::from_value(file["scenarios"].clone()).unwrap();
    assert_eq!(scenarios.len(), 34);
    for scenario in scenarios {
        let mut book = book(match scenario.stp.as_str() {
            "none" => SelfTrade::Allow,
            mode => serde_json::from_value(mode.into()).unwrap(),
        });
        let mut status = BTreeMap::new();
        let mut trades = Vec::new();
        for (time, op) in scenario.ops.iter().enumerate() {
            let mut log = EventLog::default();
            let outcome = book.submit(time as Time, &op.message(), &mut log);
            note(&mut status, &scenario.stp, op, outcome, &log);
            for (_, event) in log.entries {
                if let Event::Trade(t) = event {
                    let ids = (t.maker.0, t.taker.0);
                    trades.push((t.price, t.size, ids.0, ids.1, t.aggressor.sign()));
                }
            }
        }
        let name = scenario.name;
        let queues = |side| {
            let queue = book.resting(side);
            let rows = queue.map(|o| (o.price, o.id.0, o.open, o.reserve, u8::from(o.hidden)));
            serde_json::json!(rows.collect::<Vec<_>>())
        };
        assert_eq!(queues(Side::Buy), scenario.expect.bids, "{name}");
        assert_eq!(queues(Side::Sell), scenario.expect.asks, "{name}");
        assert_eq!(serde_json::json!(trades), scenario.expect.trades, "{name}");
        assert_eq!(book.last_price(), scenario.expect.last, "{name}");
        assert_eq!(status, scenario.expect.status, "{name}");
        let stops = Side::BOTH.into_iter().map(|side| book.stops(side).count());
        assert_eq!(stops.sum::<usize>(), scenario.expect.stops.len(), "{name}");
    }
}
