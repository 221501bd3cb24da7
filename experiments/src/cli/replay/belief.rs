//! Beliefs in text, beside the environment's own picture.

use palaestra_envs::pomdp::picture::bar;

use crate::replay::{BeliefFrame, KnownBelief, StateProbability};

/// States that are shown: the likeliest.
const MOST: usize = 8;
/// Longest bar.
const BAR: usize = 20;
/// Longest name of a state.
const NAME: usize = 24;
/// Least width of the pictures' column, so that the other stays in place from step to step.
const LEFT: usize = 40;
/// Between the two columns.
const GAP: usize = 3;

/// The environment's `picture` and that of the belief under one another, and the likeliest states beside them.
pub(super) fn beside(picture: Option<&str>, belief: &BeliefFrame) -> String {
    let (drawn, listed) = match belief {
        BeliefFrame::Known(known) => (known.picture.as_deref(), list(known)),
        BeliefFrame::Lost(lost) => (None, vec![format!("no belief: {lost}")]),
    };
    let pictures: Vec<&str> = picture
        .into_iter()
        .chain(drawn)
        .map(str::trim_end)
        .collect();
    let pictures = pictures.join("\n\n");
    let left: Vec<&str> = pictures.lines().collect();
    let widths = left.iter().map(|line| line.chars().count());
    let width = widths.max().unwrap_or(0).max(LEFT) + GAP;
    let lines = (0..left.len().max(listed.len())).map(|row| {
        let left = left.get(row).copied().unwrap_or_default();
        let right = listed.get(row).map_or("", String::as_str);
        format!("{left:<width$}{right}").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The likeliest states, the likeliest first, and the true one if it is not among them.
fn list(belief: &KnownBelief) -> Vec<String> {
    let mut states: Vec<&StateProbability> = belief.states.iter().collect();
    states.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let is_hidden = |name: &str| belief.hidden.as_deref() == Some(name);
    let (shown, rest) = states.split_at(states.len().min(MOST));
    let mut rows: Vec<(&str, f64)> = (shown.iter())
        .map(|state| (state.state.as_str(), state.probability))
        .collect();
    if let Some(hidden) = &belief.hidden
        && !rows.iter().any(|row| row.0 == hidden)
    {
        let found = rest.iter().find(|state| state.state == *hidden);
        rows.push((hidden, found.map_or(0.0, |state| state.probability)));
    }
    let names = rows.iter().map(|row| row.0.chars().count().min(NAME)).max();
    let names = names.unwrap_or(0);
    let mut lines = vec!["belief".to_owned()];
    lines.extend(rows.iter().map(|&(name, p)| {
        let mark = if is_hidden(name) { " ◄ hidden" } else { "" };
        let (name, bar) = (shortened(name), bar(p, BAR));
        format!("{name:<names$} {:>6} {bar}{mark}", probability(p))
    }));
    let untold = belief.states.len() - rows.len().min(belief.states.len());
    if untold > 0 {
        let left: f64 = 1.0 - rows.iter().map(|row| row.1).sum::<f64>();
        let states = if untold == 1 { "state" } else { "states" };
        lines.push(format!("{} in {untold} more {states}", probability(left)));
    }
    lines
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    name.chars().take(NAME - 1).chain(['…']).collect()
}

fn probability(p: f64) -> String {
    if p > 0.0 && p < 0.0005 {
        "<0.001".into()
    } else {
        format!("{p:.3}")
    }
}
