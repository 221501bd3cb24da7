//! From the units of one format to those of another.

use palaestra_envs::market::data::{FeedEvent, Units, dbn, itch, lobster};

use super::Format;

/// How to change units, exactly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    price: (i64, i64),
    size: (u64, u64),
    /// Added to times.
    shift_ns: i128,
}

impl Scale {
    pub(super) fn new(from: Units, to: Units, shift_ns: i128) -> Self {
        let power = |exponent: u8| 10i64.pow(u32::from(exponent));
        let ratio = |from: u8, to: u8| {
            (
                power(to.saturating_sub(from)),
                power(from.saturating_sub(to)),
            )
        };
        let size = ratio(from.size_decimals, to.size_decimals);
        Self {
            price: ratio(from.price_decimals, to.price_decimals),
            size: (size.0 as u64, size.1 as u64),
            shift_ns,
        }
    }

    /// Changes an event; an error says what does not fit.
    pub(super) fn apply(&self, event: &mut FeedEvent) -> Result<(), &'static str> {
        if let Some(price) = &mut event.price {
            let (up, down) = self.price;
            let scaled = price.checked_mul(up).ok_or("the price is too large")?;
            if scaled % down != 0 {
                return Err("the price has more decimals than the format");
            }
            *price = scaled / down;
        }
        let (up, down) = self.size;
        let scaled = event.size.checked_mul(up).ok_or("the size is too large")?;
        if scaled % down != 0 {
            return Err("the size has more decimals than the format");
        }
        event.size = scaled / down;
        let time = i128::from(event.time_ns) + self.shift_ns;
        event.time_ns =
            u64::try_from(time).map_err(|_| "the time lies before the day's midnight")?;
        Ok(())
    }
}

/// The units of a format that is written.
pub(super) fn units_of(format: Format) -> Units {
    match format {
        Format::Lobster | Format::Binance | Format::Parquet => lobster::UNITS,
        Format::Itch => itch::UNITS,
        Format::Dbn => dbn::UNITS,
    }
}
