//! All messages of the protocol.

use super::{super::Problem, wire::Field};

/// What every message begins with, after its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Header {
    /// Number of the stock on this day; 0 for messages about the market.
    pub locate: u16,
    /// NASDAQ's own number.
    pub tracking: u16,
    /// Nanoseconds after midnight, below 2^48.
    pub timestamp_ns: u64,
}

/// Bytes of type and header.
const HEADER: usize = 11;

impl Header {
    fn get(message: &[u8]) -> Self {
        let high = u64::from(u16::get(&message[5..]));
        let low = u64::from(u32::get(&message[7..]));
        Self {
            locate: u16::get(&message[1..]),
            tracking: u16::get(&message[3..]),
            timestamp_ns: high << 32 | low,
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        self.locate.put(out);
        self.tracking.put(out);
        ((self.timestamp_ns >> 32) as u16).put(out);
        (self.timestamp_ns as u32).put(out);
    }
}

macro_rules! messages {
    ($(
        $(#[doc = $about:literal])+
        $letter:literal $name:ident { $($(#[doc = $field_about:literal])+ $field:ident: $type:ty,)* }
    )*) => {
        /// The bodies of all messages.
        pub mod messages {
            $(
                $(#[doc = $about])+
                #[derive(Debug, Clone, Copy, PartialEq, Eq)]
                pub struct $name {
                    $($(#[doc = $field_about])+ pub $field: $type,)*
                }
            )*
        }

        /// A message without its header.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Message {
            $($(#[doc = $about])+ $name(messages::$name),)*
        }

        impl Message {
            /// The letter of its type.
            pub fn letter(&self) -> u8 {
                match self {
                    $(Self::$name(_) => $letter,)*
                }
            }

            /// The length of a type's messages, header included.
            pub fn length(letter: u8) -> Option<usize> {
                match letter {
                    $($letter => Some(HEADER $(+ <$type as Field>::LEN)*),)*
                    _ => None,
                }
            }

            fn body(letter: u8, bytes: &[u8]) -> Option<Self> {
                let mut at = HEADER;
                match letter {
                    $($letter => {
                        $(
                            let $field = <$type as Field>::get(&bytes[at..]);
                            at += <$type as Field>::LEN;
                        )*
                        let _ = at;
                        Some(Self::$name(messages::$name { $($field),* }))
                    })*
                    _ => None,
                }
            }

            fn put_body(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$name(body) => {
                        $(body.$field.put(out);)*
                    })*
                }
            }
        }
    };
}

messages! {
    /// The day begins or ends.
    b'S' SystemEvent {
        /// O start of messages, S start of system hours, Q start of market hours, M, E, C their ends.
        event: u8,
    }
    /// A stock and its number for the day.
    b'R' StockDirectory {
        /// Symbol.
        stock: [u8; 8],
        /// Listing market.
        market_category: u8,
        /// Deficient, delinquent, bankrupt, …
        financial_status: u8,
        /// Shares of a round lot.
        round_lot_size: u32,
        /// Y: only round lots are taken.
        round_lots_only: u8,
        /// Class of security.
        issue_classification: u8,
        /// Subclass.
        issue_subtype: [u8; 2],
        /// P production, T test.
        authenticity: u8,
        /// Whether closing must be guaranteed.
        short_sale_threshold: u8,
        /// Y: a new issue.
        ipo_flag: u8,
        /// Tier of limit up, limit down.
        luld_tier: u8,
        /// Y: an exchange-traded product.
        etp_flag: u8,
        /// Its leverage.
        etp_leverage_factor: u32,
        /// Y: an inverse one.
        inverse_indicator: u8,
    }
    /// Trading in a stock stops or goes on.
    b'H' TradingAction {
        /// Symbol.
        stock: [u8; 8],
        /// H halted, P paused elsewhere, Q quotation only, T trading.
        trading_state: u8,
        /// Nothing.
        reserved: u8,
        /// Why.
        reason: [u8; 4],
    }
    /// Short sales are restricted or not (Regulation SHO).
    b'Y' RegSho {
        /// Symbol.
        stock: [u8; 8],
        /// 0 no restriction, 1 a price fell, 2 the restriction remains.
        action: u8,
    }
    /// The standing of a market maker.
    b'L' MarketParticipantPosition {
        /// Market participant.
        mpid: [u8; 4],
        /// Symbol.
        stock: [u8; 8],
        /// Y: primary market maker.
        primary_market_maker: u8,
        /// Mode.
        market_maker_mode: u8,
        /// State.
        participant_state: u8,
    }
    /// The levels of the market-wide circuit breaker, with eight decimals.
    b'V' MwcbDeclineLevel {
        /// Level 1.
        level1: u64,
        /// Level 2.
        level2: u64,
        /// Level 3.
        level3: u64,
    }
    /// A level of the market-wide circuit breaker is breached.
    b'W' MwcbStatus {
        /// Which, as a digit.
        breached_level: u8,
    }
    /// When quotes for a new issue are taken.
    b'K' IpoQuotingPeriod {
        /// Symbol.
        stock: [u8; 8],
        /// Seconds after midnight.
        release_time_s: u32,
        /// A anticipated, C cancelled.
        release_qualifier: u8,
        /// Price.
        price: u32,
    }
    /// Bounds on the price of an auction after a pause.
    b'J' LuldAuctionCollar {
        /// Symbol.
        stock: [u8; 8],
        /// Price from which they are reckoned.
        reference_price: u32,
        /// Upper bound.
        upper_price: u32,
        /// Lower bound.
        lower_price: u32,
        /// How often they were widened.
        extension: u32,
    }
    /// One market stops or goes on with a stock.
    b'h' OperationalHalt {
        /// Symbol.
        stock: [u8; 8],
        /// Q Nasdaq, B BX, X PSX.
        market_code: u8,
        /// H halted, T trading.
        action: u8,
    }
    /// A new order.
    b'A' AddOrder {
        /// Its number for the day.
        reference: u64,
        /// B or S.
        side: u8,
        /// Shares.
        shares: u32,
        /// Symbol.
        stock: [u8; 8],
        /// Price.
        price: u32,
    }
    /// A new order that shows whose it is.
    b'F' AddOrderMpid {
        /// Its number for the day.
        reference: u64,
        /// B or S.
        side: u8,
        /// Shares.
        shares: u32,
        /// Symbol.
        stock: [u8; 8],
        /// Price.
        price: u32,
        /// Market participant.
        attribution: [u8; 4],
    }
    /// An order trades at its own price.
    b'E' OrderExecuted {
        /// The order.
        reference: u64,
        /// Shares.
        shares: u32,
        /// Number of the trade.
        match_number: u64,
    }
    /// An order trades at another price.
    b'C' OrderExecutedWithPrice {
        /// The order.
        reference: u64,
        /// Shares.
        shares: u32,
        /// Number of the trade.
        match_number: u64,
        /// N: the trade is part of one that is reported in bulk.
        printable: u8,
        /// Price.
        price: u32,
    }
    /// An order loses some of its shares.
    b'X' OrderCancel {
        /// The order.
        reference: u64,
        /// Shares taken away.
        cancelled: u32,
    }
    /// An order is withdrawn.
    b'D' OrderDelete {
        /// The order.
        reference: u64,
    }
    /// An order is withdrawn for another one of the same side.
    b'U' OrderReplace {
        /// The order.
        original: u64,
        /// The one in its place.
        replacement: u64,
        /// Its shares.
        shares: u32,
        /// Its price.
        price: u32,
    }
    /// A trade against an order that was not displayed.
    b'P' Trade {
        /// Mostly 0.
        reference: u64,
        /// Side of the hidden order; B for all since 2014.
        side: u8,
        /// Shares.
        shares: u32,
        /// Symbol.
        stock: [u8; 8],
        /// Price.
        price: u32,
        /// Number of the trade.
        match_number: u64,
    }
    /// The one trade of an auction.
    b'Q' CrossTrade {
        /// Shares, 0 if there was no trade.
        shares: u64,
        /// Symbol.
        stock: [u8; 8],
        /// Price.
        price: u32,
        /// Number of the trade.
        match_number: u64,
        /// O opening, C closing, H after a halt or for a new issue.
        cross_type: u8,
    }
    /// A trade did not hold.
    b'B' BrokenTrade {
        /// Number of the trade.
        match_number: u64,
    }
    /// Imbalance before an auction.
    b'I' NetOrderImbalance {
        /// Shares that would trade.
        paired_shares: u64,
        /// Shares that would not.
        imbalance_shares: u64,
        /// B, S, N none, O too few orders.
        direction: u8,
        /// Symbol.
        stock: [u8; 8],
        /// Price at which the auction's own orders would trade.
        far_price: u32,
        /// Price at which they and the book would trade.
        near_price: u32,
        /// Price from which the imbalance is reckoned.
        reference_price: u32,
        /// O, C, H, A.
        cross_type: u8,
        /// How far the near price is from the reference, in steps.
        price_variation: u8,
    }
    /// Retail orders that improve on the best price are there.
    b'N' RetailInterest {
        /// Symbol.
        stock: [u8; 8],
        /// B, S, A both, N none.
        interest: u8,
    }
    /// Prices of a direct listing with capital raise.
    b'O' DirectListing {
        /// Symbol.
        stock: [u8; 8],
        /// Y: it may open.
        open_eligibility: u8,
        /// Lowest price allowed.
        minimum_price: u32,
        /// Highest price allowed.
        maximum_price: u32,
        /// Near execution price.
        near_price: u32,
        /// When that was reckoned.
        near_time_ns: u64,
        /// Lower bound of the auction.
        lower_collar: u32,
        /// Upper bound of the auction.
        upper_collar: u32,
    }
}

impl Message {
    /// Reads a message, without the length that precedes it in files.
    ///
    /// # Errors
    /// [`Problem::UnknownType`], [`Problem::Length`], or [`Problem::CutOff`] if there is nothing at all.
    pub fn decode(bytes: &[u8]) -> Result<(Header, Self), Problem> {
        let Some(&letter) = bytes.first() else {
            return Err(Problem::CutOff {
                what: "a message",
                need: 1,
                found: 0,
            });
        };
        let expected = Self::length(letter).ok_or_else(|| Problem::UnknownType {
            what: "message type",
            found: format!("`{}`", letter.escape_ascii()),
        })?;
        if bytes.len() != expected {
            return Err(Problem::Length {
                what: format!("message type {}", char::from(letter)),
                expected,
                found: bytes.len(),
            });
        }
        let body = Self::body(letter, bytes).ok_or_else(|| Problem::UnknownType {
            what: "message type",
            found: String::new(),
        })?;
        Ok((Header::get(bytes), body))
    }

    /// Appends the message, without a length before it.
    pub fn encode(&self, header: &Header, out: &mut Vec<u8>) {
        out.push(self.letter());
        header.put(out);
        self.put_body(out);
    }
}
