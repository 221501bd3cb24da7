//! Order flow: everything that trades in a market beside the players.
//!
//! Recorded orders played again, zero-intelligence and Hawkes order flow, a population of reacting traders and a learned
//! order model all are an [`OrderFlow`]: one or more traders of a market, woken at times of their own choice, who look at the
//! market and send messages. A market is generic over its flow, so calls are direct; `Box<dyn OrderFlow>` is one as well.

use super::book::Resting;
use super::event::Event;
use super::kernel::{Delays, Desk};
use super::order::{Time, TraderId};
use crate::stream::Stream;

/// One or more traders that run in a market by themselves.
pub trait OrderFlow: Send + Sync {
    /// How many traders they are. In the market they are `TraderId(0)` to `TraderId(traders() - 1)`; players follow.
    fn traders(&self) -> u32 {
        1
    }

    /// How far `trader` is from the exchange.
    fn delays(&self, trader: TraderId) -> Delays {
        let _ = trader;
        Delays::default()
    }

    /// Begins at `desk.now()`, with all randomness from `stream`: forgets everything before, and asks for the first
    /// wake-ups with [`Desk::wake_at`].
    fn start(&mut self, stream: Stream, desk: &mut Desk<'_>);

    /// Told of every order that rests when this flow takes over from another one. They are its own from now on, though
    /// they keep their trader, in whose name it can cancel them ([`Desk::send_as`]). Comes before [`start`](Self::start).
    fn adopt(&mut self, order: &Resting) {
        let _ = order;
    }

    /// `trader` wakes up; `desk` shows the market as it sees it and takes its messages.
    fn wake(&mut self, trader: TraderId, desk: &mut Desk<'_>);

    /// A notice has reached `trader`: what became of its request, or a fill. Both sides of a trade are told.
    fn notice(&mut self, trader: TraderId, event: &Event, desk: &mut Desk<'_>) {
        let _ = (trader, event, desk);
    }

    /// Whether [`notice`](Self::notice) is of any use to it; if not, none is sent.
    fn wants_notices(&self) -> bool {
        false
    }

    /// Sees every event of the market in the moment in which it happens, its own and those of others.
    fn observe(&mut self, time: Time, event: &Event) {
        let _ = (time, event);
    }
}
