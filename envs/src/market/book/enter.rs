//! New orders: checks, then trades, then a place in the book.

use super::ladder::{WORST, at_least_as_good};
use super::slab::{Extra, HIDDEN, Handle, ICEBERG, Order, POST_ONLY, SELL};
use super::take::Taker;
use super::{Book, End, Outcome};
use crate::market::event::{CancelReason, Event, EventSink, Phase, Reject};
use crate::market::order::{NewOrder, OrderId, Side, TimeInForce, TraderId};

/// An order on its way into the book.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) trader: u32,
    pub(super) side: Side,
    pub(super) size: u32,
    /// Limit in ticks; of a market order, the worst there is.
    pub(super) limit: i32,
    pub(super) tif: TimeInForce,
    /// [`HIDDEN`], [`POST_ONLY`].
    pub(super) flags: u8,
    pub(super) display: u32,
}

impl Entry {
    #[inline]
    pub(super) fn is_market(&self) -> bool {
        self.limit == WORST[self.side.opposite().index()]
    }
}

impl Book {
    #[inline]
    pub(super) fn new_order(
        &mut self,
        order: &NewOrder,
        sink: &mut impl EventSink,
    ) -> Result<Outcome, Reject> {
        self.config.rules.check(order)?;
        let limit = match order.price {
            Some(price) => self.tick(price)?,
            None => WORST[order.side.opposite().index()],
        };
        if self.ids.get(order.id.0, &self.orders).is_some() {
            return Err(Reject::DuplicateId);
        }
        let rests = order.price.is_some() && order.tif == TimeInForce::Gtc;
        if (rests || order.stop.is_some()) && self.orders.is_full() && !self.grow() {
            return Err(Reject::Capacity);
        }
        let stop = order.stop.map(|stop| self.tick(stop)).transpose()?;
        if stop.is_none() {
            if self.phase == Phase::Auction && (!rests || order.post_only) {
                return Err(Reject::Auction);
            }
            if order.post_only && self.crosses(order.side, limit) {
                return Err(Reject::PostOnly);
            }
        }
        let entry = Entry {
            id: order.id.0,
            trader: order.trader.0,
            side: order.side,
            size: order.size as u32,
            limit,
            tif: order.tif,
            flags: flag(HIDDEN, order.hidden) | flag(POST_ONLY, order.post_only),
            display: order.display as u32,
        };
        sink.event(
            self.time,
            Event::Accepted {
                id: order.id,
                trader: order.trader,
                side: order.side,
                size: order.size,
                limit: order.price,
            },
        );
        if let Some(stop) = stop {
            return Ok(self.enter_stop(&entry, stop, sink));
        }
        Ok(self.enter(&entry, sink))
    }

    /// Makes room for more orders; whether there is any now.
    #[cold]
    pub(super) fn grow(&mut self) -> bool {
        let capacity = self.orders.capacity() as u32;
        let more = capacity.saturating_mul(2).min(self.config.grows_to);
        if more <= capacity {
            return false;
        }
        self.orders.grow(more);
        self.ids.grow(more, &self.orders);
        self.ladder.grow(more);
        true
    }

    /// Whether an order could trade at once.
    #[inline]
    pub(super) fn crosses(&self, side: Side, limit: i32) -> bool {
        let best = self.ladder.best(side.opposite());
        best != WORST[side.opposite().index()] && at_least_as_good(side, limit, best)
    }

    /// Lets an order trade and gives what is left of it a place, for which there is room.
    #[inline]
    pub(super) fn enter(&mut self, entry: &Entry, sink: &mut impl EventSink) -> Outcome {
        if self.phase == Phase::Auction {
            return self.enter_pool(entry);
        }
        let mut taker = Taker::new(entry);
        if self.crosses(entry.side, entry.limit) {
            if entry.tif == TimeInForce::Fok && !self.can_fill(entry) {
                return self.discard(entry, &taker, CancelReason::Killed, sink);
            }
            self.take(&mut taker, sink);
        } else if entry.tif == TimeInForce::Fok {
            return self.discard(entry, &taker, CancelReason::Killed, sink);
        }
        let end = if taker.left == 0 {
            if taker.self_trade {
                End::SelfTrade
            } else {
                End::Filled
            }
        } else if entry.is_market() {
            return self.discard(entry, &taker, CancelReason::Market, sink);
        } else if entry.tif == TimeInForce::Gtc {
            self.rest(entry, taker.left, sink);
            End::Rested
        } else {
            return self.discard(entry, &taker, CancelReason::Ioc, sink);
        };
        taker.outcome(end)
    }

    #[cold]
    pub(super) fn discard(
        &mut self,
        entry: &Entry,
        taker: &Taker,
        reason: CancelReason,
        sink: &mut impl EventSink,
    ) -> Outcome {
        let event = Event::Cancelled {
            id: OrderId(entry.id),
            trader: TraderId(entry.trader),
            side: entry.side,
            limit: (!entry.is_market()).then(|| self.price(entry.limit)),
            size: taker.left.into(),
            displayed: 0,
            reason,
        };
        sink.event(self.time, event);
        taker.outcome(match reason {
            CancelReason::Killed => End::Killed,
            _ => End::Discarded,
        })
    }

    /// Puts `left` shares of an order behind the others at its price.
    #[inline]
    pub(super) fn rest(&mut self, entry: &Entry, left: u32, sink: &mut impl EventSink) {
        let handle = self.place(entry, left);
        self.queue_up(handle, sink);
    }

    /// A place in the slab for `left` shares of an order, which its id then leads to.
    #[inline]
    pub(super) fn place(&mut self, entry: &Entry, left: u32) -> Handle {
        let iceberg = entry.display != 0 && entry.display < left;
        let handle = self.orders.insert(Order {
            id: entry.id,
            open: if iceberg { entry.display } else { left },
            trader: entry.trader,
            tick: entry.limit,
            flags: flag(SELL, entry.side == Side::Sell)
                | flag(ICEBERG, entry.display != 0)
                | entry.flags,
            ..Order::default()
        });
        if entry.display != 0 {
            let extra = Extra {
                display: entry.display,
                reserve: if iceberg { left - entry.display } else { 0 },
                ..Extra::default()
            };
            self.orders.set_extra(handle, extra);
        }
        self.ids.insert(entry.id, handle);
        handle
    }

    /// Puts an order that has its place in the slab at the end of the queue at its price.
    #[inline]
    pub(super) fn queue_up(&mut self, handle: Handle, sink: &mut impl EventSink) {
        let order = self.orders[handle];
        let side = side_of(&order);
        let level = self.ladder.occupy(side, order.tick);
        let mut displayed = order.open;
        if order.is(HIDDEN) {
            displayed = 0;
            self.hidden[side.index()] += 1;
            level.hidden.push_back(handle, &mut self.orders);
        } else {
            level.size += u64::from(order.open);
            level.count += 1;
            level.displayed.push_back(handle, &mut self.orders);
        }
        let reserve = self.orders.reserve(handle);
        self.icebergs += u32::from(order.is(ICEBERG));
        sink.event(
            self.time,
            Event::Rested {
                id: OrderId(order.id),
                trader: TraderId(order.trader),
                side,
                price: self.price(order.tick),
                size: i64::from(order.open) + i64::from(reserve),
                displayed: displayed.into(),
            },
        );
    }
}

/// `flag` if it is set.
#[inline]
pub(super) fn flag(flag: u8, set: bool) -> u8 {
    flag * u8::from(set)
}

#[inline]
pub(super) fn side_of(order: &Order) -> Side {
    if order.is(SELL) {
        Side::Sell
    } else {
        Side::Buy
    }
}
