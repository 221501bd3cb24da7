//! Orders as indices of a vocabulary.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::BinConverter;
use crate::{
    market::order::{Price, Side, Size, Time},
    math::floor_mod,
};

/// Bins of prices and of sizes.
const PRICES: u32 = 32;
const SIZES: u32 = 32;
/// Bins of intervals.
const INTERVALS: u32 = 16;
/// Size of the vocabulary.
pub const TOKENS: u32 = 3 * PRICES * SIZES * INTERVALS;

/// What an order does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// Sells.
    Sell,
    /// Buys.
    Buy,
    /// Takes back.
    Cancel,
}

impl From<Side> for OrderKind {
    fn from(side: Side) -> Self {
        match side {
            Side::Buy => Self::Buy,
            Side::Sell => Self::Sell,
        }
    }
}

/// The bins of one order.
///
/// ```
/// use palaestra_envs::market::tokens::{OrderKind, OrderToken};
///
/// let token = OrderToken { kind: OrderKind::Buy, price: 16, size: 3, interval: 7 };
/// assert_eq!(token.index(), 24_631);
/// assert_eq!(OrderToken::from_index(24_631), Some(token));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OrderToken {
    /// What it does.
    pub kind: OrderKind,
    /// Bin of the price's distance to the mid-price, below 32.
    pub price: u8,
    /// Bin of the size, below 32.
    pub size: u8,
    /// Bin of the time since the order before, below 16.
    pub interval: u8,
}

impl OrderToken {
    /// Place in the vocabulary, below [`TOKENS`].
    pub fn index(self) -> u32 {
        let [kind, price, size, interval] = [
            self.kind as u32,
            self.price.into(),
            self.size.into(),
            self.interval.into(),
        ];
        ((kind * PRICES + price) * SIZES + size) * INTERVALS + interval
    }

    /// The token at a place in the vocabulary; `None` beyond its end.
    pub fn from_index(index: u32) -> Option<Self> {
        let kind = match index / (PRICES * SIZES * INTERVALS) {
            0 => OrderKind::Sell,
            1 => OrderKind::Buy,
            2 => OrderKind::Cancel,
            _ => return None,
        };
        Some(Self {
            kind,
            price: (index / (SIZES * INTERVALS) % PRICES) as u8,
            size: (index / INTERVALS % SIZES) as u8,
            interval: (index % INTERVALS) as u8,
        })
    }
}

/// Converters that do not belong together.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// A converter with another number of bins.
    #[error("the converter of {what} has {found} bins instead of {expected}")]
    Bins {
        /// What it converts.
        what: &'static str,
        /// Its bins.
        found: usize,
        /// Bins of the vocabulary.
        expected: u32,
    },
    /// A tick that is none.
    #[error("the tick is {0}; it must be positive")]
    Tick(Price),
}

/// Turns the orders of one instrument into tokens and back. It is of use for instruments with the same tick only: whoever stores
/// a model stores it along, and compares the tick.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tokenizer {
    /// Distance of two prices.
    tick: Price,
    /// Of prices less the mid-price.
    price: BinConverter,
    /// Of sizes, in orders and on price levels.
    size: BinConverter,
    /// Of seconds.
    interval: BinConverter,
}

/// An order drawn from the bins of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// What it does.
    pub kind: OrderKind,
    /// Price, a multiple of the tick.
    pub price: Price,
    /// Shares, at least 1.
    pub size: Size,
    /// Nanoseconds since the order before, at least 0.
    pub interval: Time,
}

impl Tokenizer {
    /// A tokenizer of an instrument with the given tick.
    ///
    /// # Errors
    /// [`TokenizerError`].
    pub fn new(
        tick: Price,
        price: BinConverter,
        size: BinConverter,
        interval: BinConverter,
    ) -> Result<Self, TokenizerError> {
        let expected = [PRICES, SIZES, INTERVALS];
        let converters = [
            ("prices", &price),
            ("sizes", &size),
            ("intervals", &interval),
        ];
        for ((what, converter), expected) in converters.into_iter().zip(expected) {
            let found = converter.count();
            if found != expected as usize {
                return Err(TokenizerError::Bins {
                    what,
                    found,
                    expected,
                });
            }
        }
        if tick <= 0 {
            return Err(TokenizerError::Tick(tick));
        }
        Ok(Self {
            tick,
            price,
            size,
            interval,
        })
    }

    /// Distance of two prices.
    pub fn tick(&self) -> Price {
        self.tick
    }

    /// The token of an order that came `interval` nanoseconds after the one before, when the mid-price was `mid`.
    pub fn token(
        &self,
        kind: OrderKind,
        price: Price,
        mid: Price,
        size: Size,
        interval: Time,
    ) -> OrderToken {
        OrderToken {
            kind,
            price: self.price.bin((price - mid) as f64) as u8,
            size: self.size.bin(size as f64) as u8,
            interval: self.interval.bin(interval as f64 / 1e9) as u8,
        }
    }

    /// Bin of the shares on a price level.
    #[inline]
    pub fn depth(&self, size: Size) -> u8 {
        self.size.bin(size as f64) as u8
    }

    /// Draws an order of a token's bins around the mid-price `mid`; `None` for a bin in which nothing was ever seen.
    pub fn draw(&self, token: OrderToken, mid: Price, rng: &mut impl Rng) -> Option<Drawn> {
        let offset = self.price.sample(token.price.into(), rng)?;
        let size = self.size.sample(token.size.into(), rng)?;
        let seconds = self.interval.sample(token.interval.into(), rng)?;
        let price = mid as f64 + offset;
        let off_tick = floor_mod(price, self.tick as f64);
        Some(Drawn {
            kind: token.kind,
            price: (price - off_tick) as Price,
            size: (size.round_ties_even() as Size).max(1),
            interval: ((seconds * 1e9).round() as Time).max(0),
        })
    }
}
