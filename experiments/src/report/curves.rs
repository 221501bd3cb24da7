//! Which measured quantities are worth a picture, and their reduction to one curve per agent.
//!
//! | points per seed | becomes |
//! |---|---|
//! | three or more | a curve: interquartile mean over seeds, with a pointwise bootstrap interval |
//! | one or two | an interval plot of the last value |
//!
//! What says nothing (a reward that never changes) or what another picture says better is named in
//! [`Report::left_out`](super::Report::left_out).

use std::borrow::Cow;

use super::{
    AgentSummary, CurvePlot, LeftOut, ReferenceLine, ReportError, ValuePlot, ValueRow,
    load::{Entry, LineUp, Loaded, Points},
    reduce::reduce,
    scores, trials,
};
use crate::stats::StatsError;

/// Fewest points of a curve.
const FEWEST: usize = 3;

/// What is drawn, and what is not.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    pub(super) curves: Vec<CurvePlot>,
    pub(super) values: Vec<ValuePlot>,
    pub(super) left_out: Vec<LeftOut>,
}

impl Drawn {
    fn leave_out(&mut self, quantity: &Quantity<'_>, reason: &str) {
        self.left_out.push(LeftOut {
            quantity: quantity.title.clone(),
            reason: reason.into(),
        });
    }
}

/// A measured quantity of every agent.
struct Quantity<'a> {
    /// Stem of the picture's name.
    stem: String,
    title: String,
    axis: String,
    keys: Vec<String>,
    /// How points were made from the metrics, if not as they are.
    smoothing: Option<String>,
    owners: Vec<Owner<'a>>,
}

/// One agent's points of a quantity: one list per seed that has any.
struct Owner<'a> {
    name: &'a str,
    seeds: Vec<Cow<'a, Points>>,
}

/// What a quantity can be drawn as.
#[derive(Debug, PartialEq, Eq)]
enum Shape {
    Nothing,
    Values,
    Curve,
}

/// Chooses and reduces the quantities. `rate`, where known, is the best known reward per step.
pub(super) fn curves(
    loaded: &Loaded,
    agents: &[AgentSummary],
    rate: Option<f64>,
    notes: &mut Vec<String>,
) -> Result<Drawn, ReportError> {
    let mut drawn = Drawn::default();
    let evaluated = Quantity::of_players(loaded, "eval", "episodic_return")
        .called("Return of evaluation episodes", "mean return");
    let trained = Quantity::of_players(loaded, "charts", "episodic_return")
        .called("Return of training episodes", "mean return")
        .smoothed();
    let per_step = Quantity::of_players(loaded, "charts", "reward_per_step")
        .called("Reward per step", "mean reward per step")
        .smoothed();
    let total = Quantity::of_players(loaded, "charts", "cumulative_reward")
        .called("Cumulative reward", "total reward so far, mean over rows");

    let mut has_returns = false;
    for quantity in [&evaluated, &trained] {
        match quantity.shape() {
            Shape::Nothing => {}
            Shape::Curve => {
                has_returns = true;
                drawn.curves.push(quantity.curve_plot(None)?);
            }
            Shape::Values if quantity.repeats(agents) => {
                drawn.leave_out(quantity, "one value per seed, and it is the score");
            }
            Shape::Values => drawn.values.push(quantity.value_plot()?),
        }
    }

    drawn.curves.extend(trials::curves(loaded)?);

    let is_constant = per_step.is_constant();
    if has_returns {
        drawn.leave_out(&per_step, "the returns tell it by episode");
    } else if is_constant {
        drawn.leave_out(&per_step, "it is the same for all agents, seeds and steps");
    } else if per_step.shape() == Shape::Curve {
        drawn.curves.push(per_step.curve_plot(rate)?);
    }
    if has_returns {
        drawn.leave_out(&total, "the returns tell it by episode");
    } else if is_constant {
        drawn.leave_out(&total, "it grows by the same amount in every step");
    } else if rate.is_some() {
        drawn.leave_out(&total, "regret shows it against the best known rate");
    } else if total.shape() == Shape::Curve {
        drawn.curves.push(total.curve_plot(None)?);
    }

    for quantity in Quantity::of_info(loaded) {
        if quantity.measures_games(loaded) {
            drawn.leave_out(&quantity, "outcomes tell its mean over games");
            continue;
        }
        if rate.is_some() && quantity.keys == [super::regret::EXPECTED_PAYOFF] {
            drawn.leave_out(&quantity, "regret shows it against the best known rate");
            continue;
        }
        match quantity.shape() {
            Shape::Nothing => {}
            Shape::Curve => drawn.curves.push(quantity.curve_plot(None)?),
            Shape::Values => drawn.values.push(quantity.value_plot()?),
        }
    }
    note_not_finite(loaded, &drawn, notes);
    Ok(drawn)
}

/// The key of a player's metric: with several players it carries the player's name.
pub(super) fn player_key(line_up: &LineUp, player: usize, prefix: &str, metric: &str) -> String {
    match line_up.players()[..] {
        [_] => format!("{prefix}/{metric}"),
        ref players => format!("{prefix}/{}/{metric}", players[player]),
    }
}

impl<'a> Quantity<'a> {
    /// A metric that each player has.
    fn of_players(loaded: &'a Loaded, prefix: &str, metric: &str) -> Self {
        let mut quantity = Self {
            stem: format!("{prefix}-{}", metric.replace('_', "-")),
            title: metric.into(),
            axis: metric.into(),
            keys: Vec::new(),
            smoothing: None,
            owners: Vec::new(),
        };
        for entry in &loaded.entries {
            let Entry { name, player, .. } = entry;
            let line_up = loaded.line_up(entry);
            quantity.add(name, line_up, &player_key(line_up, *player, prefix, metric));
        }
        quantity
    }

    /// Whether it is a measure of language games, to all who have it.
    fn measures_games(&self, loaded: &Loaded) -> bool {
        let of_games = |key: &String| {
            let name = key.trim_start_matches("info/");
            let has = |line_up: &&LineUp| {
                let mut trials = line_up.trials.iter();
                trials.any(|trial| trial.metrics.contains_key(key))
            };
            let mut having = loaded.line_ups.iter().filter(has);
            having.all(|line_up| line_up.measures_games_by(name))
        };
        !self.keys.is_empty() && self.keys.iter().all(of_games)
    }

    /// The info fields, which belong to line-ups.
    fn of_info(loaded: &'a Loaded) -> Vec<Self> {
        let trials = loaded.line_ups.iter().flat_map(|line_up| &line_up.trials);
        let mut keys: Vec<&str> = trials
            .flat_map(|trial| trial.metrics.keys())
            .filter(|key| key.starts_with("info/"))
            .map(String::as_str)
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let quantity = |key: &str| {
            let name = key.trim_start_matches("info/");
            let mut quantity = Self {
                stem: format!("info-{}", file_name(name)),
                title: format!("Total of {name}"),
                axis: format!("{name}, total so far, mean over rows"),
                keys: Vec::new(),
                smoothing: None,
                owners: Vec::new(),
            };
            for line_up in &loaded.line_ups {
                quantity.add(&line_up.name, line_up, key);
            }
            quantity
        };
        keys.into_iter().map(quantity).collect()
    }

    fn called(mut self, title: &str, axis: &str) -> Self {
        self.title = title.into();
        self.axis = axis.into();
        self
    }

    fn add(&mut self, name: &'a str, line_up: &'a LineUp, key: &str) {
        let points = line_up
            .trials
            .iter()
            .filter_map(|trial| trial.metrics.get(key));
        let seeds: Vec<Cow<'a, Points>> = points.map(Cow::Borrowed).collect();
        if !seeds.is_empty() && !self.keys.iter().any(|known| known == key) {
            self.keys.push(key.to_owned());
        }
        self.owners.push(Owner { name, seeds });
    }

    fn seeds(&self) -> impl Iterator<Item = &Points> {
        let owners = self.owners.iter();
        owners.flat_map(|owner| owner.seeds.iter().map(|points| &**points))
    }

    fn shape(&self) -> Shape {
        let fewest = |owner: &Owner<'_>| owner.seeds.iter().map(|points| points.len()).min();
        match self.owners.iter().filter_map(fewest).max() {
            None => Shape::Nothing,
            Some(points) if points < FEWEST => Shape::Values,
            Some(_) => Shape::Curve,
        }
    }

    /// Whether it never differs, up to rounding.
    fn is_constant(&self) -> bool {
        let values = || self.seeds().flatten().map(|point| point.1);
        let (low, high) = values()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        high - low <= 1e-9 * high.abs().max(low.abs())
    }

    /// Whether the last values are the agents' scores.
    fn repeats(&self, agents: &[AgentSummary]) -> bool {
        self.owners.iter().zip(agents).all(|(owner, agent)| {
            let last = owner.last_values();
            let scores = agent.scores.iter().flatten();
            last.len() == agent.scores.len()
                && last.iter().zip(scores).all(|(value, score)| {
                    (value - score).abs() <= 1e-9 * value.abs().max(score.abs())
                })
        })
    }

    fn curve_plot(&self, rate: Option<f64>) -> Result<CurvePlot, StatsError> {
        let series = self.owners.iter().map(|owner| {
            let points = owner.seeds.iter().map(|points| as_floats(points)).collect();
            reduce(owner.name, points)
        });
        Ok(CurvePlot {
            plot: format!("curve-{}", self.stem),
            title: self.title.clone(),
            quantity: self.axis.clone(),
            x_label: "environment steps".into(),
            keys: self.keys.clone(),
            smoothing: self.smoothing.clone(),
            reference: rate.map(|value| ReferenceLine {
                value,
                label: "best known rate".into(),
            }),
            series: series.collect::<Result<_, _>>()?,
        })
    }

    fn value_plot(&self) -> Result<ValuePlot, StatsError> {
        let owners = self.owners.iter().filter(|owner| !owner.seeds.is_empty());
        let rows = owners.map(|owner| {
            let values = owner.last_values();
            Ok(ValueRow {
                agent: owner.name.to_owned(),
                iqm: scores::iqm(&values)?,
                values,
            })
        });
        Ok(ValuePlot {
            plot: format!("values-{}", self.stem),
            title: self.title.clone(),
            quantity: self.axis.clone(),
            keys: self.keys.clone(),
            rows: rows.collect::<Result<_, StatsError>>()?,
        })
    }

    /// The same with each point replaced by the mean over a trailing twentieth of the curve, for quantities that
    /// are measured on few steps or episodes at a time.
    fn smoothed(mut self) -> Self {
        let window = self.seeds().map(Vec::len).max().unwrap_or(0) / 20;
        if window < 2 {
            return self;
        }
        for points in self.owners.iter_mut().flat_map(|owner| &mut owner.seeds) {
            *points = Cow::Owned(trailing_mean(points, window));
        }
        self.smoothing = Some(format!("trailing mean of {window} points"));
        self
    }
}

impl Owner<'_> {
    fn last_values(&self) -> Vec<f64> {
        let last = self.seeds.iter().filter_map(|points| points.last());
        last.map(|point| point.1).collect()
    }
}

fn trailing_mean(points: &Points, window: usize) -> Points {
    let mean = |end: usize| {
        let last = &points[(end + 1).saturating_sub(window)..=end];
        last.iter().map(|point| point.1).sum::<f64>() / last.len() as f64
    };
    // The mean of less than half a window would begin with the noise that the window is to take away.
    (window / 2..points.len())
        .map(|end| (points[end].0, mean(end)))
        .collect()
}

fn as_floats(points: &Points) -> Vec<(f64, f64)> {
    points
        .iter()
        .map(|point| (point.0 as f64, point.1))
        .collect()
}

/// Notes the metrics that are drawn and have points that are not finite.
fn note_not_finite(loaded: &Loaded, drawn: &Drawn, notes: &mut Vec<String>) {
    let curves = drawn.curves.iter().flat_map(|plot| &plot.keys);
    for key in curves.chain(drawn.values.iter().flat_map(|plot| &plot.keys)) {
        for line_up in &loaded.line_ups {
            let trials = line_up.trials.iter();
            let count: usize = trials.filter_map(|trial| trial.not_finite.get(key)).sum();
            if count > 0 {
                notes.push(format!(
                    "{count} points of `{key}` of `{}` are not finite numbers and are left out.",
                    line_up.name
                ));
            }
        }
    }
}

/// The words of `name`, in small letters and joined by `-`, for use in a file name.
pub(super) fn file_name(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_means() {
        let points = vec![(1, 1.0), (2, 3.0), (3, 5.0), (4, 9.0)];
        assert_eq!(trailing_mean(&points, 2), [(2, 2.0), (3, 4.0), (4, 7.0)]);
    }
}
