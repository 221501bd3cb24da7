//! The orders of a player that may still trade: those that rest, and those on their way.
//!
//! A message arrives two communication delays after the moment of the market that the player saw when it sent it. Until then the
//! exchange knows nothing of it: an order is in no book, and shares that were asked back still trade. What limits the size of an
//! order, or an inventory, has to count both. When a message has arrived is known from the events of the market, which the
//! player sees as late as the book.

use serde::{Deserialize, Serialize};

use super::shared::SYMBOL;
use crate::market::book::{Book, Resting};
use crate::market::event::{CancelReason, Event, Phase};
use crate::market::kernel::Desk;
use crate::market::order::{Message, NewOrder, OrderId, Price, Side, Size};

/// How an order is sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum How {
    /// At any price; nothing of it rests. A call auction takes limit orders only: there it is one at the worst price that the
    /// other side asks for, of which what is left is taken back at the first decision after the auction.
    Market,
    /// At this price or better; the rest of it waits.
    Limit(Price),
}

/// An order that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) id: OrderId,
    pub(super) side: Side,
    /// Its limit; `None` for a market order.
    pub(super) price: Option<Price>,
    size: Size,
    /// It could trade at once in the book that the player saw; in an auction, with everything there.
    crosses: bool,
    arrived: bool,
}

impl Sent {
    /// Shares that may still trade.
    fn left(&self, book: &Book) -> Size {
        if self.arrived {
            book.order(self.id).map_or(0, |order| order.left())
        } else {
            self.size
        }
    }
}

/// Orders of a player that may still trade, in the order in which they were sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct WorkingOrders {
    orders: Vec<Sent>,
    /// Shares of them that were asked back by messages that have not arrived.
    recalls: Vec<(OrderId, Size)>,
}

impl WorkingOrders {
    /// Forgets all, with room for the orders of an episode that is to begin.
    pub(super) fn clear(&mut self) {
        self.orders.clear();
        self.orders.reserve(64);
        self.recalls.clear();
        self.recalls.reserve(64);
    }

    /// Sends an order, of at least a share. `None` if it was to trade at any price in an auction in which the other side is empty.
    pub(super) fn send(
        &mut self,
        desk: &mut Desk<'_>,
        side: Side,
        size: Size,
        how: How,
    ) -> Option<OrderId> {
        let book = desk.book(SYMBOL);
        let price = match how {
            How::Limit(price) => Some(price),
            How::Market if book.phase() == Phase::Auction => Some(worst_price(book, side)?),
            How::Market => None,
        };
        let other = match book.phase() {
            Phase::Auction => worst_price(book, side),
            _ => book.best(side.opposite()),
        };
        let crosses = match price {
            Some(price) => other.is_some_and(|other| side.sign() * (price - other) >= 0),
            None => true,
        };
        let (id, trader) = (desk.new_id(), desk.id_of(0));
        let order = match price {
            Some(price) => NewOrder::limit(id, trader, side, size, price),
            None => NewOrder::market(id, trader, side, size),
        };
        desk.send(SYMBOL, Message::New(order));
        self.orders.push(Sent {
            id,
            side,
            price: match how {
                How::Limit(price) => Some(price),
                How::Market => None,
            },
            size,
            crosses,
            arrived: false,
        });
        Some(id)
    }

    /// Hears an event of the market.
    #[inline]
    pub(super) fn hear(&mut self, event: &Event) {
        match *event {
            Event::Accepted { id, .. } => {
                if let Some(order) = self.orders.iter_mut().find(|order| order.id == id) {
                    order.arrived = true;
                }
            }
            Event::Rejected { id, .. } => {
                // The order comes before what asks for it back.
                let refused = |order: &Sent| order.id == id && !order.arrived;
                if let Some(place) = self.orders.iter().position(refused) {
                    self.orders.remove(place);
                } else {
                    self.recall_arrived(id);
                }
            }
            Event::Cancelled {
                id,
                reason: CancelReason::Requested,
                ..
            }
            | Event::Reduced {
                id,
                reason: CancelReason::Requested,
                ..
            } => self.recall_arrived(id),
            _ => {}
        }
    }

    fn recall_arrived(&mut self, id: OrderId) {
        if let Some(place) = self.recalls.iter().position(|recall| recall.0 == id) {
            self.recalls.remove(place);
        }
    }

    /// Forgets the orders that are gone, and takes back what is left of market orders after an auction.
    pub(super) fn tidy(&mut self, desk: &mut Desk<'_>) {
        let book = desk.book(SYMBOL);
        let phase = book.phase();
        self.orders
            .retain(|order| !order.arrived || book.order(order.id).is_some());
        if phase != Phase::Auction {
            for place in 0..self.orders.len() {
                let order = self.orders[place];
                if order.arrived && order.price.is_none() {
                    self.recall(desk, order.id, Size::MAX);
                }
            }
        }
    }

    /// Asks `size` shares of an order back, or what has not been asked back already.
    pub(super) fn recall(&mut self, desk: &mut Desk<'_>, id: OrderId, size: Size) {
        let Some(order) = self.orders.iter().find(|order| order.id == id) else {
            return;
        };
        let left = order.left(desk.book(SYMBOL));
        let recalled = self.recalled(id);
        let by = size.min(left - recalled);
        if by <= 0 {
            return;
        }
        self.recalls.push((id, by));
        let message = if recalled + by == left {
            Message::Cancel { id }
        } else {
            Message::Reduce { id, by }
        };
        desk.send(SYMBOL, message);
    }

    /// Asks `size` shares of the orders at a price back, the oldest first.
    pub(super) fn recall_at(&mut self, desk: &mut Desk<'_>, price: Price, size: Size) {
        let mut left = size;
        for place in 0..self.orders.len() {
            let order = self.orders[place];
            if order.price == Some(price) {
                let kept = self.kept_of(&order, desk.book(SYMBOL));
                self.recall(desk, order.id, left);
                left -= kept.min(left);
            }
        }
    }

    /// Asks everything back.
    pub(super) fn recall_all(&mut self, desk: &mut Desk<'_>) {
        for place in 0..self.orders.len() {
            self.recall(desk, self.orders[place].id, Size::MAX);
        }
    }

    /// Shares of an order that were asked back and may still trade.
    fn recalled(&self, id: OrderId) -> Size {
        let recalls = self.recalls.iter().filter(|recall| recall.0 == id);
        recalls.map(|recall| recall.1).sum()
    }

    fn kept_of(&self, order: &Sent, book: &Book) -> Size {
        (order.left(book) - self.recalled(order.id)).max(0)
    }

    /// The orders, with what stays of each once all messages have arrived, if it does not trade: more than 0.
    pub(super) fn kept<'a>(&'a self, book: &'a Book) -> impl Iterator<Item = (&'a Sent, Size)> {
        let kept = self
            .orders
            .iter()
            .map(|order| (order, self.kept_of(order, book)));
        kept.filter(|(_, size)| *size > 0)
    }

    /// Shares of a side that may trade before or after a message that is sent now arrives. Without latency those that were asked
    /// back cannot.
    pub(super) fn outstanding(&self, desk: &Desk<'_>, side: Side) -> Size {
        let book = desk.book(SYMBOL);
        let of_side = self.orders.iter().filter(|order| order.side == side);
        if desk.communication() > 0 {
            of_side.map(|order| order.left(book)).sum()
        } else {
            of_side.map(|order| self.kept_of(order, book)).sum()
        }
    }

    /// Whether an order was sent to trade at once, and has not arrived or waits for an auction.
    pub(super) fn is_arriving(order: &Sent, book: &Book) -> bool {
        order.crosses && (!order.arrived || book.phase() == Phase::Auction)
    }

    /// Shares of such orders.
    pub(super) fn arriving(&self, book: &Book) -> Size {
        let arriving = |order: &&Sent| Self::is_arriving(order, book);
        let orders = self.orders.iter().filter(arriving);
        orders.map(|order| order.left(book)).sum()
    }

    /// Those that rest or wait for an auction.
    pub(super) fn live<'a>(&'a self, book: &'a Book) -> impl Iterator<Item = Resting> + 'a {
        self.orders.iter().filter_map(|order| book.order(order.id))
    }
}

/// The price at which an order of `side` would trade with everything that stands on the other side or waits there for an auction.
pub(super) fn worst_price(book: &Book, side: Side) -> Option<Price> {
    let other = side.opposite();
    let pooled = book.pooled().filter(|order| order.side == other);
    let pooled = pooled.filter_map(|order| order.price);
    let standing = book.levels(other).map(|level| level.price);
    pooled
        .chain(standing)
        .max_by_key(|price| side.sign() * price)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::book::BookConfig;
    use crate::market::flow::Replay;
    use crate::market::kernel::{
        Calendar, Delays, Kernel, KernelConfig, SECOND, Seat, Symbol, TraderTables,
    };
    use crate::market::order::{Time, TraderId};
    use crate::stream::Stream;

    /// A market of a quiet flow and a player, the trader 1.
    struct Market {
        kernel: Kernel,
        flow: Replay,
        tables: TraderTables,
        own: WorkingOrders,
    }

    impl Market {
        /// `recorded` are sizes of orders to sell at 100.00, with the second at which each comes.
        fn new(latency: Time, recorded: &[(i64, Size)], calendar: Option<Calendar>) -> Self {
            let order = |&(second, size): &(i64, Size)| {
                let id = OrderId(second as u64 + 1);
                let order = NewOrder::limit(id, TraderId(0), Side::Sell, size, 1_000_000);
                (second * SECOND, Message::New(order))
            };
            let mut flow = Replay::new(Symbol(0), recorded.iter().map(order).collect());
            let config = KernelConfig {
                calendar,
                first_id: OrderId(1000),
                ..KernelConfig::single(BookConfig::default())
            };
            let mut kernel = Kernel::new(config).unwrap();
            let mut tables = TraderTables::new(2, 1);
            tables.view().seats[1] = Seat {
                delays: Delays {
                    communication: latency,
                    computation: 0,
                },
                ..Seat::default()
            };
            let mut own = WorkingOrders::default();
            own.clear();
            let stream = Stream::new(1, 0, "test");
            let (view, sink) = (&mut tables.view(), &mut |_, event| own.hear(&event));
            kernel.open(0, &mut flow, stream, view, sink);
            Self {
                kernel,
                flow,
                tables,
                own,
            }
        }

        fn run(&mut self, second: i64) {
            let own = &mut self.own;
            let mut hear = |_: Time, event: Event| own.hear(&event);
            let view = &mut self.tables.view();
            self.kernel
                .run(second * SECOND, &mut self.flow, view, &mut hear);
        }

        fn decide<R>(&mut self, act: impl FnOnce(&mut WorkingOrders, &mut Desk<'_>) -> R) -> R {
            let traders = self.tables.view();
            let player = TraderId(1);
            let clock = self.kernel.now() + traders.seats[1].delays.communication;
            let mut desk = self.kernel.desk(player, clock, &traders);
            self.own.tidy(&mut desk);
            act(&mut self.own, &mut desk)
        }

        /// Shares that stay, and shares that may trade.
        fn shares(&mut self) -> (Size, Size) {
            self.decide(|own, desk| {
                let kept = own.kept(desk.book(SYMBOL)).map(|(_, size)| size);
                (kept.sum(), own.outstanding(desk, Side::Buy))
            })
        }

        fn held(&mut self) -> Size {
            self.tables.view().positions[1].held
        }
    }

    #[test]
    fn what_is_on_its_way_counts_until_it_has_arrived() {
        // A message arrives ten seconds after the moment of the decision.
        let mut market = Market::new(5 * SECOND, &[(22, 100)], None);
        let bid = |own: &mut WorkingOrders, desk: &mut Desk<'_>| {
            own.send(desk, Side::Buy, 300, How::Limit(1_000_000))
        };
        let id = market.decide(bid).unwrap();
        market.run(9);
        assert!(market.kernel.book(SYMBOL).order(id).is_none());
        assert_eq!(market.shares(), (300, 300));
        market.run(10);
        assert!(market.kernel.book(SYMBOL).order(id).is_some());
        assert_eq!(market.shares(), (300, 300));
        // Asked back at 15 it can trade until 25, and a hundred shares of it do.
        market.run(15);
        market.decide(|own, desk| own.recall_at(desk, 1_000_000, 120));
        market.decide(|own, desk| own.recall_at(desk, 1_000_000, 50));
        assert_eq!(market.shares(), (130, 300));
        market.run(23);
        assert_eq!((market.shares(), market.held()), ((30, 200), 100));
        market.run(25);
        assert_eq!((market.shares(), market.held()), ((30, 30), 100));
        market.decide(WorkingOrders::recall_all);
        market.decide(WorkingOrders::recall_all);
        assert_eq!(market.shares(), (0, 30));
        market.run(40);
        assert_eq!(market.shares(), (0, 0));
        assert!(market.own.orders.is_empty() && market.own.recalls.is_empty());
    }

    #[test]
    fn shares_that_are_asked_back_twice_are_refused_once_and_forgotten() {
        // The whole order trades before the message arrives that asks a part of it back.
        let mut market = Market::new(SECOND, &[(3, 500)], None);
        market.decide(|own, desk| own.send(desk, Side::Buy, 300, How::Limit(1_000_000)));
        market.run(2);
        market.decide(|own, desk| own.recall_at(desk, 1_000_000, 120));
        market.run(5);
        assert_eq!((market.shares(), market.held()), ((0, 0), 300));
        assert!(market.own.recalls.is_empty());
    }

    #[test]
    fn without_latency_what_is_asked_back_is_back() {
        let mut market = Market::new(0, &[], None);
        market.decide(|own, desk| own.send(desk, Side::Buy, 300, How::Limit(1_000_000)));
        market.run(1);
        assert_eq!(market.shares(), (300, 300));
        let left = market.decide(|own, desk| {
            own.recall_all(desk);
            own.outstanding(desk, Side::Buy)
        });
        assert_eq!(left, 0);
    }

    #[test]
    fn a_market_order_takes_part_in_an_auction_and_is_taken_back_after_it() {
        use crate::market::event::Phase;
        let phases = vec![(0, Phase::Auction), (10 * SECOND, Phase::Continuous)];
        let calendar = Calendar::new(phases).unwrap();
        let mut market = Market::new(0, &[(3, 100)], Some(calendar));
        let buy = |own: &mut WorkingOrders, desk: &mut Desk<'_>| {
            own.send(desk, Side::Buy, 300, How::Market)
        };
        // Nobody sells yet.
        assert_eq!(market.decide(buy), None);
        market.run(5);
        assert!(market.decide(buy).is_some());
        market.run(9);
        assert_eq!((market.shares(), market.held()), ((300, 300), 0));
        market.run(10);
        assert_eq!(market.held(), 100);
        assert_eq!(market.shares(), (0, 0));
        market.run(11);
        assert_eq!(market.kernel.book(SYMBOL).live_orders(), 0);
    }
}
