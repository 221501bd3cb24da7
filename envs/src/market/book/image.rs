//! A book as plain data, to be saved and restored.

use serde::{Deserialize, Serialize};

use super::enter::side_of;
use super::ladder::{MAX_TICK, WORST};
use super::slab::{Extra, HIDDEN, Handle, ICEBERG, Order, POOL, POST_ONLY, SELL, STOP};
use super::{Band, Book};
use crate::market::event::{Ignore, Phase};
use crate::market::order::{Side, Time};

/// All that is in a book, but for what it was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookImage {
    phase: Phase,
    time: Time,
    last: i32,
    band: Option<Band>,
    stop_entries: u64,
    /// Bids, then asks, as they would trade.
    resting: Vec<OrderImage>,
    /// In order of entry.
    stops: Vec<OrderImage>,
    /// In order of time.
    pool: Vec<OrderImage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct OrderImage {
    id: u64,
    open: u32,
    trader: u32,
    tick: i32,
    flags: u8,
    display: u32,
    reserve: u32,
    stop: i32,
    entry: u64,
    tif: u8,
}

impl Book {
    /// The book as plain data. Two books that behave alike have equal images.
    pub fn image(&self) -> BookImage {
        let image = |handle: Handle| {
            let order = self.orders[handle];
            let extra = if order.is(ICEBERG | STOP) {
                *self.orders.extra(handle)
            } else {
                Extra::default()
            };
            OrderImage {
                id: order.id,
                open: order.open,
                trader: order.trader,
                tick: order.tick,
                flags: order.flags,
                display: extra.display,
                reserve: extra.reserve,
                stop: extra.stop,
                entry: extra.entry,
                tif: extra.tif,
            }
        };
        let levels = Side::BOTH.into_iter().flat_map(|side| {
            let ticks = self.ladder.ticks(side);
            ticks.filter_map(move |tick| self.ladder.get(side, tick))
        });
        let waiting = Side::BOTH
            .into_iter()
            .flat_map(|side| self.stops.side(side));
        let mut stops: Vec<_> = waiting.map(|&handle| image(handle)).collect();
        stops.sort_unstable_by_key(|stop| stop.entry);
        BookImage {
            phase: self.phase,
            time: self.time,
            last: self.last,
            band: self.config.rules.band,
            stop_entries: self.stops.entries(),
            resting: levels
                .flat_map(|level| self.handles(level))
                .map(image)
                .collect(),
            stops,
            pool: self.pool.handles(&self.orders).map(image).collect(),
        }
    }

    /// Becomes the book of which `image` was taken, which was made with the same configuration.
    ///
    /// # Errors
    /// A sentence if there can be no such book; this one is empty then.
    pub fn restore(&mut self, image: &BookImage) -> Result<(), String> {
        self.clear();
        let restored = self.try_restore(image);
        if restored.is_err() {
            self.clear();
        }
        restored
    }

    fn try_restore(&mut self, image: &BookImage) -> Result<(), String> {
        if !(-1..=MAX_TICK).contains(&image.last) {
            return Err(format!("the last price is {} ticks", image.last));
        }
        for order in &image.resting {
            let handle = self.restore_order(order, 0)?;
            if self.crosses(side_of(&self.orders[handle]), order.tick) {
                return Err(format!("order {} crosses the book", order.id));
            }
            self.queue_up(handle, &mut Ignore);
        }
        for order in &image.stops {
            let handle = self.restore_order(order, STOP)?;
            self.stops.insert(handle, &self.orders);
        }
        for order in &image.pool {
            let handle = self.restore_order(order, POOL)?;
            self.pool.queue.push_back(handle, &mut self.orders);
        }
        self.stops.set_entries(image.stop_entries);
        (self.phase, self.time, self.last) = (image.phase, image.time, image.last);
        self.config.rules.band = image.band;
        Ok(())
    }

    /// A place for an order that waits as `waits` says, or not at all.
    fn restore_order(&mut self, image: &OrderImage, waits: u8) -> Result<Handle, String> {
        let order = Order {
            id: image.id,
            open: image.open,
            trader: image.trader,
            tick: image.tick,
            flags: image.flags,
            ..Order::default()
        };
        let market = order.tick == WORST[side_of(&order).opposite().index()];
        let known = SELL | HIDDEN | ICEBERG | POST_ONLY | waits;
        let fits = order.open > 0
            && order.open.checked_add(image.reserve).is_some()
            && order.flags & !known == 0
            && order.flags & waits == waits
            && (image.reserve == 0 || order.is(ICEBERG))
            && (!order.is(ICEBERG) || image.display > 0)
            && (!order.is(HIDDEN) || !order.is(ICEBERG))
            && ((0..=MAX_TICK).contains(&order.tick) || (waits == STOP && market))
            && (0..=MAX_TICK).contains(&image.stop)
            && image.tif < 3;
        if !fits {
            return Err(format!("no book holds {image:?}"));
        }
        let full = self.orders.is_full() && !self.grow();
        if full || self.ids.get(order.id, &self.orders).is_some() {
            return Err(format!("there is no place for order {}", order.id));
        }
        let handle = self.orders.insert(order);
        if order.is(ICEBERG | STOP) {
            let extra = Extra {
                display: image.display,
                reserve: image.reserve,
                stop: image.stop,
                entry: image.entry,
                tif: image.tif,
            };
            self.orders.set_extra(handle, extra);
        }
        self.ids.insert(order.id, handle);
        Ok(handle)
    }
}
