//! Matching: an order takes from the other side, the best price first.

use super::enter::Entry;
use super::ladder::{Level, WORST, at_least_as_good};
use super::slab::{HIDDEN, Handle, ICEBERG, NIL};
use super::{Book, End, Outcome, SelfTrade};
use crate::market::event::{CancelReason, Event, EventSink, Trade};
use crate::market::order::{OrderId, Price, Side, TraderId};

/// An order while it trades.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taker {
    id: u64,
    trader: u32,
    side: Side,
    limit: i32,
    pub(super) left: u32,
    traded: u32,
    fills: u32,
    /// What was left is lost to an order of the same trader.
    pub(super) self_trade: bool,
}

impl Taker {
    #[inline]
    pub(super) fn new(entry: &Entry) -> Self {
        Self {
            id: entry.id,
            trader: entry.trader,
            side: entry.side,
            limit: entry.limit,
            left: entry.size,
            traded: 0,
            fills: 0,
            self_trade: false,
        }
    }

    #[inline]
    pub(super) fn outcome(&self, end: End) -> Outcome {
        Outcome {
            end,
            fills: self.fills,
            traded: self.traded.into(),
        }
    }
}

impl Book {
    /// Trades until the order is filled or nothing is left that it may trade with. Something is.
    pub(super) fn take(&mut self, taker: &mut Taker, sink: &mut impl EventSink) {
        let side = taker.side.opposite();
        let market = taker.limit == WORST[side.index()];
        let taker_limit = (!market).then(|| self.price(taker.limit));
        while taker.left > 0 {
            let tick = self.ladder.best(side);
            if tick == WORST[side.index()] || !at_least_as_good(taker.side, taker.limit, tick) {
                break;
            }
            self.ladder.approach(tick);
            let mut level = *self.ladder.occupied_mut(side, tick);
            self.take_level(taker, &mut level, tick, taker_limit, sink);
            *self.ladder.occupied_mut(side, tick) = level;
            if level.is_empty() {
                self.ladder.vacate(side, tick);
            }
        }
    }

    /// Trades at one price: displayed orders, then hidden ones.
    #[inline]
    fn take_level(
        &mut self,
        taker: &mut Taker,
        level: &mut Level,
        tick: i32,
        taker_limit: Option<Price>,
        sink: &mut impl EventSink,
    ) {
        let price = self.price(tick);
        let fills = taker.fills;
        while taker.left > 0 {
            let hidden = level.displayed.is_empty();
            let handle = if hidden {
                level.hidden.head
            } else {
                level.displayed.head
            };
            if handle == NIL {
                break;
            }
            let maker = &mut self.orders[handle];
            if self.config.self_trade != SelfTrade::Allow && maker.trader == taker.trader {
                self.meet_self(taker, level, handle, taker_limit, sink);
                continue;
            }
            let size = maker.open.min(taker.left);
            maker.open -= size;
            let maker = *maker;
            taker.left -= size;
            taker.traded += size;
            taker.fills += 1;
            if !hidden {
                level.size -= u64::from(size);
            }
            let reserve = self.orders.reserve(handle);
            sink.event(
                self.time,
                Event::Trade(Trade {
                    price,
                    size: size.into(),
                    maker: OrderId(maker.id),
                    taker: OrderId(taker.id),
                    maker_trader: TraderId(maker.trader),
                    taker_trader: TraderId(taker.trader),
                    aggressor: taker.side,
                    hidden,
                    taker_limit,
                    maker_left: i64::from(maker.open) + i64::from(reserve),
                    taker_left: taker.left.into(),
                }),
            );
            if maker.open == 0 {
                let queue = if hidden {
                    &mut level.hidden
                } else {
                    &mut level.displayed
                };
                queue.pop_front(maker.next);
                if reserve > 0 {
                    self.refill(level, handle, price, sink);
                } else {
                    if hidden {
                        self.hidden[taker.side.opposite().index()] -= 1;
                    } else {
                        level.count -= 1;
                    }
                    self.icebergs -= u32::from(maker.is(ICEBERG));
                    self.ids.remove(maker.id, handle, &self.orders);
                    self.orders.remove(handle);
                }
            }
        }
        if taker.fills > fills {
            self.print(tick);
        }
    }

    /// The next tranche of an iceberg order, at the back of the queue.
    #[cold]
    fn refill(
        &mut self,
        level: &mut Level,
        handle: Handle,
        price: Price,
        sink: &mut impl EventSink,
    ) {
        let extra = self.orders.extra_mut(handle);
        let tranche = extra.display.min(extra.reserve);
        extra.reserve -= tranche;
        let order = &mut self.orders[handle];
        order.open = tranche;
        let (id, side) = (OrderId(order.id), super::enter::side_of(order));
        level.size += u64::from(tranche);
        level.displayed.push_back(handle, &mut self.orders);
        let displayed = tranche.into();
        sink.event(
            self.time,
            Event::Refilled {
                id,
                side,
                price,
                displayed,
            },
        );
    }

    /// The order at the head of a queue belongs to the trader that takes.
    #[cold]
    fn meet_self(
        &mut self,
        taker: &mut Taker,
        level: &mut Level,
        handle: Handle,
        taker_limit: Option<Price>,
        sink: &mut impl EventSink,
    ) {
        let reason = CancelReason::SelfTrade;
        let left = self.orders[handle].open + self.orders.reserve(handle);
        let (from_maker, from_taker) = match self.config.self_trade {
            SelfTrade::Allow | SelfTrade::CancelNewest => (0, taker.left),
            SelfTrade::CancelOldest => (left, 0),
            SelfTrade::Decrement => (left.min(taker.left), left.min(taker.left)),
        };
        if from_maker > 0 {
            let event = self.shrink(handle, from_maker, level, reason);
            sink.event(self.time, event);
        }
        if from_taker > 0 {
            taker.left -= from_taker;
            taker.self_trade = taker.left == 0;
            let (id, trader) = (OrderId(taker.id), TraderId(taker.trader));
            let event = if taker.left == 0 {
                Event::Cancelled {
                    id,
                    trader,
                    side: taker.side,
                    limit: taker_limit,
                    size: from_taker.into(),
                    displayed: 0,
                    reason,
                }
            } else {
                Event::Reduced {
                    id,
                    trader,
                    side: taker.side,
                    limit: taker_limit,
                    size: from_taker.into(),
                    displayed: 0,
                    left: taker.left.into(),
                    reason,
                }
            };
            sink.event(self.time, event);
        }
    }

    /// Takes `by` shares, at most what is left, from an order in a queue of `level`: from its reserve first. Says so in the
    /// event that it returns.
    pub(super) fn shrink(
        &mut self,
        handle: Handle,
        by: u32,
        level: &mut Level,
        reason: CancelReason,
    ) -> Event {
        let reserve = self.orders.reserve(handle);
        let from_reserve = by.min(reserve);
        let from_open = by - from_reserve;
        if from_reserve > 0 {
            self.orders.extra_mut(handle).reserve -= from_reserve;
        }
        let order = &mut self.orders[handle];
        order.open -= from_open;
        let order = *order;
        let side = super::enter::side_of(&order);
        let (id, trader) = (OrderId(order.id), TraderId(order.trader));
        let limit = Some(self.price(order.tick));
        let hidden = order.is(HIDDEN);
        let displayed = if hidden { 0 } else { from_open.into() };
        if !hidden {
            level.size -= u64::from(from_open);
        }
        if order.open > 0 {
            return Event::Reduced {
                id,
                trader,
                side,
                limit,
                size: by.into(),
                displayed,
                left: i64::from(order.open) + i64::from(reserve - from_reserve),
                reason,
            };
        }
        if hidden {
            level.hidden.unlink(handle, &mut self.orders);
            self.hidden[side.index()] -= 1;
        } else {
            level.displayed.unlink(handle, &mut self.orders);
            level.count -= 1;
        }
        self.icebergs -= u32::from(order.is(ICEBERG));
        self.ids.remove(order.id, handle, &self.orders);
        self.orders.remove(handle);
        Event::Cancelled {
            id,
            trader,
            side,
            limit,
            size: by.into(),
            displayed,
            reason,
        }
    }

    /// Whether all of an order could trade at once. Orders of the same trader do not count where they would not trade; where
    /// they would stop or shorten the order, it cannot.
    #[cold]
    pub(super) fn can_fill(&self, entry: &Entry) -> bool {
        let side = entry.side.opposite();
        let mode = self.config.self_trade;
        let plain =
            mode == SelfTrade::Allow && self.icebergs == 0 && self.hidden[side.index()] == 0;
        let mut wanted = u64::from(entry.size);
        for tick in self.ladder.ticks(side) {
            if !at_least_as_good(entry.side, entry.limit, tick) {
                break;
            }
            let Some(level) = self.ladder.get(side, tick) else {
                break;
            };
            let mut here = if plain { level.size } else { 0 };
            if !plain {
                for handle in self.handles(level) {
                    if mode == SelfTrade::Allow || self.orders[handle].trader != entry.trader {
                        here += u64::from(self.orders[handle].open)
                            + u64::from(self.orders.reserve(handle));
                    } else if mode != SelfTrade::CancelOldest {
                        return false;
                    }
                }
            }
            if here >= wanted {
                return true;
            }
            wanted -= here;
        }
        false
    }

    /// The orders of a level as they would trade.
    pub(super) fn handles<'a>(&'a self, level: &Level) -> impl Iterator<Item = Handle> + 'a {
        let follow = |head: Handle| {
            let first = (head != NIL).then_some(head);
            std::iter::successors(first, |&handle| {
                let next = self.orders[handle].next;
                (next != NIL).then_some(next)
            })
        };
        follow(level.displayed.head).chain(follow(level.hidden.head))
    }
}
