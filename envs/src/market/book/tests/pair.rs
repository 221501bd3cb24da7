//! A book and the same rules written plainly, given the same steps: all events and all queues must be equal.

use palaestra_envs::market::book::{Band, Book, BookConfig, Ids, Rules, SelfTrade};
use palaestra_envs::market::event::{Event, EventLog, Phase};
use palaestra_envs::market::order::{Side, Time};

use super::naive::NaiveBook;
use super::steps::Step;

/// All ways of self-trade.
pub(crate) const MODES: [SelfTrade; 4] = [
    SelfTrade::Allow,
    SelfTrade::CancelNewest,
    SelfTrade::CancelOldest,
    SelfTrade::Decrement,
];

/// A small book, which grows at first, is full now and then, and whose prices are often beyond the array of levels.
pub(crate) fn config(self_trade: SelfTrade, ids: Ids, band: Option<Band>) -> BookConfig {
    BookConfig {
        rules: Rules {
            tick: 5,
            max_size: 19,
            band,
            ..Rules::default()
        },
        capacity: 6,
        grows_to: 40,
        window: 64,
        self_trade,
        ids,
    }
}

/// The two.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) book: Book,
    naive: NaiveBook,
}

impl Pair {
    /// Two empty ones.
    pub(crate) fn new(config: BookConfig) -> Self {
        Self {
            book: Book::new(config).unwrap(),
            naive: NaiveBook::new(config),
        }
    }

    /// Does one thing to both. Returns what happened.
    pub(crate) fn step(&mut self, time: Time, step: Step) -> Vec<Event> {
        let Self { book, naive } = self;
        let mut log = EventLog::default();
        let events = match step {
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
        let ours = log.entries.iter().map(|(_, event)| *event);
        assert!(
            ours.clone().eq(events.iter().copied()),
            "{step:?}\nbook:  {:?}\nnaive: {events:?}",
            ours.collect::<Vec<_>>()
        );
        assert!(log.entries.iter().all(|(at, _)| *at == book.time()));
        events
    }

    /// Compares what rests in both.
    pub(crate) fn compare(&self) {
        let Self { book, naive } = self;
        for side in Side::BOTH {
            let ours = book.resting(side).map(|o| (o.id, o.open, o.reserve));
            assert!(ours.eq(naive.resting(side)));
        }
        assert_eq!(book.last_price(), naive.last_price());
    }
}
