//! Order flow: everything that trades in a market beside the players.
//!
//! Recorded orders played again, zero-intelligence and Hawkes order flow, a population of reacting traders and a learned
//! order model all are an [`OrderFlow`]: one or more traders of a market, woken at times of their own choice, who look at the
//! market and send messages. A market is generic over its flow, so calls are direct; `Box<dyn OrderFlow>` is one as well.

mod background;
mod compose;
mod converter;
mod execution;
mod hawkes;
mod own_orders;
mod recording;
mod replay;
mod table;
#[cfg(test)]
mod tests;
mod venue;
mod zero_intelligence;

pub use background::{Background, BackgroundConfig, BothConfig, HandOverConfig};
pub use compose::{Both, HandOver};
pub use execution::{Execution, ExecutionConfig, Pace};
pub use hawkes::{FlowEvent, HawkesFlow, HawkesFlowConfig, Marks};
pub use recording::{Recording, RecordingConfig};
pub use replay::Replay;
pub use venue::Venue;
pub use zero_intelligence::{ZeroIntelligence, ZeroIntelligenceConfig};

pub(super) use own_orders::OwnOrders;

use super::book::Resting;
use super::event::Event;
use super::kernel::{Delays, Desk, Symbol};
use super::order::Time;
use crate::error::EnvError;
use crate::stream::Stream;

/// One or more traders that run in a market by themselves. A flow counts them from 0; the desk knows their ids.
pub trait OrderFlow: Send + Sync {
    /// How many traders they are.
    fn traders(&self) -> u32 {
        1
    }

    /// How far its trader `trader` is from the exchange; asked before a market opens.
    fn delays(&self, trader: u32) -> Delays {
        let _ = trader;
        Delays::default()
    }

    /// Another market opens: forgets everything. All randomness comes from `stream` from now on.
    fn reset(&mut self, stream: Stream);

    /// Begins to trade at `desk.now()`: asks for the first wake-ups with [`Desk::wake_trader_at`].
    fn start(&mut self, desk: &mut Desk<'_>);

    /// Told of every order that rests when this flow takes over from another one, and of those that arrive later. They are its own from now on, though
    /// they keep their trader, in whose name it can cancel them ([`Desk::send_as`]). Comes after [`start`](Self::start).
    fn adopt(&mut self, symbol: Symbol, order: &Resting) {
        let _ = (symbol, order);
    }

    /// Whether [`adopt`](Self::adopt) is of any use to it.
    fn takes_over(&self) -> bool {
        false
    }

    /// A trader wakes up; `desk` shows the market as it sees it and takes its messages.
    fn wake(&mut self, trader: u32, desk: &mut Desk<'_>);

    /// A notice has reached a trader: what became of its request, or a fill. Both sides of a trade are told.
    fn notice(&mut self, trader: u32, symbol: Symbol, event: &Event, desk: &mut Desk<'_>) {
        let _ = (trader, symbol, event, desk);
    }

    /// Whether [`notice`](Self::notice) is of any use to it; if not, none is sent.
    fn wants_notices(&self) -> bool {
        false
    }

    /// Whether [`settled`](Self::settled) is of any use to it.
    fn follows_book(&self) -> bool {
        false
    }

    /// A message of anybody has been dealt with: `desk` shows the market at the exchange, and takes wishes for wake-ups.
    fn settled(&mut self, symbol: Symbol, desk: &mut Desk<'_>) {
        let _ = (symbol, desk);
    }

    /// Sees every event of the market in the moment in which it happens, its own and those of others, from the opening on.
    fn observe(&mut self, time: Time, symbol: Symbol, event: &Event) {
        let _ = (time, symbol, event);
    }
}

/// A flow that can be saved within the row whose market it trades in.
pub trait SavedFlow: OrderFlow {
    /// Appends everything that has changed since the flow was made.
    ///
    /// # Errors
    /// [`EnvError::Snapshot`].
    fn save(&self, out: &mut Vec<u8>) -> Result<(), EnvError>;

    /// Becomes the flow that was saved, which was made as this one was; reads it from the front of `bytes`. After an error it is
    /// good for a reset only.
    ///
    /// # Errors
    /// [`EnvError::Snapshot`] for bytes that no such flow has saved.
    fn load(&mut self, bytes: &mut &[u8]) -> Result<(), EnvError>;
}

impl<F: OrderFlow + ?Sized> OrderFlow for Box<F> {
    fn traders(&self) -> u32 {
        (**self).traders()
    }

    fn delays(&self, trader: u32) -> Delays {
        (**self).delays(trader)
    }

    fn reset(&mut self, stream: Stream) {
        (**self).reset(stream);
    }

    fn start(&mut self, desk: &mut Desk<'_>) {
        (**self).start(desk);
    }

    fn adopt(&mut self, symbol: Symbol, order: &Resting) {
        (**self).adopt(symbol, order);
    }

    fn takes_over(&self) -> bool {
        (**self).takes_over()
    }

    fn wake(&mut self, trader: u32, desk: &mut Desk<'_>) {
        (**self).wake(trader, desk);
    }

    fn notice(&mut self, trader: u32, symbol: Symbol, event: &Event, desk: &mut Desk<'_>) {
        (**self).notice(trader, symbol, event, desk);
    }

    fn wants_notices(&self) -> bool {
        (**self).wants_notices()
    }

    fn follows_book(&self) -> bool {
        (**self).follows_book()
    }

    fn settled(&mut self, symbol: Symbol, desk: &mut Desk<'_>) {
        (**self).settled(symbol, desk);
    }

    fn observe(&mut self, time: Time, symbol: Symbol, event: &Event) {
        (**self).observe(time, symbol, event);
    }
}
