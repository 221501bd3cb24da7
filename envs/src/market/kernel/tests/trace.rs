//! A trace of three traders with delays, recorded from MarS's event engine.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::*;
use crate::market::book::BookConfig;
use crate::market::event::Ignore;
use crate::market::order::{NewOrder, OrderId, Price, Side, Size};

#[derive(Debug, Deserialize)]
struct Trace {
    open_s: i64,
    init_cash: i64,
    agents: Vec<ScriptedTrader>,
    log: Vec<Value>,
    #[serde(rename = "final")]
    last: Vec<Value>,
    final_book: Value,
}

#[derive(Debug, Deserialize)]
struct ScriptedTrader {
    communication_delay: i64,
    computation_delay: i64,
    script: Vec<Line>,
}

/// Time of the wake-up, B, S or C, price, size, which of the trader's orders to cancel.
type Line = (i64, String, Option<Price>, Size, Option<usize>);

/// Traders that follow a script, and note what they see and hear.
#[derive(Debug)]
struct Script {
    traders: Vec<ScriptedTrader>,
    next: Vec<usize>,
    /// Each trader's own books, kept from the notices that reach it.
    accounts: Vec<(Account, Position)>,
    live: Vec<Vec<OrderId>>,
    log: Vec<Value>,
}

fn seconds(time: Time) -> f64 {
    time as f64 / SECOND as f64
}

fn letter(side: Side) -> &'static str {
    if side == Side::Buy { "B" } else { "S" }
}

fn ledger((account, position): &(Account, Position)) -> Value {
    json!({
        "cash": account.cash,
        "holdings": position.held,
        "tradable_cash": account.available(),
        "tradable_holdings": position.available(),
    })
}

impl OrderFlow for Script {
    fn traders(&self) -> u32 {
        self.traders.len() as u32
    }

    fn delays(&self, trader: u32) -> Delays {
        let trader = &self.traders[trader as usize];
        Delays {
            communication: trader.communication_delay * SECOND,
            computation: trader.computation_delay * SECOND,
        }
    }

    fn reset(&mut self, _: Stream) {}

    fn start(&mut self, desk: &mut Desk<'_>) {
        for (i, trader) in self.traders.iter().enumerate() {
            desk.wake_trader_at(i as u32, trader.script[0].0 * SECOND);
        }
    }

    fn wake(&mut self, trader: u32, desk: &mut Desk<'_>) {
        let t = trader as usize;
        let book = desk.book(Symbol(0));
        let best = [Side::Buy, Side::Sell].map(|side| Vec::from_iter(book.best(side)));
        // The recording has no picture of a market in which nothing has happened.
        let best = (book.time() >= 0).then_some(best);
        self.log
            .push(json!(["wake", seconds(desk.now()), trader, { "best": best }]));
        let (_, kind, price, size, live) = self.traders[t].script[self.next[t]].clone();
        let message = match (kind.as_str(), live) {
            ("C", Some(live)) => Message::Reduce {
                id: self.live[t][live],
                by: size,
            },
            (kind, _) => {
                let side = if kind == "B" { Side::Buy } else { Side::Sell };
                let price = price.unwrap();
                Message::New(NewOrder::limit(
                    OrderId::ASSIGN,
                    TraderId(0),
                    side,
                    size,
                    price,
                ))
            }
        };
        desk.send(Symbol(0), message);
        self.next[t] += 1;
        if let Some((time, ..)) = self.traders[t].script.get(self.next[t]) {
            desk.wake_at(time * SECOND);
        }
    }

    fn notice(&mut self, trader: u32, _: Symbol, event: &Event, desk: &mut Desk<'_>) {
        let t = trader as usize;
        let (account, position) = &mut self.accounts[t];
        account.hear(position, TraderId(trader), event, Fees::default());
        let now = seconds(desk.now());
        match *event {
            Event::Accepted {
                id,
                side,
                size,
                limit,
                ..
            } => {
                self.live[t].push(id);
                let order = json!([[id, letter(side), limit, size]]);
                self.log.push(json!(["accepted", now, trader, order]));
            }
            Event::Trade(trade) => {
                let taken = trade.taker_trader.0 == trader;
                let id = if taken { trade.taker } else { trade.maker };
                let fill = json!([id, letter(trade.aggressor), trade.price, trade.size]);
                let books = ledger(&self.accounts[t]);
                self.log.push(json!(["executed", now, trader, fill, books]));
            }
            Event::Reduced {
                id, size, limit, ..
            } => {
                let books = ledger(&self.accounts[t]);
                let fill = json!([id, "C", limit, size]);
                self.log
                    .push(json!(["accepted", now, trader, ["C", limit, size]]));
                self.log.push(json!(["executed", now, trader, fill, books]));
            }
            _ => panic!("unexpected {event:?}"),
        }
    }

    fn wants_notices(&self) -> bool {
        true
    }
}

/// A recorded entry as ours would be: without the id that a cancellation has there, and with available cash as it is when
/// the difference between limit and price is given back.
fn expected(entry: &Value) -> Value {
    let mut entry = entry.clone();
    if entry[0] == "accepted" && entry[3][0][1] == "C" {
        entry[3] = json!(["C", entry[3][0][2], entry[3][0][3]]);
    }
    if entry[0] == "wake" {
        entry[3] = json!({ "best": entry[3]["best"] });
    }
    // Of a limit of 10200, 120 shares at 9900 and 30 at 10000 cost 36,000 and 6,000 less.
    let returned = match (entry[1].as_f64(), &entry[3][2]) {
        (Some(13.0), price) if entry[0] == "executed" => {
            if *price == json!(9900) {
                36_000
            } else {
                42_000
            }
        }
        _ => 0,
    };
    if let Some(cash) = entry[4]["tradable_cash"].as_i64() {
        entry[4]["tradable_cash"] = json!(cash + returned);
    }
    entry
}

#[test]
fn the_recorded_trace_of_three_traders_with_delays_is_reproduced() {
    let trace: Trace = serde_json::from_str(include_str!(
        "../../../../../tests/golden/market/event_engine.json"
    ))
    .unwrap();
    let traders = trace.agents.len();
    let cash = Account {
        cash: trace.init_cash,
        reserved: 0,
    };
    let mut script = Script {
        next: vec![0; traders],
        accounts: vec![(cash, Position::default()); traders],
        live: vec![Vec::new(); traders],
        log: Vec::new(),
        traders: trace.agents,
    };
    let mut kernel = Kernel::new(KernelConfig {
        first_id: OrderId(1_000_000_000),
        ..KernelConfig::single(BookConfig::default())
    })
    .unwrap();
    let mut tables = TraderTables::new(traders, 1);
    let mut view = tables.view();
    view.accounts.fill(cash);
    seat(&script, &mut view);
    let opening = trace.open_s * SECOND;
    let stream = Stream::new(1, 0, "test");
    kernel.open(opening, &mut script, stream, &mut view, &mut Ignore);
    let pause = kernel.run(100 * SECOND, &mut script, &mut view, &mut Ignore);
    assert_eq!(pause, Pause::Idle);
    let recorded: Vec<Value> = trace.log.iter().map(expected).collect();
    for (ours, recorded) in script.log.iter().zip(&recorded) {
        assert_eq!(ours, recorded);
    }
    assert_eq!(script.log.len(), recorded.len());
    let book = kernel.book(Symbol(0));
    for (trader, recorded) in trace.last.iter().enumerate() {
        let ours = (view.accounts[trader], view.positions[trader]);
        // What traders have heard by the end is what the exchange says.
        assert_eq!(ours, script.accounts[trader]);
        let live: Vec<_> = Side::BOTH
            .into_iter()
            .flat_map(|side| book.resting(side))
            .filter(|order| order.trader.0 as usize == trader)
            .map(|order| json!([order.id, letter(order.side), order.price, order.left()]))
            .collect();
        let mut ours = ledger(&ours);
        ours["live"] = json!(live);
        let mut recorded = recorded.clone();
        if trader == 1 {
            recorded["tradable_cash"] = json!(recorded["tradable_cash"].as_i64().unwrap() + 42_000);
        }
        assert_eq!(ours, recorded);
    }
    let levels = |side| {
        let levels = book.levels(side).map(|level| (level.price, level.size));
        levels.collect::<Vec<_>>()
    };
    let book = json!({ "bids": levels(Side::Buy), "asks": levels(Side::Sell) });
    assert_eq!(book, trace.final_book);
}

fn seat<F: OrderFlow>(flow: &F, traders: &mut Traders<'_>) {
    for (i, seat) in traders.seats[..flow.traders() as usize]
        .iter_mut()
        .enumerate()
    {
        seat.delays = flow.delays(i as u32);
    }
}
