//! Reading records as events.

use std::{collections::VecDeque, io::Read};

use super::{
    super::{DataError, FeedEvent, FeedReader, Kind, Position, Problem, Side, Units, itch::fill},
    Action, MboRecord, Metadata, UNITS, flags,
};

/// Records of one event that may wait for its end; real ones have a few hundred.
const MOST_FILLS: usize = 1 << 20;

/// Reads a DBN file that is not, or no longer, compressed.
#[derive(Debug)]
pub struct DbnReader<R> {
    input: R,
    metadata: Metadata,
    /// Where the next record begins.
    next: u64,
    /// Where the last one began.
    start: u64,
    last_ns: u64,
    /// A trade that no F has followed yet.
    trade: Option<FeedEvent>,
    /// Orders that traded, with what the book has yet to lose of it.
    fills: Vec<FeedEvent>,
    /// Events that are ready.
    ready: VecDeque<FeedEvent>,
}

impl<R: Read> DbnReader<R> {
    /// Reads the metadata; `input` should be buffered.
    ///
    /// # Errors
    /// [`DataError`] if this is no DBN file with the schema MBO.
    pub fn new(mut input: R) -> Result<Self, DataError> {
        let (metadata, next) = Metadata::read(&mut input)?;
        Ok(Self {
            input,
            metadata,
            next,
            start: 0,
            last_ns: 0,
            trade: None,
            fills: Vec::new(),
            ready: VecDeque::new(),
        })
    }

    /// What the file says of itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The next record of the schema, as it stands in the file.
    ///
    /// # Errors
    /// [`DataError`] with the offset of the record.
    pub fn record(&mut self) -> Result<Option<MboRecord>, DataError> {
        loop {
            self.start = self.next;
            let at = Position::Byte(self.start);
            let io = |error| Problem::Io(error).at(at);
            let mut record = [0; MboRecord::LEN];
            let (header, body) = record.split_at_mut(2);
            let found = fill(&mut self.input, header).map_err(io)?;
            if found == 0 {
                return Ok(None);
            }
            let cut = |need, found| {
                let what = "a record";
                Err(Problem::CutOff { what, need, found }.at(at))
            };
            if found < 2 {
                return cut(2, found);
            }
            let length = 4 * usize::from(header[0]);
            let is_mbo = header[1] == MboRecord::TYPE;
            let appended = if self.metadata.ts_out { 8 } else { 0 };
            let expected = if is_mbo {
                MboRecord::LEN + appended
            } else {
                length.max(16)
            };
            if length != expected {
                let what = format!("a record of type {}", header[1]);
                let found = length;
                return Err(Problem::Length {
                    what,
                    expected,
                    found,
                }
                .at(at));
            }
            // What does not fit, the rest of another type's record or the time of sending, is passed over.
            let kept = body.len().min(length - 2);
            let mut found = 2 + fill(&mut self.input, &mut body[..kept]).map_err(io)?;
            let mut rest = [0; 1024];
            let rest = &mut rest[..length - 2 - kept];
            found += fill(&mut self.input, rest).map_err(io)?;
            if found < length {
                return cut(length, found);
            }
            self.next += length as u64;
            if is_mbo {
                return MboRecord::decode(&record)
                    .map(Some)
                    .map_err(|problem| problem.at(at));
            }
        }
    }

    fn take(&mut self, record: &MboRecord) -> Result<(), Problem> {
        let event = self.event(record);
        match record.action {
            Action::Trade => {
                self.settle_trade();
                self.trade = Some(FeedEvent {
                    kind: Kind::Hidden,
                    side: event.side.map(Side::opposite),
                    ..event
                });
            }
            Action::Fill => {
                self.trade = None;
                if self.fills.len() == MOST_FILLS {
                    let (what, found) =
                        ("the number of fills in one event", MOST_FILLS.to_string());
                    return Err(Problem::TooLarge { what, found });
                }
                self.fills.push(FeedEvent {
                    kind: Kind::Execute,
                    ..event
                });
            }
            Action::Cancel => self.cancel(event),
            Action::Modify => {
                let filled = self.fills.iter().position(|fill| same_order(fill, &event));
                if let Some(index) = filled {
                    let fill = self.fills.remove(index);
                    self.ready.push_back(fill);
                }
                self.ready.push_back(FeedEvent {
                    kind: Kind::Modify,
                    ..event
                });
            }
            Action::Add => self.ready.push_back(FeedEvent {
                kind: Kind::Add,
                ..event
            }),
            Action::Clear => self.ready.push_back(FeedEvent {
                kind: Kind::Clear,
                order_id: 0,
                side: None,
                ..event
            }),
            Action::None => self.ready.push_back(event),
        }
        if record.flags & flags::LAST != 0 {
            self.settle();
        }
        Ok(())
    }

    /// A cancellation after a fill is the fill's effect on the book.
    fn cancel(&mut self, event: FeedEvent) {
        let mut left = event.size;
        if let Some(index) = self.fills.iter().position(|fill| same_order(fill, &event)) {
            let fill = &mut self.fills[index];
            let size = fill.size.min(left);
            self.ready.push_back(FeedEvent { size, ..*fill });
            fill.size -= size;
            left -= size;
            if fill.size == 0 {
                self.fills.remove(index);
            }
        }
        if left > 0 {
            self.ready.push_back(FeedEvent {
                kind: Kind::Reduce,
                size: left,
                ..event
            });
        }
    }

    /// At the end of an event, fills that have no effect on the book were against orders that are not shown.
    fn settle(&mut self) {
        self.settle_trade();
        for fill in self.fills.drain(..) {
            self.ready.push_back(FeedEvent {
                kind: Kind::Hidden,
                ..fill
            });
        }
    }

    fn settle_trade(&mut self) {
        self.ready.extend(self.trade.take());
    }

    fn event(&mut self, record: &MboRecord) -> FeedEvent {
        let in_snapshot = record.flags & flags::SNAPSHOT != 0;
        let times = if in_snapshot {
            [record.ts_recv, record.ts_event]
        } else {
            [record.ts_event, record.ts_recv]
        };
        let known = times.into_iter().find(|time| *time != MboRecord::NO_TIME);
        self.last_ns = known.unwrap_or(self.last_ns);
        FeedEvent {
            side: record.side,
            order_id: record.order_id,
            size: u64::from(record.size),
            price: (record.price != MboRecord::NO_PRICE).then_some(record.price),
            ..FeedEvent::other(self.last_ns, record.instrument)
        }
    }
}

fn same_order(fill: &FeedEvent, event: &FeedEvent) -> bool {
    fill.order_id == event.order_id && fill.symbol == event.symbol
}

impl<R: Read> FeedReader for DbnReader<R> {
    fn units(&self) -> Units {
        UNITS
    }

    fn read(&mut self) -> Result<Option<FeedEvent>, DataError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(record) = self.record()? else {
                self.settle();
                return Ok(self.ready.pop_front());
            };
            let taken = self.take(&record);
            taken.map_err(|problem| problem.at(Position::Byte(self.start)))?;
        }
    }

    fn position(&self) -> Position {
        Position::Byte(self.start)
    }

    fn symbol(&self, number: u32) -> Option<&str> {
        let symbols = &self.metadata.symbols;
        let index = symbols.binary_search_by_key(&number, |(n, _)| *n).ok()?;
        Some(&symbols[index].1)
    }

    fn symbols(&self) -> Vec<(u32, String)> {
        self.metadata.symbols.clone()
    }
}
