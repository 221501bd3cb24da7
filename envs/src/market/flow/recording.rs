//! A recorded day as messages that lead to it again.
//!
//! A LOBSTER file tells what happened; a matching engine wants to be asked. A new order, a reduction and a deletion are asked for as
//! they are. An execution is asked for by an order of the other side with the price and size of the order it met, of which
//! nothing rests. What does not change a book (hidden executions, crosses, halts) is left out. Shares that stood before the
//! recording begins are one order at each level of the first row of the orderbook file, as in *JAX-LOB* (arXiv 2308.13289), and
//! whatever is said of unknown orders at such a price is said of it.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::EnvError,
    market::{
        book::{Book, BookConfig, End, Ids, Rules},
        data::{
            FeedEvent, FeedReader, Kind,
            lobster::{BookRow, MessageReader, RowReader},
        },
        event::{Ignore, Reject},
        kernel::SECOND,
        order::{Message, NewOrder, OrderId, Price, Side, Size, Time, TimeInForce, TraderId},
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
    free_id: u64,
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
    /// [`EnvError::Argument`] with the key, and what is wrong with the file and where.
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
        let Some(first) = events.first() else {
            let message = format!("{} holds no message", config.file.display());
            return Err(EnvError::argument("file", message));
        };
        let mut before = match &config.book {
            Some(path) => before(first, &first_row("book", path)?),
            None => Vec::new(),
        };
        let mut recording = Converter::new(&events, &mut before).convert(&events);
        let span = (config.window * SECOND as f64) as Time;
        recording.cut(span, config.tick, before)?;
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
    fn cut(&mut self, span: Time, tick: Price, before: Vec<NewOrder>) -> Result<(), EnvError> {
        let (Some(&(first, _)), Some(&(last, _))) = (self.messages.first(), self.messages.last())
        else {
            return Err(EnvError::argument("file", "nothing in it changes a book"));
        };
        let config = BookConfig {
            rules: Rules {
                tick,
                ..Rules::default()
            },
            capacity: self.messages.len() as u32 + before.len() as u32 + 1,
            window: 4096,
            ids: Ids::Any,
            ..BookConfig::default()
        };
        let book = Book::new(config);
        let mut book = book.map_err(|e| EnvError::argument("file", e.to_string()))?;
        let off_tick = |id: OrderId| {
            let message = format!("order {id} has a price that is no multiple of {tick}");
            EnvError::argument("tick", message)
        };
        for order in &before {
            let outcome = book.submit(first, &Message::New(*order), &mut Ignore);
            if matches!(outcome.end, End::Rejected(_)) {
                return Err(off_tick(order.id));
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
            for (time, message) in &self.messages[begin..end] {
                let outcome = book.submit(*time, message, &mut Ignore);
                if let (Message::New(order), End::Rejected(Reject::Tick)) = (message, outcome.end) {
                    return Err(off_tick(order.id));
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

/// All events of a message file.
fn events(key: &str, path: &Path) -> Result<Vec<FeedEvent>, EnvError> {
    let wrong = |what: String| EnvError::argument(key, format!("{}: {what}", path.display()));
    let file = File::open(path).map_err(|e| wrong(e.to_string()))?;
    let mut reader = MessageReader::new(BufReader::new(file), "");
    let mut events = Vec::new();
    while let Some(event) = reader.read().map_err(|e| wrong(e.to_string()))? {
        events.push(event);
    }
    Ok(events)
}

/// The first row of an orderbook file.
fn first_row(key: &str, path: &Path) -> Result<BookRow, EnvError> {
    let wrong = |what: String| EnvError::argument(key, format!("{}: {what}", path.display()));
    let file = File::open(path).map_err(|e| wrong(e.to_string()))?;
    let mut row = BookRow::default();
    let read = RowReader::new(BufReader::new(file)).read(&mut row);
    if read.map_err(|e| wrong(e.to_string()))? {
        Ok(row)
    } else {
        Err(wrong("the file is empty".into()))
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

/// Makes messages of events.
struct Converter {
    /// Shares left of each order of which the recording has told.
    known: HashMap<u64, Size>,
    /// The order that stood at a price before, and what is left of it.
    stood: HashMap<(Side, Price), (OrderId, Size)>,
    free_id: u64,
}

impl Converter {
    /// Gives the orders that stood before `events` their ids.
    fn new(events: &[FeedEvent], before: &mut [NewOrder]) -> Self {
        let ids = events
            .iter()
            .map(|event| event.order_id.max(event.new_order_id));
        let mut free_id = ids.max().unwrap_or(0) + 1;
        let mut stood = HashMap::new();
        for order in before {
            order.id = OrderId(free_id);
            free_id += 1;
            if let Some(price) = order.price {
                stood.insert((order.side, price), (order.id, order.size));
            }
        }
        Self {
            known: HashMap::new(),
            stood,
            free_id,
        }
    }

    fn convert(mut self, events: &[FeedEvent]) -> Recording {
        let messages = events
            .iter()
            .filter_map(|event| Some((event.time_ns as Time, self.message(event)?)));
        let messages = messages.collect();
        Recording {
            free_id: self.free_id,
            ..Recording::of_messages(messages)
        }
    }

    /// What leads to `event`; nothing for one that changes no book, or tells of an order that stands nowhere.
    fn message(&mut self, event: &FeedEvent) -> Option<Message> {
        let (side, price) = (event.side?, event.price?);
        let (id, size) = (OrderId(event.order_id), event.size as Size);
        match event.kind {
            Kind::Add => {
                self.known.insert(id.0, size);
                let order = NewOrder::limit(id, TraderId(0), side, size, price);
                Some(Message::New(order))
            }
            Kind::Reduce | Kind::Delete => {
                let (id, taken, left) = self.take(id, side, price, size)?;
                Some(if left == 0 {
                    Message::Cancel { id }
                } else {
                    Message::Reduce { id, by: taken }
                })
            }
            Kind::Execute => {
                self.take(id, side, price, size)?;
                Some(Message::New(NewOrder {
                    tif: TimeInForce::Ioc,
                    ..NewOrder::limit(OrderId::ASSIGN, TraderId(0), side.opposite(), size, price)
                }))
            }
            _ => None,
        }
    }

    /// Takes shares from an order, or from what stood at its price if it is unknown: whose they were, how many there were, and
    /// what is left.
    fn take(
        &mut self,
        id: OrderId,
        side: Side,
        price: Price,
        size: Size,
    ) -> Option<(OrderId, Size, Size)> {
        let (id, left) = match self.known.get_mut(&id.0) {
            Some(left) => (id, left),
            None => self
                .stood
                .get_mut(&(side, price))
                .map(|(id, left)| (*id, left))?,
        };
        let taken = size.min(*left);
        *left -= taken;
        (taken > 0).then_some((id, taken, *left))
    }
}
