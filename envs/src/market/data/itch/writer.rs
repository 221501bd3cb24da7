//! Writing events as framed messages.

use std::io::{self, Write};

use super::{
    super::{FeedEvent, Kind, Side, Unwritable},
    Header, Message, messages,
};

const FORMAT: &str = "ITCH";

/// Writes framed messages.
#[derive(Debug)]
pub struct ItchWriter<W> {
    output: W,
    frame: Vec<u8>,
    /// Number of the next trade.
    next_match: u64,
    /// Whether a stock was announced, by locate.
    announced: Vec<bool>,
}

impl<W: Write> ItchWriter<W> {
    /// A writer; `output` should be buffered.
    pub fn new(output: W) -> Self {
        Self {
            output,
            frame: Vec::new(),
            next_match: 1,
            announced: Vec::new(),
        }
    }

    /// Writes any message.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write_message(&mut self, header: &Header, message: &Message) -> io::Result<()> {
        self.frame.clear();
        message.encode(header, &mut self.frame);
        let length = self.frame.len() as u16;
        self.output.write_all(&length.to_be_bytes())?;
        self.output.write_all(&self.frame)
    }

    /// Writes an event, in the units of this format, of the stock `symbol`, which a directory message announces first. Trades are
    /// numbered from 1. An execution at the order's own price, `order_price`, becomes E, any other C.
    ///
    /// # Errors
    /// [`Unwritable`].
    pub fn write(
        &mut self,
        event: &FeedEvent,
        symbol: &str,
        order_price: Option<i64>,
    ) -> Result<(), Unwritable> {
        let too_large = |what| too_large(event, what);
        let locate = u16::try_from(event.symbol);
        let locate = locate.map_err(|_| too_large("the number of the symbol"))?;
        if event.time_ns >> 48 != 0 {
            return Err(too_large("the time"));
        }
        if symbol.len() > 8 {
            return Err(too_large("the name of the symbol"));
        }
        let header = Header {
            locate,
            tracking: 0,
            timestamp_ns: event.time_ns,
        };
        let stock = padded(symbol);
        let message = self.message(event, stock, order_price)?;
        let index = usize::from(locate);
        if self.announced.len() <= index {
            self.announced.resize(index + 1, false);
        }
        if !std::mem::replace(&mut self.announced[index], true) {
            self.write_message(&header, &directory(stock))?;
        }
        self.write_message(&header, &message)?;
        Ok(())
    }

    fn message(
        &mut self,
        event: &FeedEvent,
        stock: [u8; 8],
        order_price: Option<i64>,
    ) -> Result<Message, Unwritable> {
        let reference = event.order_id;
        let side = match event.side {
            Some(Side::Buy) => Ok(b'B'),
            Some(Side::Sell) => Ok(b'S'),
            None => Err(lacks(event, "its side")),
        };
        let shares = u32::try_from(event.size).map_err(|_| too_large(event, "the size"));
        let price = event.price.ok_or_else(|| lacks(event, "its price"));
        let price = price.and_then(|p| u32::try_from(p).map_err(|_| too_large(event, "the price")));
        Ok(match event.kind {
            Kind::Add => Message::AddOrder(messages::AddOrder {
                reference,
                side: side?,
                shares: shares?,
                stock,
                price: price?,
            }),
            Kind::Execute if event.price.is_none() || event.price == order_price => {
                Message::OrderExecuted(messages::OrderExecuted {
                    reference,
                    shares: shares?,
                    match_number: self.number(),
                })
            }
            Kind::Execute | Kind::ExecuteUnprinted => {
                Message::OrderExecutedWithPrice(messages::OrderExecutedWithPrice {
                    reference,
                    shares: shares?,
                    match_number: self.number(),
                    printable: if event.kind == Kind::Execute {
                        b'Y'
                    } else {
                        b'N'
                    },
                    price: price?,
                })
            }
            Kind::Reduce => Message::OrderCancel(messages::OrderCancel {
                reference,
                cancelled: shares?,
            }),
            Kind::Delete => Message::OrderDelete(messages::OrderDelete { reference }),
            Kind::Replace => Message::OrderReplace(messages::OrderReplace {
                original: reference,
                replacement: event.new_order_id,
                shares: shares?,
                price: price?,
            }),
            Kind::Hidden => Message::Trade(messages::Trade {
                reference,
                side: side?,
                shares: shares?,
                stock,
                price: price?,
                match_number: self.number(),
            }),
            Kind::Cross => Message::CrossTrade(messages::CrossTrade {
                shares: event.size,
                stock,
                price: price?,
                match_number: self.number(),
                cross_type: b'O',
            }),
            Kind::Halt | Kind::Quote | Kind::Resume => {
                Message::TradingAction(messages::TradingAction {
                    stock,
                    trading_state: match event.kind {
                        Kind::Halt => b'H',
                        Kind::Quote => b'Q',
                        _ => b'T',
                    },
                    reserved: b' ',
                    reason: *b"    ",
                })
            }
            Kind::Modify | Kind::SetLevel | Kind::Clear | Kind::Other => {
                let (format, kind) = (FORMAT, event.kind.name());
                return Err(Unwritable::Kind { format, kind });
            }
        })
    }

    fn number(&mut self) -> u64 {
        self.next_match += 1;
        self.next_match - 1
    }

    /// Writes what is still buffered.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> io::Result<()> {
        self.output.flush()
    }
}

fn lacks(event: &FeedEvent, what: &'static str) -> Unwritable {
    Unwritable::Unknown {
        kind: event.kind.name(),
        what,
    }
}

fn too_large(event: &FeedEvent, what: &'static str) -> Unwritable {
    Unwritable::TooLarge {
        format: FORMAT,
        kind: event.kind.name(),
        what,
    }
}

/// A symbol, filled to eight letters.
fn padded(symbol: &str) -> [u8; 8] {
    let mut stock = [b' '; 8];
    for (to, from) in stock.iter_mut().zip(symbol.bytes()) {
        *to = from;
    }
    stock
}

/// A stock of which nothing is known but the name.
fn directory(stock: [u8; 8]) -> Message {
    Message::StockDirectory(messages::StockDirectory {
        stock,
        market_category: b' ',
        financial_status: b' ',
        round_lot_size: 100,
        round_lots_only: b'N',
        issue_classification: b' ',
        issue_subtype: *b"  ",
        authenticity: b'P',
        short_sale_threshold: b' ',
        ipo_flag: b' ',
        luld_tier: b' ',
        etp_flag: b' ',
        etp_leverage_factor: 0,
        inverse_indicator: b'N',
    })
}
