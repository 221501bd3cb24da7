//! Small games: one with simultaneous moves, one with turns, two with hidden cards.
//!
//! They are written with the row trait [`Environment`](crate::sim::Environment) and are the files to copy from
//! for a game of your own.

mod kuhn_poker;
mod leduc_poker;
mod repeated_matrix_game;
mod tic_tac_toe;

pub use kuhn_poker::{Deal, KuhnPoker, KuhnPokerArgs};
pub use leduc_poker::{LeducAction, LeducHand, LeducPoker, LeducPokerArgs};
pub use repeated_matrix_game::{
    MatrixGame, PayoffTable, Play, RepeatedMatrixGame, RepeatedMatrixGameArgs,
};
pub use tic_tac_toe::{Board, TicTacToe, TicTacToeArgs};

use crate::{registry::Registry, sim::RowPlugin};

/// Registers the environments of this family.
pub fn register(registry: &mut Registry) {
    registry.register(
        "repeated_matrix_game-v1",
        "games",
        "Two players choose at the same time and are paid by a table, for a number of rounds.",
        |args: RepeatedMatrixGameArgs| {
            Ok(Box::new(RowPlugin::new(RepeatedMatrixGame::new(&args)?)))
        },
    );
    registry.register(
        "tic_tac_toe-v1",
        "games",
        "Two players in turn mark the cells of a 3 × 3 board; three in a row win.",
        |_: TicTacToeArgs| Ok(Box::new(RowPlugin::new(TicTacToe))),
    );
    registry.register(
        "kuhn_poker-v1",
        "games",
        "Poker with three cards, one card each and one bet: the smallest game of bluffing.",
        |_: KuhnPokerArgs| Ok(Box::new(RowPlugin::new(KuhnPoker))),
    );
    registry.register(
        "leduc_poker-v1",
        "games",
        "Poker with six cards in three ranks, two rounds of betting and a public card.",
        |_: LeducPokerArgs| Ok(Box::new(RowPlugin::new(LeducPoker))),
    );
}
