//! Steps in runs with slow players: rows go on as soon as all their players have answered, and wait for no other row.
//!
//! Rows are then not all in the same step. What depends on the order of steps (episode log, metrics, evaluations) must not
//! depend on who answered when; so a row's steps are kept until all rows have made as many, and handed out as steps of
//! the whole batch, by a second simulator into which saved rows are loaded. A run that is played again from a
//! transcript, where no row waits, writes the same files.

use std::{collections::VecDeque, time::Duration};

use palaestra_agents::{Pending, StepView};
use palaestra_envs::sim::{Selection, Simulator};
use serde::{Deserialize, Serialize};

use super::{RunError, plan::Seated};

/// Longest wait for an answer before it is looked whether the run is to stop.
const PATIENCE: Duration = Duration::from_millis(250);
/// A row waits when it is so many steps ahead of the slowest: what it has done is kept in memory.
const FARTHEST: usize = 256;

/// How far rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// So many steps of each row since the start.
    Steps(u64),
    /// So many episodes of each row.
    Episodes(u64),
}

/// Steps and episodes of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    steps: u64,
    episodes: u64,
}

impl Made {
    fn add(&mut self, ended: bool) {
        self.steps += 1;
        self.episodes += u64::from(ended);
    }

    fn reaches(self, until: Until) -> bool {
        match until {
            Until::Steps(steps) => self.steps >= steps,
            Until::Episodes(episodes) => self.episodes >= episodes,
        }
    }
}

/// The part of the state that a checkpoint keeps. Questions under way are not part of it: they are asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// What each row has done.
    made: Vec<Made>,
    /// What of it has been handed out.
    told: Vec<Made>,
    /// Whether player p has answered in row r, `[players][rows]`; the answers stand in the border.
    answered: Vec<Vec<bool>>,
    /// Each row after each of its steps that have not been handed out.
    ahead: Vec<VecDeque<Vec<u8>>>,
}

/// The pace of a batch's rows.
pub(super) struct Pace {
    state: State,
    until: Until,
    /// Where steps of the whole batch are put together.
    mirror: Option<Simulator>,
    /// Whether the step just made was one of the whole batch, which can be handed out as it is.
    whole: bool,
    pending: Pending,
    /// Rows at hand.
    rows: Selection,
    ready: Vec<usize>,
}

impl Pace {
    /// Of a batch that has just been reset, if one of the agents is slow.
    pub(super) fn of(seated: &[Seated], simulator: &Simulator, until: Until) -> Option<Self> {
        let slow = seated.iter().any(|seat| seat.agent.is_slow());
        let (rows, players) = (simulator.rows(), simulator.spec().players.len());
        slow.then(|| Self {
            state: State {
                made: vec![Made::default(); rows],
                told: vec![Made::default(); rows],
                answered: vec![vec![false; rows]; players],
                ahead: vec![VecDeque::new(); rows],
            },
            until,
            mirror: None,
            whole: false,
            pending: Pending::new(rows),
            rows: Selection::all(rows),
            ready: Vec::with_capacity(rows),
        })
    }

    /// Lets rows go on until then.
    pub(super) fn go_on(&mut self, until: Until) {
        self.until = until;
    }

    /// Steps made by all rows that have not been handed out.
    pub(super) fn steps_ahead(&self) -> u64 {
        self.state.ahead.iter().map(|row| row.len() as u64).sum()
    }

    /// Asks the players in all rows that go on, and steps those in which all have answered. If there are none, waits for an
    /// answer, a little while at most. Gives the number of rows that were stepped.
    pub(super) fn step(
        &mut self,
        simulator: &mut Simulator,
        seated: &mut [Seated],
    ) -> Result<usize, RunError> {
        self.poll(simulator, seated)?;
        let State {
            made,
            answered,
            ahead,
            ..
        } = &mut self.state;
        let goes_on = |row: usize, ahead: &[VecDeque<_>]| {
            !made[row].reaches(self.until) && ahead[row].len() < FARTHEST
        };
        let in_play = (0..made.len()).filter(|&row| !made[row].reaches(self.until));
        let in_play = in_play.count();
        let ready = (0..made.len())
            .filter(|&row| goes_on(row, ahead) && answered.iter().all(|answered| answered[row]));
        self.ready.clear();
        self.ready.extend(ready);
        if self.ready.is_empty() {
            if in_play > 0 {
                self.pending.bell().wait(PATIENCE);
            }
            return Ok(0);
        }
        if self.ready.len() == simulator.rows() {
            simulator.step()?;
        } else {
            simulator.step_rows(&self.ready)?;
        }
        self.whole = self.ready.len() == in_play && ahead.iter().all(VecDeque::is_empty);
        for &row in &self.ready {
            answered.iter_mut().for_each(|player| player[row] = false);
            made[row].add(simulator.border().ended(row));
            if !self.whole {
                ahead[row].push_back(simulator.save_row(row)?);
            }
        }
        self.rows.set(self.ready.iter().copied());
        for seat in seated {
            for &player in &seat.players {
                seat.agent.observe(&StepView {
                    player,
                    rows: &self.rows,
                    border: simulator.border(),
                })?;
            }
        }
        Ok(self.ready.len())
    }

    /// Asks all players for the answers that are missing.
    fn poll(&mut self, simulator: &mut Simulator, seated: &mut [Seated]) -> Result<(), RunError> {
        let State {
            made,
            answered,
            ahead,
            ..
        } = &mut self.state;
        for seat in seated {
            for &player in &seat.players {
                let answered = &mut answered[player];
                let missing = (0..made.len()).filter(|&row| {
                    !answered[row] && !made[row].reaches(self.until) && ahead[row].len() < FARTHEST
                });
                self.rows.set(missing);
                if self.rows.is_empty() {
                    continue;
                }
                self.pending.clear();
                let (view, actions) = simulator.border_mut().act_view(player);
                seat.agent
                    .poll(&view, &self.rows, actions, &mut self.pending)?;
                for row in self.rows.rows() {
                    answered[row] = !self.pending.contains(row);
                }
            }
        }
        Ok(())
    }

    /// The next step of the whole batch, if all rows have made it: a simulator that stands after it, and the rows that
    /// were in play, all but those that had reached their number of episodes. `mirror` builds a simulator like the one
    /// that is played.
    pub(super) fn next<'a>(
        &'a mut self,
        simulator: &'a Simulator,
        mirror: impl FnOnce() -> Result<Simulator, RunError>,
    ) -> Result<Option<(&'a Simulator, &'a Selection)>, RunError> {
        let State { told, ahead, .. } = &mut self.state;
        let until = self.until;
        // The number of steps says when all stop, not that a row has stopped before the others.
        let in_play = |told: &Made| !(matches!(until, Until::Episodes(_)) && told.reaches(until));
        if std::mem::take(&mut self.whole) {
            // The rows that were stepped are those in play.
            self.rows.set(self.ready.iter().copied());
            for &row in &self.ready {
                told[row].add(simulator.border().ended(row));
            }
            return Ok(Some((simulator, &self.rows)));
        }
        let rows = (0..told.len()).filter(|&row| in_play(&told[row]));
        self.rows.set(rows);
        if self.rows.is_empty() || self.rows.rows().any(|row| ahead[row].is_empty()) {
            return Ok(None);
        }
        if self.mirror.is_none() {
            let mut built = mirror()?;
            built.reset()?;
            self.mirror = Some(built);
        }
        let Some(mirror) = &mut self.mirror else {
            return Ok(None);
        };
        for row in self.rows.rows() {
            if let Some(saved) = ahead[row].pop_front() {
                mirror.load_row(row, &saved)?;
                told[row].add(mirror.border().ended(row));
            }
        }
        Ok(Some((mirror, &self.rows)))
    }

    /// What a checkpoint keeps.
    pub(super) fn save(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_allocvec(&self.state)
    }

    /// Takes up what was saved; `false` if it is of another batch.
    pub(super) fn load(&mut self, bytes: &[u8]) -> Result<bool, postcard::Error> {
        let state: State = postcard::from_bytes(bytes)?;
        let (rows, players) = (self.state.made.len(), self.state.answered.len());
        let of_rows = [state.made.len(), state.told.len(), state.ahead.len()];
        let fits = of_rows == [rows; 3]
            && state.answered.len() == players
            && state.answered.iter().all(|player| player.len() == rows);
        if fits {
            self.state = state;
            self.whole = false;
        }
        Ok(fits)
    }
}

#[cfg(test)]
mod tests;
