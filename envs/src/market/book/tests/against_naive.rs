//! The book against the same rules written as plainly as can be: all events and all queues are equal.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rand::RngExt;

use super::pair::{MODES, Pair, config};
use super::steps::{Step, step};
use super::*;
use crate::stream::Stream;

/// What kind of event it is, in words.
fn kind(event: &Event) -> String {
    match event {
        Event::Rejected { reason, .. } => format!("{reason:?}"),
        Event::Cancelled { reason, .. } => format!("Cancelled: {reason:?}"),
        Event::Trade(trade) if trade.hidden => "Trade: hidden".into(),
        other => {
            let text = format!("{other:?}");
            text.split([' ', '(']).next().unwrap_or_default().into()
        }
    }
}

proptest! {
    #[test]
    fn short_sequences_agree(
        words in prop::collection::vec(any::<u32>(), 0..600),
        mode in 0usize..4,
        sequential in any::<bool>(),
        narrow in any::<bool>(),
    ) {
        let ids = if sequential { Ids::Sequential } else { Ids::Any };
        let band = narrow.then_some(Band { low: 4_925, high: 5_070 });
        let config = config(MODES[mode], ids, band);
        let mut pair = Pair::new(config);
        let (mut words, mut last_id) = (words.into_iter(), 0);
        let mut time = 0;
        while words.len() > 0 {
            let mut below = |n: u32| words.next().unwrap_or(0) % n;
            // Now and then a message comes too early.
            time += i64::from(below(4)) - i64::from(below(50) == 0);
            let step = step(&mut below, &mut last_id, 5);
            pair.step(time, step);
            pair.compare();
            // A restored book goes on as this one does.
            if words.len() % 97 == 0 {
                let image = pair.book.image();
                let mut again = Book::new(config).unwrap();
                prop_assert_eq!(again.restore(&image), Ok(()));
                prop_assert_eq!(again.image(), image);
                pair.book = again;
            }
        }
    }
}

/// The first bid after all others are gone can lie above the array of levels, which is where the market was before.
#[test]
fn a_side_that_was_empty_comes_back_far_away() {
    let config = config(SelfTrade::Allow, Ids::Any, None);
    let mut pair = Pair::new(config);
    let limit = |id, side, price| {
        let order = NewOrder::limit(OrderId(id), TraderId(id as u32), side, 5, price);
        Step::Submit(Message::New(order))
    };
    let steps = [
        limit(1, Side::Sell, 4_965),
        limit(2, Side::Buy, 100),
        Step::Submit(Message::Cancel { id: OrderId(2) }),
        limit(3, Side::Sell, 150),
        Step::Submit(Message::Cancel { id: OrderId(3) }),
        limit(4, Side::Buy, 4_900),
        limit(5, Side::Buy, 120),
        limit(6, Side::Buy, 4_950),
        limit(7, Side::Sell, 4_955),
        limit(8, Side::Sell, 100),
    ];
    for (time, step) in steps.into_iter().enumerate() {
        pair.step(time as Time, step);
        pair.compare();
    }
}

#[test]
fn a_long_run_agrees() {
    let steps = if cfg!(debug_assertions) {
        3_000
    } else {
        25_000
    };
    let mut kinds = BTreeSet::new();
    for mode in MODES {
        let config = config(mode, Ids::Sequential, None);
        let mut pair = Pair::new(config);
        let mut rng = Stream::new(17, mode as u64, "test");
        let mut last_id = 0;
        for time in 0..steps {
            let step = step(&mut |n| rng.random_range(0..n), &mut last_id, 5);
            let events = pair.step(time, step);
            kinds.extend(events.iter().map(kind));
            if time % 16 == 0 {
                pair.compare();
            }
        }
    }
    // All of it has come about.
    let expected = "Accepted Attributes Auction AuctionFill AuctionPrint Cancelled:Ioc Cancelled:Killed Cancelled:Market \
                    Cancelled:Requested Cancelled:SelfTrade Capacity Closed DuplicateId Halted Held MaxSize Modified \
                    PendingStop Phase PostOnly Reduced Refilled Replaced Rested Size Tick Trade Trade:hidden Triggered \
                    UnknownOrder";
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.replace(": ", ":")).collect();
    assert_eq!(kinds.join(" "), expected);
}
