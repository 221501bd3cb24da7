//! Joining updates and snapshots.

use std::{collections::VecDeque, io::BufRead};

use super::{
    super::{DataError, FeedEvent, FeedReader, Kind, Position, Problem, Side, Units, lines::Lines},
    UNITS,
    json::{Document, Snapshot, Text, Update, document},
};

/// Bytes that a line may have: snapshots of 5,000 levels have about 300 kB.
const LIMIT: usize = 16 << 20;
/// Levels that may wait for a snapshot; about ten minutes of a busy symbol.
const MOST_WAITING: usize = 2_000_000;
const DECIMALS: usize = 8;

/// A level that changes.
#[derive(Debug, Clone, Copy)]
struct Change {
    side: Side,
    price: i64,
    size: u64,
}

/// An update that waits.
#[derive(Debug)]
struct Waiting {
    position: Position,
    ids: Ids,
    time_ns: u64,
    changes: Vec<Change>,
}

#[derive(Debug, Clone, Copy)]
struct Ids {
    first: u64,
    last: u64,
    previous: Option<u64>,
}

impl Ids {
    /// Whether these updates follow those up to `last`; after a snapshot they may also begin before its end.
    fn follow(&self, last: u64, after_snapshot: bool) -> bool {
        let next = last.saturating_add(1);
        if after_snapshot {
            // Futures number all symbols together, so only that they straddle the snapshot can be asked.
            return self.first <= next && self.last >= last;
        }
        match self.previous {
            Some(previous) => previous == last,
            None => self.first == next,
        }
    }
}

/// Reads depth updates of one symbol.
#[derive(Debug)]
pub struct DepthReader<R> {
    lines: Lines<R>,
    symbol: Option<String>,
    /// Updates before the first snapshot.
    waiting: VecDeque<Waiting>,
    waiting_levels: usize,
    /// Id of the last update in the book; `None` before the first snapshot.
    last: Option<u64>,
    after_snapshot: bool,
    /// Levels of a snapshot whose time the next update tells.
    snapshot: Option<Vec<Change>>,
    ready: VecDeque<FeedEvent>,
    position: Position,
    last_ns: u64,
}

impl<R: BufRead> DepthReader<R> {
    /// A reader of lines.
    pub fn new(input: R) -> Self {
        Self {
            lines: Lines::new(input, "Binance depth", LIMIT),
            symbol: None,
            waiting: VecDeque::new(),
            waiting_levels: 0,
            last: None,
            after_snapshot: false,
            snapshot: None,
            ready: VecDeque::new(),
            position: Position::Line { line: 1, column: 1 },
            last_ns: 0,
        }
    }

    /// Reads a line; `false` at the end.
    fn line(&mut self) -> Result<bool, DataError> {
        if !self.lines.advance(false)? {
            return Ok(false);
        }
        let line = self.lines.text();
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(true);
        }
        self.position = self.lines.at(0);
        let parsed = document(line)
            .map_err(|(byte, message)| Problem::Json(message).at(self.lines.at(byte)))?;
        match parsed {
            Document::Update(update) => {
                let read = read_update(&update, self.position);
                let symbol = update.symbol.to_owned();
                let update = read.map_err(|problem| problem.at(self.position))?;
                self.name(symbol)?;
                self.update(update)?;
            }
            Document::Snapshot(snapshot) => {
                let last = snapshot.last;
                let changes = snapshot_changes(&snapshot);
                let changes = changes.map_err(|problem| problem.at(self.position))?;
                self.join(last, changes)?;
            }
            Document::Other => self.ready.push_back(FeedEvent::other(self.last_ns, 0)),
        }
        Ok(true)
    }

    fn name(&mut self, symbol: String) -> Result<(), DataError> {
        match &self.symbol {
            None => self.symbol = Some(symbol),
            Some(known) if *known == symbol => {}
            Some(_) => {
                let (field, expected) = ("s", "one symbol in the whole file");
                let found = symbol;
                let problem = Problem::Field {
                    field,
                    expected,
                    found,
                };
                return Err(problem.at(self.position));
            }
        }
        Ok(())
    }

    fn update(&mut self, update: Waiting) -> Result<(), DataError> {
        let Some(last) = self.last else {
            self.waiting_levels += update.changes.len();
            if self.waiting_levels > MOST_WAITING {
                let why = "no snapshot after many updates: put the answer of the REST interface on a line of its own";
                return Err(Problem::NoSnapshot(why).at(update.position));
            }
            self.waiting.push_back(update);
            return Ok(());
        };
        if update.ids.last <= last && self.after_snapshot {
            return Ok(());
        }
        if !update.ids.follow(last, self.after_snapshot) {
            let found = update.ids.first;
            return Err(Problem::Gap { last, found }.at(update.position));
        }
        self.after_snapshot = false;
        self.last = Some(update.ids.last);
        if let Some(levels) = self.snapshot.take() {
            self.show_snapshot(&levels, update.time_ns);
        }
        self.last_ns = update.time_ns;
        self.show(&update.changes, update.time_ns);
        Ok(())
    }

    /// A snapshot: the book from here on, and what has waited for it. One that is older than the book is of no use.
    fn join(&mut self, last: u64, changes: Vec<Change>) -> Result<(), DataError> {
        if self.last.is_some_and(|known| known >= last) {
            return Ok(());
        }
        self.last = Some(last);
        self.after_snapshot = true;
        self.snapshot = Some(changes);
        self.waiting_levels = 0;
        for update in std::mem::take(&mut self.waiting) {
            self.update(update)?;
        }
        Ok(())
    }

    fn show_snapshot(&mut self, levels: &[Change], time_ns: u64) {
        self.ready.push_back(FeedEvent {
            kind: Kind::Clear,
            ..FeedEvent::other(time_ns, 0)
        });
        self.show(levels, time_ns);
    }

    fn show(&mut self, changes: &[Change], time_ns: u64) {
        let events = changes.iter().map(|change| FeedEvent {
            kind: Kind::SetLevel,
            side: Some(change.side),
            size: change.size,
            price: Some(change.price),
            ..FeedEvent::other(time_ns, 0)
        });
        self.ready.extend(events);
    }
}

impl<R: BufRead> FeedReader for DepthReader<R> {
    fn units(&self) -> Units {
        UNITS
    }

    fn read(&mut self) -> Result<Option<FeedEvent>, DataError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.line()? {
                continue;
            }
            if let Some(levels) = self.snapshot.take() {
                self.show_snapshot(&levels, self.last_ns);
                continue;
            }
            if !self.waiting.is_empty() {
                let why = "no snapshot: put the answer of the REST interface on a line of its own";
                return Err(Problem::NoSnapshot(why).at(self.position));
            }
            return Ok(None);
        }
    }

    fn position(&self) -> Position {
        self.position
    }

    fn symbol(&self, _: u32) -> Option<&str> {
        self.symbol.as_deref()
    }

    fn symbols(&self) -> Vec<(u32, String)> {
        self.symbol.iter().map(|name| (0, name.clone())).collect()
    }
}

fn read_update(update: &Update<'_>, position: Position) -> Result<Waiting, Problem> {
    let mut changes = Vec::with_capacity(update.bids.len() + update.asks.len());
    read_levels(Side::Buy, &update.bids, &mut changes)?;
    read_levels(Side::Sell, &update.asks, &mut changes)?;
    if update.last < update.first {
        return Err(Problem::Field {
            field: "u",
            expected: "an id not before U",
            found: update.last.to_string(),
        });
    }
    // Milliseconds, or microseconds where the stream was asked for them.
    let unit = if update.time > 100_000_000_000_000 {
        1_000
    } else {
        1_000_000
    };
    let time_ns = update
        .time
        .checked_mul(unit)
        .ok_or_else(|| Problem::TooLarge {
            what: "E",
            found: update.time.to_string(),
        })?;
    Ok(Waiting {
        position,
        ids: Ids {
            first: update.first,
            last: update.last,
            previous: update.previous,
        },
        time_ns,
        changes,
    })
}

fn snapshot_changes(snapshot: &Snapshot<'_>) -> Result<Vec<Change>, Problem> {
    let mut changes = Vec::with_capacity(snapshot.bids.len() + snapshot.asks.len());
    read_levels(Side::Buy, &snapshot.bids, &mut changes)?;
    read_levels(Side::Sell, &snapshot.asks, &mut changes)?;
    let of = |side| {
        let there = changes.iter().filter(move |c| c.side == side && c.size > 0);
        there.map(|change| change.price)
    };
    if let (Some(bid), Some(ask)) = (of(Side::Buy).max(), of(Side::Sell).min())
        && bid >= ask
    {
        return Err(Problem::Crossed { bid, ask });
    }
    Ok(changes)
}

fn read_levels(side: Side, levels: &[Text<'_>], changes: &mut Vec<Change>) -> Result<(), Problem> {
    for [price, size] in levels {
        let price = decimal("price", price)?;
        let size = decimal("quantity", size)?;
        let price = i64::try_from(price).map_err(|_| Problem::TooLarge {
            what: "price",
            found: price.to_string(),
        })?;
        changes.push(Change { side, price, size });
    }
    Ok(())
}

/// A decimal text in units of 1e-8.
fn decimal(field: &'static str, text: &str) -> Result<u64, Problem> {
    let found = || text.chars().take(40).collect::<String>();
    let wrong = || Problem::Field {
        field,
        expected: "a decimal number from 0 with at most eight decimals",
        found: found(),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // Zeros at the end say nothing.
    let fraction = match fraction.trim_end_matches('0') {
        "" if !fraction.is_empty() => "0",
        other => other,
    };
    if !digits(whole) || !digits(fraction) || fraction.len() > DECIMALS {
        return Err(wrong());
    }
    let large = |_| Problem::TooLarge {
        what: field,
        found: found(),
    };
    let whole: u64 = whole.parse().map_err(large)?;
    let scaled: u64 = fraction.parse().map_err(large)?;
    let scaled = scaled * 10u64.pow((DECIMALS - fraction.len()) as u32);
    whole
        .checked_mul(10u64.pow(DECIMALS as u32))
        .and_then(|whole| whole.checked_add(scaled))
        .ok_or_else(|| Problem::TooLarge {
            what: field,
            found: found(),
        })
}
