//! How a bandit's arms were played: pulls, the states that arms were in, and the last rounds, from the logged episodes.
//!
//! States are not read from observations, which may be hidden, but follow from the plays: the transition is a
//! function of state and play alone.

mod counts;

use counts::{Counts, PerState, last_plays};
use palaestra_envs::bandits::{Instance, LsdBanditArgs};
use serde_json::Value;

use super::{
    AgentArms, AgentStrip, Arms, ArmsReport, ReportError,
    curves::file_name,
    load::{LineUp, Loaded, Trial},
    regret::BANDIT,
    schedules::ROUNDS,
};
use crate::{
    Registries,
    episodes::{Episode, EpisodeKind, EpisodeLog},
    stats::Summary,
};

/// What the episode logs tell.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// Pulls and states; `None` unless all agents played the bandit.
    pub(super) report: Option<ArmsReport>,
    /// The last rounds of the first logged episode, for each agent that has one.
    pub(super) strips: Vec<AgentStrip>,
    /// Regret against the best arms of each moment by line-up and seed, mean over rows, where all rounds are logged.
    pub(super) myopic: Vec<Option<Vec<f64>>>,
}

/// Reads the logs of all agents. Logs that cannot be read in full are noted.
pub(super) fn arms(
    registries: &Registries,
    loaded: &Loaded,
    notes: &mut Vec<String>,
) -> Result<Played, ReportError> {
    let line_ups = &loaded.line_ups;
    let mut played = Played {
        myopic: vec![None; line_ups.len()],
        ..Played::default()
    };
    if line_ups
        .iter()
        .any(|line_up| line_up.config.env.id != BANDIT)
    {
        return Ok(played);
    }
    for line_up in line_ups {
        let wrappers = line_up
            .env_spec(registries)
            .map_or_else(Vec::new, |spec| spec.wrappers.clone());
        if !wrappers.is_empty() {
            let reason = format!(
                "The environment is wrapped ({}), so the arms played are not known from the logged actions alone.",
                wrappers.join(", ")
            );
            played.report = Some(ArmsReport::Unknown { reason });
            return Ok(played);
        }
    }
    let mut agents = Vec::new();
    let mut steps = 0;
    for (index, line_up) in line_ups.iter().enumerate() {
        let Some(read) = read(line_up, index + 1, notes)? else {
            continue;
        };
        steps += (line_up.trials.iter())
            .map(|trial| trial.result.env_steps)
            .sum::<u64>();
        played.strips.extend(read.strip);
        played.myopic[index] = read.myopic;
        agents.push(read.arms);
    }
    played.report = Some(counted(agents, steps));
    Ok(played)
}

/// The counts of all agents, of which the trials made `steps` steps together.
fn counted(agents: Vec<AgentArms>, steps: u64) -> ArmsReport {
    let unknown = |reason: &str| ArmsReport::Unknown {
        reason: reason.to_owned(),
    };
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
    let share = if rounds >= steps {
        "all training rounds".into()
    } else {
        format!(
            "the logged training episodes, {:.1} % of all training rounds",
            100.0 * rounds as f64 / steps as f64
        )
    };
    ArmsReport::Counted(Arms {
        plot: "pulls".into(),
        basis: format!(
            "Counted over {share}. States follow from the plays by the environment's own transition."
        ),
        agents,
    })
}

/// What the logs of one agent tell.
struct Read {
    arms: AgentArms,
    strip: Option<AgentStrip>,
    myopic: Option<Vec<f64>>,
}

/// Reads what the agent of the `number`-th line-up played; `None` if nothing of it is logged.
fn read(
    line_up: &LineUp,
    number: usize,
    notes: &mut Vec<String>,
) -> Result<Option<Read>, ReportError> {
    let args = Value::Object(line_up.config.env.args.clone());
    // The run was made with these arguments; if this program does not know them, it cannot tell the states.
    let args: Option<LsdBanditArgs> = serde_json::from_value(args).ok();
    let Some(instance) = args.and_then(|args| args.instance().ok()) else {
        return Ok(None);
    };
    let mut counts = Counts::new(instance.num_arms());
    let mut pulls: Vec<Vec<f64>> = vec![Vec::new(); instance.num_arms()];
    let mut myopic = Some(Vec::new());
    let (mut trials, mut strip) = (0, None);
    for trial in &line_up.trials {
        let before = (counts.pulls(), counts.rounds, counts.myopic_regret);
        read_trial(trial, notes, |episode| {
            if let Some(player) = episode.players.first() {
                let start = start(&instance, &episode.info.options);
                strip.get_or_insert_with(|| AgentStrip {
                    agent: line_up.name.clone(),
                    trial: trial.result.trial.clone(),
                    episode: episode.info.id.to_string(),
                    first: episode.info.length.saturating_sub(ROUNDS) as u64 + 1,
                    payoffs: last_plays(&instance, start.clone(), &player.action, ROUNDS),
                });
                counts.add(&instance, start, &player.action);
            }
        })?;
        let rounds = counts.rounds - before.1;
        if rounds > 0 {
            trials += 1;
            for (pulls, (now, before)) in pulls.iter_mut().zip(counts.pulls().iter().zip(before.0))
            {
                pulls.push((now - before) as f64);
            }
        }
        let rows = line_up.config.env.num_envs.max(1) as f64;
        if rounds < trial.result.env_steps {
            myopic = None;
        }
        if let Some(myopic) = &mut myopic {
            myopic.push((counts.myopic_regret - before.2) / rows);
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
    let arms = AgentArms {
        agent: line_up.name.clone(),
        plot: format!("states-{number}-{}", file_name(&line_up.name)),
        trials,
        rounds: counts.rounds,
        pulls,
        visits: matrix(&counts.visits),
        plays: matrix(&counts.plays),
        states,
    };
    Ok(Some(Read {
        arms,
        strip,
        myopic,
    }))
}

/// Calls `each` for every logged training episode of a trial.
fn read_trial(
    trial: &Trial,
    notes: &mut Vec<String>,
    mut each: impl FnMut(&Episode),
) -> Result<(), ReportError> {
    let log = EpisodeLog::open(&trial.folder)?;
    let mut problems: Vec<String> = log.problems().iter().map(ToString::to_string).collect();
    for episode in log.read_all() {
        match episode {
            Ok(episode) if episode.info.id.kind == EpisodeKind::Train => each(&episode),
            Ok(_) => {}
            Err(error) => problems.push(error.to_string()),
        }
    }
    if let Some(first) = problems.first() {
        notes.push(format!(
            "The episode log of trial `{}` is damaged, and pulls and states are counted from the rest of it: {first}.",
            trial.result.trial
        ));
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::LsdBanditArgs;
    use serde_json::json;

    use super::*;

    #[test]
    fn reset_options_name_the_first_states() {
        let args: LsdBanditArgs = serde_json::from_value(json!({ "preset": "step2" })).unwrap();
        let instance = args.instance().unwrap();
        assert_eq!(start(&instance, &Value::Null), [-1, -1]);
        assert_eq!(start(&instance, &json!({ "state": [1, -1.0] })), [1, -1]);
        assert_eq!(start(&instance, &json!({ "state": [1] })), [-1, -1]);
    }
}
