//! Phases of trading and the call auction.
//!
//! In a call auction orders are collected, and then trade at one price: the one at which most can trade; among those the one
//! with the smallest imbalance; then the highest if all of these have a surplus of buys, the lowest if all have one of sells,
//! else the one nearest to a reference price, of two the higher. Orders with better prices are filled in full, those at the
//! price in order of time until the smaller side is used up. What is left enters the book in order of time.

use super::enter::{Entry, side_of};
use super::ladder::Queue;
use super::slab::{Handle, NIL, POOL, Slab};
use super::{Book, End, Outcome};
use crate::market::event::{CancelReason, Event, EventSink, Phase};
use crate::market::order::{OrderId, Price, Side, Size, Time, TraderId};

/// Orders that wait for an auction, in order of time, and what it is worked out with.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub(super) queue: Queue,
    /// Orders of each side, the best price first, then in order of time.
    sorted: [Vec<Ranked>; 2],
    candidates: Vec<Candidate>,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            queue: Queue::EMPTY,
            sorted: [Vec::new(), Vec::new()],
            candidates: Vec::new(),
        }
    }
}

impl Pool {
    pub(super) fn clear(&mut self) {
        self.queue = Queue::EMPTY;
    }

    /// Orders that wait.
    pub(super) fn handles<'a>(&self, orders: &'a Slab) -> impl Iterator<Item = Handle> + 'a {
        let first = (self.queue.head != NIL).then_some(self.queue.head);
        std::iter::successors(first, |&handle| {
            let next = orders[handle].next;
            (next != NIL).then_some(next)
        })
    }
}

/// An order in an auction. Its fields are in the order of their importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ranked {
    /// Limit in ticks, negative for a buy.
    price: i32,
    /// Its number among the orders of its side: those of the book first.
    number: u32,
    handle: Handle,
}

/// A price at which an auction could print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Candidate {
    tick: i32,
    /// Shares of buys at this price or better.
    buys: i64,
    /// Shares of sells at this price or better.
    sells: i64,
    /// Shares of buys and sells at better prices.
    better: [i64; 2],
}

impl Candidate {
    fn volume(&self) -> i64 {
        self.buys.min(self.sells)
    }

    fn imbalance(&self) -> i64 {
        self.buys - self.sells
    }

    /// Whether all orders at better prices would be filled.
    fn fills_better(&self) -> bool {
        self.better[0] <= self.sells && self.better[1] <= self.buys
    }
}

/// What a call auction found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AuctionPrint {
    /// The price of all trades.
    pub price: Price,
    /// Shares that traded.
    pub volume: Size,
    /// Buys minus sells that could trade at this price.
    pub imbalance: Size,
}

impl Book {
    /// The phase of trading.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Begins a phase. An auction that is going on has to be ended with [`uncross`](Self::uncross) first; without that its
    /// orders enter the book as if they came now.
    pub fn set_phase(&mut self, time: Time, phase: Phase, sink: &mut impl EventSink) {
        self.time = self.time.max(time);
        self.phase = phase;
        sink.event(self.time, Event::Phase(phase));
        if phase == Phase::Continuous {
            self.enter_from_pool(sink);
            if self.last >= 0 {
                self.print(self.last);
                self.release_stops(sink);
            }
        }
    }

    /// Ends a call auction: trades at the price found, if there is one, and moves the remainders into the book. Goes on with
    /// continuous trading. `reference` is the price that settles a tie, the last price or the close of the day before.
    pub fn uncross(
        &mut self,
        time: Time,
        reference: Price,
        sink: &mut impl EventSink,
    ) -> Option<AuctionPrint> {
        self.time = self.time.max(time);
        self.sort_for_auction();
        self.find_candidates();
        let chosen = choose(&mut self.pool.candidates, |tick| {
            (i64::from(tick) * self.config.rules.tick).abs_diff(reference)
        });
        let print = chosen.map(|candidate| AuctionPrint {
            price: self.price(candidate.tick),
            volume: candidate.volume(),
            imbalance: candidate.imbalance(),
        });
        if let (Some(print), Some(candidate)) = (print, chosen) {
            let AuctionPrint {
                price,
                volume,
                imbalance,
            } = print;
            sink.event(
                self.time,
                Event::AuctionPrint {
                    price,
                    volume,
                    imbalance,
                },
            );
            for side in Side::BOTH {
                self.allot(side, candidate.volume(), price, sink);
            }
            self.last = candidate.tick;
        }
        self.set_phase(time, Phase::Continuous, sink);
        print
    }

    /// Lets an order wait for the auction.
    #[cold]
    pub(super) fn enter_pool(&mut self, entry: &Entry) -> Outcome {
        let handle = self.place(entry, entry.size);
        self.orders[handle].flags |= POOL;
        self.pool.queue.push_back(handle, &mut self.orders);
        Outcome::without_trade(End::Pooled)
    }

    /// Shares of an order, all of them.
    fn size_of(&self, handle: Handle) -> i64 {
        i64::from(self.orders[handle].open) + i64::from(self.orders.reserve(handle))
    }

    /// Lists the orders of the book, which came first, and of the pool, the best price first.
    fn sort_for_auction(&mut self) {
        let mut sorted = std::mem::take(&mut self.pool.sorted);
        for side in Side::BOTH {
            let list = &mut sorted[side.index()];
            list.clear();
            list.reserve_exact(self.orders.capacity());
            for tick in self.ladder.ticks(side) {
                if let Some(level) = self.ladder.get(side, tick) {
                    for handle in self.handles(level) {
                        rank(list, side, tick, handle);
                    }
                }
            }
        }
        for handle in self.pool.handles(&self.orders) {
            let order = &self.orders[handle];
            let side = side_of(order);
            rank(&mut sorted[side.index()], side, order.tick, handle);
        }
        sorted.iter_mut().for_each(|list| list.sort_unstable());
        self.pool.sorted = sorted;
    }

    /// Works out every price at which some order could trade, in ascending order.
    fn find_candidates(&mut self) {
        let mut candidates = std::mem::take(&mut self.pool.candidates);
        candidates.clear();
        candidates.reserve_exact(self.orders.capacity());
        let [buys, sells] = &self.pool.sorted;
        let buy_ticks = buys.iter().map(|order| -order.price);
        let ticks = buy_ticks.chain(sells.iter().map(|order| order.price));
        candidates.extend(ticks.map(|tick| Candidate {
            tick,
            buys: 0,
            sells: 0,
            better: [0; 2],
        }));
        candidates.sort_unstable_by_key(|candidate| candidate.tick);
        candidates.dedup_by_key(|candidate| candidate.tick);
        // Sums run from the best price of each side on.
        let (mut sum, mut next) = (0, buys.iter().peekable());
        for candidate in candidates.iter_mut().rev() {
            candidate.better[0] = sum;
            while let Some(order) = next.next_if(|order| -order.price >= candidate.tick) {
                sum += self.size_of(order.handle);
            }
            candidate.buys = sum;
        }
        let (mut sum, mut next) = (0, sells.iter().peekable());
        for candidate in &mut candidates {
            candidate.better[1] = sum;
            while let Some(order) = next.next_if(|order| order.price <= candidate.tick) {
                sum += self.size_of(order.handle);
            }
            candidate.sells = sum;
        }
        self.pool.candidates = candidates;
    }

    /// Fills `volume` shares of a side at the price of the auction, the best orders first.
    fn allot(&mut self, side: Side, volume: i64, price: Price, sink: &mut impl EventSink) {
        let mut volume = volume;
        for i in 0..self.pool.sorted[side.index()].len() {
            let handle = self.pool.sorted[side.index()][i].handle;
            let left = self.size_of(handle);
            let size = left.min(volume);
            if size == 0 {
                break;
            }
            volume -= size;
            let order = self.orders[handle];
            let displayed = self.fill_in_auction(handle, size as u32);
            sink.event(
                self.time,
                Event::AuctionFill {
                    id: OrderId(order.id),
                    trader: TraderId(order.trader),
                    side,
                    limit: self.price(order.tick),
                    price,
                    size,
                    displayed,
                    left: left - size,
                },
            );
        }
    }

    /// Takes shares that traded from an order wherever it is. Returns what of them had been displayed.
    fn fill_in_auction(&mut self, handle: Handle, size: u32) -> Size {
        let order = self.orders[handle];
        if order.is(POOL) {
            let left = self.size_of(handle) as u32 - size;
            if left == 0 {
                self.forget_waiting(handle);
            } else {
                self.set_left(handle, left);
            }
            return 0;
        }
        let side = side_of(&order);
        let mut level = *self.ladder.occupied_mut(side, order.tick);
        let before = level.size;
        self.shrink(handle, size, &mut level, CancelReason::Requested);
        *self.ladder.occupied_mut(side, order.tick) = level;
        if level.is_empty() {
            self.ladder.vacate(side, order.tick);
        }
        (before - level.size) as Size
    }

    /// Moves the orders that wait into the book, in order of time.
    fn enter_from_pool(&mut self, sink: &mut impl EventSink) {
        let mut next = std::mem::replace(&mut self.pool.queue, Queue::EMPTY).head;
        while next != NIL {
            let handle = next;
            next = self.orders[handle].next;
            let order = &mut self.orders[handle];
            order.flags &= !POOL;
            let (side, tick) = (side_of(order), order.tick);
            if self.crosses(side, tick) {
                // Only where an auction was broken off.
                let entry = self.entry_of(handle);
                self.ids.remove(entry.id, handle, &self.orders);
                self.orders.remove(handle);
                self.enter(&entry, sink);
            } else {
                self.queue_up(handle, sink);
            }
        }
    }
}

fn rank(list: &mut Vec<Ranked>, side: Side, tick: i32, handle: Handle) {
    list.push(Ranked {
        price: match side {
            Side::Buy => -tick,
            Side::Sell => tick,
        },
        number: list.len() as u32,
        handle,
    });
}

/// The price that the rule of the auction prefers, `None` if nothing can trade. `distance` is that from the reference price.
fn choose(candidates: &mut Vec<Candidate>, distance: impl Fn(i32) -> u64) -> Option<Candidate> {
    let most = candidates.iter().map(Candidate::volume).max()?;
    if most == 0 {
        return None;
    }
    candidates.retain(|c| c.volume() == most && c.fills_better());
    let least = candidates.iter().map(|c| c.imbalance().abs()).min()?;
    candidates.retain(|c| c.imbalance().abs() == least);
    if candidates.iter().all(|c| c.imbalance() > 0) {
        candidates.last().copied()
    } else if candidates.iter().all(|c| c.imbalance() < 0) {
        candidates.first().copied()
    } else {
        // In ascending order, the last of equals is the higher.
        candidates.iter().copied().reduce(|best, c| {
            if distance(c.tick) <= distance(best.tick) {
                c
            } else {
                best
            }
        })
    }
}
