//! How a bandit's arms were played: pulls, and the states that arms were in, from the logged episodes.
//!
//! States are not read from observations, which may be hidden, but follow from the plays: the transition is a
//! function of state and play alone.

use palaestra_envs::{
    bandits::{Instance, LsdBanditArgs},
    space::{ColumnData, Columns},
};
use serde_json::Value;

use super::{
    AgentArms, Arms, ArmsReport, ReportError,
    curves::file_name,
    load::{LineUp, Loaded},
    regret::BANDIT,
};
use crate::{
    Registries,
    episodes::{EpisodeKind, EpisodeLog},
    stats::Summary,
};

/// The arms of all agents; `None` unless all of them played the bandit.
/// Logs that cannot be read in full are noted.
pub(super) fn arms(
    registries: &Registries,
    loaded: &Loaded,
    notes: &mut Vec<String>,
) -> Result<Option<ArmsReport>, ReportError> {
    let line_ups = &loaded.line_ups;
    if line_ups
        .iter()
        .any(|line_up| line_up.config.env.id != BANDIT)
    {
        return Ok(None);
    }
    let unknown = |reason: &str| {
        let reason = reason.to_owned();
        Ok(Some(ArmsReport::Unknown { reason }))
    };
    for line_up in line_ups {
        let wrappers = line_up
            .env_spec(registries)
            .map_or_else(Vec::new, |spec| spec.wrappers.clone());
        if !wrappers.is_empty() {
            return unknown(&format!(
                "The environment is wrapped ({}), so the arms played are not known from the logged actions alone.",
                wrappers.join(", ")
            ));
        }
    }
    let mut agents = Vec::new();
    let mut played = 0;
    for (index, line_up) in line_ups.iter().enumerate() {
        let Some(counted) = count(line_up, index + 1, notes)? else {
            continue;
        };
        let steps = line_up.trials.iter().map(|trial| trial.result.env_steps);
        played += steps.sum::<u64>();
        agents.push(counted);
    }
    let Some(first) = agents.first() else {
        return unknown(
            "No training episodes are logged, so pulls and states are not known. `episodes = \"all\"` in `[log]` \
             logs them.",
        );
    };
    let same_arms = |agent: &AgentArms| agent.pulls.len() == first.pulls.len();
    if !agents.iter().all(same_arms) {
        return unknown("The agents played instances with different numbers of arms.");
    }
    let rounds: u64 = agents.iter().map(|agent| agent.rounds).sum();
    let share = if rounds >= played {
        "all training rounds".into()
    } else {
        format!(
            "the logged training episodes, {:.1} % of all training rounds",
            100.0 * rounds as f64 / played as f64
        )
    };
    Ok(Some(ArmsReport::Counted(Arms {
        plot: "pulls".into(),
        basis: format!(
            "Counted over {share}. States follow from the plays by the environment's own transition."
        ),
        agents,
    })))
}

/// Counts what the agent of the `number`-th line-up played; `None` if nothing of it is logged.
fn count(
    line_up: &LineUp,
    number: usize,
    notes: &mut Vec<String>,
) -> Result<Option<AgentArms>, ReportError> {
    let args = Value::Object(line_up.config.env.args.clone());
    // The run was made with these arguments; if this program does not know them, it cannot tell the states.
    let args: Option<LsdBanditArgs> = serde_json::from_value(args).ok();
    let Some(instance) = args.and_then(|args| args.instance().ok()) else {
        return Ok(None);
    };
    let mut counts = Counts::new(instance.num_arms());
    let mut pulls: Vec<Vec<f64>> = vec![Vec::new(); instance.num_arms()];
    let mut trials = 0;
    for trial in &line_up.trials {
        let before = counts.pulls();
        let rounds = counts.rounds;
        let log = EpisodeLog::open(&trial.folder)?;
        let mut problems: Vec<String> = log.problems().iter().map(ToString::to_string).collect();
        for episode in log.read_all() {
            let episode = match episode {
                Ok(episode) => episode,
                Err(error) => {
                    problems.push(error.to_string());
                    continue;
                }
            };
            if episode.info.id.kind != EpisodeKind::Train {
                continue;
            }
            if let Some(player) = episode.players.first() {
                let start = start(&instance, &episode.info.options);
                counts.add(&instance, start, &player.action);
            }
        }
        if let Some(first) = problems.first() {
            notes.push(format!(
                "The episode log of trial `{}` is damaged, and pulls and states are counted from the rest of it: {first}.",
                trial.result.trial
            ));
        }
        if counts.rounds > rounds {
            trials += 1;
            for (pulls, (now, before)) in pulls.iter_mut().zip(counts.pulls().iter().zip(before)) {
                pulls.push((now - before) as f64);
            }
        }
    }
    let pulls: Result<Vec<Summary>, _> = pulls.iter().map(|pulls| Summary::of(pulls)).collect();
    let Ok(pulls) = pulls else {
        return Ok(None);
    };
    let states = counts.states();
    let matrix = |of: &[PerState]| -> Vec<Vec<u64>> {
        let row = |arm: &PerState| states.iter().map(|state| arm.get(*state)).collect();
        of.iter().map(row).collect()
    };
    Ok(Some(AgentArms {
        agent: line_up.name.clone(),
        plot: format!("states-{number}-{}", file_name(&line_up.name)),
        trials,
        rounds: counts.rounds,
        pulls,
        visits: matrix(&counts.visits),
        plays: matrix(&counts.plays),
        states,
    }))
}

/// The states that an episode starts in: those of its reset option, or the instance's.
fn start(instance: &Instance, options: &Value) -> Vec<i16> {
    let given = options.get("state").and_then(Value::as_array);
    let given = given.map(|list| list.iter().map(state).collect::<Option<Vec<i16>>>());
    match given.flatten() {
        Some(given) if given.len() == instance.num_arms() => given,
        _ => instance.start().to_vec(),
    }
}

fn state(value: &Value) -> Option<i16> {
    // Whole numbers may be written with a point.
    let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
    i16::try_from(number as i64).ok()
}

/// Rounds by state of one arm, for as many states as occurred.
#[derive(Debug, Clone, Default)]
struct PerState {
    /// By the number of plays in a row.
    played: Vec<u64>,
    /// By the number of idle rounds.
    idle: Vec<u64>,
}

impl PerState {
    fn add(&mut self, state: i16) {
        let side = if state < 0 {
            &mut self.played
        } else {
            &mut self.idle
        };
        let place = usize::from(state.unsigned_abs());
        if place >= side.len() {
            side.resize(place + 1, 0);
        }
        side[place] += 1;
    }

    fn get(&self, state: i16) -> u64 {
        let side = if state < 0 { &self.played } else { &self.idle };
        let place = usize::from(state.unsigned_abs());
        side.get(place).copied().unwrap_or(0)
    }

    fn total(&self) -> u64 {
        self.played.iter().chain(&self.idle).sum()
    }
}

/// What was played in which state.
#[derive(Debug)]
struct Counts {
    rounds: u64,
    visits: Vec<PerState>,
    plays: Vec<PerState>,
}

impl Counts {
    fn new(arms: usize) -> Self {
        Self {
            rounds: 0,
            visits: vec![PerState::default(); arms],
            plays: vec![PerState::default(); arms],
        }
    }

    /// Adds an episode that starts in `states`.
    fn add(&mut self, instance: &Instance, mut states: Vec<i16>, actions: &Columns) {
        let Some(field) = actions.fields().first() else {
            return;
        };
        for round in 0..actions.rows() {
            let plays = |arm: usize| match &field.data {
                // One arm, or one beyond the last for none.
                ColumnData::I32(chosen) => usize::try_from(chosen[round]) == Ok(arm),
                ColumnData::U8(flags) => flags[round * field.width + arm] != 0,
                _ => false,
            };
            self.rounds += 1;
            for (arm, state) in states.iter().enumerate() {
                self.visits[arm].add(*state);
                if plays(arm) {
                    self.plays[arm].add(*state);
                }
            }
            instance.play_row(&mut states, plays, |_, _| ());
        }
    }

    fn pulls(&self) -> Vec<u64> {
        self.plays.iter().map(PerState::total).collect()
    }

    /// The states that occurred, ascending.
    fn states(&self) -> Vec<i16> {
        let longest = |side: fn(&PerState) -> &Vec<u64>| {
            let lengths = self.visits.iter().map(|arm| side(arm).len());
            lengths.max().unwrap_or(0) as i16
        };
        let played = (1..longest(|arm| &arm.played)).rev().map(|n| -n);
        let all = played.chain(1..longest(|arm| &arm.idle));
        all.filter(|state| self.visits.iter().any(|arm| arm.get(*state) > 0))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::space::Column;
    use serde_json::json;

    use super::*;

    fn actions(data: ColumnData, rows: usize, width: usize) -> Columns {
        let name = String::new();
        Columns::new(rows, vec![Column { name, width, data }])
    }

    fn step2() -> Instance {
        let args: LsdBanditArgs = serde_json::from_value(json!({ "preset": "step2" })).unwrap();
        args.instance().unwrap()
    }

    #[test]
    fn states_follow_from_the_plays() {
        // `step2`: arm 0 is stationary (one state each side), arm 1 tells two delays apart; both start just played.
        let mut counts = Counts::new(2);
        let plays = actions(ColumnData::I32(vec![0, 0, 1, 1]), 4, 1);
        counts.add(&step2(), vec![-1, -1], &plays);
        assert_eq!((counts.rounds, counts.pulls()), (4, vec![2, 2]));
        assert_eq!(counts.states(), [-1, 1]);
        // Arm 1: just played, idle, idle, then played once.
        let arm = |state| (counts.visits[1].get(state), counts.plays[1].get(state));
        assert_eq!([arm(-1), arm(1)], [(2, 1), (2, 1)]);
    }

    #[test]
    fn several_plays_and_none() {
        let mut counts = Counts::new(2);
        let plays = actions(ColumnData::U8(vec![1, 1, 0, 0, 0, 1]), 3, 2);
        counts.add(&step2(), vec![-1, -1], &plays);
        assert_eq!(counts.pulls(), [1, 2]);
        let idle = actions(ColumnData::I32(vec![2, 2]), 2, 1);
        counts.add(&step2(), vec![-1, -1], &idle);
        assert_eq!((counts.pulls(), counts.rounds), (vec![1, 2], 5));
    }

    #[test]
    fn reset_options_name_the_first_states() {
        let instance = step2();
        assert_eq!(start(&instance, &Value::Null), [-1, -1]);
        assert_eq!(start(&instance, &json!({ "state": [1, -1.0] })), [1, -1]);
        assert_eq!(start(&instance, &json!({ "state": [1] })), [-1, -1]);
    }
}
