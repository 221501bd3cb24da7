//! Where a trader sits: what it sees of the market, and where it hands in its messages.

use super::{Account, Position, Seat, Symbol};
use crate::market::book::Book;
use crate::market::order::{Message, OrderId, Time, TraderId};

/// The view of a trader that is awake, and its outbox.
///
/// A flow numbers its traders from 0; where it is one of several in a market, the desk knows what their ids are.
#[derive(Debug)]
pub struct Desk<'a> {
    pub(super) now: Time,
    pub(super) trader: u32,
    /// Id of the flow's trader 0.
    pub(super) base: u32,
    pub(super) books: &'a [Book],
    pub(super) accounts: &'a [Account],
    pub(super) positions: &'a [Position],
    pub(super) seats: &'a [Seat],
    pub(super) next_id: &'a mut u64,
    pub(super) outbox: &'a mut Outbox,
}

/// What traders want, in the order in which they said so.
#[derive(Debug, Clone, Default)]
pub(super) struct Outbox {
    pub(super) wishes: Vec<Wish>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Wish {
    Send {
        trader: TraderId,
        now: Time,
        symbol: Symbol,
        message: Message,
    },
    Wake {
        trader: TraderId,
        at: Time,
    },
    DropWakes {
        first: u32,
        count: u32,
    },
}

impl Desk<'_> {
    /// The time on the trader's clock.
    #[inline]
    pub fn now(&self) -> Time {
        self.now
    }

    /// Number of the trader that is awake, as its flow counts; 0 at the start of a flow.
    #[inline]
    pub fn trader(&self) -> u32 {
        self.trader
    }

    /// Id of the flow's trader `trader`.
    #[inline]
    pub fn id_of(&self, trader: u32) -> TraderId {
        TraderId(self.base + trader)
    }

    /// How long it takes from the exchange to the trader, and back.
    #[inline]
    pub fn communication(&self) -> Time {
        self.seats[(self.base + self.trader) as usize]
            .delays
            .communication
    }

    /// Instruments of the market.
    pub fn symbols(&self) -> usize {
        self.books.len()
    }

    /// The book of an instrument, as the trader sees it now: as it was one communication delay ago.
    ///
    /// # Panics
    /// If there is no such instrument.
    #[inline]
    pub fn book(&self, symbol: Symbol) -> &Book {
        &self.books[usize::from(symbol.0)]
    }

    /// The account of the trader.
    #[inline]
    pub fn account(&self) -> Account {
        self.accounts[(self.base + self.trader) as usize]
    }

    /// The trader's shares of an instrument.
    #[inline]
    pub fn position(&self, symbol: Symbol) -> Position {
        let trader = (self.base + self.trader) as usize;
        self.positions[trader * self.books.len() + usize::from(symbol.0)]
    }

    /// A fresh id for an order. One that is sent with [`OrderId::ASSIGN`] gets its id from the exchange instead, when it
    /// arrives.
    #[inline]
    pub fn new_id(&mut self) -> OrderId {
        let id = *self.next_id;
        *self.next_id += 1;
        OrderId(id)
    }

    /// Sends a message. It arrives after the trader's computation and communication delays. A new order becomes one of the
    /// trader's whatever it says.
    #[inline]
    pub fn send(&mut self, symbol: Symbol, message: Message) {
        self.send_as(self.id_of(self.trader), symbol, message);
    }

    /// Sends a message in the name of another trader: of an order that was adopted from another flow.
    #[inline]
    pub fn send_as(&mut self, trader: TraderId, symbol: Symbol, message: Message) {
        self.outbox.wishes.push(Wish::Send {
            trader,
            now: self.now,
            symbol,
            message,
        });
    }

    /// Sends a message as [`send`](Self::send) does, `after` nanoseconds later.
    #[inline]
    pub fn send_later(&mut self, symbol: Symbol, message: Message, after: Time) {
        self.outbox.wishes.push(Wish::Send {
            trader: self.id_of(self.trader),
            now: self.now.saturating_add(after),
            symbol,
            message,
        });
    }

    /// Asks to be woken when the trader's clock shows `time`. The market is shown then as it was one communication delay
    /// before; a time too early for that means as soon as possible.
    #[inline]
    pub fn wake_at(&mut self, time: Time) {
        self.wake_trader_at(self.trader, time);
    }

    /// Asks that another trader of the flow be woken at `time`.
    #[inline]
    pub fn wake_trader_at(&mut self, trader: u32, time: Time) {
        let trader = self.id_of(trader);
        self.outbox.wishes.push(Wish::Wake { trader, at: time });
    }

    /// Lets no wake-up of the flow's first `traders` traders happen that they have asked for until now.
    pub fn drop_wakes(&mut self, traders: u32) {
        self.outbox.wishes.push(Wish::DropWakes {
            first: self.base,
            count: traders,
        });
    }

    /// The desk of a flow that stands behind another one, whose traders come `by` later.
    pub fn shifted(&mut self, by: u32) -> Desk<'_> {
        Desk {
            now: self.now,
            trader: self.trader.saturating_sub(by),
            base: self.base + by,
            books: self.books,
            accounts: self.accounts,
            positions: self.positions,
            seats: self.seats,
            next_id: self.next_id,
            outbox: self.outbox,
        }
    }
}
