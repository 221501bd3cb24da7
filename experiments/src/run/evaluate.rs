//! Evaluation: episodes on seeds that training never sees, leaving no trace in the agents.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use palaestra_agents::Mode;
use palaestra_envs::sim::{Border, Selection};

use super::{
    RunError, Trial,
    pace::{Pace, Until},
    plan::Seated,
    step::act_and_step,
};
use crate::{
    Registries,
    episodes::{Choice, EpisodeKind, Recorder},
};

/// Plays `eval.episodes` episodes and returns each player's mean return. The episodes go to the log in
/// `episodes`, if given. Every row plays equally many, so long episodes count as much as short ones. `None` if it was to `stop`
/// before the last: it must then be played anew.
///
/// # Errors
/// [`RunError`].
pub fn evaluate(
    trial: &Trial,
    registries: &Registries,
    seated: &mut [Seated],
    episodes: Option<&Path>,
    round: u32,
    stop: &AtomicBool,
) -> Result<Option<Vec<f64>>, RunError> {
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
    let mut played = 0_usize;
    let mut count = |border: &Border, rows: &Selection| {
        for row in rows.rows().filter(|&row| border.ended(row)) {
            if left[row] > 0 {
                left[row] -= 1;
                played += 1;
                for (sum, player) in sums.iter_mut().zip(&border.players) {
                    *sum += player.final_return[row];
                }
            }
        }
        (left.iter().any(|&n| n > 0), played)
    };
    // Whoever has left plays no more: what was played until then counts.
    let goes_on = |(goes_on, played): (bool, usize), seated: &[Seated]| {
        goes_on && !(played > 0 && seated.iter().any(|seat| seat.agent.has_left()))
    };
    let mut playing = per_row > 0;
    // Where an answer may cost time and money, rows that have played their episodes are not asked any more.
    let mut pace = Pace::of(seated, &simulator, Until::Episodes(per_row as u64));
    while playing && !stop.load(Ordering::Relaxed) {
        let Some(pace) = &mut pace else {
            act_and_step(&mut simulator, seated, &all_rows)?;
            if let Some(recorder) = &mut recorder {
                recorder.step(&simulator)?;
            }
            playing = goes_on(count(simulator.border(), &all_rows), seated);
            continue;
        };
        pace.step(&mut simulator, seated)?;
        let mirror = || trial.simulator(registries, trial.seed);
        while let Some((whole, rows)) = pace.next(&simulator, mirror)? {
            if let Some(recorder) = &mut recorder {
                recorder.step_rows(whole, rows)?;
            }
            playing = goes_on(count(whole.border(), rows), seated);
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
    let means = sums.into_iter().map(|sum| sum / played.max(1) as f64);
    Ok((!playing).then(|| means.collect()))
}
