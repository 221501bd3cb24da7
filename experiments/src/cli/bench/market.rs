//! `bench market`: messages per second of the matching engine.
//!
//! The messages are made once and then played over and over into a book that is emptied in between. By default they are
//! generated: 65 % limit orders, 6 % market orders, 8 % reductions and 21 % cancellations, in the proportions and around a
//! touch as in the recorded stream that the tests compare with, which `--stream` takes as well.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use palaestra_envs::{
    market::{
        book::{Book, BookConfig, Ids, Snapshot},
        event::{Event, EventLog, EventSink, Ignore},
        kernel::{Fees, TraderTables},
        order::{Message, NewOrder, OrderId, Side, Time, TraderId},
    },
    stream::Stream,
};
use rand::RngExt;
use serde_json::json;

use super::super::{CliError, Exit, output::Output};

/// Messages that are generated.
const GENERATED: usize = 2000;
/// Messages between two snapshots, as wide as this.
const SNAPSHOT_EVERY: usize = 100;
const SNAPSHOT_LEVELS: usize = 10;
/// Traders whose accounts are kept.
const TRADERS: u32 = 64;

#[derive(Debug, Clone, Args)]
pub(super) struct BenchMarketArgs {
    /// Messages to play instead of generated ones: `seq,time_ns,kind,order_id,size,price,direction` with kinds L, M, X, D
    #[arg(long, value_name = "FILE")]
    stream: Option<PathBuf>,
    /// Messages of each repetition
    #[arg(long, default_value_t = 10_000_000)]
    messages: u64,
    /// Repetitions; the fastest counts
    #[arg(long, default_value_t = 3)]
    repetitions: u32,
}

pub(super) fn bench_market(output: &Output, args: &BenchMarketArgs) -> Result<Exit, CliError> {
    let (source, messages) = match &args.stream {
        Some(path) => (path.display().to_string(), read(path)?),
        None => ("generated messages".into(), generate()),
    };
    let (alone, trades) = fastest(args, &messages, |book, messages| {
        let mut trades = 0;
        for (time, message) in messages {
            trades += u64::from(book.submit(*time, message, &mut Ignore).fills);
        }
        trades
    })?;
    let mut desk = BackOffice::new();
    let (complete, _) = fastest(args, &messages, |book, messages| desk.play(book, messages))?;
    output.text(&format!(
        "matching alone: {:.1} M messages/s\nwith ledger, event log and a snapshot of {SNAPSHOT_LEVELS} levels every \
         {SNAPSHOT_EVERY} messages: {:.1} M messages/s\n({source}, {} of them with {trades} trades, one core, best of {})",
        alone / 1e6,
        complete / 1e6,
        messages.len(),
        args.repetitions.max(1)
    ));
    output.document(
        "bench-market/1",
        &json!({
            "stream": source,
            "messages": messages.len(),
            "trades": trades,
            "messages_per_second": alone,
            "with_ledger_log_and_snapshots_per_second": complete,
            "palaestra": env!("CARGO_PKG_VERSION"),
        }),
    );
    Ok(Exit::Success)
}

/// Messages per second of the fastest repetition of `play`, and what `play` returns.
fn fastest(
    args: &BenchMarketArgs,
    messages: &[(Time, Message)],
    mut play: impl FnMut(&mut Book, &[(Time, Message)]) -> u64,
) -> Result<(f64, u64), CliError> {
    let config = BookConfig {
        capacity: 4096,
        window: 1024,
        ids: Ids::Sequential,
        ..BookConfig::default()
    };
    let mut book = Book::new(config).map_err(|e| CliError::argument(e.to_string(), "report it"))?;
    let rounds = args.messages.div_ceil(messages.len() as u64).max(1);
    let mut best: f64 = 0.0;
    let mut result = 0;
    for _ in 0..args.repetitions.max(1) {
        let started = Instant::now();
        for _ in 0..rounds {
            book.clear();
            result = std::hint::black_box(play(&mut book, messages));
        }
        let played = rounds as f64 * messages.len() as f64;
        best = best.max(played / started.elapsed().as_secs_f64());
    }
    Ok((best, result))
}

/// What an exchange keeps beside the book.
struct BackOffice {
    traders: TraderTables,
    log: EventLog,
    snapshot: Snapshot,
}

impl BackOffice {
    fn new() -> Self {
        Self {
            traders: TraderTables::new(TRADERS as usize, 1),
            log: EventLog::default(),
            snapshot: Snapshot::new(SNAPSHOT_LEVELS),
        }
    }

    fn play(&mut self, book: &mut Book, messages: &[(Time, Message)]) -> u64 {
        self.log.entries.clear();
        let mut levels = 0;
        for chunk in messages.chunks(SNAPSHOT_EVERY) {
            for (time, message) in chunk {
                book.submit(*time, message, self);
            }
            book.snapshot(&mut self.snapshot);
            levels += self.snapshot.side(Side::Buy).len() as u64;
        }
        levels
    }
}

impl EventSink for BackOffice {
    #[inline]
    fn event(&mut self, time: Time, event: Event) {
        self.log.event(time, event);
        self.traders.view().settle(&event, Fees::default(), 0, 1);
    }
}

/// Reads messages from a file.
fn read(path: &Path) -> Result<Vec<(Time, Message)>, CliError> {
    let bytes = crate::files::read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().enumerate().skip(1);
    let messages = lines.map(|(index, line)| {
        parse(line).ok_or_else(|| {
            CliError::argument(
                format!("{}, line {}: not a message: {line}", path.display(), index + 1),
                "a line is seq,time_ns,kind,order_id,size,price,direction, e.g. 0,34200008786756,L,1,100,998600,1",
            )
        })
    });
    let messages: Vec<_> = messages.collect::<Result<_, _>>()?;
    if messages.is_empty() {
        return Err(CliError::argument(
            format!("{} holds no messages", path.display()),
            "the first line is a header, each other one a message",
        ));
    }
    Ok(messages)
}

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

/// Messages to a market that begins empty, the same every time.
fn generate() -> Vec<(Time, Message)> {
    let mut rng = Stream::new(1, 0, "bench.market");
    let mut live: Vec<OrderId> = Vec::new();
    let (mut mid, mut next_id) = (10_000, 1);
    let mut messages = Vec::with_capacity(GENERATED);
    while messages.len() < GENERATED {
        let side = if rng.random() { Side::Buy } else { Side::Sell };
        let size = [1, 10, 50, 100, 200, 500, 1000][rng.random_range(0..7)];
        let kind = rng.random_range(0..100);
        let old = |rng: &mut Stream, live: &mut Vec<OrderId>| {
            (!live.is_empty()).then(|| live.swap_remove(rng.random_range(0..live.len())))
        };
        let message = match kind {
            0..21 => old(&mut rng, &mut live).map(|id| Message::Cancel { id }),
            21..29 => old(&mut rng, &mut live).map(|id| Message::Reduce { id, by: 1 }),
            _ => None,
        };
        let message = message.unwrap_or_else(|| {
            let id = OrderId(next_id);
            next_id += 1;
            let trader = TraderId((id.0 % u64::from(TRADERS)) as u32);
            if kind >= 94 {
                return Message::New(NewOrder::market(id, trader, side, size));
            }
            live.push(id);
            // Mostly some ticks from the middle of a market that wanders, now and then through it.
            mid += rng.random_range(0..41) / 20 - 1;
            let away = rng.random_range(0..8) + rng.random_range(0..8) - 1;
            Message::New(NewOrder::limit(
                id,
                trader,
                side,
                size,
                100 * (mid - side.sign() * away),
            ))
        });
        messages.push((messages.len() as Time * 1_000_000, message));
    }
    messages
}
