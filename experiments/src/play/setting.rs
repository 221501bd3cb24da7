//! What a file asks a person to play.

use palaestra_agents::language::human::{HumanArgs, ID};
use serde_json::Value;

use crate::run::Trial;

/// Games for a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Games to be played.
    pub games: u64,
    /// Arguments of the person's agent.
    pub args: HumanArgs,
}

/// Whether a person takes part in any of the trials.
pub(crate) fn has_person(trials: &[Trial]) -> bool {
    trials.iter().any(|trial| people(trial).next().is_some())
}

fn people(trial: &Trial) -> impl Iterator<Item = usize> {
    let agents = trial.agents.iter().copied();
    agents.filter(|&agent| trial.config.agents[agent].id == ID)
}

impl Setting {
    /// Reads the trials of a file; the arguments of agents have been checked.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn of(trials: &[Trial]) -> Result<Self, [String; 2]> {
        let [trial] = trials else {
            return Err([
                format!(
                    "the file asks for {} trials; a person plays one",
                    trials.len()
                ),
                "leave one seed and one line-up, and no sweep".into(),
            ]);
        };
        let people: Vec<usize> = people(trial).collect();
        let &[person] = &people[..] else {
            return Err([
                format!("{} agents are `human`; a person takes one seat", people.len()),
                "seat a person with [[agents]] id = \"human\", players = [\"alice\"], and a rival in the other seat"
                    .into(),
            ]);
        };
        let config = &trial.config;
        if config.experiment.total_env_steps != 0 {
            return Err([
                "people play evaluation episodes, but the file asks for training first".into(),
                "set experiment.total_env_steps = 0, and eval.episodes to the number of games"
                    .into(),
            ]);
        }
        let args = Value::Object(config.agents[person].args.clone());
        Ok(Self {
            games: config.eval.episodes as u64,
            args: serde_json::from_value(args).unwrap_or_default(),
        })
    }
}
