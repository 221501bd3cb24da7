//! Cancel, reduce, modify and replace.

use super::enter::{Entry, side_of};
use super::slab::{HIDDEN, Handle, ICEBERG, POOL, POST_ONLY, STOP};
use super::{Book, End, Outcome};
use crate::market::event::{CancelReason, Event, EventSink, Phase, Reject};
use crate::market::order::{OrderId, Price, Size, TimeInForce, TraderId};

impl Book {
    #[inline]
    fn find(&self, id: OrderId) -> Result<Handle, Reject> {
        self.ids.get(id.0, &self.orders).ok_or(Reject::UnknownOrder)
    }

    #[inline]
    fn left(&self, handle: Handle) -> u32 {
        self.orders[handle].open + self.orders.reserve(handle)
    }

    #[inline]
    pub(super) fn cancel(
        &mut self,
        id: OrderId,
        sink: &mut impl EventSink,
    ) -> Result<Outcome, Reject> {
        let handle = self.find(id)?;
        self.take_away(handle, self.left(handle), sink);
        Ok(Outcome::without_trade(End::Cancelled))
    }

    #[inline]
    pub(super) fn reduce(
        &mut self,
        id: OrderId,
        by: Size,
        sink: &mut impl EventSink,
    ) -> Result<Outcome, Reject> {
        let handle = self.find(id)?;
        let left = self.left(handle);
        if by <= 0 || by > i64::from(left) {
            return Err(Reject::Size);
        }
        self.take_away(handle, by as u32, sink);
        let gone = by == i64::from(left);
        Ok(Outcome::without_trade(if gone {
            End::Cancelled
        } else {
            End::Reduced
        }))
    }

    /// Takes shares from an order wherever it is.
    #[inline]
    fn take_away(&mut self, handle: Handle, by: u32, sink: &mut impl EventSink) {
        let order = &self.orders[handle];
        let reason = CancelReason::Requested;
        if order.is(STOP | POOL) {
            return self.take_away_waiting(handle, by, sink);
        }
        let (side, tick) = (side_of(order), order.tick);
        let mut level = *self.ladder.occupied_mut(side, tick);
        let event = self.shrink(handle, by, &mut level, reason);
        *self.ladder.occupied_mut(side, tick) = level;
        if level.is_empty() {
            self.ladder.vacate(side, tick);
        }
        sink.event(self.time, event);
    }

    /// Takes shares from an order that waits for a stop price or an auction.
    #[cold]
    fn take_away_waiting(&mut self, handle: Handle, by: u32, sink: &mut impl EventSink) {
        let left = self.left(handle) - by;
        let order = self.orders[handle];
        let event = if left == 0 {
            Event::Cancelled {
                id: OrderId(order.id),
                trader: TraderId(order.trader),
                side: side_of(&order),
                limit: self.limit_of(&order),
                size: by.into(),
                displayed: 0,
                reason: CancelReason::Requested,
            }
        } else {
            Event::Reduced {
                id: OrderId(order.id),
                trader: TraderId(order.trader),
                side: side_of(&order),
                limit: self.limit_of(&order),
                size: by.into(),
                displayed: 0,
                left: left.into(),
                reason: CancelReason::Requested,
            }
        };
        if left == 0 {
            self.forget_waiting(handle);
        } else {
            self.set_left(handle, left);
        }
        sink.event(self.time, event);
    }

    /// Removes an order that waits for a stop price or an auction.
    pub(super) fn forget_waiting(&mut self, handle: Handle) {
        if self.orders[handle].is(STOP) {
            self.stops.remove(handle, &self.orders);
        } else {
            self.pool.queue.unlink(handle, &mut self.orders);
        }
        self.ids
            .remove(self.orders[handle].id, handle, &self.orders);
        self.orders.remove(handle);
    }

    /// Sets what is left of an order that is in no queue of the book.
    pub(super) fn set_left(&mut self, handle: Handle, left: u32) {
        let open = if self.orders[handle].is(ICEBERG) {
            let extra = self.orders.extra_mut(handle);
            let open = extra.display.min(left);
            extra.reserve = left - open;
            open
        } else {
            left
        };
        self.orders[handle].open = open;
    }

    pub(super) fn modify(
        &mut self,
        id: OrderId,
        size: Option<Size>,
        price: Option<Price>,
        sink: &mut impl EventSink,
    ) -> Result<Outcome, Reject> {
        let handle = self.find(id)?;
        let order = self.orders[handle];
        if order.is(STOP) {
            return Err(Reject::PendingStop);
        }
        let left = self.left(handle);
        let size = size.unwrap_or(left.into());
        if size == 0 {
            return self.cancel(id, sink);
        }
        let side = side_of(&order);
        self.config.rules.check_size(side, size)?;
        let tick = match price {
            Some(price) => {
                self.config.rules.check_price(price)?;
                self.tick(price)?
            }
            None => order.tick,
        };
        if tick == order.tick && size < i64::from(left) {
            self.take_away(handle, left - size as u32, sink);
            return Ok(Outcome::without_trade(End::Reduced));
        }
        if tick == order.tick && size == i64::from(left) {
            return Ok(Outcome::without_trade(End::Reduced));
        }
        if order.is(POST_ONLY) && self.phase != Phase::Auction && self.crosses(side, tick) {
            return Err(Reject::PostOnly);
        }
        let entry = Entry {
            limit: tick,
            size: size as u32,
            ..self.entry_of(handle)
        };
        let old_displayed = self.withdraw(handle);
        sink.event(
            self.time,
            Event::Modified {
                id,
                trader: TraderId(order.trader),
                side,
                old_price: self.price(order.tick),
                old_size: left.into(),
                old_displayed,
                price: self.price(tick),
                size,
            },
        );
        Ok(self.enter(&entry, sink))
    }

    pub(super) fn replace(
        &mut self,
        id: OrderId,
        new_id: OrderId,
        size: Size,
        price: Price,
        sink: &mut impl EventSink,
    ) -> Result<Outcome, Reject> {
        let handle = self.find(id)?;
        let order = self.orders[handle];
        if order.is(STOP) {
            return Err(Reject::PendingStop);
        }
        let side = side_of(&order);
        self.config.rules.check_size(side, size)?;
        self.config.rules.check_price(price)?;
        let tick = self.tick(price)?;
        if new_id == id || self.find(new_id).is_ok() {
            return Err(Reject::DuplicateId);
        }
        if order.is(POST_ONLY) && self.phase != Phase::Auction && self.crosses(side, tick) {
            return Err(Reject::PostOnly);
        }
        let entry = Entry {
            id: new_id.0,
            limit: tick,
            size: size as u32,
            ..self.entry_of(handle)
        };
        let old_size = self.left(handle).into();
        let old_displayed = self.withdraw(handle);
        sink.event(
            self.time,
            Event::Replaced {
                id,
                new_id,
                trader: TraderId(order.trader),
                side,
                old_price: self.price(order.tick),
                old_size,
                old_displayed,
                price,
                size,
            },
        );
        Ok(self.enter(&entry, sink))
    }

    /// The order as it would enter anew.
    pub(super) fn entry_of(&self, handle: Handle) -> Entry {
        let order = &self.orders[handle];
        Entry {
            id: order.id,
            trader: order.trader,
            side: side_of(order),
            size: self.left(handle),
            limit: order.tick,
            tif: TimeInForce::Gtc,
            flags: order.flags & (HIDDEN | POST_ONLY),
            display: if order.is(ICEBERG) {
                self.orders.extra(handle).display
            } else {
                0
            },
        }
    }

    /// Removes an order from the book or the pool of an auction, to enter anew. Returns what of it was displayed.
    fn withdraw(&mut self, handle: Handle) -> Size {
        let order = self.orders[handle];
        if order.is(POOL) {
            self.forget_waiting(handle);
            return 0;
        }
        let displayed = if order.is(HIDDEN) {
            0
        } else {
            order.open.into()
        };
        let (side, tick) = (side_of(&order), order.tick);
        let mut level = *self.ladder.occupied_mut(side, tick);
        self.shrink(
            handle,
            self.left(handle),
            &mut level,
            CancelReason::Requested,
        );
        *self.ladder.occupied_mut(side, tick) = level;
        if level.is_empty() {
            self.ladder.vacate(side, tick);
        }
        displayed
    }
}
