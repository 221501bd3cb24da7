//! Any messages to an order book: it tells the same events as the rules written plainly, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palaestra_envs::market::book::{Book, BookConfig, Ids, Rules, SelfTrade};
use palaestra_envs::market::event::{EventLog, Phase};
use palaestra_envs::market::order::Side;

#[path = "../../../envs/src/market/book/tests/naive.rs"]
mod naive;
#[path = "../../../envs/src/market/book/tests/steps.rs"]
mod steps;

use naive::NaiveBook;
use steps::{Step, step};

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.iter();
    let mut below = |n: u32| {
        let mut byte = || u32::from(bytes.next().copied().unwrap_or(0));
        if n <= 256 { byte() % n } else { (byte() << 8 | byte()) % n }
    };
    let modes = [
        SelfTrade::Allow,
        SelfTrade::CancelNewest,
        SelfTrade::CancelOldest,
        SelfTrade::Decrement,
    ];
    let config = BookConfig {
        rules: Rules { tick: 5, max_size: 19, ..Rules::default() },
        capacity: 30,
        window: 64,
        self_trade: modes[below(4) as usize],
        ids: [Ids::Sequential, Ids::Any][below(2) as usize],
    };
    let Ok(mut book) = Book::new(config) else { return };
    let (mut naive, mut last_id) = (NaiveBook::new(config), 0);
    for time in 0..500 {
        let mut log = EventLog::default();
        let expected = match step(&mut below, &mut last_id, 5) {
            Step::Submit(message) => {
                book.submit(time, &message, &mut log);
                naive.submit(time, &message)
            }
            Step::Phase(phase, reference) => {
                let mut events = Vec::new();
                if book.phase() == Phase::Auction && phase != Phase::Auction {
                    book.uncross(time, reference, &mut log);
                    events = naive.uncross(time, reference);
                }
                book.set_phase(time, phase, &mut log);
                events.extend(naive.set_phase(time, phase));
                events
            }
        };
        assert!(log.entries.iter().map(|(_, event)| *event).eq(expected));
        for side in Side::BOTH {
            let ours = book.resting(side).map(|order| (order.id, order.open, order.reserve));
            assert!(ours.eq(naive.resting(side)));
        }
    }
});
