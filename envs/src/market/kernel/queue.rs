//! What is to happen, in the order in which it will.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::market::event::{Event, Phase};
use crate::market::order::{Message, Time, TraderId};

use super::Symbol;

/// Of what happens at one instant, this comes first: a phase of trading is a half-open interval.
const PHASE: u64 = 0;
/// Then what concerns the exchange, and its notices.
const EXCHANGE: u64 = 1;
/// Then traders wake up, to whom all that has happened.
const WAKE: u64 = 2;

/// Something on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Parcel {
    /// A request of a trader to the exchange.
    Request { symbol: Symbol, message: Message },
    /// A notice of the exchange to a trader.
    Notice { symbol: Symbol, event: Event },
    /// A phase of trading begins.
    Phase(Phase),
}

/// When something happens, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    time: Time,
    /// Its kind, then its number.
    rank: u64,
    trader: u32,
    /// Index of the parcel; a wake-up has none.
    parcel: u32,
}

impl Due {
    fn key(&self) -> (Time, u64) {
        (self.time, self.rank)
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The next thing to happen.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    /// A trader wakes up.
    Wake(TraderId),
    /// A parcel arrives; it comes from, or goes to, the trader.
    Parcel(TraderId, Parcel),
}

/// A queue as plain data: time, rank, trader and parcel of each thing, and the number of entries so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct QueueImage {
    pub(super) dues: Vec<(Time, u64, u32, Option<Parcel>)>,
    entries: u64,
}

/// A queue by time, then kind, then order of entry. Parcels lie in a slab, so that what the heap moves is small.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Due>>,
    parcels: Vec<Parcel>,
    free: Vec<u32>,
    entries: u64,
}

impl Queue {
    /// Room for what a few players have on its way; larger markets make more once.
    const ROOM: usize = 128;

    pub(super) fn new() -> Self {
        Self {
            heap: BinaryHeap::with_capacity(Self::ROOM),
            parcels: Vec::with_capacity(Self::ROOM),
            free: Vec::with_capacity(Self::ROOM),
            entries: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.heap.clear();
        self.parcels.clear();
        self.free.clear();
        self.entries = 0;
    }

    /// Makes room for what so many traders can have on its way at once, so that it need not grow later.
    pub(super) fn reserve(&mut self, traders: u32) {
        let traders = traders as usize;
        let parcels = traders.min(512);
        self.heap.reserve(traders + parcels);
        self.parcels.reserve(parcels);
        self.free.reserve(parcels);
    }

    #[inline]
    fn push(&mut self, time: Time, kind: u64, trader: TraderId, parcel: u32) {
        let due = Due {
            time,
            rank: kind << 62 | self.entries,
            trader: trader.0,
            parcel,
        };
        self.entries += 1;
        self.heap.push(Reverse(due));
    }

    #[inline]
    pub(super) fn push_wake(&mut self, time: Time, trader: TraderId) {
        self.push(time, WAKE, trader, u32::MAX);
    }

    #[inline]
    pub(super) fn push_parcel(&mut self, time: Time, trader: TraderId, parcel: Parcel) {
        let kind = if matches!(parcel, Parcel::Phase(_)) {
            PHASE
        } else {
            EXCHANGE
        };
        let place = if let Some(place) = self.free.pop() {
            self.parcels[place as usize] = parcel;
            place
        } else {
            self.parcels.push(parcel);
            self.parcels.len() as u32 - 1
        };
        self.push(time, kind, trader, place);
    }

    /// Lets no wake-up of these traders happen that was asked for until now.
    pub(super) fn drop_wakes(&mut self, traders: Range<u32>) {
        self.heap
            .retain(|Reverse(due)| due.rank >> 62 != WAKE || !traders.contains(&due.trader));
    }

    /// All that is in the queue, in its order.
    pub(super) fn image(&self) -> QueueImage {
        let mut dues: Vec<Due> = self.heap.iter().map(|Reverse(due)| *due).collect();
        dues.sort_unstable();
        let parcels = &self.parcels;
        let due = |due: Due| {
            let parcel = (due.rank >> 62 != WAKE).then(|| parcels[due.parcel as usize]);
            (due.time, due.rank, due.trader, parcel)
        };
        QueueImage {
            dues: dues.into_iter().map(due).collect(),
            entries: self.entries,
        }
    }

    /// Becomes the queue of which `image` was taken.
    pub(super) fn restore(&mut self, image: &QueueImage) -> Result<(), String> {
        self.clear();
        for &(time, rank, trader, parcel) in &image.dues {
            let kind = match parcel {
                None => WAKE,
                Some(Parcel::Phase(_)) => PHASE,
                Some(_) => EXCHANGE,
            };
            if rank >> 62 != kind || rank & !(3 << 62) >= image.entries {
                return Err(format!("{rank:#x} is no rank of {parcel:?}"));
            }
            let place = match parcel {
                None => u32::MAX,
                Some(parcel) => {
                    self.parcels.push(parcel);
                    self.parcels.len() as u32 - 1
                }
            };
            self.heap.push(Reverse(Due {
                time,
                rank,
                trader,
                parcel: place,
            }));
        }
        self.entries = image.entries;
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Takes out the first thing if it happens at `until` or before.
    #[inline]
    pub(super) fn pop(&mut self, until: Time) -> Option<(Time, Next)> {
        let Reverse(due) = *self.heap.peek()?;
        if due.time > until {
            return None;
        }
        self.heap.pop();
        let trader = TraderId(due.trader);
        if due.rank >> 62 == WAKE {
            return Some((due.time, Next::Wake(trader)));
        }
        self.free.push(due.parcel);
        Some((
            due.time,
            Next::Parcel(trader, self.parcels[due.parcel as usize]),
        ))
    }
}
