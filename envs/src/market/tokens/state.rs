//! What a model of order flow sees of each order.

use super::{OrderKind, Tokenizer};
use crate::market::{
    book::Snapshot,
    order::{Price, Side, Size, Time, TraderId},
};

/// Price levels around the mid-price that are told.
const DEPTHS: usize = 10;
/// Largest change of the price that is told, in basis points.
const LARGEST_CHANGE: f64 = 0.2;

/// An order that reached the book, or a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenOrder {
    /// When.
    pub time: Time,
    /// What it does.
    pub kind: OrderKind,
    /// Its limit; of a market order, the worst price on the other side; of a cancellation, that of the order.
    pub price: Price,
    /// Shares entered or taken back.
    pub size: Size,
    /// Shares that traded at once.
    pub traded: Size,
    /// Price of the first of these trades.
    pub first_trade: Option<Price>,
    /// Whose order it is.
    pub trader: TraderId,
}

/// One order as a model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderState {
    /// Index of its [token](super::OrderToken).
    pub token: u32,
    /// Its share of the size at its price, in tenths, below 10.
    pub size_share: u8,
    /// The part that traded at once, in tenths, below 10.
    pub traded_share: u8,
    /// Change of the mid-price since the first trade, in basis points, within ±2000.
    pub change_to_open: i16,
    /// Seconds since the first order.
    pub seconds_to_open: u32,
    /// For the prices from 5 ticks below the mid-price to 4 above: 1 and the bin of the displayed size, or 0.
    pub depths: [u8; DEPTHS],
}

impl OrderState {
    /// All fields as integers, in order.
    pub fn to_array(&self) -> [i32; 5 + DEPTHS] {
        let mut array = [0; 5 + DEPTHS];
        let (fields, depths) = array.split_at_mut(5);
        fields.copy_from_slice(&[
            self.token as i32,
            self.size_share.into(),
            self.traded_share.into(),
            self.change_to_open.into(),
            self.seconds_to_open as i32,
        ]);
        depths
            .iter_mut()
            .zip(self.depths)
            .for_each(|(out, depth)| *out = depth.into());
        array
    }
}

/// What an order adds to the sequence of states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// The first order: intervals count from it, and it has no state itself.
    Opened,
    /// A state more.
    Added(OrderState),
    /// A state that takes the place of the last one: cancellations of one trader at one time and price are one.
    Merged(OrderState),
}

/// Turns a stream of orders into states.
#[derive(Debug, Clone)]
pub struct OrderStates {
    tokenizer: Tokenizer,
    /// The book before the last order and after it.
    before: Snapshot,
    after: Snapshot,
    /// Mid-prices of both.
    mids: [Price; 2],
    /// Time of the first order.
    open: Option<Time>,
    /// Price of the first trade.
    open_price: Option<Price>,
    last: Option<Last>,
}

/// The last order, with those that were merged into it.
#[derive(Debug, Clone, Copy)]
struct Last {
    order: SeenOrder,
    interval: Time,
    /// Not the first of all, which has no state to merge with.
    has_state: bool,
}

impl OrderStates {
    /// Room for `levels` levels of the book on each side; 10 in the original.
    pub fn new(tokenizer: Tokenizer, levels: usize) -> Self {
        Self {
            tokenizer,
            before: Snapshot::new(levels),
            after: Snapshot::new(levels),
            mids: [0; 2],
            open: None,
            open_price: None,
            last: None,
        }
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Forgets everything.
    pub fn restart(&mut self) {
        (self.open, self.open_price, self.last) = (None, None, None);
        self.mids = [0; 2];
    }

    /// Mid-price after the last order, a multiple of the tick.
    pub fn mid(&self) -> Price {
        self.mids[1]
    }

    /// Takes in an order; `book` is the book after it, `last_price` the price of the last trade.
    pub fn observe(
        &mut self,
        order: &SeenOrder,
        book: &Snapshot,
        last_price: Option<Price>,
    ) -> Observed {
        let merges = self.last.is_some_and(|last| {
            let (a, b) = (&last.order, order);
            last.has_state
                && (a.kind, b.kind) == (OrderKind::Cancel, OrderKind::Cancel)
                && (a.time, a.price, a.trader) == (b.time, b.price, b.trader)
        });
        // A merged order keeps the book before the first of its parts.
        if !merges {
            std::mem::swap(&mut self.before, &mut self.after);
            self.mids[0] = self.mids[1];
        }
        self.after.clone_from(book);
        let mid = mid_price(book, self.tokenizer.tick());
        self.mids[1] = mid.or(last_price).unwrap_or(self.mids[1]);
        let Some(last) = self.last else {
            self.open = Some(order.time);
            self.last = Some(Last {
                order: *order,
                interval: 0,
                has_state: false,
            });
            return Observed::Opened;
        };
        self.open_price = self.open_price.or(order.first_trade);
        let merged = Last {
            order: SeenOrder {
                size: order.size + if merges { last.order.size } else { 0 },
                ..*order
            },
            interval: if merges {
                last.interval
            } else {
                order.time - last.order.time
            },
            has_state: true,
        };
        self.last = Some(merged);
        let state = self.state(&merged);
        if merges {
            Observed::Merged(state)
        } else {
            Observed::Added(state)
        }
    }

    fn state(&self, last: &Last) -> OrderState {
        let SeenOrder {
            time,
            kind,
            price,
            size,
            traded,
            ..
        } = last.order;
        let levels = Side::BOTH.iter().flat_map(|&side| self.before.side(side));
        let present = levels
            .filter(|level| level.price == price)
            .map(|level| level.size)
            .next();
        let share = |part: Size, whole: Size| part as f64 / (whole as f64).max(1.0);
        // Just below ten tenths, so that the whole is in the last.
        let tenths = |ratio: f64| (ratio * 0.99 * 10.0).floor().clamp(0.0, 9.0) as u8;
        let mid = self.mids[1];
        let change = self
            .open_price
            .map_or(0.0, |open| mid as f64 / open as f64 - 1.0);
        let change = change.clamp(-LARGEST_CHANGE, LARGEST_CHANGE) * 10_000.0;
        let mut depths = [0; DEPTHS];
        for level in Side::BOTH.iter().flat_map(|&side| self.after.side(side)) {
            let ticks = (level.price - mid).div_euclid(self.tokenizer.tick());
            if let Ok(place) = usize::try_from(ticks + DEPTHS as i64 / 2)
                && let Some(depth) = depths.get_mut(place)
            {
                *depth = self.tokenizer.depth(level.size) + 1;
            }
        }
        OrderState {
            token: self
                .tokenizer
                .token(kind, price, self.mids[0], size, last.interval)
                .index(),
            size_share: tenths(present.map_or(1.0, |present| share(size, present + size))),
            traded_share: tenths(if kind == OrderKind::Cancel {
                1.0
            } else {
                share(traded, size)
            }),
            change_to_open: change as i16,
            seconds_to_open: ((time - self.open.unwrap_or(time)) / 1_000_000_000).max(0) as u32,
            depths,
        }
    }
}

/// The mid-price, rounded towards the bid to a multiple of the tick; the best price where one side is empty, `None` where both
/// are.
fn mid_price(book: &Snapshot, tick: Price) -> Option<Price> {
    let [bid, ask] = Side::BOTH.map(|side| book.side(side).first().map(|level| level.price));
    match (bid, ask) {
        (Some(bid), Some(ask)) => Some(bid + tick * ((ask - bid).div_euclid(2 * tick))),
        (one, other) => one.or(other),
    }
}
