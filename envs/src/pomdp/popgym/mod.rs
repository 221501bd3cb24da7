//! `POPGym`: sixteen families of tasks that ask for memory, each at three difficulties.
//!
//! *Morad, Kortvelesy, Bettini, Liwicki, Prorok, `POPGym`: Benchmarking Partially Observable Reinforcement Learning,
//! ICLR 2023, arXiv 2303.01859. The deviations kept with `parity` are those of popjaxrl, the code of Lu et al.,
//! Structured State Space Models for In-Context Reinforcement Learning, `NeurIPS` 2023, arXiv 2303.03982.*
//!
//! Rules, constants and returns are those of the released code (popgym 1.0.7); every family's module says what they are.
//! An environment takes `difficulty` (`easy`, `medium`, `hard`) and, by name, what the difficulty sets. `POPGym`'s own
//! names are aliases: `popgym-RepeatPreviousHard-v0` is `repeat_previous-v0` with `difficulty = "hard"`.
//!
//! | family | identifier | hidden is | needs the last action |
//! |---|---|---|---|
//! | [Repeat First](repeat_first) | `repeat_first-v0` | the first card | |
//! | [Repeat Previous](repeat_previous) | `repeat_previous-v0` | the last k cards | |
//! | [Autoencode](autoencode) | `autoencode-v0` | all cards | |
//! | [Count Recall](count_recall) | `count_recall-v0` | how often each card has been dealt | |
//! | [Higher Lower](higher_lower) | `higher_lower-v0` | which cards are left | |
//! | [Battleship](battleship) | `battleship-v0` | the board | yes |
//! | [Concentration](concentration) | `concentration-v0` | the cards | yes |
//! | [Mine Sweeper](mine_sweeper) | `mine_sweeper-v0` | the board | yes |
//! | [Multiarmed Bandit](multiarmed_bandit) | `multiarmed_bandit-v0` | the payouts | yes |
//! | [Cart-poles](cartpole) | `position_only_cartpole-v0`, `noisy_position_only_cartpole-v0`, `velocity_only_cartpole-v0` | half of the state | |
//! | [Pendulums](pendulum) | `position_only_pendulum-v0`, `noisy_position_only_pendulum-v0` | the speed | |
//! | [Labyrinths](labyrinth) | `labyrinth_escape-v0`, `labyrinth_explore-v0` | the maze | yes, and shown |
//!
//! The hidden part can be asked for as info, `privileged.…`, for scripted players and fully informed baselines. Agents
//! without the last action and a start flag in their observation have more hidden from them than is meant: see the
//! wrapper [`PreviousAction`](crate::wrappers::PreviousAction).
//!
//! Differences from the reference, beside the defects that `parity` keeps:
//!
//! * Episodes end with `terminated` or `truncated`, never both; where both are due, it is `terminated`.
//! * Rewards are in single precision. Random numbers are other ones, of the same distributions.
//! * Cart-poles hold their state in single precision, as Gymnasium's vectorised `CartPole`.

mod args;
pub mod autoencode;
pub mod battleship;
pub mod cartpole;
pub mod concentration;
pub mod count_recall;
mod deck;
pub mod higher_lower;
pub mod labyrinth;
mod maze;
pub mod mine_sweeper;
pub mod multiarmed_bandit;
pub mod pendulum;
pub mod repeat_first;
pub mod repeat_previous;
#[cfg(test)]
mod tests;

use serde_json::json;

pub use args::Difficulty;
use cartpole::PartialCartPole;
pub use deck::CardKind;
use labyrinth::{Labyrinth, LabyrinthArgs, Quest};
use pendulum::PartialPendulum;

use super::cells::CellPlugin;
use crate::{registry::Registry, sim::BatchPlugin};

/// `POPGym`'s name of each family, without difficulty, and ours.
const NAMES: [(&str, &str); 16] = [
    ("RepeatFirst", repeat_first::ID),
    ("RepeatPrevious", repeat_previous::ID),
    ("Autoencode", autoencode::ID),
    ("CountRecall", count_recall::ID),
    ("HigherLower", higher_lower::ID),
    ("Battleship", battleship::ID),
    ("Concentration", concentration::ID),
    ("MineSweeper", mine_sweeper::ID),
    ("MultiarmedBandit", multiarmed_bandit::ID),
    ("PositionOnlyCartPole", PartialCartPole::POSITION_ID),
    ("NoisyPositionOnlyCartPole", PartialCartPole::NOISY_ID),
    // Spelt so in the reference.
    ("VelocityOnlyCartpole", PartialCartPole::VELOCITY_ID),
    ("PositionOnlyPendulum", PartialPendulum::POSITION_ID),
    ("NoisyPositionOnlyPendulum", PartialPendulum::NOISY_ID),
    ("LabyrinthEscape", labyrinth::ESCAPE_ID),
    ("LabyrinthExplore", labyrinth::EXPLORE_ID),
];

/// Registers the suite and the aliases.
pub(super) fn register(registry: &mut Registry) {
    macro_rules! cells {
        ($module:ident, $game:ident, $args:ident) => {
            registry.register(
                $module::ID,
                super::FAMILY,
                $module::SUMMARY,
                |args: $module::$args| Ok(Box::new(CellPlugin($module::$game::new(&args)?))),
            );
        };
    }
    cells!(repeat_first, RepeatFirst, RepeatFirstArgs);
    cells!(repeat_previous, RepeatPrevious, RepeatPreviousArgs);
    cells!(autoencode, Autoencode, AutoencodeArgs);
    cells!(count_recall, CountRecall, CountRecallArgs);
    cells!(higher_lower, HigherLower, HigherLowerArgs);
    cells!(battleship, Battleship, BattleshipArgs);
    cells!(concentration, Concentration, ConcentrationArgs);
    cells!(mine_sweeper, MineSweeper, MineSweeperArgs);
    cells!(multiarmed_bandit, MultiarmedBandit, MultiarmedBanditArgs);
    for (id, summary, quest) in [
        (
            labyrinth::ESCAPE_ID,
            labyrinth::ESCAPE_SUMMARY,
            Quest::Escape,
        ),
        (
            labyrinth::EXPLORE_ID,
            labyrinth::EXPLORE_SUMMARY,
            Quest::Explore,
        ),
    ] {
        registry.register(id, super::FAMILY, summary, move |args: LabyrinthArgs| {
            Ok(Box::new(CellPlugin(Labyrinth::new(quest, &args)?)))
        });
    }
    macro_rules! batch {
        ($game:ident, $id:ident, $summary:ident, $make:ident, $args:ty) => {
            registry.register($game::$id, super::FAMILY, $game::$summary, |args: $args| {
                Ok(Box::new(BatchPlugin($game::$make(&args)?)))
            });
        };
    }
    batch!(
        PartialCartPole,
        POSITION_ID,
        POSITION_SUMMARY,
        position_only,
        cartpole::PositionOnlyCartPoleArgs
    );
    batch!(
        PartialCartPole,
        NOISY_ID,
        NOISY_SUMMARY,
        noisy_position_only,
        cartpole::NoisyPositionOnlyCartPoleArgs
    );
    batch!(
        PartialCartPole,
        VELOCITY_ID,
        VELOCITY_SUMMARY,
        velocity_only,
        cartpole::VelocityOnlyCartPoleArgs
    );
    batch!(
        PartialPendulum,
        POSITION_ID,
        POSITION_SUMMARY,
        position_only,
        pendulum::PositionOnlyPendulumArgs
    );
    batch!(
        PartialPendulum,
        NOISY_ID,
        NOISY_SUMMARY,
        noisy_position_only,
        pendulum::NoisyPositionOnlyPendulumArgs
    );
    for (name, id) in NAMES {
        for (suffix, difficulty) in [
            ("Easy", Difficulty::Easy),
            ("Medium", Difficulty::Medium),
            ("Hard", Difficulty::Hard),
        ] {
            let alias = format!("popgym-{name}{suffix}-v0");
            registry.alias(&alias, id, json!({ "difficulty": difficulty }));
        }
    }
}
