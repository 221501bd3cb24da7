//! Tells an agent when a new episode has begun in a row, however the last one ended.

use serde::{Deserialize, Serialize};

/// The time of every seat's running episode.
///
/// Time never falls within an episode, so an action earlier than what was seen before belongs to a new one. That
/// covers ends of every kind, explicit resets, players whose first turn comes late, and a seat that is asked twice
/// for one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EpisodeClock {
    /// The earliest time of an action that still belongs to the episode known of; `u32::MAX` if there is none.
    earliest: Vec<u32>,
}

impl EpisodeClock {
    pub(crate) fn new(seats: usize) -> Self {
        Self {
            earliest: vec![u32::MAX; seats],
        }
    }

    pub(crate) fn seats(&self) -> usize {
        self.earliest.len()
    }

    /// Notes that `seat` acts `elapsed` steps into its row's episode; whether that is its first action there.
    #[inline]
    pub(crate) fn act(&mut self, seat: usize, elapsed: u32) -> bool {
        elapsed < std::mem::replace(&mut self.earliest[seat], elapsed)
    }

    /// Notes a step of the seat's row: `elapsed` after it, and whether it `ended` the episode. Whether the row
    /// was played at all: a step that does nothing but reset it leaves time 0.
    #[inline]
    pub(crate) fn step(&mut self, seat: usize, elapsed: u32, ended: bool) -> bool {
        let over = ended || elapsed == 0;
        self.earliest[seat] = if over { u32::MAX } else { elapsed };
        ended || elapsed > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_episode_begins_where_time_falls_or_the_last_one_ended() {
        let mut clock = EpisodeClock::new(1);
        assert!(clock.act(0, 0));
        assert!(!clock.act(0, 0), "asked twice");
        assert!(clock.step(0, 1, false));
        assert!(!clock.act(0, 1));
        assert!(clock.step(0, 2, false));
        assert!(clock.act(0, 0), "an explicit reset");
        assert!(clock.step(0, 0, true), "ended and reset in one step");
        assert!(clock.act(0, 0), "an episode of one step");
        assert!(clock.step(0, 1, true));
        assert!(clock.act(0, 3), "the first turn comes late");
        assert!(clock.step(0, 4, true));
        assert!(
            clock.act(0, 4),
            "the action is ignored in a step that resets"
        );
        assert!(!clock.step(0, 0, false));
        assert!(clock.act(0, 0));
    }
}
