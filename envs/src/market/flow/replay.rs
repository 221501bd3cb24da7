//! Recorded messages, played again at their times.
//!
//! What a player does has a mechanical effect only: the recorded orders come as they came.

use std::sync::Arc;

use rand::RngExt;

use super::{OrderFlow, Recording, SavedFlow};
use crate::{
    error::EnvError,
    market::{
        kernel::{Desk, Symbol},
        order::{Message, Time},
    },
    sim::{read_value, write_value},
    stream::Stream,
};

/// A recording as an order flow of one trader. Of several windows, each reset draws one.
///
/// Ids are those of the recording: other traders must take theirs from [`OrderId::ASSIGN`](crate::market::order::OrderId::ASSIGN)
/// with a first id of the exchange beyond all recorded ones.
#[derive(Debug, Clone)]
pub struct Replay {
    symbol: Symbol,
    recording: Arc<Recording>,
    window: usize,
    /// Time of the market less that of the recording.
    shift: Time,
    next: usize,
}

impl Replay {
    /// The messages with the times of their arrival; sorted by them, those of one time as they are. What comes before the market
    /// opens is not played.
    pub fn new(symbol: Symbol, messages: Vec<(Time, Message)>) -> Self {
        Self::of(symbol, Arc::new(Recording::of_messages(messages)))
    }

    /// A recording, whose windows begin when the market opens.
    pub fn of(symbol: Symbol, recording: Arc<Recording>) -> Self {
        Self {
            symbol,
            recording,
            window: 0,
            shift: 0,
            next: 0,
        }
    }

    /// The recording.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Messages of the window that have not been sent yet.
    pub fn remaining(&self) -> usize {
        self.recording.window(self.window).end - self.next
    }

    fn wait(&self, desk: &mut Desk<'_>) {
        if self.remaining() > 0 {
            let (time, _) = self.recording.messages()[self.next];
            desk.wake_trader_at(0, time + self.shift);
        }
    }
}

impl OrderFlow for Replay {
    fn reset(&mut self, mut stream: Stream) {
        let windows = self.recording.windows();
        self.window = if windows > 1 {
            stream.random_range(0..windows)
        } else {
            0
        };
        self.next = self.recording.window(self.window).first;
    }

    fn start(&mut self, desk: &mut Desk<'_>) {
        let recording = Arc::clone(&self.recording);
        let window = recording.window(self.window);
        let now = desk.now();
        if let Some(start) = window.start {
            self.shift = now - start;
            for order in &window.standing {
                desk.send(self.symbol, Message::New(*order));
            }
        } else {
            self.shift = 0;
            self.next = recording
                .messages()
                .partition_point(|(time, _)| *time < now);
        }
        self.wait(desk);
    }

    fn wake(&mut self, _: u32, desk: &mut Desk<'_>) {
        while self.remaining() > 0
            && let (time, message) = self.recording.messages()[self.next]
            && time + self.shift <= desk.now()
        {
            desk.send(self.symbol, message);
            self.next += 1;
        }
        self.wait(desk);
    }
}

impl SavedFlow for Replay {
    fn save(&self, out: &mut Vec<u8>) -> Result<(), EnvError> {
        write_value(&(self.window, self.shift, self.next), out)
    }

    fn load(&mut self, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let (window, shift, next) = read_value(bytes)?;
        let known = window < self.recording.windows();
        if !known || next > self.recording.window(window).end {
            let message = "another recording than this flow plays";
            return Err(EnvError::Snapshot(message.into()));
        }
        (self.window, self.shift, self.next) = (window, shift, next);
        Ok(())
    }
}
