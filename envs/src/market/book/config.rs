//! What a book is made with.

use serde::{Deserialize, Serialize};

use crate::market::event::Reject;
use crate::market::order::{NewOrder, Price, Side, Size, TimeInForce};

/// What happens when an order would trade with one of the same trader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfTrade {
    /// They trade.
    #[default]
    Allow,
    /// What is left of the order that came is cancelled.
    CancelNewest,
    /// The order that rests is cancelled, and the other goes on.
    CancelOldest,
    /// Both lose the smaller of their sizes without a trade.
    Decrement,
}

/// How orders are named; decides where a book looks an id up. Either way is right for any ids, and fast for its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ids {
    /// One after the other, as an exchange assigns them: neighbours in time are neighbours in memory.
    #[default]
    Sequential,
    /// Anyhow, as in recordings.
    Any,
}

/// Lowest and highest price of a day, both allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Band {
    /// Lowest price.
    pub low: Price,
    /// Highest price.
    pub high: Price,
}

impl Band {
    /// A band of `percent` around the close of the day before, rounded to the nearest tick as China's exchanges do: ±10 % on
    /// the main boards, ±20 % on `ChiNext` and STAR.
    pub fn around(close: Price, percent: i64, tick: Price) -> Self {
        let to_tick = |hundredths: i64| (2 * hundredths + 100 * tick).div_euclid(200 * tick) * tick;
        Self {
            low: to_tick(close * (100 - percent)),
            high: to_tick(close * (100 + percent)),
        }
    }
}

/// What an exchange demands of an order before it looks at the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Prices are multiples of this, > 0.
    pub tick: Price,
    /// Sizes are multiples of this, > 0.
    pub lot: Size,
    /// Whether a sell may have any size, to get rid of an odd lot. A ledger then sees to it that nothing else is sold so.
    pub odd_lot_sells: bool,
    /// Largest size of an order.
    pub max_size: Size,
    /// Prices of the day.
    pub band: Option<Band>,
}

impl Default for Rules {
    /// A tick of 0.01, a lot of one share, no band.
    fn default() -> Self {
        Self {
            tick: 100,
            lot: 1,
            odd_lot_sells: false,
            max_size: i64::from(u32::MAX),
            band: None,
        }
    }
}

impl Rules {
    /// Checks an order by itself: size, lot, tick, band, and whether its attributes go together.
    ///
    /// # Errors
    /// The first rule that it breaks.
    #[inline]
    pub fn check(&self, order: &NewOrder) -> Result<(), Reject> {
        self.check_size(order.side, order.size)?;
        if let Some(price) = order.price {
            self.check_price(price)?;
        }
        if order.hidden || order.post_only || order.display != 0 || order.stop.is_some() {
            self.check_attributes(order)?;
        }
        Ok(())
    }

    /// Checks the size of an order.
    #[inline]
    pub(super) fn check_size(&self, side: Side, size: Size) -> Result<(), Reject> {
        if size <= 0 {
            return Err(Reject::Size);
        }
        if size > self.max_size {
            return Err(Reject::MaxSize);
        }
        if self.lot != 1 && size % self.lot != 0 && !(self.odd_lot_sells && side == Side::Sell) {
            return Err(Reject::Lot);
        }
        Ok(())
    }

    /// Checks a price against the band; the book itself sees to the tick.
    #[inline]
    pub(super) fn check_price(&self, price: Price) -> Result<(), Reject> {
        match self.band {
            Some(band) if price < band.low || price > band.high => Err(Reject::PriceBand),
            _ => Ok(()),
        }
    }

    fn check_attributes(&self, order: &NewOrder) -> Result<(), Reject> {
        let iceberg = order.display != 0;
        if order.display < 0 || order.display > order.size {
            return Err(Reject::Size);
        }
        if order.stop.is_some_and(|stop| stop % self.tick != 0) {
            return Err(Reject::Tick);
        }
        let rests = order.price.is_some() && order.tif == TimeInForce::Gtc;
        let needs_rest = order.hidden || iceberg || order.post_only;
        if (needs_rest && !rests)
            || (order.hidden && iceberg)
            || (order.post_only && order.stop.is_some())
        {
            return Err(Reject::Attributes);
        }
        Ok(())
    }
}

/// What a [`Book`](super::Book) is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BookConfig {
    /// What is demanded of orders.
    pub rules: Rules,
    /// Orders, stop orders included, that there is room for from the beginning.
    pub capacity: u32,
    /// Orders that can be live at once; more are refused with [`Reject::Capacity`]. A book that is full makes room for twice as
    /// many, once, until there is room for these. At or below `capacity`, 0 for one, a book does not grow.
    pub grows_to: u32,
    /// Price levels that are held in an array around the touch, rounded up to a power of two from 64 on; levels farther away
    /// go into a list, which is slower.
    pub window: u32,
    /// What happens when a trader meets itself.
    pub self_trade: SelfTrade,
    /// How orders are named.
    pub ids: Ids,
}

impl Default for BookConfig {
    /// Room for 65,536 orders, no more, and 4,096 levels near the touch.
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            capacity: 1 << 16,
            grows_to: 0,
            window: 4096,
            self_trade: SelfTrade::Allow,
            ids: Ids::Sequential,
        }
    }
}

/// Why no book can be made from a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("book: `{key}` is {found}; choose {expected}")]
pub struct BookConfigError {
    /// The key.
    pub key: &'static str,
    /// What it says.
    pub found: i64,
    /// What it may say.
    pub expected: &'static str,
}
