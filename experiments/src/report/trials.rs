//! Curves within an episode, in environments with trials: the return of a trial against its number.

use std::collections::BTreeSet;

use super::{
    CurvePlot,
    curves::file_name,
    load::{LineUp, Loaded, Points},
    reduce::reduce,
    text::capitalised,
};
use crate::{run::OF_TRIALS, stats::StatsError};

/// Where trials are told of, and what is taken of their points.
const TOLD: [(&str, &str); 2] = [
    ("eval", "last evaluation"),
    ("charts", "last quarter of training"),
];

/// A picture for each field and each of [`TOLD`].
pub(super) fn curves(loaded: &Loaded) -> Result<Vec<CurvePlot>, StatsError> {
    let mut plots = Vec::new();
    for name in fields(loaded) {
        for (prefix, when) in TOLD {
            let has_any = |line_up: &LineUp| {
                line_up
                    .trials
                    .iter()
                    .any(|t| t.metrics.contains_key(&key(prefix, &name, 1)))
            };
            if !loaded.line_ups.iter().any(has_any) {
                continue;
            }
            let series = loaded.line_ups.iter().map(|line_up| {
                let seeds = line_up.trials.iter().map(|trial| {
                    let trials = (1..).map_while(|j| {
                        let points = trial.metrics.get(&key(prefix, &name, j))?;
                        let value = if prefix == "eval" {
                            points.last()?.1
                        } else {
                            late_mean(points)?
                        };
                        Some((f64::from(j), value))
                    });
                    trials.collect()
                });
                let seeds: Vec<Vec<(f64, f64)>> = seeds.collect();
                reduce(
                    &line_up.name,
                    seeds
                        .into_iter()
                        .filter(|points| !points.is_empty())
                        .collect(),
                )
            });
            let words = name.replace('_', " ");
            plots.push(CurvePlot {
                plot: format!("within-{prefix}-{}", file_name(&name)),
                title: format!("{} within an episode, {when}", capitalised(&words)),
                quantity: words,
                x_label: "trial of the episode".into(),
                keys: vec![format!("{prefix}/{name}/J")],
                smoothing: (prefix == "charts")
                    .then(|| "mean over the points of the last quarter of the run".into()),
                reference: None,
                series: series.collect::<Result<_, _>>()?,
            });
        }
    }
    Ok(plots)
}

fn key(prefix: &str, name: &str, j: u32) -> String {
    format!("{prefix}/{name}/{j}")
}

/// Names of the fields by trial.
fn fields(loaded: &Loaded) -> BTreeSet<String> {
    let trials = loaded.line_ups.iter().flat_map(|line_up| &line_up.trials);
    let keys = trials.flat_map(|trial| trial.metrics.keys());
    let name = |key: &String| {
        let (prefix, rest) = key.split_once('/')?;
        let told = TOLD.iter().any(|(known, _)| *known == prefix);
        let name = rest.strip_suffix("/1")?;
        (told && name.starts_with(OF_TRIALS)).then(|| name.to_owned())
    };
    keys.filter_map(name).collect()
}

/// Mean over the last quarter of the environment steps.
fn late_mean(points: &Points) -> Option<f64> {
    let (last, _) = points.last()?;
    let late = points.iter().filter(|(steps, _)| *steps >= last - last / 4);
    let late: Vec<f64> = late.map(|(_, value)| *value).collect();
    Some(late.iter().sum::<f64>() / late.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_quarter_is_of_steps() {
        let points = vec![(10, 9.0), (74, 9.0), (75, 1.0), (100, 3.0)];
        assert_eq!(late_mean(&points), Some(2.0));
    }
}
