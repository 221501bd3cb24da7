//! Evaluation: episodes on seeds that training never sees, leaving no trace in the agents.

use std::path::Path;

use palaestra_agents::Mode;
use palaestra_envs::sim::Selection;

use super::{RunError, Trial, plan::Seated, step::act_and_step};
use crate::{
    Registries,
    episodes::{Choice, EpisodeKind, Recorder},
};

/// Plays `eval.episodes` episodes and returns each player's mean return. The episodes go to the log in
/// `episodes`, if given. Every row plays equally many, so long episodes count as much as short ones.
///
/// # Errors
/// [`RunError`].
pub fn evaluate(
    trial: &Trial,
    registries: &Registries,
    seated: &mut [Seated],
    episodes: Option<&Path>,
    round: u32,
) -> Result<Vec<f64>, RunError> {
    let mut saved = Vec::with_capacity(seated.len());
    for seat in &mut *seated {
        saved.push(seat.agent.save()?);
        seat.agent.set_mode(Mode::Evaluate);
    }
    let mut simulator =
        trial.simulator(registries, trial.derived_seed("eval", u64::from(round)))?;
    let rows = simulator.rows();
    let per_row = trial.config.eval.episodes.div_ceil(rows);
    simulator.reset()?;
    let kind = EpisodeKind::Eval { round };
    let mut recorder = match episodes {
        Some(folder) => {
            let choice = Choice::first(per_row as u64);
            let mut recorder = Recorder::create(folder, kind, choice, simulator.spec(), rows)?;
            recorder.begin(&simulator)?;
            Some(recorder)
        }
        None => None,
    };
    let all_rows = Selection::all(rows);
    let mut left = vec![per_row; rows];
    let mut sums = vec![0.0; simulator.spec().players.len()];
    while left.iter().any(|&n| n > 0) {
        act_and_step(&mut simulator, seated, &all_rows)?;
        if let Some(recorder) = &mut recorder {
            recorder.step(&simulator)?;
        }
        let border = simulator.border();
        for (row, left) in left
            .iter_mut()
            .enumerate()
            .filter(|(row, n)| **n > 0 && border.ended(*row))
        {
            *left -= 1;
            for (sum, player) in sums.iter_mut().zip(&border.players) {
                *sum += player.final_return[row];
            }
        }
    }
    if let Some(recorder) = &mut recorder {
        recorder.finish()?;
    }
    for (seat, state) in seated.iter_mut().zip(&saved) {
        if !seat.trained {
            seat.agent.set_mode(Mode::Train);
        }
        seat.agent.load(state)?;
    }
    let played = (per_row * rows) as f64;
    Ok(sums.into_iter().map(|sum| sum / played).collect())
}
