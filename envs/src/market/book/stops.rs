//! Stop orders that wait for their price.

use super::enter::{Entry, flag, side_of};
use super::ladder::WORST;
use super::slab::{Extra, HIDDEN, Handle, Order, SELL, STOP, Slab};
use super::take::Taker;
use super::{Book, End, NOTHING_PRINTED, Outcome};
use crate::market::event::{CancelReason, Event, EventSink, Phase};
use crate::market::order::{OrderId, Price, Side, TimeInForce, TraderId};

/// Stop orders by side, in order of their stop prices: the one that is released first comes last.
#[derive(Debug, Clone, Default)]
pub(super) struct Stops {
    waiting: [Vec<Handle>; 2],
    /// Stop orders that have ever entered.
    entries: u64,
    /// Those on their way into the book.
    released: Vec<Handle>,
}

impl Stops {
    pub(super) fn clear(&mut self) {
        self.waiting.iter_mut().for_each(Vec::clear);
        self.entries = 0;
    }

    pub(super) fn side(&self, side: Side) -> &[Handle] {
        &self.waiting[side.index()]
    }

    /// Stop orders that have ever entered.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    pub(super) fn set_entries(&mut self, entries: u64) {
        self.entries = entries;
    }

    pub(super) fn insert(&mut self, handle: Handle, orders: &Slab) {
        let side = side_of(&orders[handle]);
        let waiting = &mut self.waiting[side.index()];
        let key = key(side, orders.extra(handle));
        let at = waiting.partition_point(|&other| self::key(side, orders.extra(other)) > key);
        // Room for all that can ever wait, made once.
        waiting.reserve_exact(orders.capacity() - waiting.len());
        waiting.insert(at, handle);
    }

    pub(super) fn remove(&mut self, handle: Handle, orders: &Slab) {
        let side = side_of(&orders[handle]);
        let waiting = &mut self.waiting[side.index()];
        let key = key(side, orders.extra(handle));
        let at = waiting.partition_point(|&other| self::key(side, orders.extra(other)) > key);
        waiting.remove(at);
    }

    /// Moves those that trades between `low` and `high` release to `released`, in order of entry.
    fn release(&mut self, (low, high): (i32, i32), orders: &Slab) {
        self.released.clear();
        self.released.reserve_exact(orders.capacity());
        let buys = self.waiting[0].partition_point(|&handle| orders.extra(handle).stop > high);
        let sells = self.waiting[1].partition_point(|&handle| orders.extra(handle).stop < low);
        self.released.extend(self.waiting[0].drain(buys..));
        self.released.extend(self.waiting[1].drain(sells..));
        self.released
            .sort_unstable_by_key(|&handle| orders.extra(handle).entry);
    }
}

/// Later keys are released later: buys at higher prices, sells at lower ones.
fn key(side: Side, extra: &Extra) -> (i32, u64) {
    match side {
        Side::Buy => (extra.stop, extra.entry),
        Side::Sell => (-extra.stop, extra.entry),
    }
}

impl Book {
    #[cold]
    pub(super) fn enter_stop(
        &mut self,
        entry: &Entry,
        stop: i32,
        sink: &mut impl EventSink,
    ) -> Outcome {
        let (id, trader) = (OrderId(entry.id), TraderId(entry.trader));
        let released = match entry.side {
            Side::Buy => self.last >= stop,
            Side::Sell => self.last <= stop,
        };
        if self.last >= 0 && released && self.phase == Phase::Continuous {
            let stop = self.price(stop);
            sink.event(self.time, Event::Triggered { id, trader, stop });
            return self.enter_released(entry, sink);
        }
        let handle = self.orders.insert(Order {
            id: entry.id,
            open: entry.size,
            trader: entry.trader,
            tick: entry.limit,
            flags: flag(SELL, entry.side == Side::Sell) | entry.flags | STOP,
            ..Order::default()
        });
        self.stops.entries += 1;
        let extra = Extra {
            display: entry.display,
            reserve: 0,
            stop,
            entry: self.stops.entries,
            tif: entry.tif as u8,
        };
        self.orders.set_extra(handle, extra);
        self.ids.insert(entry.id, handle);
        self.stops.insert(handle, &self.orders);
        sink.event(
            self.time,
            Event::Held {
                id,
                trader,
                side: entry.side,
                stop: self.price(stop),
                size: entry.size.into(),
            },
        );
        Outcome::without_trade(End::Held)
    }

    /// Releases the stop orders whose prices were traded at, and those that these release in turn.
    pub(super) fn release_stops(&mut self, sink: &mut impl EventSink) {
        while self.printed.0 <= self.printed.1 {
            let printed = std::mem::replace(&mut self.printed, NOTHING_PRINTED);
            if self.stops.waiting.iter().all(Vec::is_empty) {
                return;
            }
            self.stops.release(printed, &self.orders);
            for i in 0..self.stops.released.len() {
                let handle = self.stops.released[i];
                let (order, extra) = (self.orders[handle], *self.orders.extra(handle));
                let tifs = [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok];
                let entry = Entry {
                    id: order.id,
                    trader: order.trader,
                    side: side_of(&order),
                    size: order.open,
                    limit: order.tick,
                    tif: tifs[usize::from(extra.tif)],
                    flags: order.flags & HIDDEN,
                    display: extra.display.min(order.open),
                };
                self.ids.remove(order.id, handle, &self.orders);
                self.orders.remove(handle);
                sink.event(
                    self.time,
                    Event::Triggered {
                        id: OrderId(order.id),
                        trader: TraderId(order.trader),
                        stop: self.price(extra.stop),
                    },
                );
                self.enter_released(&entry, sink);
            }
        }
    }

    /// Lets a stop order enter whose price has come, if its owner can pay for it.
    fn enter_released(&mut self, entry: &Entry, sink: &mut impl EventSink) -> Outcome {
        let unreserved = entry.is_market() && entry.side == Side::Buy;
        if unreserved && !sink.affords(self, TraderId(entry.trader), entry.size.into()) {
            return self.discard(entry, &Taker::new(entry), CancelReason::Cash, sink);
        }
        self.enter(entry, sink)
    }

    /// The limit of an order; a market order that waits has none.
    pub(super) fn limit_of(&self, order: &Order) -> Option<Price> {
        let market = order.tick == WORST[side_of(order).opposite().index()];
        (!market).then(|| self.price(order.tick))
    }
}
