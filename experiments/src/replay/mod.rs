//! Logged episodes, simulated again.
//!
//! An episode is a function of its lane, reset options, carried state and actions, all of which are in the log.
//! [`verify`] plays every episode again and compares each observation, reward and flag bit for bit; [`frames`]
//! plays one to be looked at, with the belief about its hidden state where the environment has an explicit model.

mod belief;
mod frames;
mod verify;

pub use belief::{BeliefFrame, BeliefLost, KnownBelief, StateProbability};
pub use frames::{Frame, PlayerFrame, frames};
pub use verify::{Difference, VerifyReport, verify};

use palaestra_envs::{
    EnvError,
    sim::{RowReset, Simulator},
};

use crate::episodes::Episode;

/// Brings row `row` to the start of `episode`.
pub(crate) fn start(
    simulator: &mut Simulator,
    row: usize,
    episode: &Episode,
) -> Result<(), EnvError> {
    let info = &episode.info;
    if !info.carried.is_empty() {
        simulator.load_carried(row, &info.carried)?;
    }
    let (lane, options) = (Some(info.lane), info.options.clone());
    simulator.reset_rows(&[RowReset { row, lane, options }])
}

/// Puts the actions of step `step` of `episode` into row `row`.
pub(crate) fn place_actions(simulator: &mut Simulator, row: usize, episode: &Episode, step: usize) {
    let border = simulator.border_mut();
    for (player, logged) in episode.players.iter().enumerate() {
        if logged.acted[step] {
            border
                .player_mut(player)
                .action_mut()
                .copy_row(row, &logged.action, step);
        }
    }
}
