//! Battleship: find all ships on a board of which nothing is shown but whether the last shot was a hit.
//!
//! | | |
//! |---|---|
//! | observation | `Discrete(2)`: 1 if the last shot hit a square of a ship for the first time |
//! | action | `MultiDiscrete([n, n])`: row, column |
//! | reward | hit +1/12; miss, or a square shot at before, −1/(n² − 12) |
//! | end | termination after 12 hits, truncation after n² steps |
//!
//! Ships of 2, 3, 3 and 4 squares are placed in this order, each uniformly over its free places.
//!
//! *Morad et al., `POPGym`, arXiv 2303.01859; rules from the released code (popgym 1.0.7).*

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
pub(super) const ID: &str = "battleship-v0";
/// In one sentence.
pub(super) const SUMMARY: &str = "Find the ships on a board that is not shown (POPGym).";

const SHIPS: [usize; 4] = [2, 3, 3, 4];
/// Squares of ships.
const TARGETS: usize = 12;
const SHIP: u16 = 1;
const SHOT: u16 = 2;

/// Arguments of [`Battleship`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BattleshipArgs {
    /// Sets `n` to 8, 10, 12.
    pub difficulty: Difficulty,
    /// Squares of a side, 7 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<usize>,
}

/// The game Battleship. Cells: the squares row by row, then the number of hits, and whether the last shot was one.
#[derive(Debug, Clone)]
pub struct Battleship {
    n: usize,
}

impl Battleship {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible board.
    pub fn new(args: &BattleshipArgs) -> Result<Self, EnvError> {
        let n = args.n.unwrap_or(args.difficulty.pick([8, 10, 12]));
        // On 7 × 7 squares there is always room for the ships.
        Ok(Self {
            n: within("n", n, 7..=100)?,
        })
    }

    fn squares(&self) -> usize {
        self.n * self.n
    }

    /// Reward of a miss.
    fn miss(&self) -> f64 {
        -1.0 / (self.squares() - TARGETS) as f64
    }

    /// Puts a ship on free squares.
    fn place(&self, board: &mut [u16], size: usize, rng: &mut Stream) {
        // Each place with its first square at the top or left; all are equally likely.
        let slots = self.n + 1 - size;
        loop {
            let across = rng.random_range(0..2u32) == 0;
            let (line, slot) = (
                rng.random_range(0..self.n as u32) as usize,
                rng.random_range(0..slots as u32) as usize,
            );
            let (start, stride) = if across {
                (line * self.n + slot, 1)
            } else {
                (slot * self.n + line, self.n)
            };
            let squares = || (0..size).map(|i| start + i * stride);
            if squares().all(|square| board[square] == 0) {
                squares().for_each(|square| board[square] = SHIP);
                return;
            }
        }
    }
}

impl CellGame for Battleship {
    type Cell = u16;

    fn spec(&self) -> EnvSpec {
        let board = hidden(
            "board",
            self.squares(),
            0.0,
            3.0,
            "Each square row by row: 0 water, 1 ship, 2 more where a shot has fallen.",
        );
        EnvSpec {
            max_episode_steps: Some(self.squares() as u32),
            reward_range: (self.miss(), 1.0 / TARGETS as f64),
            info: vec![board],
            ..EnvSpec::single(
                ID,
                SUMMARY,
                Space::discrete(2),
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
        cells.fill(0);
        let board = &mut cells[..self.n * self.n];
        for size in SHIPS {
            self.place(board, size, rng);
        }
    }

    #[inline(always)]
    fn step(&self, cells: &mut [u16], turn: &Turn<'_>) -> (f32, bool) {
        let (board, rest) = cells.split_at_mut(self.squares());
        let square = &mut board[turn.action[0] as usize * self.n + turn.action[1] as usize];
        let hit = *square == SHIP;
        *square |= SHOT;
        rest[0] += u16::from(hit);
        rest[1] = u16::from(hit);
        let reward = if hit {
            1.0 / TARGETS as f64
        } else {
            self.miss()
        };
        (reward as f32, usize::from(rest[0]) >= TARGETS)
    }

    #[inline(always)]
    fn observe(&self, cells: &[u16], _: usize, out: &mut [i32]) {
        out[0] = i32::from(cells[self.squares() + 1]);
    }

    fn tell(&self, cells: &[u16], _: usize, _: usize, out: &mut [f64]) {
        for (out, &square) in out.iter_mut().zip(cells) {
            *out = f64::from(square);
        }
    }

    fn valid(&self, cells: &[u16]) -> bool {
        let (board, rest) = cells.split_at(self.squares());
        board.iter().all(|&square| square <= SHIP | SHOT)
            && usize::from(rest[0]) <= TARGETS
            && rest[1] <= 1
    }

    fn render(&self, cells: &[u16], time: usize) -> String {
        let (board, rest) = cells.split_at(self.squares());
        let mut text = format!("shot {time} of {}, {} hits", self.squares(), rest[0]);
        for line in board.chunks(self.n) {
            text.push('\n');
            text.extend(line.iter().map(|&square| match square {
                0 => '·',
                SHIP => '□',
                SHOT => '○',
                _ => '■',
            }));
        }
        text
    }
}
