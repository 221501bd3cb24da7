//! Tic-tac-toe: two players mark cells of a 3 × 3 board in turn; the first with three in a row wins.
//!
//! Turns change, so that each step has one acting player, and an action mask leaves the empty cells. Every
//! player sees the board with its own marks as 1 and the other's as 2 (0: empty), so that one policy can play
//! both sides. The last step pays +1 to the winner and -1 to the loser, or 0 to both; every other step pays 0.
//! The game is deterministic and lasts 5 to 9 steps. Player `x` begins.
//!
//! Known facts that the tests reproduce: 5478 positions can be reached, 255168 games played; both sides can
//! force a draw.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    sim::{EnvSpec, Environment, PlayerSpec, RowObservation, RowStep, Turns, no_options},
    space::Space,
    stream::Stream,
};

/// Cells of the board, row by row.
const CELLS: usize = 9;
const FULL: u16 = (1 << CELLS) - 1;
/// The rows, columns and diagonals as sets of cells.
const LINES: [u16; 8] = [
    0b000_000_111,
    0b000_111_000,
    0b111_000_000,
    0b001_001_001,
    0b010_010_010,
    0b100_100_100,
    0b100_010_001,
    0b001_010_100,
];

/// A position: the cells that each player has marked, bit `i` for cell `i` (row by row from the top left).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Board {
    marks: [u16; 2],
}

impl Board {
    /// The player whose turn it is, 0 (`x`) or 1 (`o`), whether or not the game is over.
    pub fn mover(self) -> usize {
        usize::from(self.marks[0].count_ones() > self.marks[1].count_ones())
    }

    /// The player with three in a row.
    pub fn winner(self) -> Option<usize> {
        (0..2).find(|&p| LINES.iter().any(|&line| self.marks[p] & line == line))
    }

    /// Whether somebody has won or the board is full.
    pub fn is_over(self) -> bool {
        self.winner().is_some() || (self.marks[0] | self.marks[1]) == FULL
    }

    /// Whether cell `cell` is unmarked.
    pub fn is_empty(self, cell: usize) -> bool {
        (self.marks[0] | self.marks[1]) & (1 << cell) == 0
    }

    /// The position after the mover has marked `cell`, which must be empty and less than 9.
    #[must_use]
    pub fn marked(mut self, cell: usize) -> Self {
        self.marks[self.mover()] |= 1 << cell;
        self
    }

    /// Owner of `cell` as `player` sees it: 0 nobody, 1 itself, 2 the other.
    fn seen_by(self, player: usize, cell: usize) -> i32 {
        let owns = |p: usize| i32::from(self.marks[p] & (1 << cell) != 0);
        owns(player) + 2 * owns(1 - player)
    }
}

/// Arguments of [`TicTacToe`]: none.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TicTacToeArgs {}

/// The game of tic-tac-toe.
#[derive(Debug, Clone)]
pub struct TicTacToe;

impl Environment for TicTacToe {
    type State = Board;

    fn spec(&self) -> EnvSpec {
        let board = Space::MultiDiscrete {
            nvec: vec![3; CELLS],
        };
        let player = |name| PlayerSpec {
            action_mask: true,
            ..PlayerSpec::new(name, board.clone(), Space::discrete(CELLS))
        };
        EnvSpec {
            players: vec![player("x"), player("o")],
            turns: Turns::Changing,
            reward_range: (-1.0, 1.0),
            stochastic: false,
            ..EnvSpec::single(
                "tic_tac_toe-v1",
                "Two players in turn mark the cells of a 3 × 3 board; three in a row win.",
                board.clone(),
                Space::discrete(CELLS),
            )
        }
    }

    fn reset(&self, _: &mut Stream, options: &Value) -> Result<Board, String> {
        no_options(options)?;
        Ok(Board::default())
    }

    fn step(&self, board: &mut Board, step: &mut RowStep<'_>, _: &mut Stream) {
        // The simulator has checked the cell against the mask.
        *board = board.marked(step.discrete(board.mover()) as usize);
        if let Some(winner) = board.winner() {
            step.reward(winner, 1.0);
            step.reward(1 - winner, -1.0);
        }
        if board.is_over() {
            step.terminate();
        }
    }

    fn observe(&self, board: &Board, player: usize, out: &mut RowObservation<'_>) {
        for (cell, seen) in out.i32(0).iter_mut().enumerate() {
            *seen = board.seen_by(player, cell);
        }
        let acts = self.acts(board, player);
        for (cell, allowed) in out.mask().iter_mut().enumerate() {
            *allowed = u8::from(acts && board.is_empty(cell));
        }
    }

    fn acts(&self, board: &Board, player: usize) -> bool {
        !board.is_over() && board.mover() == player
    }

    fn render(&self, board: &Board) -> Option<String> {
        let glyph = |cell| [".", "x", "o"][board.seen_by(0, cell) as usize];
        let row = |r: usize| [0, 1, 2].map(|c| glyph(3 * r + c)).join(" ");
        let outcome = match board.winner() {
            Some(0) => "x has won".into(),
            Some(_) => "o has won".into(),
            None if board.is_over() => "a draw".into(),
            None => format!("{} to move", ["x", "o"][board.mover()]),
        };
        Some(format!("{}\n{}\n{}\n{outcome}", row(0), row(1), row(2)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        error::EnvError,
        sim::{RowPlugin, Simulator},
    };

    fn key(board: Board) -> u32 {
        u32::from(board.marks[0]) << 9 | u32::from(board.marks[1])
    }

    fn next(board: Board) -> impl Iterator<Item = Board> {
        let open = (0..CELLS).filter(move |&cell| !board.is_over() && board.is_empty(cell));
        open.map(move |cell| board.marked(cell))
    }

    /// Games from `board` that end with x winning, o winning, a draw; and the value for x under best play.
    fn search(board: Board, seen: &mut BTreeMap<u32, ([u64; 3], i32)>) -> ([u64; 3], i32) {
        if let Some(&known) = seen.get(&key(board)) {
            return known;
        }
        let result = if board.is_over() {
            match board.winner() {
                Some(0) => ([1, 0, 0], 1),
                Some(_) => ([0, 1, 0], -1),
                None => ([0, 0, 1], 0),
            }
        } else {
            let children: Vec<_> = next(board).map(|child| search(child, seen)).collect();
            let games = children.iter().fold([0; 3], |sum, (games, _)| {
                [0, 1, 2].map(|i| sum[i] + games[i])
            });
            let values = children.iter().map(|(_, value)| *value);
            let value = if board.mover() == 0 {
                values.max()
            } else {
                values.min()
            };
            (games, value.unwrap())
        };
        seen.insert(key(board), result);
        result
    }

    #[test]
    fn the_whole_game_has_its_known_size_and_value() {
        let mut seen = BTreeMap::new();
        let (games, value) = search(Board::default(), &mut seen);
        assert_eq!(seen.len(), 5478);
        assert_eq!(games, [131_184, 77_904, 46_080]);
        assert_eq!(games.iter().sum::<u64>(), 255_168);
        assert_eq!(value, 0, "best play is a draw");
    }

    /// Plays the game tree through the simulator by saving and restoring rows.
    fn count_games(simulator: &mut Simulator, leaves: &mut [u64; 3]) {
        let here = simulator.save_row(0).unwrap();
        let mover = (0..2)
            .find(|&p| simulator.border().player(p).acting[0])
            .unwrap();
        let mask = simulator.border().player(mover).mask_row(0).to_vec();
        for cell in (0..CELLS).filter(|&cell| mask[cell] == 1) {
            simulator
                .border_mut()
                .player_mut(mover)
                .action_mut()
                .i32_mut(0)[0] = cell as i32;
            simulator.step().unwrap();
            let border = simulator.border();
            if border.terminated[0] {
                let rewards = [0, 1].map(|p| border.player(p).reward[0] as i32);
                assert_eq!(rewards[0], -rewards[1]);
                leaves[[1, 2, 0][(rewards[0] + 1) as usize]] += 1;
            } else {
                count_games(simulator, leaves);
            }
            simulator.load_row(0, &here).unwrap();
        }
    }

    #[test]
    fn the_simulator_plays_every_game_from_the_corner_then_the_centre() {
        let game = RowPlugin::new(TicTacToe);
        let mut simulator = Simulator::builder(game).build().unwrap();
        simulator.reset().unwrap();
        let mut board = Board::default();
        for (player, cell) in [(0, 0), (1, 4)] {
            let border = simulator.border_mut();
            border.player_mut(player).action_mut().i32_mut(0)[0] = cell;
            simulator.step().unwrap();
            board = board.marked(cell as usize);
        }
        let mut leaves = [0; 3];
        count_games(&mut simulator, &mut leaves);
        let (games, _) = search(board, &mut BTreeMap::new());
        assert_eq!(leaves, games);
    }

    #[test]
    fn marking_a_marked_cell_is_refused() {
        let game = RowPlugin::new(TicTacToe);
        let mut simulator = Simulator::builder(game).build().unwrap();
        simulator.reset().unwrap();
        for player in 0..2 {
            let border = simulator.border_mut();
            border.player_mut(player).action_mut().i32_mut(0)[0] = 4;
            let outcome = simulator.step();
            let masked = EnvError::MaskedAction {
                row: 0,
                player: "o".into(),
                action: 4,
            };
            assert_eq!(outcome, if player == 0 { Ok(()) } else { Err(masked) });
        }
        let o = simulator.border().player(1);
        assert_eq!(o.observation().i32(0), [0, 0, 0, 0, 2, 0, 0, 0, 0]);
        assert_eq!(o.mask_row(0), [1, 1, 1, 1, 0, 1, 1, 1, 1]);
        assert_eq!(simulator.border().player(0).mask_row(0), [0; 9]);
    }
}
