//! Sweeps over the length of a bandit experiment.
//!
//! The regret of a learner that is tuned for a horizon grows with the horizon, not along one run: every horizon is a
//! run of its own. A sweep over `experiment.total_env_steps` or `env.args.horizon` has them, and is reported on as one
//! line for each agent: that of its longest trials, which knows the shorter ones.

use palaestra_envs::bandits::LsdBanditArgs;
use serde_json::Value;

use super::LineUp;
use crate::report::{figures::count, regret::BANDIT};

/// The keys of a sweep over lengths, by their last part as in labels.
const KEYS: [&str; 2] = ["total_env_steps", "horizon"];

impl LineUp {
    /// Rounds from one beginning to the next: an episode, or the run if nothing is forgotten between episodes or it is
    /// over before the first ends. `None` if the last such life is cut short by the end of the run.
    pub(in crate::report) fn life(&self) -> Option<u64> {
        let config = &self.config;
        let run = config.experiment.total_env_steps / config.env.num_envs.max(1) as u64;
        let keeps = |agent: &usize| {
            let args = &config.agents[*agent].args;
            args.get("keep_across_episodes") == Some(&Value::Bool(true))
        };
        let args = Value::Object(config.env.args.clone());
        let args: Option<LsdBanditArgs> = serde_json::from_value(args).ok();
        let episode = args
            .and_then(|args| args.config().ok())
            .map(|config| u64::from(config.horizon));
        let episode = episode.filter(|_| !self.planned.agents.iter().any(keeps));
        let life = episode.unwrap_or(run).min(run).max(1);
        run.is_multiple_of(life).then_some(life)
    }

    /// What it has in common with itself at other lengths.
    fn apart_from_length(&self) -> String {
        let mut config = (*self.config).clone();
        config.experiment.total_env_steps = 0;
        config.env.args.remove("horizon");
        let config = serde_json::to_string(&config).unwrap_or_default();
        format!("{} {:?} {config}", self.run, self.planned.agents)
    }

    /// Takes the length out of its names.
    fn forget_length(&mut self) {
        let label = without_length(&self.label);
        let run = self.name.strip_suffix(&self.label).unwrap_or_default();
        self.name = format!("{run}{label}");
        self.label = label;
    }
}

/// `UCB1 (total_env_steps=1000 epsilon=0.1)` without its length: `UCB1 (epsilon=0.1)`.
fn without_length(label: &str) -> String {
    let Some((names, point)) = label
        .strip_suffix(')')
        .and_then(|label| label.rsplit_once(" ("))
    else {
        return label.to_owned();
    };
    let is_length = |part: &&str| {
        part.split_once('=')
            .is_some_and(|(key, _)| KEYS.contains(&key))
    };
    let rest: Vec<&str> = point.split(' ').filter(|part| !is_length(part)).collect();
    if rest.is_empty() {
        names.to_owned()
    } else {
        format!("{names} ({})", rest.join(" "))
    }
}

/// The line-ups with those that differ in nothing but their length put together, at the place of the first.
pub(super) fn together(line_ups: Vec<LineUp>) -> Vec<LineUp> {
    let mut groups: Vec<(String, Vec<LineUp>)> = Vec::new();
    for line_up in line_ups {
        // Others are groups of their own.
        let key = if line_up.config.env.id == BANDIT {
            line_up.apart_from_length()
        } else {
            groups.len().to_string()
        };
        match groups.iter_mut().find(|group| group.0 == key) {
            Some(group) => group.1.push(line_up),
            None => groups.push((key, vec![line_up])),
        }
    }
    groups
        .into_iter()
        .flat_map(|(_, mut group)| {
            let mut lives: Vec<Option<u64>> = group.iter().map(LineUp::life).collect();
            lives.sort_unstable();
            let distinct = lives.windows(2).all(|pair| pair[0] != pair[1]);
            if group.len() < 2 || lives[0].is_none() || !distinct {
                return group;
            }
            group.sort_by_key(LineUp::life);
            group.iter_mut().for_each(LineUp::forget_length);
            let longest = group.pop().map(|longest| LineUp {
                shorter: group,
                ..longest
            });
            longest.into_iter().collect()
        })
        .collect()
}

/// What the reader must know of a sweep over lengths.
pub(super) fn note(line_ups: &[LineUp]) -> Option<String> {
    let swept = line_ups
        .iter()
        .find(|line_up| !line_up.shorter.is_empty())?;
    let all = swept.shorter.iter().chain([swept]);
    let lengths: Vec<String> = all.filter_map(LineUp::life).map(count).collect();
    Some(format!(
        "This is a sweep over lengths: {} rounds. Tables and pictures are of the longest trials of each agent; the \
         growth of regret is over all of them.",
        lengths.join("; ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_lose_their_length_and_nothing_else() {
        for (label, expected) in [
            ("UCB1", "UCB1"),
            ("UCB1 (total_env_steps=1000)", "UCB1"),
            ("UCB1 (horizon=10 epsilon=0.1)", "UCB1 (epsilon=0.1)"),
            ("ε (0.1) (epsilon=0.1)", "ε (0.1) (epsilon=0.1)"),
            ("LSD (α = 1/2)", "LSD (α = 1/2)"),
        ] {
            assert_eq!(without_length(label), expected);
        }
    }
}
