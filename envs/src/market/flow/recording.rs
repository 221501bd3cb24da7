//! A recorded day as messages that lead to it again.
//!
//! A LOBSTER file tells what happened; a matching engine wants to be asked. A new order, a reduction and a deletion are asked for as
//! they are. An execution is asked for by an order of the other side with the price and size of the order it met, of which
//! nothing rests. What does not change a book (hidden executions, crosses, halts) is left out. Shares that stood before the
//! recording begins are one order at each level of the first row of the orderbook file, as in *JAX-LOB* (arXiv 2308.13289), and
//! whatever is said of unknown orders at such a price is said of it.
//!
//! A recording that goes back in time, contradicts itself or asks for what the book refuses is refused as a whole, with the line.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::converter::Converter;
use crate::{
    error::EnvError,
    market::{
        book::{Book, BookConfig, End, Ids, Rules},
        data::{
            self, FeedEvent, FeedReader, Kind, Position, RecordedBooks,
            lobster::{BookRow, MessageReader, RowReader},
        },
        event::{Ignore, Reject},
        kernel::SECOND,
        order::{Message, NewOrder, OrderId, Price, Side, Size, Time, TraderId},
    },
};

/// Which recording is played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecordingConfig {
    /// LOBSTER message file; `palaestra market convert` makes one of other formats.
    pub file: PathBuf,
    /// The orderbook file beside it, for what stood before its first message.
    pub book: Option<PathBuf>,
    /// Seconds of a window; each episode plays one of them, drawn at random. 0: all of the file is one.
    pub window: f64,
    /// Tick in 1/10,000, at least 1.
    pub tick: Price,
}

impl Default for RecordingConfig {
    fn default() -> Self {
        Self {
            file: PathBuf::new(),
            book: None,
            window: 0.0,
            tick: 100,
        }
    }
}

/// A part of a recording that is played by itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Window {
    /// Its messages, from the first one until before `end`.
    pub(super) first: usize,
    pub(super) end: usize,
    /// When it begins; without it, times are those of the market.
    pub(super) start: Option<Time>,
    /// What rests then, in the order of its priority.
    pub(super) standing: Vec<NewOrder>,
}

/// Messages of one instrument, in windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    messages: Vec<(Time, Message)>,
    windows: Vec<Window>,
    /// The first id that is not taken.
    pub(super) free_id: u64,
    /// Live orders at most.
    most_live: u32,
}

impl Recording {
    /// Messages with times of the market.
    pub(super) fn of_messages(mut messages: Vec<(Time, Message)>) -> Self {
        messages.sort_by_key(|(time, _)| *time);
        let all = Window {
            first: 0,
            end: messages.len(),
            start: None,
            standing: Vec::new(),
        };
        let ids = messages.iter().map(|(_, message)| message.id().0);
        Self {
            free_id: ids.max().unwrap_or(0) + 1,
            most_live: messages.len() as u32,
            windows: vec![all],
            messages,
        }
    }

    /// Reads a LOBSTER pair.
    ///
    /// # Errors
    /// [`EnvError::Argument`] with the key, and what is wrong with the file and in which line.
    pub fn read(config: &RecordingConfig) -> Result<Self, EnvError> {
        if config.file.as_os_str().is_empty() {
            return Err(EnvError::argument("file", "name a LOBSTER message file"));
        }
        if !(config.window >= 0.0 && config.window <= 1e6) {
            return Err(EnvError::argument("window", "must be 0 to 1,000,000 s"));
        }
        if !(1..=100_000).contains(&config.tick) {
            return Err(EnvError::argument("tick", "must be 1 to 100,000"));
        }
        let events = events("file", &config.file)?;
        let Some((first, _)) = events.first() else {
            let message = format!("{} holds no message", config.file.display());
            return Err(EnvError::argument("file", message));
        };
        let mut before = match &config.book {
            Some(path) => before(first, &first_row("book", path)?),
            None => Vec::new(),
        };
        let converted = Converter::new(&events, &mut before).convert(&events);
        let (mut recording, places) = converted.map_err(|e| wrong("file", &config.file, &e))?;
        let span = (config.window * SECOND as f64) as Time;
        let refused = |message: usize, reason: Reject| {
            let key = if reason == Reject::Tick {
                "tick"
            } else {
                "file"
            };
            let what = format!("{}: the order book refuses it: {reason}", places[message]);
            wrong(key, &config.file, &what)
        };
        recording.cut(span, config.tick, before, refused)?;
        Ok(recording)
    }

    pub(super) fn messages(&self) -> &[(Time, Message)] {
        &self.messages
    }

    pub(super) fn window(&self, window: usize) -> &Window {
        &self.windows[window]
    }

    /// How many windows there are, at least one.
    pub fn windows(&self) -> usize {
        self.windows.len()
    }

    /// The first id that the exchange may give away.
    pub fn free_id(&self) -> OrderId {
        OrderId(self.free_id)
    }

    /// Room that a book needs for its orders.
    pub fn most_live(&self) -> u32 {
        self.most_live
    }

    /// From the begin of the first window until its last message.
    pub fn length(&self) -> Time {
        let window = &self.windows[0];
        let last = self.messages[..window.end].last();
        let start = window.start.unwrap_or(0);
        last.map_or(0, |(time, _)| time - start)
    }

    /// A price about which it trades.
    pub fn price(&self) -> Option<Price> {
        self.messages.iter().find_map(|(_, message)| match message {
            Message::New(order) => order.price,
            _ => None,
        })
    }

    /// Cuts the messages into windows of length `span`; `before` rests when they begin.
    /// `refused` tells of a message, by its number, that the book refuses.
    fn cut(
        &mut self,
        span: Time,
        tick: Price,
        before: Vec<NewOrder>,
        refused: impl Fn(usize, Reject) -> EnvError,
    ) -> Result<(), EnvError> {
        let (Some(&(first, _)), Some(&(last, _))) = (self.messages.first(), self.messages.last())
        else {
            return Err(EnvError::argument("file", "nothing in it changes a book"));
        };
        let config = BookConfig {
            rules: Rules {
                tick,
                ..Rules::default()
            },
            capacity: 4096,
            grows_to: 1 << 26,
            window: 4096,
            ids: Ids::Any,
            ..BookConfig::default()
        };
        let book = Book::new(config);
        let mut book = book.map_err(|e| EnvError::argument("file", e.to_string()))?;
        for order in &before {
            let outcome = book.submit(first, &Message::New(*order), &mut Ignore);
            if let (End::Rejected(reason), Some(price)) = (outcome.end, order.price) {
                let key = if reason == Reject::Tick {
                    "tick"
                } else {
                    "book"
                };
                let message = format!("row 1: the order book refuses the level {price}: {reason}");
                return Err(EnvError::argument(key, message));
            }
            // Not what a row can say, but what it says together with the first message.
            if outcome.fills > 0 {
                let message = "row 1: before the first message, the book would be crossed";
                return Err(EnvError::argument("book", message));
            }
        }
        self.windows.clear();
        self.most_live = book.live_orders();
        let mut begin = 0;
        let mut start = first;
        loop {
            let until = if span == 0 { Time::MAX } else { start + span };
            let end = self.messages.partition_point(|(time, _)| *time < until);
            let complete = span == 0 || until <= last;
            if !(complete || self.windows.is_empty()) {
                // What is left is shorter than a window.
                break;
            }
            self.windows.push(Window {
                first: begin,
                end,
                start: Some(start),
                standing: Side::BOTH
                    .into_iter()
                    .flat_map(|side| book.resting(side))
                    .filter_map(|order| {
                        let trader = TraderId(0);
                        let price = order.price?;
                        Some(NewOrder::limit(
                            order.id,
                            trader,
                            order.side,
                            order.left(),
                            price,
                        ))
                    })
                    .collect(),
            });
            for (number, (time, message)) in (begin..end).zip(&self.messages[begin..end]) {
                let outcome = book.submit(*time, message, &mut Ignore);
                if let End::Rejected(reason) = outcome.end {
                    return Err(refused(number, reason));
                }
                self.most_live = self.most_live.max(book.live_orders());
            }
            if !complete || span == 0 {
                break;
            }
            (begin, start) = (end, until);
        }
        Ok(())
    }
}

/// What is wrong with a file.
fn wrong(key: &str, path: &Path, what: &dyn Display) -> EnvError {
    EnvError::argument(key, format!("{}: {what}", path.display()))
}

/// All events of a message file and their places, read as `palaestra market replay` reads them.
fn events(key: &str, path: &Path) -> Result<Vec<(FeedEvent, Position)>, EnvError> {
    let file = File::open(path).map_err(|e| wrong(key, path, &e))?;
    let mut reader = MessageReader::new(BufReader::new(file), "");
    let mut books = RecordedBooks::new(data::Rules::Strict);
    let mut events = Vec::new();
    while let Some(mut event) = reader.read().map_err(|e| wrong(key, path, &e))? {
        let position = reader.position();
        let applied = books.apply(&mut event, position);
        applied.map_err(|e| wrong(key, path, &e))?;
        events.push((event, position));
    }
    Ok(events)
}

/// The first row of an orderbook file.
fn first_row(key: &str, path: &Path) -> Result<BookRow, EnvError> {
    let file = File::open(path).map_err(|e| wrong(key, path, &e))?;
    let mut row = BookRow::default();
    let read = RowReader::new(BufReader::new(file)).read(&mut row);
    if read.map_err(|e| wrong(key, path, &e))? {
        Ok(row)
    } else {
        Err(wrong(key, path, &"the file is empty"))
    }
}

/// One order for each level that stood before `first`, given the row after it. Ids are given later.
fn before(first: &FeedEvent, row: &BookRow) -> Vec<NewOrder> {
    let mut levels: BTreeMap<(bool, Price), Size> = BTreeMap::new();
    for side in Side::BOTH {
        for &(price, size) in row.side(side).iter().flatten() {
            levels.insert((side == Side::Buy, price), size as Size);
        }
    }
    if let (Some(side), Some(price)) = (first.side, first.price) {
        let level = levels.entry((side == Side::Buy, price)).or_default();
        match first.kind {
            Kind::Add => *level -= first.size as Size,
            Kind::Reduce | Kind::Delete | Kind::Execute => *level += first.size as Size,
            _ => {}
        }
    }
    let orders = levels.into_iter().filter(|(_, size)| *size > 0);
    let order = |((buy, price), size)| {
        let side = if buy { Side::Buy } else { Side::Sell };
        NewOrder::limit(OrderId::ASSIGN, TraderId(0), side, size, price)
    };
    orders.map(order).collect()
}
