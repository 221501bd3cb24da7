//! Mine Sweeper: open all squares without a mine on a board that is not shown.
//!
//! | | |
//! |---|---|
//! | observation | `Discrete(min(m + 1, 10))`: mines on the last square and its neighbours |
//! | action | `MultiDiscrete([n, n])`: row, column |
//! | reward | a new square without a mine +1/T; a mine −½ − 1/T; a square opened before −½/(T − 2) |
//! | end | termination by a mine, or when all T = n² − m other squares are open; truncation after T steps |
//!
//! With `parity`, as in popjaxrl: opening the last square does not end the episode, and there are T + 1 steps, so that a
//! perfect player must take one more; the observation is `MultiBinary(min(m, 10))`, a count one-hot, in which a count
//! of m has no place and shows nothing, as the first observation does.
//!
//! Difference from popjaxrl in both settings: the action is a row and a column, as in `POPGym`, not one number.
//!
//! *Morad et al., `POPGym`, arXiv 2303.01859; rules from the released code (popgym 1.0.7, and popjaxrl for `parity`).*

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{Difficulty, hidden, within};
use crate::{
    error::EnvError,
    pomdp::cells::{CellGame, Turn},
    sim::EnvSpec,
    space::Space,
    stream::Stream,
};

/// Identifier.
pub(super) const ID: &str = "mine_sweeper-v0";
/// In one sentence.
pub(super) const SUMMARY: &str =
    "Open the squares without mines on a board that is not shown (POPGym).";

const MINE: u16 = 1;
const OPEN: u16 = 2;

/// Arguments of [`MineSweeper`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MineSweeperArgs {
    /// Sets `n` to 4, 6, 8 and `mines` to 2, 6, 10.
    pub difficulty: Difficulty,
    /// Squares of a side, 2 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<usize>,
    /// Number of mines, at least 1; at least 3 squares must be free.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mines: Option<usize>,
    /// Whether popjaxrl's deviations are kept.
    pub parity: bool,
}

/// The game Mine Sweeper. Cells: the squares row by row, then what was seen last, and the number of squares without a
/// mine that are still closed.
#[derive(Debug, Clone)]
pub struct MineSweeper {
    n: usize,
    mines: usize,
    parity: bool,
}

impl MineSweeper {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible board.
    pub fn new(args: &MineSweeperArgs) -> Result<Self, EnvError> {
        let (n, mines) = args.difficulty.pick([(4, 2), (6, 6), (8, 10)]);
        let n = within("n", args.n.unwrap_or(n), 2..=100)?;
        let mines = within("mines", args.mines.unwrap_or(mines), 1..=n * n - 3)?;
        Ok(Self {
            n,
            mines,
            parity: args.parity,
        })
    }

    fn squares(&self) -> usize {
        self.n * self.n
    }

    /// T, the squares without a mine.
    fn safe(&self) -> usize {
        self.squares() - self.mines
    }

    /// Rewards of a new square, a mine, and a square opened before.
    fn rewards(&self) -> [f64; 3] {
        let safe = self.safe() as f64;
        [1.0 / safe, -0.5 - 1.0 / safe, -0.5 / (safe - 2.0)]
    }

    /// Different observations.
    fn symbols(&self) -> usize {
        (self.mines + usize::from(!self.parity)).min(10)
    }

    /// Mines on a square and its neighbours.
    #[inline(always)]
    fn count(&self, board: &[u16], row: usize, column: usize) -> u16 {
        let around = |at: usize| at.saturating_sub(1)..(at + 2).min(self.n);
        let lines = around(row).map(|r| &board[r * self.n..(r + 1) * self.n]);
        lines
            .flat_map(|line| &line[around(column)])
            .map(|square| square & MINE)
            .sum()
    }
}

impl CellGame for MineSweeper {
    type Cell = u16;

    fn spec(&self) -> EnvSpec {
        let board = hidden(
            "board",
            self.squares(),
            0.0,
            3.0,
            "Each square row by row: 0 free, 1 mine, 2 more where it is open.",
        );
        let n = self.symbols();
        let observation = if self.parity {
            Space::MultiBinary {
                n,
                min_ones: 0,
                max_ones: 1,
            }
        } else {
            Space::discrete(n)
        };
        let [new, mine, again] = self.rewards();
        EnvSpec {
            max_episode_steps: Some((self.safe() + usize::from(self.parity)) as u32),
            reward_range: (f64::min(mine, again), new),
            info: vec![board],
            ..EnvSpec::single(
                ID,
                SUMMARY,
                observation,
                Space::MultiDiscrete {
                    nvec: vec![self.n, self.n],
                },
            )
        }
    }

    fn cells(&self) -> usize {
        self.squares() + 2
    }

    fn start(&self, cells: &mut [u16], rng: &mut Stream) {
        let squares = self.squares();
        cells.fill(0);
        let mut left = self.mines;
        while left > 0 {
            let square = rng.random_range(0..squares as u32) as usize;
            left -= usize::from(cells[square] == 0);
            cells[square] = MINE;
        }
        cells[squares] = if self.parity { u16::MAX } else { 0 };
        cells[squares + 1] = self.safe() as u16;
    }

    #[inline(always)]
    fn step(&self, cells: &mut [u16], turn: &Turn<'_>) -> (f32, bool) {
        let (board, rest) = cells.split_at_mut(self.squares());
        let (row, column) = (turn.action[0] as usize, turn.action[1] as usize);
        let [new, mine, again] = self.rewards();
        rest[0] = self.count(board, row, column);
        let square = &mut board[row * self.n + column];
        match *square {
            0 => {
                *square = OPEN;
                rest[1] = rest[1].saturating_sub(1);
                (new as f32, rest[1] == 0 && !self.parity)
            }
            OPEN => (again as f32, false),
            _ => (mine as f32, true),
        }
    }

    #[inline(always)]
    fn observe(&self, cells: &[u16], _: usize, out: &mut [i32]) {
        out[0] = i32::from(cells[self.squares()]);
    }

    fn tell(&self, cells: &[u16], _: usize, _: usize, out: &mut [f64]) {
        for (out, &square) in out.iter_mut().zip(cells) {
            *out = f64::from(square);
        }
    }

    fn valid(&self, cells: &[u16]) -> bool {
        let (board, rest) = cells.split_at(self.squares());
        let closed = board.iter().filter(|&&square| square == 0).count();
        board.iter().all(|&square| square <= OPEN)
            && (rest[0] <= 9 || self.parity)
            && usize::from(rest[1]) == closed
    }

    fn render(&self, cells: &[u16], time: usize) -> String {
        let board = &cells[..self.squares()];
        let mut text = format!("step {time} of {}", self.safe());
        for row in 0..self.n {
            text.push('\n');
            text.extend(
                (0..self.n).map(|column| match board[row * self.n + column] {
                    0 => '·',
                    MINE => '*',
                    _ => char::from(b'0' + self.count(board, row, column) as u8),
                }),
            );
        }
        text
    }
}
