//! Labyrinth Escape and Labyrinth Explore: walk through a random maze of which the nearest squares are seen.
//!
//! | | |
//! |---|---|
//! | observation | `MultiDiscrete([5; 10])`: the 3 × 3 squares around the player row by row (0 free, 1 wall, 2 start, 3 goal), then the last action (4: none yet) |
//! | action | `Discrete(4)`: left, right, up, down; walls stop |
//! | reward, escape | −1/1024 for each step, and 1 more at the goal |
//! | reward, explore | 1/F for a square not entered before, F free squares without the start; −1/1024 for any other step |
//! | end | termination at the goal, or when every free square has been entered; truncation after 1023 steps |
//!
//! The maze has (`dims`/2)² rooms on a grid of `dims` + 1 squares a side. The player starts in a gap of the outer wall;
//! the goal of Escape is a gap on the opposite side, which in Explore is a wall. `POPGym`'s authors warn that these two
//! can be solved without memory.
//!
//! With `parity`, as in popgym 1.0.7: at the top and left border the view is not centred, but shifted, as the wall
//! beyond the border is always put below and to the right; and the maze generator gives up after as many tries as there
//! are squares, so that once in some ten thousand mazes rooms stay closed, by which start or goal can be cut off.
//!
//! *Morad et al., `POPGym`, arXiv 2303.01859; rules from the released code (popgym 1.0.7, mazelib 0.9.16).*

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    args::{Difficulty, hidden, within},
    maze::{FREE, WALL, carve},
};
use crate::{
    error::EnvError,
    pomdp::cells::{CellGame, Turn},
    sim::EnvSpec,
    space::Space,
    stream::Stream,
};

/// Identifier of Labyrinth Escape.
pub(super) const ESCAPE_ID: &str = "labyrinth_escape-v0";
/// Labyrinth Escape in one sentence.
pub(super) const ESCAPE_SUMMARY: &str =
    "Find the way out of a maze of which the nearest squares are seen (POPGym).";
/// Identifier of Labyrinth Explore.
pub(super) const EXPLORE_ID: &str = "labyrinth_explore-v0";
/// Labyrinth Explore in one sentence.
pub(super) const EXPLORE_SUMMARY: &str =
    "Enter every square of a maze of which the nearest squares are seen (POPGym).";

const START: u16 = 2;
const GOAL: u16 = 3;
/// Marks a square that the player has entered.
const ENTERED: u16 = 8;
const CODE: u16 = 7;
/// Steps that the reference's fee is a share of; an episode has one less.
const LENGTH: u32 = 1024;
/// Stands for the last action before the first.
const NO_ACTION: u16 = 4;

/// Arguments of [`Labyrinth`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LabyrinthArgs {
    /// Sets `dims` to 10, 14, 18.
    pub difficulty: Difficulty,
    /// Squares of a side without the last wall; even, 4 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dims: Option<usize>,
    /// Whether the reference's defects are kept.
    pub parity: bool,
}

/// What the player is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quest {
    /// Reach the goal.
    Escape,
    /// Enter every free square.
    Explore,
}

/// The walk through a maze. Cells: the squares row by row, then the player's square, the last action, the free squares
/// not entered yet, and all of them.
#[derive(Debug, Clone)]
pub struct Labyrinth {
    quest: Quest,
    side: usize,
    parity: bool,
}

impl Labyrinth {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible size.
    pub fn new(quest: Quest, args: &LabyrinthArgs) -> Result<Self, EnvError> {
        let dims = args.dims.unwrap_or(args.difficulty.pick([10, 14, 18]));
        let dims = within("dims", dims, 4..=100)?;
        if dims % 2 == 1 {
            let message = format!("must be even, found {dims}");
            return Err(EnvError::argument("dims", message));
        }
        Ok(Self {
            quest,
            side: dims + 1,
            parity: args.parity,
        })
    }

    fn squares(&self) -> usize {
        self.side * self.side
    }

    /// The square that `action` leads to.
    #[inline(always)]
    fn destination(&self, grid: &[u16], position: usize, action: i32) -> usize {
        let (row, column) = (position / self.side, position % self.side);
        let last = self.side - 1;
        let next = match action {
            0 if column > 0 => position - 1,
            1 if column < last => position + 1,
            2 if row > 0 => position - self.side,
            3 if row < last => position + self.side,
            _ => position,
        };
        if grid[next] & CODE == WALL {
            position
        } else {
            next
        }
    }
}

impl CellGame for Labyrinth {
    type Cell = u16;

    fn spec(&self) -> EnvSpec {
        let (id, summary, best) = match self.quest {
            Quest::Escape => (ESCAPE_ID, ESCAPE_SUMMARY, 1.0 - 1.0 / f64::from(LENGTH)),
            Quest::Explore => (EXPLORE_ID, EXPLORE_SUMMARY, 1.0),
        };
        let last = self.squares() as f64 - 1.0;
        EnvSpec {
            max_episode_steps: Some(LENGTH - 1),
            reward_range: (-1.0 / f64::from(LENGTH), best),
            info: vec![
                hidden(
                    "maze",
                    self.squares(),
                    0.0,
                    f64::from(GOAL | ENTERED),
                    "Each square row by row: 0 free, 1 wall, 2 start, 3 goal, and 8 more where the player has been.",
                ),
                hidden("position", 1, 0.0, last, "The player's square, row by row."),
            ],
            ..EnvSpec::single(
                id,
                summary,
                Space::MultiDiscrete { nvec: vec![5; 10] },
                Space::discrete(4),
            )
        }
    }

    fn cells(&self) -> usize {
        self.squares() + 4
    }

    fn start(&self, cells: &mut [u16], rng: &mut Stream) {
        let (side, rooms) = (self.side, self.side / 2);
        let (grid, rest) = cells.split_at_mut(side * side);
        carve(grid, rooms, self.parity.then_some(side * side), rng);
        // Two gaps in opposite walls.
        let wall = rng.random_range(0..4u32);
        let mut gap = |near: bool| {
            let along = 2 * rng.random_range(0..rooms as u32) as usize + 1;
            let across = if near { 0 } else { side - 1 };
            if wall < 2 {
                across * side + along
            } else {
                along * side + across
            }
        };
        let (start, end) = (gap(wall % 2 == 0), gap(wall % 2 == 1));
        let free = grid.iter().filter(|&&square| square == FREE).count() as u16;
        grid[start] = START | ENTERED;
        if self.quest == Quest::Escape {
            grid[end] = GOAL;
        }
        rest.copy_from_slice(&[start as u16, NO_ACTION, free, free]);
    }

    #[inline(always)]
    fn step(&self, cells: &mut [u16], turn: &Turn<'_>) -> (f32, bool) {
        let (grid, rest) = cells.split_at_mut(self.squares());
        let position = self.destination(grid, usize::from(rest[0]), turn.action[0]);
        rest[0] = position as u16;
        rest[1] = turn.action[0] as u16;
        let new = grid[position] & ENTERED == 0;
        grid[position] |= ENTERED;
        let fee = -1.0 / f64::from(LENGTH);
        match self.quest {
            Quest::Escape => {
                let out = grid[position] & CODE == GOAL;
                let reward = if out { 1.0 + fee } else { fee };
                (reward as f32, out)
            }
            Quest::Explore => {
                rest[2] = rest[2].saturating_sub(u16::from(new));
                let reward = if new { 1.0 / f64::from(rest[3]) } else { fee };
                (reward as f32, rest[2] == 0)
            }
        }
    }

    #[inline(always)]
    fn observe(&self, cells: &[u16], _: usize, out: &mut [i32]) {
        let (grid, rest) = cells.split_at(self.squares());
        let position = usize::from(rest[0]);
        let (row, column) = (position / self.side, position % self.side);
        // The view's first row and column, 1 more than on the grid.
        let first = |at: usize| if self.parity { at.max(1) } else { at };
        // The reference's view ends one square after the player.
        let end = |at: usize| (at + 2).min(self.side);
        for (i, out) in out[..9].iter_mut().enumerate() {
            let (r, c) = (first(row) + i / 3, first(column) + i % 3);
            let inside = (1..=end(row)).contains(&r) && (1..=end(column)).contains(&c);
            *out = i32::from(if inside {
                grid[(r - 1) * self.side + c - 1] & CODE
            } else {
                WALL
            });
        }
        out[9] = i32::from(rest[1]);
    }

    fn tell(&self, cells: &[u16], _: usize, field: usize, out: &mut [f64]) {
        let (grid, rest) = cells.split_at(self.squares());
        if field == 1 {
            out[0] = f64::from(rest[0]);
            return;
        }
        for (out, &square) in out.iter_mut().zip(grid) {
            *out = f64::from(square);
        }
    }

    fn valid(&self, cells: &[u16]) -> bool {
        let (grid, rest) = cells.split_at(self.squares());
        let free = |square: &&u16| **square == FREE;
        grid.iter()
            .all(|square| square & CODE <= GOAL && *square <= CODE | ENTERED)
            && usize::from(rest[0]) < grid.len()
            && rest[1] <= NO_ACTION
            && (self.quest == Quest::Escape
                || rest[3] > 0 && usize::from(rest[2]) == grid.iter().filter(free).count())
    }

    fn render(&self, cells: &[u16], time: usize) -> String {
        let (grid, rest) = cells.split_at(self.squares());
        let mut text = format!("step {time} of {}", LENGTH - 1);
        for (row, line) in grid.chunks(self.side).enumerate() {
            text.push('\n');
            text.extend(line.iter().enumerate().map(|(column, &square)| {
                let here = row * self.side + column == usize::from(rest[0]);
                match square & CODE {
                    _ if here => '@',
                    WALL => '█',
                    START => 'S',
                    GOAL => 'G',
                    _ if square & ENTERED != 0 => '.',
                    _ => ' ',
                }
            }));
        }
        text
    }
}
