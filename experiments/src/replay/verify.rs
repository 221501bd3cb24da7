//! Comparing a log with what the simulator does now.

use palaestra_envs::{
    EnvError,
    sim::{EnvSpec, Simulator},
    space::{Columns, Space},
};
use serde::Serialize;

use super::{place_actions, start};
use crate::{
    Registries,
    episodes::{Episode, EpisodeLog},
    run::{RunError, Trial},
};

/// Episodes simulated side by side.
const ROWS: usize = 64;

/// The first place where an episode is not what the log says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The episode.
    pub episode: String,
    /// Step, from 0; the observation of step `t` is the one after `t` steps.
    pub step: usize,
    /// `observation`, `reward`, `terminated`, …, with the player's name before it if there are several.
    pub field: String,
    /// What is in the log.
    pub logged: String,
    /// What the simulator gives.
    pub got: String,
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct VerifyReport {
    /// Episodes in the log.
    pub episodes: usize,
    /// Episodes that are the same bit for bit.
    pub verified: usize,
    /// Steps compared.
    pub steps: usize,
    /// The first difference of each episode that differs.
    pub differences: Vec<Difference>,
    /// Files that could not be read, and episodes of which only the beginning is there.
    pub problems: Vec<String>,
    /// Files that were being written when the run was killed; resuming writes them anew.
    pub torn: Vec<String>,
}

impl VerifyReport {
    /// Whether everything that is in the log is right.
    pub fn passed(&self) -> bool {
        self.differences.is_empty() && self.problems.is_empty() && self.verified == self.episodes
    }

    /// Adds the findings of another trial.
    pub fn add(&mut self, other: Self) {
        self.episodes += other.episodes;
        self.verified += other.verified;
        self.steps += other.steps;
        self.differences.extend(other.differences);
        self.problems.extend(other.problems);
        self.torn.extend(other.torn);
    }
}

/// Simulates every episode of `log`, which `trial` wrote, again.
///
/// # Errors
/// If the simulator cannot be built. Damaged files and differences are in the report.
pub fn verify(
    log: &EpisodeLog,
    trial: &Trial,
    registries: &Registries,
) -> Result<VerifyReport, RunError> {
    let mut report = VerifyReport {
        episodes: log.episodes().len(),
        ..VerifyReport::default()
    };
    report
        .problems
        .extend(log.problems().iter().map(ToString::to_string));
    report
        .torn
        .extend(log.torn().iter().map(|path| path.display().to_string()));
    let cut = log.unfinished().iter();
    report
        .problems
        .extend(cut.map(|id| format!("of episode {id} only the beginning is there")));
    if log.episodes().is_empty() {
        return Ok(report);
    }
    let rows = log.episodes().len().min(ROWS);
    let mut simulator = trial.replay_simulator(registries, rows, &[])?;
    let mut left = log.read_all();
    let mut playing: Vec<Option<(Episode, usize)>> = (0..rows).map(|_| None).collect();
    loop {
        for (row, slot) in playing.iter_mut().enumerate() {
            while slot.is_none() {
                let Some(next) = left.next() else { break };
                match next {
                    Ok(episode) => *slot = begin(&mut simulator, row, episode, trial, &mut report),
                    Err(error) => report.problems.push(error.to_string()),
                }
            }
        }
        let active: Vec<usize> = (0..rows).filter(|&row| playing[row].is_some()).collect();
        if active.is_empty() {
            break;
        }
        for (row, slot) in playing.iter().enumerate() {
            if let Some((episode, step)) = slot {
                place_actions(&mut simulator, row, episode, *step);
            }
        }
        let stepped = simulator.step_rows(&active);
        for row in active {
            let Some((episode, step)) = &mut playing[row] else {
                continue;
            };
            let difference = match &stepped {
                Ok(()) => compare_step(&simulator, row, episode, *step),
                Err(error) => Some(refused(error)),
            };
            report.steps += 1;
            *step += 1;
            if let Some((field, logged, got)) = difference {
                let step = *step - usize::from(!field.ends_with("observation"));
                report
                    .differences
                    .push(difference_at(trial, episode, step, field, logged, got));
                playing[row] = None;
            } else if *step == episode.info.length {
                report.verified += 1;
                playing[row] = None;
            }
        }
    }
    Ok(report)
}

type Finding = (String, String, String);

fn difference_at(
    trial: &Trial,
    episode: &Episode,
    step: usize,
    field: String,
    logged: String,
    got: String,
) -> Difference {
    Difference {
        episode: format!("{} {}", trial.name, episode.info.id),
        step,
        field,
        logged,
        got,
    }
}

/// Starts an episode in a row; `None` if it differs from the beginning, or has no steps.
fn begin(
    simulator: &mut Simulator,
    row: usize,
    episode: Episode,
    trial: &Trial,
    report: &mut VerifyReport,
) -> Option<(Episode, usize)> {
    let spec = simulator.spec().clone();
    let difference = if fits(&spec, &episode) {
        match start(simulator, row, &episode) {
            Ok(()) => compare_observations(simulator, row, &episode, 0),
            Err(error) => Some((
                "reset".to_owned(),
                "an episode".to_owned(),
                error.to_string(),
            )),
        }
    } else {
        let logged = "spaces of another environment".to_owned();
        Some((
            "players".to_owned(),
            logged,
            format!("those of `{}`", spec.id),
        ))
    };
    if let Some((field, logged, got)) = difference {
        report
            .differences
            .push(difference_at(trial, &episode, 0, field, logged, got));
        return None;
    }
    if episode.info.length == 0 {
        report.verified += 1;
        return None;
    }
    Some((episode, 0))
}

/// Whether the episode has the players and the shapes of the environment.
fn fits(spec: &EnvSpec, episode: &Episode) -> bool {
    let same = |space: &Space, columns: &Columns| {
        let fresh = space.columns(0);
        fresh.fields().len() == columns.fields().len()
            && fresh
                .fields()
                .iter()
                .zip(columns.fields())
                .all(|(a, b)| a.width == b.width && a.data.type_name() == b.data.type_name())
    };
    spec.players.len() == episode.players.len()
        && spec
            .players
            .iter()
            .zip(&episode.players)
            .all(|(player, logged)| {
                same(&player.observation, &logged.observation)
                    && same(&player.action, &logged.action)
            })
}

/// The simulator refuses the logged actions.
fn refused(error: &EnvError) -> Finding {
    (
        "action".to_owned(),
        "a legal action".to_owned(),
        error.to_string(),
    )
}

/// The first field of step `step` that is not as logged.
fn compare_step(
    simulator: &Simulator,
    row: usize,
    episode: &Episode,
    step: usize,
) -> Option<Finding> {
    let border = simulator.border();
    let prefix = |player: usize| prefix(episode, player);
    for (index, logged) in episode.players.iter().enumerate() {
        let player = border.player(index);
        if logged.acted[step] != player.acted[row] {
            let (was, is) = (logged.acted[step], player.acted[row]);
            return Some((
                format!("{}acted", prefix(index)),
                was.to_string(),
                is.to_string(),
            ));
        }
        if logged.reward[step].to_bits() != player.reward[row].to_bits() {
            let (was, is) = (logged.reward[step], player.reward[row]);
            return Some((
                format!("{}reward", prefix(index)),
                was.to_string(),
                is.to_string(),
            ));
        }
    }
    for (field, was, is) in [
        (
            "terminated",
            episode.terminated(step),
            border.terminated[row],
        ),
        ("truncated", episode.truncated(step), border.truncated[row]),
    ] {
        if was != is {
            return Some((field.to_owned(), was.to_string(), is.to_string()));
        }
    }
    compare_observations(simulator, row, episode, step + 1)
}

/// The first player whose observation after `at` steps is not as logged.
fn compare_observations(
    simulator: &Simulator,
    row: usize,
    episode: &Episode,
    at: usize,
) -> Option<Finding> {
    let spec = simulator.spec();
    episode
        .players
        .iter()
        .enumerate()
        .find_map(|(index, logged)| {
            let now = simulator.border().player(index).observation();
            (!now.row_bits_equal(row, &logged.observation, at)).then(|| {
                let space = &spec.players[index].observation;
                (
                    format!("{}observation", prefix(episode, index)),
                    space.row_to_json(&logged.observation, at).to_string(),
                    space.row_to_json(now, row).to_string(),
                )
            })
        })
}

fn prefix(episode: &Episode, player: usize) -> String {
    match &episode.players[..] {
        [_] => String::new(),
        players => format!("{}/", players[player].name),
    }
}
