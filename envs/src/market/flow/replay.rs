//! Recorded messages, played again at their times.
//!
//! What a player does has a mechanical effect only: the recorded orders come as they came.

use std::sync::Arc;

use super::OrderFlow;
use crate::{
    market::{
        kernel::{Desk, Symbol},
        order::{Message, Time},
    },
    stream::Stream,
};

/// A recording as an order flow of one trader.
///
/// Ids are those of the recording: other traders must take theirs from [`OrderId::ASSIGN`](crate::market::order::OrderId::ASSIGN)
/// with a first id of the exchange beyond all recorded ones.
#[derive(Debug, Clone)]
pub struct Replay {
    symbol: Symbol,
    messages: Arc<[(Time, Message)]>,
    next: usize,
}

impl Replay {
    /// The messages with the times of their arrival; sorted by them, those of one time as they are.
    pub fn new(symbol: Symbol, mut messages: Vec<(Time, Message)>) -> Self {
        messages.sort_by_key(|(time, _)| *time);
        Self {
            symbol,
            messages: messages.into(),
            next: 0,
        }
    }

    /// Messages that have not been sent yet.
    pub fn remaining(&self) -> usize {
        self.messages.len() - self.next
    }

    fn wait(&self, desk: &mut Desk<'_>) {
        if let Some((time, _)) = self.messages.get(self.next) {
            desk.wake_trader_at(0, *time);
        }
    }
}

impl OrderFlow for Replay {
    fn reset(&mut self, _: Stream) {
        self.next = 0;
    }

    fn start(&mut self, desk: &mut Desk<'_>) {
        // What came before the market opens is not played.
        let now = desk.now();
        self.next = self.messages.partition_point(|(time, _)| *time < now);
        self.wait(desk);
    }

    fn wake(&mut self, _: u32, desk: &mut Desk<'_>) {
        while let Some((time, message)) = self.messages.get(self.next)
            && *time <= desk.now()
        {
            desk.send(self.symbol, *message);
            self.next += 1;
        }
        self.wait(desk);
    }
}
