//! The rules of the book once more, as plainly as they can be written: one list of orders that is searched for everything.
//!
//! Tests and the fuzz target compare the events of the two. Uses nothing of the book but its public types.

use palaestra_envs::market::book::{BookConfig, SelfTrade};
use palaestra_envs::market::event::{CancelReason, Event, Phase, Reject, Trade};
use palaestra_envs::market::order::{
    Message, NewOrder, OrderId, Price, Side, Size, Time, TimeInForce, TraderId,
};

/// Where a live order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the book since this number of moves.
    Book(u64),
    /// Waits for its stop price, with this time in force, since this number of moves.
    Stop(Price, TimeInForce, u64),
    /// Waits for an auction since this number of moves.
    Pool(u64),
}

#[derive(Debug, Clone, Copy)]
struct Order {
    id: OrderId,
    trader: TraderId,
    side: Side,
    limit: Option<Price>,
    open: Size,
    reserve: Size,
    display: Size,
    hidden: bool,
    post_only: bool,
    place: Place,
}

impl Order {
    fn left(&self) -> Size {
        self.open + self.reserve
    }

    fn set_left(&mut self, left: Size) {
        self.open = if self.display == 0 {
            left
        } else {
            self.display.min(left)
        };
        self.reserve = left - self.open;
    }

    /// Sorts orders of one side as they trade.
    fn priority(&self) -> (Price, bool, u64) {
        let Place::Book(since) = self.place else {
            panic!("not in the book")
        };
        (-self.side.sign() * self.limit.unwrap(), self.hidden, since)
    }
}

/// An order book as a list.
#[derive(Debug, Clone)]
pub struct NaiveBook {
    config: BookConfig,
    phase: Phase,
    time: Time,
    last: Option<Price>,
    printed: Option<(Price, Price)>,
    orders: Vec<Order>,
    moves: u64,
    events: Vec<Event>,
}

/// Largest number of ticks that a price can have.
const MAX_TICK: i64 = 1 << 30;

impl NaiveBook {
    /// An empty book in continuous trading.
    pub fn new(config: BookConfig) -> Self {
        Self {
            config,
            phase: Phase::Continuous,
            time: Time::MIN,
            last: None,
            printed: None,
            orders: Vec::new(),
            moves: 0,
            events: Vec::new(),
        }
    }

    /// Price of the last trade.
    pub fn last_price(&self) -> Option<Price> {
        self.last
    }

    /// Orders in the book of a side as they would trade: id, what is open, reserve.
    pub fn resting(&self, side: Side) -> Vec<(OrderId, Size, Size)> {
        let sorted = self.sorted(side);
        sorted.iter().map(|o| (o.id, o.open, o.reserve)).collect()
    }

    fn sorted(&self, side: Side) -> Vec<Order> {
        let in_book = |o: &&Order| o.side == side && matches!(o.place, Place::Book(_));
        let mut orders: Vec<Order> = self.orders.iter().filter(in_book).copied().collect();
        orders.sort_by_key(Order::priority);
        orders
    }

    fn get(&mut self, id: OrderId) -> Option<&mut Order> {
        self.orders.iter_mut().find(|o| o.id == id)
    }

    fn next_move(&mut self) -> u64 {
        self.moves += 1;
        self.moves
    }

    /// Does what a message asks for; returns what happened.
    pub fn submit(&mut self, time: Time, message: &Message) -> Vec<Event> {
        if let Err(reason) = self.follow(time, message) {
            let id = message.id();
            self.events.push(Event::Rejected { id, reason });
        }
        self.release_stops();
        std::mem::take(&mut self.events)
    }

    fn follow(&mut self, time: Time, message: &Message) -> Result<(), Reject> {
        if time < self.time {
            return Err(Reject::Time);
        }
        self.time = time;
        let takes_away = matches!(message, Message::Cancel { .. } | Message::Reduce { .. });
        match self.phase {
            Phase::Closed => return Err(Reject::Closed),
            Phase::Halted if !takes_away => return Err(Reject::Halted),
            _ => {}
        }
        if let Message::New(order) = message {
            return self.new_order(order);
        }
        let found = self.get(message.id()).copied();
        let order = found.ok_or(Reject::UnknownOrder)?;
        match *message {
            Message::New(_) => {}
            Message::Cancel { id } => self.take_away(id, order.left(), CancelReason::Requested),
            Message::Reduce { id, by } => {
                if by <= 0 || by > order.left() {
                    return Err(Reject::Size);
                }
                self.take_away(id, by, CancelReason::Requested);
            }
            Message::Modify { id, size, price } => {
                if matches!(order.place, Place::Stop(..)) {
                    return Err(Reject::PendingStop);
                }
                let (size, price) = (
                    size.unwrap_or(order.left()),
                    price.unwrap_or(order.limit.unwrap()),
                );
                if size == 0 {
                    self.take_away(id, order.left(), CancelReason::Requested);
                    return Ok(());
                }
                self.check(order.side, size, Some(price))?;
                if Some(price) == order.limit && size <= order.left() {
                    if size < order.left() {
                        self.take_away(id, order.left() - size, CancelReason::Requested);
                    }
                    return Ok(());
                }
                self.check_post_only(order.post_only, order.side, price)?;
                self.orders.retain(|o| o.id != id);
                self.events.push(Event::Modified {
                    id,
                    trader: order.trader,
                    side: order.side,
                    old_price: order.limit.unwrap(),
                    old_size: order.left(),
                    old_displayed: displayed(&order, order.open),
                    price,
                    size,
                });
                self.enter_again(&order, id, size, price);
            }
            Message::Replace {
                id,
                new_id,
                size,
                price,
            } => {
                if matches!(order.place, Place::Stop(..)) {
                    return Err(Reject::PendingStop);
                }
                self.check(order.side, size, Some(price))?;
                if self.get(new_id).is_some() {
                    return Err(Reject::DuplicateId);
                }
                self.check_post_only(order.post_only, order.side, price)?;
                self.orders.retain(|o| o.id != id);
                self.events.push(Event::Replaced {
                    id,
                    new_id,
                    trader: order.trader,
                    side: order.side,
                    old_price: order.limit.unwrap(),
                    old_size: order.left(),
                    old_displayed: displayed(&order, order.open),
                    price,
                    size,
                });
                self.enter_again(&order, new_id, size, price);
            }
        }
        Ok(())
    }

    fn enter_again(&mut self, order: &Order, id: OrderId, size: Size, price: Price) {
        self.enter(&NewOrder {
            id,
            trader: order.trader,
            side: order.side,
            size,
            price: Some(price),
            tif: TimeInForce::Gtc,
            post_only: order.post_only,
            hidden: order.hidden,
            display: order.display,
            stop: None,
        });
    }

    fn check(&self, side: Side, size: Size, price: Option<Price>) -> Result<(), Reject> {
        let rules = self.config.rules;
        if size <= 0 {
            return Err(Reject::Size);
        }
        if size > rules.max_size {
            return Err(Reject::MaxSize);
        }
        if size % rules.lot != 0 && (side == Side::Buy || !rules.odd_lot_sells) {
            return Err(Reject::Lot);
        }
        let Some(price) = price else { return Ok(()) };
        if rules
            .band
            .is_some_and(|band| price < band.low || price > band.high)
        {
            return Err(Reject::PriceBand);
        }
        self.check_tick(price)
    }

    fn check_tick(&self, price: Price) -> Result<(), Reject> {
        let tick = self.config.rules.tick;
        if price % tick != 0 || price < 0 || price / tick > MAX_TICK {
            return Err(Reject::Tick);
        }
        Ok(())
    }

    fn check_post_only(&self, post_only: bool, side: Side, price: Price) -> Result<(), Reject> {
        let crosses = self
            .sorted(side.opposite())
            .first()
            .is_some_and(|best| crosses(side, Some(price), best));
        if post_only && crosses && self.phase != Phase::Auction {
            return Err(Reject::PostOnly);
        }
        Ok(())
    }

    fn new_order(&mut self, order: &NewOrder) -> Result<(), Reject> {
        self.check_new(order)?;
        self.events.push(Event::Accepted {
            id: order.id,
            trader: order.trader,
            side: order.side,
            size: order.size,
            limit: order.price,
        });
        let Some(stop) = order.stop else {
            self.enter(order);
            return Ok(());
        };
        let (id, trader) = (order.id, order.trader);
        let reached = self.last.is_some_and(|last| match order.side {
            Side::Buy => last >= stop,
            Side::Sell => last <= stop,
        });
        if reached && self.phase == Phase::Continuous {
            self.events.push(Event::Triggered { id, trader, stop });
            self.enter(order);
            return Ok(());
        }
        let place = Place::Stop(stop, order.tif, self.next_move());
        self.orders.push(Order {
            reserve: 0,
            open: order.size,
            ..place_of(order, order.size, place)
        });
        self.events.push(Event::Held {
            id,
            trader,
            side: order.side,
            stop,
            size: order.size,
        });
        Ok(())
    }

    fn check_new(&mut self, order: &NewOrder) -> Result<(), Reject> {
        let rests = order.price.is_some() && order.tif == TimeInForce::Gtc;
        let rules = self.config.rules;
        self.check(order.side, order.size, None)?;
        let price = order.price.unwrap_or(0);
        if order.price.is_some() && rules.band.is_some_and(|b| price < b.low || price > b.high) {
            return Err(Reject::PriceBand);
        }
        if order.display < 0 || order.display > order.size {
            return Err(Reject::Size);
        }
        if order.stop.is_some_and(|stop| stop % rules.tick != 0) {
            return Err(Reject::Tick);
        }
        let must_rest = order.hidden || order.post_only || order.display > 0;
        if (must_rest && !rests)
            || (order.hidden && order.display > 0)
            || (order.post_only && order.stop.is_some())
        {
            return Err(Reject::Attributes);
        }
        if let Some(price) = order.price {
            self.check_tick(price)?;
        }
        if self.get(order.id).is_some() {
            return Err(Reject::DuplicateId);
        }
        let full = self.orders.len() == self.config.capacity.max(self.config.grows_to) as usize;
        if full && (rests || order.stop.is_some()) {
            return Err(Reject::Capacity);
        }
        match order.stop {
            Some(stop) => self.check_tick(stop),
            None if self.phase == Phase::Auction && (!rests || order.post_only) => {
                Err(Reject::Auction)
            }
            None => self.check_post_only(order.post_only, order.side, price),
        }
    }

    /// Takes shares from an order, the reserve first.
    fn take_away(&mut self, id: OrderId, by: Size, reason: CancelReason) {
        let order = self.get(id).unwrap();
        let before = *order;
        let from_reserve = by.min(order.reserve);
        if matches!(order.place, Place::Book(_)) {
            order.reserve -= from_reserve;
            order.open -= by - from_reserve;
        } else {
            order.set_left(before.left() - by);
        }
        let left = order.left();
        let (trader, side, limit) = (before.trader, before.side, before.limit);
        let displayed = displayed(&before, by - from_reserve);
        self.events.push(if left == 0 {
            Event::Cancelled {
                id,
                trader,
                side,
                limit,
                size: by,
                displayed,
                reason,
            }
        } else {
            Event::Reduced {
                id,
                trader,
                side,
                limit,
                size: by,
                displayed,
                left,
                reason,
            }
        });
        self.orders.retain(|o| o.left() > 0);
    }

    fn enter(&mut self, order: &NewOrder) {
        if self.phase == Phase::Auction {
            let place = Place::Pool(self.next_move());
            self.orders.push(place_of(order, order.size, place));
            return;
        }
        let mut left = order.size;
        let mut lost = false;
        if order.tif == TimeInForce::Fok && !self.can_fill(order) {
            return self.discard(order, left, CancelReason::Killed);
        }
        while left > 0 && !lost {
            let best = self.sorted(order.side.opposite()).first().copied();
            let Some(maker) = best.filter(|best| crosses(order.side, order.price, best)) else {
                break;
            };
            if maker.trader == order.trader && self.config.self_trade != SelfTrade::Allow {
                let both = left.min(maker.left());
                let (from_maker, from_taker) = match self.config.self_trade {
                    SelfTrade::CancelOldest => (maker.left(), 0),
                    SelfTrade::Decrement => (both, both),
                    _ => (0, left),
                };
                if from_maker > 0 {
                    self.take_away(maker.id, from_maker, CancelReason::SelfTrade);
                }
                left -= from_taker;
                lost = left == 0;
                if from_taker > 0 {
                    self.lose(order, from_taker, left);
                }
                continue;
            }
            left -= self.trade(order, maker.id, left);
        }
        if left == 0 {
            return;
        }
        if order.price.is_none() {
            self.discard(order, left, CancelReason::Market);
        } else if order.tif != TimeInForce::Gtc {
            self.discard(order, left, CancelReason::Ioc);
        } else {
            let place = Place::Book(self.next_move());
            let resting = place_of(order, left, place);
            self.orders.push(resting);
            self.rested(&resting);
        }
    }

    fn rested(&mut self, order: &Order) {
        self.events.push(Event::Rested {
            id: order.id,
            trader: order.trader,
            side: order.side,
            price: order.limit.unwrap(),
            size: order.left(),
            displayed: displayed(order, order.open),
        });
    }

    /// One fill of at most `left` shares. Returns its size.
    fn trade(&mut self, taker: &NewOrder, maker: OrderId, left: Size) -> Size {
        let place = Place::Book(self.next_move());
        let maker = self.get(maker).unwrap();
        let size = left.min(maker.open);
        maker.open -= size;
        let after = *maker;
        if maker.open == 0 && maker.reserve > 0 {
            maker.set_left(maker.reserve);
            maker.place = place;
        }
        let refilled = *maker;
        let price = after.limit.unwrap();
        self.orders.retain(|o| o.left() > 0);
        self.last = Some(price);
        let (low, high) = self.printed.unwrap_or((price, price));
        self.printed = Some((low.min(price), high.max(price)));
        self.events.push(Event::Trade(Trade {
            price,
            size,
            maker: after.id,
            taker: taker.id,
            maker_trader: after.trader,
            taker_trader: taker.trader,
            aggressor: taker.side,
            hidden: after.hidden,
            taker_limit: taker.price,
            maker_left: after.left(),
            taker_left: left - size,
        }));
        if after.open == 0 && after.reserve > 0 {
            self.events.push(Event::Refilled {
                id: after.id,
                side: after.side,
                price,
                displayed: refilled.open,
            });
        }
        size
    }

    fn lose(&mut self, order: &NewOrder, size: Size, left: Size) {
        let (id, trader, side, limit) = (order.id, order.trader, order.side, order.price);
        let reason = CancelReason::SelfTrade;
        let displayed = 0;
        self.events.push(if left == 0 {
            Event::Cancelled {
                id,
                trader,
                side,
                limit,
                size,
                displayed,
                reason,
            }
        } else {
            Event::Reduced {
                id,
                trader,
                side,
                limit,
                size,
                displayed,
                left,
                reason,
            }
        });
    }

    fn discard(&mut self, order: &NewOrder, left: Size, reason: CancelReason) {
        self.events.push(Event::Cancelled {
            id: order.id,
            trader: order.trader,
            side: order.side,
            limit: order.price,
            size: left,
            displayed: 0,
            reason,
        });
    }

    fn can_fill(&self, order: &NewOrder) -> bool {
        let makers = self.sorted(order.side.opposite());
        let makers = makers
            .iter()
            .filter(|o| crosses(order.side, order.price, o));
        let mut wanted = order.size;
        let mut price = None;
        for maker in makers {
            // A level counts as a whole.
            if price != maker.limit && wanted <= 0 {
                break;
            }
            price = maker.limit;
            if maker.trader != order.trader || self.config.self_trade == SelfTrade::Allow {
                wanted -= maker.left();
            } else if self.config.self_trade != SelfTrade::CancelOldest {
                return false;
            }
        }
        wanted <= 0
    }

    fn release_stops(&mut self) {
        while let Some((low, high)) = self.printed.take() {
            let mut released = Vec::new();
            for order in &self.orders {
                if let Place::Stop(stop, tif, since) = order.place {
                    let reached = match order.side {
                        Side::Buy => high >= stop,
                        Side::Sell => low <= stop,
                    };
                    if reached {
                        released.push((since, stop, tif, *order));
                    }
                }
            }
            released.sort_by_key(|(since, ..)| *since);
            for (_, stop, tif, order) in released {
                self.orders.retain(|o| o.id != order.id);
                let (id, trader) = (order.id, order.trader);
                self.events.push(Event::Triggered { id, trader, stop });
                self.enter(&NewOrder {
                    id,
                    trader,
                    side: order.side,
                    size: order.left(),
                    price: order.limit,
                    tif,
                    post_only: false,
                    hidden: order.hidden,
                    display: order.display.min(order.left()),
                    stop: None,
                });
            }
        }
    }

    /// Begins a phase; not to be used to end an auction.
    pub fn set_phase(&mut self, time: Time, phase: Phase) -> Vec<Event> {
        self.time = self.time.max(time);
        self.phase = phase;
        self.events.push(Event::Phase(phase));
        if phase == Phase::Continuous {
            let mut pool = Vec::new();
            for order in &self.orders {
                if let Place::Pool(since) = order.place {
                    pool.push((since, order.id));
                }
            }
            pool.sort_unstable();
            for (_, id) in pool {
                let place = Place::Book(self.next_move());
                let order = self.get(id).unwrap();
                order.place = place;
                let order = *order;
                self.rested(&order);
            }
            self.printed = self.last.map(|last| (last, last));
            self.release_stops();
        }
        std::mem::take(&mut self.events)
    }

    /// Ends an auction.
    pub fn uncross(&mut self, time: Time, reference: Price) -> Vec<Event> {
        self.time = self.time.max(time);
        let rank = |order: &Order| match order.place {
            Place::Book(_) => (0, order.hidden, order.priority().2),
            Place::Pool(since) => (1, false, since),
            Place::Stop(..) => panic!("not in the auction"),
        };
        let waits = |o: &&Order| !matches!(o.place, Place::Stop(..));
        let all: Vec<Order> = self.orders.iter().filter(waits).copied().collect();
        let sum = |keep: &dyn Fn(&Order) -> bool| -> Size {
            all.iter().filter(|o| keep(o)).map(Order::left).sum()
        };
        // Price, volume, imbalance of those prices at which all better orders are filled.
        let mut candidates = Vec::new();
        for price in all.iter().map(|o| o.limit.unwrap()) {
            let buys = sum(&|o| o.side == Side::Buy && o.limit.unwrap() >= price);
            let sells = sum(&|o| o.side == Side::Sell && o.limit.unwrap() <= price);
            let better_buys = sum(&|o| o.side == Side::Buy && o.limit.unwrap() > price);
            let better_sells = sum(&|o| o.side == Side::Sell && o.limit.unwrap() < price);
            if better_buys <= sells && better_sells <= buys {
                candidates.push((price, buys.min(sells), buys - sells));
            }
        }
        let most = candidates.iter().map(|c| c.1).max().unwrap_or(0);
        candidates.retain(|c| c.1 == most);
        let least = candidates.iter().map(|c| c.2.abs()).min().unwrap_or(0);
        candidates.retain(|c| c.2.abs() == least);
        let chosen = if candidates.iter().all(|c| c.2 > 0) {
            candidates.iter().max_by_key(|c| c.0)
        } else if candidates.iter().all(|c| c.2 < 0) {
            candidates.iter().min_by_key(|c| c.0)
        } else {
            candidates
                .iter()
                .min_by_key(|c| ((c.0 - reference).abs(), -c.0))
        };
        if let Some(&(price, volume, imbalance)) = chosen.filter(|_| most > 0) {
            self.events.push(Event::AuctionPrint {
                price,
                volume,
                imbalance,
            });
            for side in Side::BOTH {
                let mut orders: Vec<&Order> = all.iter().filter(|o| o.side == side).collect();
                orders.sort_by_key(|o| (-side.sign() * o.limit.unwrap(), rank(o)));
                let mut to_fill = volume;
                for order in orders {
                    let size = order.left().min(to_fill);
                    if size == 0 {
                        break;
                    }
                    to_fill -= size;
                    self.fill(order.id, size, price);
                }
            }
            self.last = Some(price);
        }
        let before = std::mem::take(&mut self.events);
        let after = self.set_phase(time, Phase::Continuous);
        [before, after].concat()
    }

    fn fill(&mut self, id: OrderId, size: Size, price: Price) {
        let order = self.get(id).unwrap();
        let before = *order;
        let from_reserve = size.min(order.reserve);
        if matches!(order.place, Place::Book(_)) {
            order.reserve -= from_reserve;
            order.open -= size - from_reserve;
        } else {
            order.set_left(before.left() - size);
        }
        let left = order.left();
        self.orders.retain(|o| o.left() > 0);
        self.events.push(Event::AuctionFill {
            id,
            trader: before.trader,
            side: before.side,
            limit: before.limit.unwrap(),
            price,
            size,
            displayed: displayed(&before, size - from_reserve),
            left,
        });
    }
}

fn displayed(order: &Order, open: Size) -> Size {
    let seen = matches!(order.place, Place::Book(_)) && !order.hidden;
    if seen { open } else { 0 }
}

fn crosses(side: Side, limit: Option<Price>, maker: &Order) -> bool {
    limit.is_none_or(|limit| match side {
        Side::Buy => limit >= maker.limit.unwrap(),
        Side::Sell => limit <= maker.limit.unwrap(),
    })
}

fn place_of(order: &NewOrder, left: Size, place: Place) -> Order {
    let mut placed = Order {
        id: order.id,
        trader: order.trader,
        side: order.side,
        limit: order.price,
        open: 0,
        reserve: 0,
        display: order.display,
        hidden: order.hidden,
        post_only: order.post_only,
        place,
    };
    placed.set_left(left);
    placed
}
