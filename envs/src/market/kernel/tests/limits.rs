//! What a trader has never falls below what it may owe, whatever is sent.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;
use crate::market::book::tests::steps;
use crate::market::book::{Resting, Rules, SelfTrade};
use crate::market::event::CancelReason;

const POOR: Seat = Seat {
    delays: Delays {
        communication: 0,
        computation: 0,
    },
    cash_credit: 0,
    share_credit: 0,
};

/// Player 0 has `cash` and no credit, player 1 any.
fn poor_and_rich(config: KernelConfig, cash: i64) -> Table {
    let account = Account { cash, reserved: 0 };
    Table::new(
        config,
        &[POOR, Seat::default()],
        account,
        Position::default(),
    )
}

fn market(id: u64, size: Size, stop: Option<Price>) -> Message {
    Message::New(NewOrder {
        stop,
        ..NewOrder::market(OrderId(id), TraderId(0), Side::Buy, size)
    })
}

/// Ten shares at 100 each can be paid for, ten more at 10,000 each cannot, though the last price was 100 when it was sent.
#[test]
fn a_stop_order_without_a_limit_is_discarded_if_it_cannot_be_paid_for() {
    let mut table = poor_and_rich(KernelConfig::single(BookConfig::default()), 1_000);
    table.send(1, 0, 0, limit(1, Side::Sell, 1, 100));
    table.send(0, 1, 0, market(2, 10, Some(100)));
    table.send(1, 2, 0, limit(3, Side::Sell, 20, 10_000));
    table.send(1, 3, 0, market(4, 1, None));
    let last = table.log.entries.last().unwrap().1;
    assert!(
        matches!(
            last,
            Event::Cancelled {
                id: OrderId(2),
                size: 10,
                reason: CancelReason::Cash,
                ..
            }
        ),
        "{last:?}"
    );
    // So it is with one whose price has come already, and one that can be paid for trades.
    table.send(0, 4, 0, market(5, 10, Some(100)));
    assert_eq!(table.tables.view().accounts[0].cash, 1_000);
    table.send(1, 5, 0, limit(6, Side::Sell, 10, 100));
    table.send(0, 6, 0, market(7, 10, Some(100)));
    assert_eq!(table.tables.view().accounts[0].cash, 0);
    assert_eq!(table.tables.view().positions[0].held, 10);
}

#[test]
fn a_market_order_is_checked_against_what_nobody_sees_and_against_fees() {
    let mut table = poor_and_rich(KernelConfig::single(BookConfig::default()), 1_000);
    let hidden = NewOrder {
        hidden: true,
        ..NewOrder::limit(OrderId(1), TraderId(1), Side::Sell, 10, 10_000)
    };
    table.send(1, 0, 0, Message::New(hidden));
    table.send(0, 1, 0, market(2, 10, None));
    assert_eq!(table.rejects(), [Reject::Cash]);

    let mut config = KernelConfig::single(BookConfig::default());
    config.fees.taker = 10_000;
    let mut table = poor_and_rich(config, 100_000);
    table.send(1, 0, 0, limit(1, Side::Sell, 20, 10_000));
    table.send(0, 1, 0, market(2, 10, None));
    table.send(0, 2, 0, limit(3, Side::Buy, 10, 10_000));
    assert_eq!(table.rejects(), [Reject::Cash, Reject::Cash]);
    table.send(0, 3, 0, limit(4, Side::Buy, 9, 10_000));
    assert_eq!(table.tables.view().accounts[0].cash, 100_000 - 90_900);
}

#[test]
fn a_fee_of_more_than_everything_is_refused() {
    let mut config = KernelConfig::single(BookConfig::default());
    config.fees.maker = 1_000_001;
    assert_eq!(Kernel::new(config).unwrap_err().key, "fees.maker");
}

/// All live orders.
fn live(book: &Book) -> Vec<Resting> {
    let sides = Side::BOTH.into_iter();
    let resting = sides.flat_map(|side| book.resting(side).chain(book.stops(side)));
    resting.chain(book.pooled()).collect()
}

/// No limit is passed, and reservations are what live orders promise.
fn check(table: &mut Table, fees: Fees) -> Result<(), TestCaseError> {
    let mut promised = [[0; 2]; 6];
    for order in live(table.kernel.book(Symbol(0))) {
        let of = &mut promised[order.trader.0 as usize];
        match (order.side, order.price) {
            (Side::Buy, Some(limit)) => of[0] += order.left() * fees.reserved(limit),
            (Side::Buy, None) => {}
            (Side::Sell, _) => of[1] += order.left(),
        }
    }
    let view = table.tables.view();
    for (trader, seat) in view.seats.iter().enumerate() {
        let (account, position) = (view.accounts[trader], view.positions[trader]);
        prop_assert_eq!([account.reserved, position.reserved], promised[trader]);
        if seat.cash_credit < Cash::MAX {
            prop_assert!(
                account.available() >= -seat.cash_credit,
                "{} {:?}",
                trader,
                account
            );
        }
        if seat.share_credit < Size::MAX {
            prop_assert!(
                position.available() >= -seat.share_credit,
                "{} {:?}",
                trader,
                position
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 50 } else { 600 }))]

    /// Orders of every kind, changes and auctions, of traders with and without credit: nobody ever owes more than it may, and when
    /// all orders are taken back nothing is reserved.
    #[test]
    fn nobody_ever_owes_more_than_it_may(
        choices in prop::collection::vec(any::<u64>(), 1..400),
        mode in 0usize..4,
        maker in -20_000i64..20_000,
        taker in -20_000i64..20_000,
    ) {
        let fees = Fees { maker, taker };
        let phases = [Phase::Continuous, Phase::Auction, Phase::Continuous, Phase::Halted, Phase::Auction];
        let changes = (0..8).map(|i| (50 * i, phases[(i % 5) as usize])).collect();
        let modes = [SelfTrade::Allow, SelfTrade::CancelNewest, SelfTrade::CancelOldest, SelfTrade::Decrement];
        let config = KernelConfig {
            calendar: Some(Calendar::new(changes).unwrap()),
            fees,
            ..KernelConfig::single(BookConfig {
                rules: Rules { tick: 5, ..Rules::default() },
                capacity: 16,
                grows_to: 1000,
                self_trade: modes[mode],
                ..BookConfig::default()
            })
        };
        let credits = [(0, 0), (50_000, 5), (0, 30), (Cash::MAX, 0), (0, Size::MAX), (Cash::MAX, Size::MAX)];
        let seats = credits.map(|(cash_credit, share_credit)| Seat { cash_credit, share_credit, ..POOR });
        let account = Account { cash: 150_000, reserved: 0 };
        let position = Position { held: 20, reserved: 0 };
        let mut table = Table::new(config, &seats, account, position);
        let (mut ids, mut now) = (0, 0);
        for choice in choices {
            let mut rng = Stream::new(choice, 0, "test");
            let message = match steps::step(&mut |n| rng.random_range(0..n), &mut ids, 5) {
                steps::Step::Submit(message) => message,
                // The calendar has phases enough.
                steps::Step::Phase(_phase, _reference) => continue,
            };
            // Changes are mostly asked for by the owner.
            let owner = table.kernel.book(Symbol(0)).order(message.id()).map(|order| order.trader.0);
            let player = owner.filter(|_| rng.random_range(0..20) > 0);
            now += 1;
            table.send(player.unwrap_or_else(|| rng.random_range(0..6)), now, 0, message);
            check(&mut table, fees)?;
        }
        for order in live(table.kernel.book(Symbol(0))) {
            table.send(order.trader.0, now, 0, Message::Cancel { id: order.id });
        }
        prop_assert_eq!(table.kernel.book(Symbol(0)).live_orders(), 0);
        let view = table.tables.view();
        prop_assert!(view.accounts.iter().all(|account| account.reserved == 0));
        prop_assert!(view.positions.iter().all(|position| position.reserved == 0));
    }
}
