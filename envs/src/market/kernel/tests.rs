//! The rules of the kernel, one by one.

use rand::RngExt;

use super::*;
use crate::market::book::BookConfig;
use crate::market::event::EventLog;
use crate::market::order::{Cash, NewOrder, OrderId, Price, Side, Size};

mod hand_over;
mod limits;
mod trace;

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
                    .map(|o| o.left() * table.kernel.wire.fees.reserved(o.price.unwrap()))
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

#[test]
fn an_order_without_a_place_is_counted() {
    let mut config = KernelConfig::single(BookConfig {
        capacity: 1,
        ..BookConfig::default()
    });
    let seats = [Seat::default()];
    for (grows_to, refused) in [(0, 2), (2, 1), (3, 0)] {
        config.books[0].grows_to = grows_to;
        let account = Account::default();
        let mut table = Table::new(config.clone(), &seats, account, Position::default());
        for id in 1..=3 {
            table.send(0, id as Time, 0, limit(id, Side::Buy, 1, 100));
        }
        assert_eq!(table.kernel.overflows(), refused);
        assert_eq!(table.rejects(), vec![Reject::Capacity; refused as usize]);
        // A saved market is as healthy as it was, and no more.
        let image = table.kernel.image();
        let mut other = Table::new(config.clone(), &seats, account, Position::default());
        other.kernel.restore(&image, &Nobody).unwrap();
        assert_eq!(other.kernel.overflows(), refused);
    }
}
