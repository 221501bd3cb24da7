//! Looking at a book.

use super::enter::side_of;
use super::ladder::WORST;
use super::slab::{HIDDEN, Handle, STOP};
use super::{Book, Depth, Resting, SelfTrade, Snapshot};
use crate::market::order::{Cash, OrderId, Price, Side, Size, Time, TraderId};

impl Book {
    /// Best displayed price of a side.
    #[inline]
    pub fn best(&self, side: Side) -> Option<Price> {
        if self.hidden[side.index()] > 0 {
            return self.levels(side).next().map(|level| level.price);
        }
        let best = self.ladder.best(side);
        (best != WORST[side.index()]).then(|| self.price(best))
    }

    /// The best displayed level of a side.
    #[inline]
    pub fn touch(&self, side: Side) -> Option<Depth> {
        self.levels(side).next()
    }

    /// Price of the last trade.
    #[inline]
    pub fn last_price(&self) -> Option<Price> {
        (self.last >= 0).then(|| self.price(self.last))
    }

    /// Time of the last message.
    pub fn time(&self) -> Time {
        self.time
    }

    /// Orders that are live: resting, waiting for a stop price or for an auction.
    pub fn live_orders(&self) -> u32 {
        self.orders.live()
    }

    /// Displayed levels of a side, the best first.
    #[inline]
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Depth> + '_ {
        self.ladder.ticks(side).filter_map(move |tick| {
            let level = self.ladder.get(side, tick)?;
            (level.count > 0).then(|| Depth {
                price: self.price(tick),
                size: level.size as Size,
                count: level.count,
            })
        })
    }

    /// What a market order of `trader` for `size` shares would pay, or get, now: with all that rests on the other side, hidden or
    /// in reserve, for each share its price and what `fee` says of that price. Less if that does not suffice. An upper bound where
    /// orders of the trader itself lie between reserves.
    pub fn cost(
        &self,
        trader: TraderId,
        side: Side,
        size: Size,
        fee: impl Fn(Price) -> Cash,
    ) -> Cash {
        let mode = self.config.self_trade;
        let other = side.opposite();
        let plain =
            mode == SelfTrade::Allow && self.icebergs == 0 && self.hidden[other.index()] == 0;
        let (mut left, mut cost): (Size, Cash) = (size, 0);
        for tick in self.ladder.ticks(other) {
            let Some(level) = self.ladder.get(other, tick) else {
                break;
            };
            let price = self.price(tick);
            let each = price.saturating_add(fee(price));
            let mut take = |size: Size, left: &mut Size| {
                let size = size.min(*left);
                *left -= size;
                cost = cost.saturating_add(each.saturating_mul(size));
            };
            if plain {
                take(level.size as Size, &mut left);
            } else {
                for handle in self.handles(level) {
                    let order = &self.orders[handle];
                    let size = Size::from(order.open) + Size::from(self.orders.reserve(handle));
                    match mode {
                        _ if order.trader != trader.0 => take(size, &mut left),
                        SelfTrade::Allow => take(size, &mut left),
                        SelfTrade::CancelNewest => left = 0,
                        SelfTrade::CancelOldest => {}
                        SelfTrade::Decrement => left -= size.min(left),
                    }
                }
            }
            if left == 0 {
                break;
            }
        }
        cost
    }

    /// Writes the best displayed levels into `snapshot`, as many as it has room for.
    #[inline]
    pub fn snapshot(&self, snapshot: &mut Snapshot) {
        let levels = snapshot.levels();
        for side in Side::BOTH {
            let buffer = snapshot.side_mut(side);
            buffer.clear();
            buffer.extend(self.levels(side).take(levels));
        }
    }

    /// Orders at a price as they would trade: displayed ones, then hidden ones.
    pub fn queue(&self, side: Side, price: Price) -> impl Iterator<Item = Resting> + '_ {
        let tick = self.tick(price).ok();
        let level = tick.and_then(|tick| self.ladder.get(side, tick));
        level
            .into_iter()
            .flat_map(|level| self.handles(level))
            .map(|handle| self.resting_of(handle))
    }

    /// All orders in the book of a side, the best price first, as they would trade.
    pub fn resting(&self, side: Side) -> impl Iterator<Item = Resting> + '_ {
        self.ladder
            .ticks(side)
            .filter_map(move |tick| self.ladder.get(side, tick))
            .flat_map(|level| self.handles(level))
            .map(|handle| self.resting_of(handle))
    }

    /// Stop orders of a side that wait, in the order of their release.
    pub fn stops(&self, side: Side) -> impl Iterator<Item = Resting> + '_ {
        let waiting = self.stops.side(side).iter().rev();
        waiting.map(|&handle| self.resting_of(handle))
    }

    /// Orders that wait for an auction, in order of time.
    pub fn pooled(&self) -> impl Iterator<Item = Resting> + '_ {
        let pooled = self.pool.handles(&self.orders);
        pooled.map(|handle| self.resting_of(handle))
    }

    /// A live order.
    #[inline]
    pub fn order(&self, id: OrderId) -> Option<Resting> {
        let handle = self.ids.get(id.0, &self.orders)?;
        Some(self.resting_of(handle))
    }

    /// Shares that trade before an order in the book does, at its price; reserves that would come before it not counted.
    /// `None` if it is not in the book. Takes time in proportion to the orders before it.
    pub fn ahead(&self, id: OrderId) -> Option<Size> {
        let resting = self.order(id)?;
        let queue = self.queue(resting.side, resting.price?);
        let mut ahead = 0;
        for other in queue {
            if other.id == id {
                return Some(ahead);
            }
            ahead += other.open;
        }
        None
    }

    fn resting_of(&self, handle: Handle) -> Resting {
        let order = &self.orders[handle];
        let stop = order.is(STOP).then(|| self.orders.extra(handle).stop);
        Resting {
            id: OrderId(order.id),
            trader: TraderId(order.trader),
            side: side_of(order),
            price: self.limit_of(order),
            open: order.open.into(),
            reserve: self.orders.reserve(handle).into(),
            hidden: order.is(HIDDEN),
            stop: stop.map(|stop| self.price(stop)),
        }
    }
}
