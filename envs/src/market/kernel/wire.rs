//! From an event of the exchange to everybody whom it concerns: ledger, flow, onlookers, and notices to traders.

use super::queue::{Parcel, Queue};
use super::{Fees, Symbol, Traders};
use crate::market::book::Book;
use crate::market::event::{Event, EventSink};
use crate::market::flow::OrderFlow;
use crate::market::order::{Side, Size, Time, TraderId};

/// What an event sets off, beside the flow that it is shown to.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub(super) queue: Queue,
    pub(super) fees: Fees,
    /// Fees that traders have paid, less their rebates.
    pub(super) fees_paid: i64,
    /// Instruments of the market.
    pub(super) symbols: usize,
    /// Traders from this one on get notices.
    pub(super) listening_from: u32,
}

/// Where an event comes from: the instrument, and who sent the message that led to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) symbol: Symbol,
    pub(super) sender: TraderId,
}

/// Takes the events that a message leads to, and passes them on.
pub(super) struct Teller<'a, 't, F: ?Sized, S> {
    pub(super) origin: Origin,
    pub(super) wire: &'a mut Wire,
    pub(super) flow: &'a mut F,
    pub(super) traders: &'a mut Traders<'t>,
    pub(super) sink: &'a mut S,
}

impl<F: OrderFlow + ?Sized, S: EventSink> EventSink for Teller<'_, '_, F, S> {
    #[inline]
    fn event(&mut self, time: Time, event: Event) {
        let Self {
            origin,
            wire,
            flow,
            traders,
            sink,
        } = self;
        wire.tell(*origin, time, event, *flow, traders, *sink);
    }

    fn affords(&mut self, book: &Book, trader: TraderId, size: Size) -> bool {
        let fees = self.wire.fees;
        let cost = book.cost(trader, Side::Buy, size, |price| fees.taking(price));
        self.traders.affords(trader, cost)
    }
}

impl Wire {
    /// Traders of a flow get notices if it listens, players always do.
    pub(super) fn listen<F: OrderFlow + ?Sized>(&mut self, flow: &F) {
        self.listening_from = if flow.wants_notices() {
            0
        } else {
            flow.traders()
        };
    }

    #[inline]
    fn tell<F: OrderFlow + ?Sized>(
        &mut self,
        Origin { symbol, sender }: Origin,
        time: Time,
        event: Event,
        flow: &mut F,
        traders: &mut Traders<'_>,
        sink: &mut impl EventSink,
    ) {
        self.fees_paid += traders.settle(&event, self.fees, symbol.0.into(), self.symbols);
        flow.observe(time, symbol, &event);
        sink.event(time, event);
        recipients(&event, sender, |to| {
            let seat = traders.seats.get(to.0 as usize);
            if let Some(seat) = seat.filter(|_| to.0 >= self.listening_from) {
                let arrival = time.saturating_add(seat.delays.communication);
                self.queue
                    .push_parcel(arrival, to, Parcel::Notice { symbol, event });
            }
        });
    }
}

/// Whom an event concerns; `sender` sent the message that led to it.
#[inline]
fn recipients(event: &Event, sender: TraderId, mut tell: impl FnMut(TraderId)) {
    match *event {
        Event::Accepted { trader, .. }
        | Event::Cancelled { trader, .. }
        | Event::Reduced { trader, .. }
        | Event::Modified { trader, .. }
        | Event::Replaced { trader, .. }
        | Event::Triggered { trader, .. }
        | Event::AuctionFill { trader, .. } => tell(trader),
        Event::Trade(trade) => {
            tell(trade.taker_trader);
            if trade.maker_trader != trade.taker_trader {
                tell(trade.maker_trader);
            }
        }
        Event::Rejected { .. } => tell(sender),
        Event::Rested { .. }
        | Event::Refilled { .. }
        | Event::Held { .. }
        | Event::AuctionPrint { .. }
        | Event::Phase(_) => {}
    }
}
