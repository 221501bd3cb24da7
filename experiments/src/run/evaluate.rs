//! Evaluation: episodes on seeds that training never sees, leaving no trace in the agents.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use palaestra_agents::Mode;
use palaestra_envs::sim::{Border, Selection};

use super::{
    RunError, Trial,
    metrics::summed_up,
    pace::{Pace, Until},
    plan::Seated,
    step::act_and_step,
};
use crate::{
    Registries,
    episodes::{Choice, EpisodeKind, Recorder},
};

/// What the names of info fields begin with that have an element for each trial of an episode.
pub const OF_TRIALS: &str = "trial_";

/// What evaluation episodes have come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Mean return of each player.
    pub returns: Vec<f64>,
    /// Info fields by trial, in environments that have trials.
    pub by_trial: Vec<ByTrial>,
}

/// An info field with an element for each trial, episode by episode.
#[derive(Debug, Clone, PartialEq)]
pub struct ByTrial {
    /// Name of the field.
    pub field: String,
    /// `[episodes][trials]`: what an episode told of each trial, summed up; NaN if nothing.
    pub episodes: Vec<Vec<f64>>,
}

impl ByTrial {
    /// How many trials an episode has.
    pub fn trials(&self) -> usize {
        self.episodes.first().map_or(0, Vec::len)
    }

    /// What the episodes that told of trial `j`, from 0, told.
    pub fn of_trial(&self, j: usize) -> Vec<f64> {
        let values = self.episodes.iter().filter_map(|episode| episode.get(j));
        values.copied().filter(|value| !value.is_nan()).collect()
    }

    /// Mean of each trial over the episodes that told of it; `None` where none did.
    pub fn means(&self) -> Vec<Option<f64>> {
        let mean = |j| {
            let told = self.of_trial(j);
            (!told.is_empty()).then(|| told.iter().sum::<f64>() / told.len() as f64)
        };
        (0..self.trials()).map(mean).collect()
    }
}

/// A field on its way: what the present episode of each row has told.
struct Telling {
    column: usize,
    width: usize,
    /// `[rows · width]`, NaN where nothing was told yet.
    so_far: Vec<f64>,
    told: ByTrial,
}

impl Telling {
    fn step(&mut self, border: &Border, rows: &Selection, counts: impl Fn(usize) -> bool) {
        let values = border.info.f64(self.column);
        for row in rows.rows() {
            let elements = row * self.width..(row + 1) * self.width;
            let so_far = &mut self.so_far[elements.clone()];
            for (sum, value) in so_far.iter_mut().zip(&values[elements]) {
                if !value.is_nan() {
                    *sum = if sum.is_nan() { *value } else { *sum + value };
                }
            }
            if border.ended(row) {
                if counts(row) {
                    self.told.episodes.push(so_far.to_vec());
                }
                so_far.fill(f64::NAN);
            }
        }
    }
}

/// Plays `eval.episodes` episodes and returns what they came to. The episodes go to the log in
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
) -> Result<Option<Evaluation>, RunError> {
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
    let mut telling: Vec<Telling> = summed_up(simulator.spec(), simulator.border())
        .filter(|(field, ..)| field.starts_with(OF_TRIALS))
        .map(|(field, column, width)| Telling {
            column,
            width,
            so_far: vec![f64::NAN; rows * width],
            told: ByTrial {
                field: field.to_owned(),
                episodes: Vec::new(),
            },
        })
        .collect();
    let mut count = |border: &Border, rows: &Selection| {
        for telling in &mut telling {
            telling.step(border, rows, |row| left[row] > 0);
        }
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
    Ok((!playing).then(|| Evaluation {
        returns: means.collect(),
        by_trial: telling.into_iter().map(|telling| telling.told).collect(),
    }))
}
