//! The event kernel: time, latency, phases and accounts around the books of a market.
//!
//! Everything that will happen stands in one queue by time; at one instant a phase of trading begins first, then the exchange
//! works and sends its notices, then traders wake up; and of equals the one that was put there first. A trader who asks to be
//! woken at `T` is shown the market as it was at `T` less its communication delay, and its messages arrive at `T` plus its
//! computation and communication delays; notices reach it one communication delay after what they tell of. So a market without
//! delays is the special case in which everything is 0.
//!
//! The kernel is generic over who trades ([`OrderFlow`]) and who watches ([`EventSink`]), so neither costs a call through a
//! table. Traders' accounts are tables that the caller lends ([`Traders`]).
//!
//! Source: the event engine of MarS (arXiv 2409.07486); here phases are half-open, delays are in nanoseconds, and what an order
//! to buy did not pay of its limit is available again at once.

mod calendar;
mod config;
mod desk;
mod gate;
mod image;
mod ledger;
mod queue;
mod wire;

pub use calendar::{Calendar, SECOND, clock};
pub use config::{KernelConfig, Notice, Pause, Symbol};
pub use desk::Desk;
pub use image::KernelImage;
pub use ledger::{Account, Delays, Fees, Position, Seat, TraderTables, Traders};

use desk::{Outbox, Wish};
use queue::{Next, Parcel, Queue};
use wire::{Origin, Teller, Wire};

use super::book::{Book, BookConfigError, End, Outcome};
use super::event::{Event, EventSink, Phase, Reject};
use super::flow::OrderFlow;
use super::order::{Message, Time, TraderId};
use crate::stream::Stream;

/// The books of a market and all that is on its way.
#[derive(Debug, Clone)]
pub struct Kernel {
    books: Vec<Book>,
    config: KernelConfig,
    wire: Wire,
    outbox: Outbox,
    inbox: Vec<Notice>,
    now: Time,
    next_id: u64,
    /// Traders of the flow; players follow them.
    flow_traders: u32,
    events: u64,
    /// Messages that have arrived since the kernel was made; no part of its image.
    messages: u64,
    /// Orders that found no place.
    overflows: u64,
    /// Messages of the flow until `run` stops.
    messages_left: u64,
}

/// Room for the notices that players get between two looks; more is made once.
const INBOX: usize = 128;

impl Kernel {
    /// An empty market.
    ///
    /// # Errors
    /// If the configuration of a book, or a fee, is out of range.
    pub fn new(config: KernelConfig) -> Result<Self, BookConfigError> {
        let Fees { maker, taker } = config.fees;
        for (key, found) in [("fees.maker", maker), ("fees.taker", taker)] {
            if found.unsigned_abs() > 1_000_000 {
                let expected = "-1,000,000 to 1,000,000 parts per million";
                return Err(BookConfigError {
                    key,
                    found,
                    expected,
                });
            }
        }
        let books = config.books.iter().map(|book| Book::new(*book));
        Ok(Self {
            books: books.collect::<Result<_, _>>()?,
            wire: Wire {
                queue: Queue::new(),
                fees: config.fees,
                fees_paid: 0,
                symbols: config.books.len(),
                listening_from: 0,
            },
            outbox: Outbox::default(),
            inbox: Vec::with_capacity(INBOX),
            now: Time::MIN,
            next_id: config.first_id.0,
            flow_traders: 0,
            events: 0,
            messages: 0,
            overflows: 0,
            messages_left: u64::MAX,
            config,
        })
    }

    /// Forgets everything and begins at `time`: the phases of the calendar that are to come are set, `flow` draws from `stream`
    /// and starts.
    ///
    /// Only the seats of `traders` are read: those of the flow must have been set, see [`OrderFlow::delays`].
    pub fn open<F: OrderFlow + ?Sized>(
        &mut self,
        time: Time,
        flow: &mut F,
        stream: Stream,
        traders: &mut Traders<'_>,
        sink: &mut impl EventSink,
    ) {
        self.wire.queue.clear();
        self.wire.queue.reserve(flow.traders());
        self.outbox.wishes.clear();
        self.inbox.clear();
        self.now = time;
        self.next_id = self.config.first_id.0;
        self.wire.fees_paid = 0;
        (self.events, self.overflows) = (0, 0);
        self.flow_traders = flow.traders();
        self.wire.listen(flow);
        flow.reset(stream);
        for book in &mut self.books {
            book.clear();
        }
        if let Some(calendar) = &self.config.calendar {
            let phase = calendar.phase(time);
            for &(begin, phase) in calendar.changes().iter().filter(|(begin, _)| *begin > time) {
                self.wire
                    .queue
                    .push_parcel(begin, TraderId(0), Parcel::Phase(phase));
            }
            for book in &mut self.books {
                book.set_phase(time, phase, sink);
            }
        }
        let mut desk = self.desk_for(TraderId(0), 0, time, traders);
        flow.start(&mut desk);
        self.grant(true, flow, traders, sink);
    }

    /// The time of the exchange.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The book of an instrument.
    ///
    /// # Panics
    /// If there is no such instrument.
    #[inline]
    pub fn book(&self, symbol: Symbol) -> &Book {
        &self.books[usize::from(symbol.0)]
    }

    /// Fees that traders have paid, less the rebates that they got.
    pub fn fees_paid(&self) -> i64 {
        self.wire.fees_paid
    }

    /// Things that have happened since the market opened: messages, notices, wake-ups.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Messages that have reached the exchange since the kernel was made, those of earlier days included: how much work it has
    /// done. It is no part of the state of the market, and is not saved.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Orders that have been refused since the market opened because a book was full: with any, the market is not the one that
    /// was asked for.
    pub fn overflows(&self) -> u64 {
        self.overflows
    }

    /// Notices that reached players since [`clear_inbox`](Self::clear_inbox).
    pub fn inbox(&self) -> &[Notice] {
        &self.inbox
    }

    /// Forgets the notices to players.
    pub fn clear_inbox(&mut self) {
        self.inbox.clear();
    }

    /// The desk of a player that is awake, or is about to ask for its first wake-up; `now` is the time on its clock. What it
    /// wishes happens when the kernel runs again.
    pub fn desk<'a>(
        &'a mut self,
        player: TraderId,
        now: Time,
        traders: &'a Traders<'_>,
    ) -> Desk<'a> {
        self.desk_for(player, player.0, now, traders)
    }

    #[inline]
    fn desk_for<'a>(
        &'a mut self,
        trader: TraderId,
        base: u32,
        now: Time,
        traders: &'a Traders<'_>,
    ) -> Desk<'a> {
        Desk {
            now,
            trader: trader.0 - base,
            base,
            books: &self.books,
            accounts: traders.accounts,
            positions: traders.positions,
            seats: traders.seats,
            next_id: &mut self.next_id,
            outbox: &mut self.outbox,
        }
    }

    /// From now on [`run`](Self::run) stops once so many messages of the flow have reached the exchange, with
    /// [`Pause::Spent`]; those that come together with the last of them still do.
    pub fn allow(&mut self, messages: u64) {
        self.messages_left = messages;
    }

    /// Lets everything happen that happens at `until` or before, in its order, until a player wakes up.
    pub fn run<F: OrderFlow + ?Sized>(
        &mut self,
        until: Time,
        flow: &mut F,
        traders: &mut Traders<'_>,
        sink: &mut impl EventSink,
    ) -> Pause {
        loop {
            self.grant(true, flow, traders, sink);
            if self.messages_left == 0 {
                return Pause::Spent;
            }
            let Some((time, next)) = self.wire.queue.pop(until) else {
                self.now = self.now.max(until);
                return if self.wire.queue.is_empty() {
                    Pause::Idle
                } else {
                    Pause::Until
                };
            };
            self.now = time;
            self.events += 1;
            match next {
                Next::Wake(trader) => {
                    let clock = time + traders.communication(trader);
                    if trader.0 >= self.flow_traders {
                        return Pause::Awake(trader, clock);
                    }
                    let mut desk = self.desk_for(trader, 0, clock, traders);
                    flow.wake(trader.0, &mut desk);
                }
                Next::Parcel(trader, Parcel::Request { symbol, message }) => {
                    self.execute(trader, symbol, &message, flow, traders, sink);
                }
                Next::Parcel(trader, Parcel::Notice { symbol, event }) => {
                    if trader.0 < self.flow_traders {
                        let mut desk = self.desk_for(trader, 0, time, traders);
                        flow.notice(trader.0, symbol, &event, &mut desk);
                        // Others are due at this instant, before what this leads to.
                        self.grant(false, flow, traders, sink);
                    } else {
                        self.inbox.push(Notice {
                            trader,
                            time,
                            symbol,
                            event,
                        });
                    }
                }
                Next::Parcel(_, Parcel::Phase(phase)) => {
                    self.begin_phase(phase, flow, traders, sink);
                }
            }
        }
    }

    /// Does what traders wished. With `at_once`, nothing else is due now, so that a message without delay need not queue.
    #[inline]
    fn grant<F: OrderFlow + ?Sized>(
        &mut self,
        at_once: bool,
        flow: &mut F,
        traders: &mut Traders<'_>,
        sink: &mut impl EventSink,
    ) {
        if self.outbox.wishes.is_empty() {
            return;
        }
        let mut wishes = std::mem::take(&mut self.outbox.wishes);
        // What a message leads to may be wished meanwhile.
        let mut next = 0;
        while let Some(&wish) = wishes.get(next) {
            next += 1;
            match wish {
                Wish::Send {
                    trader,
                    now,
                    symbol,
                    message,
                } => {
                    let seat = traders.seats.get(trader.0 as usize);
                    let delays = seat.map_or_else(Delays::default, |seat| seat.delays);
                    let arrival = now
                        .saturating_add(delays.computation)
                        .saturating_add(delays.communication);
                    if at_once && arrival <= self.now {
                        self.execute(trader, symbol, &message, flow, traders, sink);
                    } else {
                        let parcel = Parcel::Request { symbol, message };
                        self.wire.queue.push_parcel(arrival, trader, parcel);
                    }
                }
                Wish::Wake { trader, at } => {
                    let fires = at.saturating_sub(traders.communication(trader));
                    self.wire.queue.push_wake(fires.max(self.now), trader);
                }
                Wish::DropWakes { first, count } => {
                    self.wire.queue.drop_wakes(first..first + count);
                }
            }
            wishes.append(&mut self.outbox.wishes);
        }
        wishes.clear();
        self.outbox.wishes = wishes;
    }

    /// The exchange follows a request that has arrived.
    #[inline]
    fn execute<F: OrderFlow + ?Sized>(
        &mut self,
        trader: TraderId,
        symbol: Symbol,
        message: &Message,
        flow: &mut F,
        traders: &mut Traders<'_>,
        sink: &mut impl EventSink,
    ) -> Outcome {
        let message = &self.complete(trader, message);
        let index = usize::from(symbol.0);
        self.messages += 1;
        let refused = self.refusal(trader, index, message, traders);
        if trader.0 < self.flow_traders {
            self.messages_left = self.messages_left.saturating_sub(1);
        }
        let Self {
            books,
            wire,
            now,
            overflows,
            ..
        } = self;
        let origin = Origin {
            symbol,
            sender: trader,
        };
        let mut teller = Teller {
            origin,
            wire,
            flow,
            traders,
            sink,
        };
        if let Some(reason) = refused {
            let id = message.id();
            teller.event(*now, Event::Rejected { id, reason });
            return Outcome::refused(reason);
        }
        let outcome = books[index].submit(*now, message, &mut teller);
        if outcome.end == End::Rejected(Reject::Capacity) {
            *overflows += 1;
        }
        sink.settled(*now, &books[index]);
        if flow.follows_book() {
            let mut desk = self.desk_for(TraderId(0), 0, self.now, traders);
            flow.settled(symbol, &mut desk);
        }
        outcome
    }

    /// The calendar says that a phase begins; an auction that ends so is cleared.
    fn begin_phase<F: OrderFlow + ?Sized>(
        &mut self,
        phase: Phase,
        flow: &mut F,
        traders: &mut Traders<'_>,
        sink: &mut impl EventSink,
    ) {
        let Self {
            books,
            wire,
            config,
            now,
            ..
        } = self;
        for (index, book) in books.iter_mut().enumerate() {
            let origin = Origin {
                symbol: Symbol(index as u16),
                sender: TraderId(u32::MAX),
            };
            let mut teller = Teller {
                origin,
                wire: &mut *wire,
                flow: &mut *flow,
                traders: &mut *traders,
                sink: &mut *sink,
            };
            if book.phase() == Phase::Auction && phase != Phase::Auction {
                let known = config.references.get(index).copied().unwrap_or(0);
                let reference = book.last_price().unwrap_or(known);
                book.uncross(*now, reference, &mut teller);
            }
            if book.phase() != phase {
                book.set_phase(*now, phase, &mut teller);
            }
        }
    }
}

#[cfg(test)]
mod tests;
