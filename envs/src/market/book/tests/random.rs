//! Ten million steps of all kinds: nothing that must always hold is ever broken.

use rand::RngExt;

use super::steps::{Step, step};
use super::*;
use crate::market::event::{EventSink, Trade};
use crate::market::order::{Cash, OrderId};
use crate::stream::Stream;

/// Checks events as they come, and keeps what is needed to check the book.
#[derive(Debug)]
struct Auditor {
    /// By id: in how many moves the order came to its place in the queue; 0 before it was accepted.
    place: Vec<u32>,
    moves: u32,
    time: Time,
    /// By side: submitted, traded, cancelled, discarded.
    shares: [[Size; 4]; 2],
    cash: [Cash; 6],
    held: [Size; 6],
    trades: u64,
    hash: u64,
}

impl Auditor {
    fn move_to_back(&mut self, id: OrderId) {
        self.moves += 1;
        self.place[id.0 as usize] = self.moves;
    }

    fn fill(&mut self, trader: TraderId, side: Side, price: Price, size: Size) {
        self.shares[side.index()][1] += size;
        self.cash[trader.0 as usize] -= side.sign() * price * size;
        self.held[trader.0 as usize] += side.sign() * size;
        for value in [trader.0.into(), side.sign(), price, size] {
            self.hash = (self.hash ^ value as u64).wrapping_mul(0x100_0000_01b3);
        }
    }
}

impl EventSink for Auditor {
    fn event(&mut self, time: Time, event: Event) {
        assert!(time >= self.time, "time runs");
        self.time = time;
        match event {
            Event::Accepted { id, side, size, .. } => {
                assert_eq!(self.place[id.0 as usize], 0, "ids are unique");
                self.place[id.0 as usize] = 1;
                self.shares[side.index()][0] += size;
            }
            Event::Replaced {
                new_id,
                side,
                old_size,
                size,
                ..
            } => {
                self.place[new_id.0 as usize] = 1;
                self.shares[side.index()][0] += size;
                self.shares[side.index()][2] += old_size;
            }
            Event::Modified {
                side,
                old_size,
                size,
                ..
            } => {
                self.shares[side.index()][0] += size;
                self.shares[side.index()][2] += old_size;
            }
            Event::Rested { id, .. } | Event::Refilled { id, .. } => self.move_to_back(id),
            Event::Cancelled {
                side, size, reason, ..
            }
            | Event::Reduced {
                side, size, reason, ..
            } => self.shares[side.index()][if reason.is_discard() { 3 } else { 2 }] += size,
            Event::Trade(Trade {
                price,
                size,
                maker,
                taker,
                maker_trader,
                taker_trader,
                aggressor,
                taker_limit,
                ..
            }) => {
                assert!(size > 0 && self.place[maker.0 as usize] > 0);
                assert!(
                    self.place[taker.0 as usize] > 0,
                    "accepted before it trades"
                );
                let worse = taker_limit.map(|limit| (price - limit) * aggressor.sign());
                assert!(
                    worse.is_none_or(|worse| worse <= 0),
                    "no worse than the limit"
                );
                self.trades += 1;
                self.fill(taker_trader, aggressor, price, size);
                self.fill(maker_trader, aggressor.opposite(), price, size);
            }
            Event::AuctionFill {
                trader,
                side,
                limit,
                price,
                size,
                ..
            } => {
                assert!(
                    (price - limit) * side.sign() <= 0,
                    "no worse than the limit"
                );
                self.fill(trader, side, price, size);
            }
            _ => {}
        }
    }
}

/// All that must hold of a book between two messages.
fn check(book: &Book, auditor: &Auditor) {
    let pooled = || book.pooled();
    for side in Side::BOTH {
        let (mut levels, mut level) = (book.levels(side), None);
        let (mut left, mut size, mut count) = (0, 0, 0);
        let mut before: Option<(Price, bool, u32)> = None;
        for order in book.resting(side) {
            assert!(order.open > 0 && order.reserve >= 0);
            left += order.left();
            let price = order.price.unwrap();
            let place = auditor.place[order.id.0 as usize];
            // Of two displayed, or two hidden, orders at a price the earlier is before the other.
            if let Some((p, hidden, since)) = before.filter(|(p, ..)| *p == price) {
                assert!((p, hidden, since) < (price, order.hidden, place));
            }
            before = Some((price, order.hidden, place));
            if order.hidden {
                continue;
            }
            if level.is_none_or(|level: Depth| level.price != price) {
                assert!(level.is_none_or(|l| (l.size, l.count) == (size, count)));
                level = levels.next();
                (size, count) = (0, 0);
                assert_eq!(level.unwrap().price, price);
            }
            size += order.open;
            count += 1;
        }
        assert!(level.is_none_or(|l| (l.size, l.count) == (size, count)));
        assert!(levels.next().is_none(), "no level without orders");
        left += book.stops(side).map(|order| order.left()).sum::<Size>();
        left += pooled()
            .filter(|o| o.side == side)
            .map(|o| o.left())
            .sum::<Size>();
        let [submitted, traded, cancelled, discarded] = auditor.shares[side.index()];
        assert_eq!(submitted, traded + cancelled + discarded + left);
    }
    let all = Side::BOTH.map(|side| book.resting(side).count() + book.stops(side).count());
    assert_eq!(
        all[0] + all[1] + pooled().count(),
        book.live_orders() as usize
    );
    assert_eq!(auditor.cash.iter().sum::<Cash>(), 0);
    assert_eq!(auditor.held.iter().sum::<Size>(), 0);
}

fn run(steps: u64, self_trade: SelfTrade) -> (u64, u64) {
    let mut book = Book::new(BookConfig {
        rules: Rules {
            tick: 5,
            ..Rules::default()
        },
        capacity: 400,
        window: 128,
        self_trade,
        ..BookConfig::default()
    })
    .unwrap();
    let mut auditor = Auditor {
        place: vec![0; steps as usize + 2],
        moves: 1,
        time: 0,
        shares: [[0; 4]; 2],
        cash: [0; 6],
        held: [0; 6],
        trades: 0,
        hash: 0,
    };
    let mut rng = Stream::new(29, self_trade as u64, "test");
    let mut last_id = 0;
    for i in 0..steps {
        let before = last_id;
        let mut step = step(&mut |n| rng.random_range(0..n), &mut last_id, 5);
        // An id is not used twice, even where the generator would.
        if let Step::Submit(Message::New(order)) = &mut step
            && last_id == before
        {
            last_id += 1;
            order.id = OrderId(last_id);
        }
        let time = i as Time;
        match step {
            Step::Submit(message) => {
                book.submit(time, &message, &mut auditor);
            }
            Step::Phase(phase, reference) => {
                if book.phase() == Phase::Auction && phase != Phase::Auction {
                    book.uncross(time, reference, &mut auditor);
                }
                book.set_phase(time, phase, &mut auditor);
            }
        }
        let best = Side::BOTH.map(|side| book.ladder.best(side));
        assert!(best[0] < best[1], "the book is not crossed");
        if i % 1000 == 0 {
            check(&book, &auditor);
        }
    }
    assert!(auditor.trades > steps / 10);
    (auditor.trades, auditor.hash)
}

#[test]
fn what_must_hold_holds_through_ten_million_steps() {
    let steps = if cfg!(debug_assertions) {
        50_000
    } else {
        2_500_000
    };
    for mode in [
        SelfTrade::Allow,
        SelfTrade::CancelNewest,
        SelfTrade::CancelOldest,
        SelfTrade::Decrement,
    ] {
        run(steps, mode);
    }
}

#[test]
fn the_same_messages_give_the_same_trades() {
    assert_eq!(run(20_000, SelfTrade::Allow), run(20_000, SelfTrade::Allow));
}
