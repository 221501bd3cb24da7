//! One flow after another.

use rand::RngExt;

use super::super::*;
use crate::market::book::{BookConfig, Resting};
use crate::market::event::Ignore;
use crate::market::flow::HandOver;
use crate::market::order::{NewOrder, Price, Side};

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

/// What is on its way when a flow hands over comes to rest afterwards, and is taken over then.
#[test]
fn orders_that_arrive_after_the_hand_over_are_adopted_too() {
    let mut flow = HandOver::new(Poster::new(10_000), Poster::new(10_000), 10 * SECOND);
    let mut kernel = Kernel::new(KernelConfig::single(BookConfig::default())).unwrap();
    let mut tables = TraderTables::new(2, 1);
    let mut view = tables.view();
    view.seats[0].delays.computation = 3 * SECOND;
    let stream = Stream::new(5, 0, "test");
    kernel.open(0, &mut flow, stream, &mut view, &mut Ignore);
    let of_first = |kernel: &Kernel| {
        let sides = Side::BOTH.into_iter();
        let orders = sides.flat_map(|side| kernel.book(Symbol(0)).resting(side));
        orders.filter(|order| order.trader.0 == 0).count()
    };
    // Nine orders were sent, and seven have arrived.
    kernel.run(10 * SECOND, &mut flow, &mut view, &mut Ignore);
    assert_eq!(of_first(&kernel), 7);
    kernel.run(60 * SECOND, &mut flow, &mut view, &mut Ignore);
    assert_eq!(of_first(&kernel), 0);
}
