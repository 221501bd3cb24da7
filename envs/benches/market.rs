//! The order book and what is around it: `cargo bench -p palaestra-envs`, or `-- hour` for one of them. `palaestra bench market`
//! and `palaestra bench env` measure the same from outside, for comparisons between programs.

use std::hint::black_box;

use divan::{Bencher, counter::ItemsCount};
use palaestra_envs::{
    market::{
        book::{Book, BookConfig, Ids, Rules, Snapshot},
        event::{Event, EventLog, EventSink, Ignore},
        flow::OrderFlow,
        host::MarketView,
        kernel::{Calendar, Fees, Kernel, KernelConfig, SECOND, Seat, TraderTables},
        order::{Message, NewOrder, OrderId, Side, Time, TraderId},
        population::{Population, Preset},
    },
    registry,
    sim::Simulator,
    stream::Stream,
};
use serde_json::json;

const STREAM: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/golden/market/stream_2000.csv"
));
/// Traders whose accounts are kept.
const TRADERS: u32 = 64;
/// Messages between two snapshots, as wide as this.
const SNAPSHOT_EVERY: usize = 100;
const SNAPSHOT_LEVELS: usize = 10;
/// Steps of a batch of markets in an iteration.
const STEPS: u64 = 20;

fn main() {
    divan::main();
}

/// The recorded stream.
fn messages() -> Vec<(Time, Message)> {
    let lines = STREAM.lines().skip(1);
    lines.map(|line| parse(line).expect(line)).collect()
}

/// `seq,time_ns,kind,order_id,size,price,direction`
fn parse(line: &str) -> Option<(Time, Message)> {
    let fields: Vec<&str> = line.split(',').collect();
    let &[_, time, kind, id, size, price, direction] = &fields[..] else {
        return None;
    };
    let id = OrderId(id.parse().ok()?);
    let trader = TraderId((id.0 % u64::from(TRADERS)) as u32);
    let size = size.parse().ok()?;
    let side = match direction {
        "1" => Side::Buy,
        "-1" => Side::Sell,
        _ => return None,
    };
    let message = match kind {
        "L" => Message::New(NewOrder::limit(id, trader, side, size, price.parse().ok()?)),
        "M" => Message::New(NewOrder::market(id, trader, side, size)),
        "X" => Message::Reduce { id, by: size },
        "D" => Message::Cancel { id },
        _ => return None,
    };
    Some((time.parse().ok()?, message))
}

fn book() -> Book {
    Book::new(BookConfig {
        capacity: 4096,
        window: 1024,
        ids: Ids::Sequential,
        ..BookConfig::default()
    })
    .expect("in range")
}

/// The recorded stream into a book that was emptied.
#[divan::bench]
fn matching(bencher: Bencher) {
    let (messages, mut book) = (messages(), book());
    let counted = bencher.counter(ItemsCount::new(messages.len()));
    counted.bench_local(|| {
        book.clear();
        let mut trades = 0;
        for (time, message) in &messages {
            trades += book.submit(*time, message, &mut Ignore).fills;
        }
        black_box(trades)
    });
}

/// What an exchange keeps beside the book.
struct BackOffice {
    traders: TraderTables,
    log: EventLog,
}

impl EventSink for BackOffice {
    #[inline]
    fn event(&mut self, time: Time, event: Event) {
        self.log.event(time, event);
        self.traders.view().settle(&event, Fees::default(), 0, 1);
    }
}

/// The same with accounts, a log of all events, and ten levels every hundred messages.
#[divan::bench]
fn matching_with_ledger_log_and_snapshots(bencher: Bencher) {
    let (messages, mut book) = (messages(), book());
    let mut snapshot = Snapshot::new(SNAPSHOT_LEVELS);
    let mut office = BackOffice {
        traders: TraderTables::new(TRADERS as usize, 1),
        log: EventLog::default(),
    };
    let counted = bencher.counter(ItemsCount::new(messages.len()));
    counted.bench_local(|| {
        book.clear();
        office.log.entries.clear();
        let mut levels = 0;
        for chunk in messages.chunks(SNAPSHOT_EVERY) {
            for (time, message) in chunk {
                book.submit(*time, message, &mut office);
            }
            book.snapshot(&mut snapshot);
            levels += snapshot.side(Side::Buy).len();
        }
        black_box(levels)
    });
}

/// The first hour of the population `rmsc04` of ABIDES, in events of its kernel.
#[divan::bench]
fn rmsc04_hour(bencher: Bencher) {
    let config = Preset::Rmsc04.config();
    let (open, until) = (config.open, config.open + 3600 * SECOND);
    let kernel = KernelConfig {
        calendar: Some(Calendar::continuous(open, config.close)),
        ..KernelConfig::single(BookConfig {
            rules: Rules {
                tick: config.tick,
                ..Rules::default()
            },
            ..BookConfig::default()
        })
    };
    let mut flow = Population::new(config, 0);
    let mut kernel = Kernel::new(kernel).expect("in range");
    let mut tables = TraderTables::new(flow.traders() as usize, 1);
    for (trader, seat) in (0..).zip(tables.view().seats) {
        *seat = Seat {
            delays: flow.delays(trader),
            ..Seat::default()
        };
    }
    let mut hour = move || {
        let mut traders = tables.view();
        let stream = Stream::new(1, 0, "bench");
        kernel.open(open, &mut flow, stream, &mut traders, &mut Ignore);
        kernel.run(until, &mut flow, &mut traders, &mut Ignore);
        kernel.events()
    };
    let events = hour();
    bencher.counter(ItemsCount::new(events)).bench_local(hour);
}

/// Steps of 1,024 markets with about a hundred messages in each, in messages.
#[divan::bench(args = [1, 2], sample_count = 10, sample_size = 1)]
fn batch_of_markets(bencher: Bencher, shards: usize) {
    let args = json!({ "interval": 5.0 });
    let plugin = registry().build("market_making-v1", &args);
    let builder = Simulator::builder(plugin.expect("registered"));
    let simulator = builder.rows(1024).shards(shards).seed(1).build();
    let mut simulator = simulator.expect("in range");
    simulator.reset().expect("no options");
    let sum = |simulator: &Simulator| -> u64 {
        let views = (0..simulator.rows()).map(|row| simulator.view::<MarketView>(row));
        views.flatten().flatten().map(|view| view.messages).sum()
    };
    let mut steps = move || {
        for _ in 0..STEPS {
            simulator.step().expect("actions that were there");
        }
        sum(&simulator)
    };
    let before = steps();
    let messages = steps() - before;
    bencher
        .counter(ItemsCount::new(messages))
        .bench_local(steps);
}
