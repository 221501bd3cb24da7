//! Writing messages and rows.

use std::io::{self, Write};

use super::{
    super::{FeedEvent, Kind, Side, Unwritable},
    BookRow, EMPTY_PRICE, KINDS, STATES,
};

/// Writes an event, in the units of this format, as a line of a message file.
///
/// # Errors
/// [`Unwritable`].
pub fn write_message(output: &mut impl Write, event: &FeedEvent) -> Result<(), Unwritable> {
    let kind = event.kind.name();
    let lacks = |what| Unwritable::Unknown { kind, what };
    let order_id = event.order_id;
    let (seconds, nanoseconds) = (event.time_ns / 1_000_000_000, event.time_ns % 1_000_000_000);
    if let Some((code, _)) = STATES.iter().find(|(_, state)| *state == event.kind) {
        writeln!(output, "{seconds}.{nanoseconds:09},7,0,0,{code},-1")?;
        return Ok(());
    }
    let number = KINDS.iter().position(|k| *k == event.kind);
    let number = number.ok_or(Unwritable::Kind {
        format: "LOBSTER",
        kind,
    })? + 1;
    let price = event.price.ok_or_else(|| lacks("its price"))?;
    let direction = match event.side {
        Some(Side::Buy) => 1,
        Some(Side::Sell) => -1,
        None if event.kind == Kind::Cross => 0,
        None => return Err(lacks("its side")),
    };
    let size = event.size;
    writeln!(
        output,
        "{seconds}.{nanoseconds:09},{number},{order_id},{size},{price},{direction}"
    )?;
    Ok(())
}

/// Writes a line of an orderbook file.
///
/// # Errors
/// Those of `output`.
pub fn write_row(output: &mut impl Write, row: &BookRow) -> io::Result<()> {
    for (index, (ask, bid)) in row.asks.iter().zip(&row.bids).enumerate() {
        let (ask, ask_size) = ask.unwrap_or((EMPTY_PRICE, 0));
        let (bid, bid_size) = bid.unwrap_or((-EMPTY_PRICE, 0));
        let comma = if index == 0 { "" } else { "," };
        write!(output, "{comma}{ask},{ask_size},{bid},{bid_size}")?;
    }
    writeln!(output)
}
