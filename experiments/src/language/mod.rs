//! Games of bargaining, negotiation and persuasion as data: recorded games of others, and those of runs.
//!
//! *GLEE (Shapira et al., arXiv 2410.05254) keeps a game in a folder of its own: `config.json`, a row per action in
//! `game.csv`, what was said to each player and answered in `log_player_1.csv` and `log_player_2.csv`.*
//!
//! ```text
//! folders of games ─┐                    ┌─ games.parquet, actions.parquet   (import)
//!                   ├─ Transcript ─ Game ┤
//! runs of glee_*  ──┘                    └─ folders of games                 (export)
//! ```
//!
//! A [`Transcript`] is what happened; a [`Game`] is what came out of it, found by playing the transcript by the rules of
//! [`palaestra_envs::language`]. [`regress`] explains what came out by configuration and players.

mod error;
mod game;
mod import;
mod read;
mod regression;
mod run;
mod table;
#[cfg(test)]
mod tests;
mod transcript;
mod walk;
mod write;

pub use error::{LanguageError, Place};
pub use game::{ActionRow, Game};
pub use import::{FamilySummary, ImportOptions, Imported, Refused, import};
pub use read::{read_config, read_rows};
pub use regression::{
    Coefficient, Explained, FeatureEffect, Measure, RegressOptions, Regression, regress,
};
pub use run::{game_of, games_of, games_of_run, transcript_of};
pub use table::{Row, TableReader, TableWriter};
pub use transcript::{Act, Action, Transcript};
pub use walk::{GameFolder, Walk};
pub use write::write_game;
