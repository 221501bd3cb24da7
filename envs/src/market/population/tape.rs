//! What has traded of late.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::market::order::{Size, Time};

/// Volume that traded of late, by side of the aggressor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tape {
    /// The last trades: time, signed size.
    pub(super) trades: VecDeque<(Time, Size)>,
}

impl Tape {
    /// Trades that are remembered, as the exchange of ABIDES does.
    const LENGTH: usize = 500;

    pub(super) fn with_room() -> Self {
        Self {
            trades: VecDeque::with_capacity(Self::LENGTH),
        }
    }

    pub(super) fn note(&mut self, time: Time, signed: Size) {
        if self.trades.len() == Self::LENGTH {
            self.trades.pop_front();
        }
        self.trades.push_back((time, signed));
    }

    /// Shares bought and sold by aggressors after `since`.
    pub(super) fn volume(&self, since: Time) -> [Size; 2] {
        let mut volume = [0; 2];
        for (_, signed) in self
            .trades
            .iter()
            .rev()
            .take_while(|(time, _)| *time > since)
        {
            volume[usize::from(*signed < 0)] += signed.abs();
        }
        volume
    }
}
