//! The phases of a trading day.

use serde::{Deserialize, Serialize};

use crate::market::event::Phase;
use crate::market::order::Time;

/// Nanoseconds of a second.
pub const SECOND: Time = 1_000_000_000;

/// The time of a clock in nanoseconds after midnight.
pub const fn clock(hour: i64, minute: i64, second: i64) -> Time {
    (hour * 3600 + minute * 60 + second) * SECOND
}

/// The phases of a day. A phase begins at its time and ends where the next one begins, which does not belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    changes: Vec<(Time, Phase)>,
}

impl Calendar {
    /// Phases with the times at which they begin, which must ascend. Before the first the market is closed.
    ///
    /// # Errors
    /// The index of the first phase that does not begin after the one before.
    pub fn new(changes: Vec<(Time, Phase)>) -> Result<Self, usize> {
        match changes.windows(2).position(|pair| pair[0].0 >= pair[1].0) {
            Some(index) => Err(index + 1),
            None => Ok(Self { changes }),
        }
    }

    /// Continuous trading from `open` on, until `close`.
    pub fn continuous(open: Time, close: Time) -> Self {
        Self {
            changes: vec![(open, Phase::Continuous), (close, Phase::Closed)],
        }
    }

    /// New York: continuous trading from 9:30 to 16:00.
    pub fn new_york() -> Self {
        Self::continuous(clock(9, 30, 0), clock(16, 0, 0))
    }

    /// Shenzhen: an auction from 9:15 to 9:25, continuous trading from 9:30 to 11:30 and from 13:00 to 14:57, an auction from
    /// then to 15:00.
    pub fn shenzhen() -> Self {
        Self {
            changes: vec![
                (clock(9, 15, 0), Phase::Auction),
                (clock(9, 25, 0), Phase::Closed),
                (clock(9, 30, 0), Phase::Continuous),
                (clock(11, 30, 0), Phase::Halted),
                (clock(13, 0, 0), Phase::Continuous),
                (clock(14, 57, 0), Phase::Auction),
                (clock(15, 0, 0), Phase::Closed),
            ],
        }
    }

    /// The phases with their beginnings.
    pub fn changes(&self) -> &[(Time, Phase)] {
        &self.changes
    }

    /// The phase at `time`.
    pub fn phase(&self, time: Time) -> Phase {
        let begun = self.changes.partition_point(|(begin, _)| *begin <= time);
        begun
            .checked_sub(1)
            .map_or(Phase::Closed, |last| self.changes[last].1)
    }
}
