//! Sweeps over the language games.
//!
//! A sweep over discount factors, valuations or horizons plays many games with one line-up. They are reported on as one
//! line, whose trials are those of all games: what is compared is who plays, and the tables of theory know the games
//! apart.

use std::collections::BTreeSet;

use super::LineUp;

/// What the names of the environments begin with.
const GAMES: &str = "glee_";

/// Info fields that are measures of a game: they are told by the logged games, as means. Their sums over training mean
/// nothing, as games that are not over count 0.
const MEASURES: [&str; 3] = ["efficiency", "fairness", "agreement"];

impl LineUp {
    /// Whether an info field is a measure of a language game.
    pub(in crate::report) fn measures_games_by(&self, info: &str) -> bool {
        self.config.env.id.starts_with(GAMES) && MEASURES.contains(&info)
    }

    /// Whether all seats are taken by agents of one kind, with the same arguments.
    pub(in crate::report) fn plays_itself(&self) -> bool {
        let agents = || {
            self.planned
                .agents
                .iter()
                .map(|&index| &self.config.agents[index])
        };
        let first = agents().next();
        agents().all(|agent| {
            first.is_some_and(|first| (&first.id, &first.args) == (&agent.id, &agent.args))
        })
    }

    /// What it has in common with itself in other games of the family.
    fn apart_from_game(&self) -> Option<String> {
        if !self.config.env.id.starts_with(GAMES) {
            return None;
        }
        let mut config = (*self.config).clone();
        config.env.args.clear();
        config.sweep = None;
        let config = serde_json::to_string(&config).unwrap_or_default();
        Some(format!("{} {:?} {config}", self.run, self.planned.agents))
    }

    /// Its name without the game.
    fn without_game(&self, family: Option<&str>) -> String {
        let point = self.point().trim_matches([' ', '(', ')']);
        let names = self.label.strip_suffix(self.point()).unwrap_or(&self.label);
        let of_game = |part: &str| {
            let Some((key, value)) = part.split_once('=') else {
                return false;
            };
            let of_agent = |&index: &usize| self.config.agents[index].id == value;
            self.config.env.args.contains_key(key)
                || value.starts_with(GAMES)
                // The names tell it already.
                || (key == "id" && self.planned.agents.iter().any(of_agent))
        };
        let kept = point
            .split(' ')
            .filter(|part| !part.is_empty() && !of_game(part));
        let kept: Vec<&str> = family.into_iter().chain(kept).collect();
        if kept.is_empty() {
            names.to_owned()
        } else {
            format!("{names} ({})", kept.join(" "))
        }
    }
}

/// Puts the line-ups together that differ in nothing but the game they play, at the place of the first; and says so.
pub(super) fn together(line_ups: Vec<LineUp>) -> (Vec<LineUp>, Option<String>) {
    let families: BTreeSet<String> = line_ups.iter().map(|l| l.config.env.id.clone()).collect();
    let mut groups: Vec<(Option<String>, LineUp)> = Vec::new();
    let (mut games, mut pooled) = (0, 0);
    for line_up in line_ups {
        let key = line_up.apart_from_game();
        let known = groups
            .iter_mut()
            .find(|(known, _)| key.is_some() && *known == key);
        if key.is_some() {
            games += 1;
        }
        match known {
            Some((_, first)) => {
                pooled += 1;
                first.trials.extend(line_up.trials);
            }
            None => groups.push((key, line_up)),
        }
    }
    if pooled == 0 {
        return (
            groups.into_iter().map(|(_, line_up)| line_up).collect(),
            None,
        );
    }
    let lines = groups.iter().filter(|(key, _)| key.is_some()).count();
    for (key, line_up) in &mut groups {
        if key.is_some() {
            let id = line_up.config.env.id.clone();
            let family = id.trim_start_matches(GAMES);
            let family = family
                .split(['-', '_'])
                .next()
                .filter(|_| families.len() > 1);
            let label = line_up.without_game(family);
            let run = line_up
                .name
                .strip_suffix(&line_up.label)
                .unwrap_or_default();
            line_up.name = format!("{run}{label}");
            line_up.label = label;
        }
    }
    let note = format!(
        "This is a sweep over games: {games} line-ups in their games are {lines} lines here. What counts as a seed in a \
         line is one game with one seed, and scores are over all its games."
    );
    (
        groups.into_iter().map(|(_, line_up)| line_up).collect(),
        Some(note),
    )
}
