//! The kernel against a recorded trace, and its rules one by one.

use rand::RngExt;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::market::book::Resting;
use crate::market::event::{EventLog, Ignore, Reject};
use crate::market::flow::HandOver;
use crate::market::order::{NewOrder, Side, Size};

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
        "../../../../tests/golden/market/event_engine.json"
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

/// A trader that posts a share at a random price every second, beside a wall on each side, and cancels what it has adopted.
#[derive(Debug, Clone)]
struct Poster {
    rng: Stream,
    adopted: Vec<Resting>,
    posted: u32,
    price: Price,
}

impl Poster {
    fn new(price: Price) -> Self {
        Self {
            rng: Stream::new(0, 0, "none"),
            adopted: Vec::new(),
            posted: 0,
            price,
        }
    }
}

impl OrderFlow for Poster {
    fn reset(&mut self, stream: Stream) {
        (self.rng, self.posted) = (stream, 0);
        self.adopted.clear();
    }

    fn start(&mut self, desk: &mut Desk<'_>) {
        desk.wake_at(desk.now() + SECOND);
    }

    fn adopt(&mut self, _: Symbol, order: &Resting) {
        self.adopted.push(*order);
    }

    fn wake(&mut self, _: u32, desk: &mut Desk<'_>) {
        if let Some(order) = self.adopted.pop() {
            desk.send_as(order.trader, Symbol(0), Message::Cancel { id: order.id });
        }
        let side = if self.rng.random() {
            Side::Buy
        } else {
            Side::Sell
        };
        let price = self.price - 100 * side.sign();
        let id = desk.new_id();
        self.posted += 1;
        desk.send(
            Symbol(0),
            Message::New(NewOrder::limit(id, TraderId(9), side, 10, price)),
        );
        desk.wake_at(desk.now() + SECOND);
    }
}

#[test]
fn a_flow_hands_over_to_another_which_adopts_its_orders() {
    let mut flow = HandOver::new(Poster::new(10_000), Poster::new(20_000), 10 * SECOND);
    let mut kernel = Kernel::new(KernelConfig::single(BookConfig::default())).unwrap();
    let mut tables = TraderTables::new(2, 1);
    let mut view = tables.view();
    for _ in 0..2 {
        let stream = Stream::new(5, 0, "test");
        kernel.open(0, &mut flow, stream, &mut view, &mut Ignore);
        kernel.run(9 * SECOND, &mut flow, &mut view, &mut Ignore);
        let resting = |kernel: &Kernel, trader| {
            let sides = Side::BOTH.into_iter();
            let orders = sides.flat_map(|side| kernel.book(Symbol(0)).resting(side));
            orders.filter(|order| order.trader.0 == trader).count()
        };
        assert_eq!((resting(&kernel, 0), resting(&kernel, 1)), (9, 0));
        // At 10 s the second begins: nine orders of the first are left, no tenth comes.
        kernel.run(15 * SECOND, &mut flow, &mut view, &mut Ignore);
        // It has woken at 11 s and every second since, and cancelled one of the other's each time.
        assert_eq!((resting(&kernel, 0), resting(&kernel, 1)), (4, 5));
        view.accounts.fill(Account::default());
        view.positions.fill(Position::default());
    }
}

/// Nobody trades but players.
#[derive(Debug)]
struct Nobody;

impl OrderFlow for Nobody {
    fn traders(&self) -> u32 {
        0
    }

    fn reset(&mut self, _: Stream) {}

    fn start(&mut self, _: &mut Desk<'_>) {}

    fn wake(&mut self, _: u32, _: &mut Desk<'_>) {}
}

/// A market of players only, who wake up once a second.
struct Table {
    kernel: Kernel,
    tables: TraderTables,
    log: EventLog,
}

impl Table {
    fn new(config: KernelConfig, seats: &[Seat], account: Account, position: Position) -> Self {
        let symbols = config.books.len();
        let mut kernel = Kernel::new(config).unwrap();
        let mut tables = TraderTables::new(seats.len(), symbols);
        let mut log = EventLog::default();
        let mut view = tables.view();
        view.seats.copy_from_slice(seats);
        view.accounts.fill(account);
        view.positions.fill(position);
        kernel.open(0, &mut Nobody, Stream::new(0, 0, "t"), &mut view, &mut log);
        Self {
            kernel,
            tables,
            log,
        }
    }

    /// A player sends a message at `now`, everything until then and what it leads to without delay happens.
    fn send(&mut self, player: u32, now: Time, symbol: u16, message: Message) {
        let mut view = self.tables.view();
        self.kernel.run(now, &mut Nobody, &mut view, &mut self.log);
        let mut desk = self.kernel.desk(TraderId(player), now, &view);
        desk.send(Symbol(symbol), message);
        self.kernel.run(now, &mut Nobody, &mut view, &mut self.log);
    }

    fn rejects(&self) -> Vec<Reject> {
        let events = self.log.entries.iter();
        let rejects = events.filter_map(|(_, event)| match event {
            Event::Rejected { reason, .. } => Some(*reason),
            _ => None,
        });
        rejects.collect()
    }
}

fn limit(id: u64, side: Side, size: Size, price: Price) -> Message {
    Message::New(NewOrder::limit(OrderId(id), TraderId(0), side, size, price))
}

#[test]
fn what_a_trader_cannot_pay_or_deliver_or_does_not_own_is_refused() {
    let poor = Seat {
        cash_credit: 0,
        share_credit: 0,
        ..Seat::default()
    };
    let account = Account {
        cash: 1_000_000,
        reserved: 0,
    };
    let position = Position {
        held: 150,
        reserved: 0,
    };
    let mut config = KernelConfig::single(BookConfig::default());
    config.books[0].rules.lot = 100;
    config.books[0].rules.odd_lot_sells = true;
    let mut table = Table::new(config, &[poor, Seat::default()], account, position);
    table.send(0, 0, 0, limit(1, Side::Buy, 100, 10_000));
    assert_eq!(table.tables.view().accounts[0].available(), 0);
    table.send(0, 1, 0, limit(2, Side::Buy, 100, 100));
    // Its own reservation counts as free when an order changes.
    let modify = |price| Message::Modify {
        id: OrderId(1),
        size: None,
        price: Some(price),
    };
    table.send(0, 2, 0, modify(10_100));
    table.send(0, 3, 0, modify(9_900));
    table.send(1, 4, 0, Message::Cancel { id: OrderId(1) });
    // Half a lot may be sold once, and nothing that is not there.
    table.send(0, 5, 0, limit(3, Side::Sell, 30, 20_000));
    table.send(0, 6, 0, limit(4, Side::Sell, 50, 20_000));
    table.send(0, 7, 0, limit(5, Side::Sell, 50, 20_000));
    table.send(0, 8, 0, limit(6, Side::Sell, 200, 20_000));
    table.send(0, 9, 0, limit(7, Side::Sell, 100, 20_000));
    table.send(0, 10, 3, limit(8, Side::Sell, 100, 20_000));
    assert_eq!(
        table.rejects(),
        [
            Reject::Cash,
            Reject::Cash,
            Reject::NotOwner,
            Reject::Lot,
            Reject::Lot,
            Reject::Holdings,
            Reject::UnknownSymbol,
        ]
    );
    // A market order is checked against the book when it comes: 100 shares at 20,000 cost more than is left.
    let market = Message::New(NewOrder::market(OrderId(9), TraderId(0), Side::Buy, 100));
    table.send(1, 11, 0, limit(10, Side::Sell, 100, 20_000));
    table.send(0, 12, 0, market);
    assert_eq!(table.rejects().last(), Some(&Reject::Cash));
    let view = table.tables.view();
    assert_eq!(view.accounts[0].reserved, 990_000);
    assert_eq!(view.positions[0].available(), 0);
}

#[test]
fn cash_and_shares_move_but_do_not_come_or_go() {
    let mut config = KernelConfig::single(BookConfig::default());
    config.books.push(BookConfig::default());
    config.fees = Fees {
        maker: -10,
        taker: 25,
    };
    let account = Account {
        cash: 10_000_000_000,
        reserved: 0,
    };
    let mut table = Table::new(config, &[Seat::default(); 5], account, Position::default());
    let mut rng = Stream::new(3, 0, "test");
    for i in 0..3000 {
        let side = if rng.random() { Side::Buy } else { Side::Sell };
        let price = 100 * rng.random_range(90..110);
        let (size, old) = (rng.random_range(1..50), OrderId(rng.random_range(1..i + 2)));
        let message = match rng.random_range(0..8) {
            0 => Message::Cancel { id: old },
            1 => Message::Reduce { id: old, by: size },
            2 => Message::Modify {
                id: old,
                size: Some(size),
                price: Some(price),
            },
            3 => Message::New(NewOrder::market(OrderId(i + 1), TraderId(0), side, size)),
            _ => limit(i + 1, side, size, price),
        };
        table.send(rng.random_range(0..5), i as Time, (i % 2) as u16, message);
        let view = table.tables.view();
        let cash: i64 = view.accounts.iter().map(|account| account.cash).sum();
        assert_eq!(cash + table.kernel.fees_paid(), 50_000_000_000);
        for symbol in 0..2 {
            let shares = view.positions.iter().skip(symbol).step_by(2);
            assert_eq!(shares.map(|position| position.held).sum::<i64>(), 0);
        }
        // Reservations are exactly what live orders promise.
        for trader in 0..5 {
            let mut cash = 0;
            for symbol in 0..2 {
                let book = table.kernel.book(Symbol(symbol));
                let own = |side| {
                    book.resting(side)
                        .filter(move |order| order.trader.0 == trader)
                };
                cash += own(Side::Buy)
                    .map(|o| o.left() * o.price.unwrap())
                    .sum::<i64>();
                let shares: i64 = own(Side::Sell).map(|order| order.left()).sum();
                let position = view.positions[trader as usize * 2 + usize::from(symbol)];
                assert_eq!(position.reserved, shares);
            }
            assert_eq!(view.accounts[trader as usize].reserved, cash);
        }
    }
    assert!(table.kernel.fees_paid() > 0);
}

#[test]
fn a_phase_begins_before_what_happens_at_its_instant() {
    let day = Calendar::new(vec![
        (10, Phase::Auction),
        (20, Phase::Continuous),
        (30, Phase::Closed),
    ]);
    let mut config = KernelConfig::single(BookConfig::default());
    config.calendar = Some(day.unwrap());
    let seats = [Seat::default(); 2];
    let mut table = Table::new(config, &seats, Account::default(), Position::default());
    table.send(0, 9, 0, limit(1, Side::Buy, 10, 10_000));
    table.send(0, 10, 0, limit(2, Side::Buy, 10, 10_000));
    table.send(1, 19, 0, limit(3, Side::Sell, 15, 9_900));
    // At the instant in which the auction ends, orders trade as they come.
    table.send(0, 20, 0, limit(4, Side::Buy, 5, 9_900));
    table.send(0, 30, 0, limit(5, Side::Buy, 5, 9_900));
    assert_eq!(table.rejects(), [Reject::Closed, Reject::Closed]);
    let trades = table
        .log
        .entries
        .iter()
        .filter_map(|(time, event)| match event {
            Event::AuctionPrint { price, volume, .. } => Some((*time, *price, *volume)),
            Event::Trade(trade) => Some((*time, trade.price, trade.size)),
            _ => None,
        });
    assert_eq!(
        trades.collect::<Vec<_>>(),
        [(20, 9_900, 10), (20, 9_900, 5)]
    );
    let view = table.tables.view();
    assert_eq!(
        (view.accounts[0].cash, view.positions[0].held),
        (-148_500, 15)
    );
    assert!(Calendar::new(vec![(5, Phase::Auction), (5, Phase::Closed)]).is_err());
    assert_eq!(Calendar::shenzhen().phase(clock(9, 25, 0)), Phase::Closed);
    assert_eq!(Calendar::new_york().phase(clock(9, 29, 59)), Phase::Closed);
}
