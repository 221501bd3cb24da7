//! The pictures of a report, drawn from its numbers alone.

mod bandit;
mod language;
mod market;
mod pomdp;
mod regret;

use super::{
    Arms, ArmsReport, CurvePlot, CurveSeries, Improvement, MetaGameReport, RegretReport, Report,
    Schedules, SchedulesReport, TasksReport, ValuePlot,
    figures::{constant, count},
    sheet::Picture,
};
use crate::{
    plot::{
        Axis, Band, BarGroup, BarGroups, HeatMap, IntervalPlot, IntervalRow, LinePlot, PlotError,
        Reference, Scale, Series, bar_groups, heat_map, interval_plot, line_plot,
    },
    stats::Interval,
};

/// Name of the picture of the final scores.
pub(super) const SCORES: &str = "scores";
/// Name of the picture of the probabilities of improvement.
pub(super) const IMPROVEMENT: &str = "improvement";

const BAND: &str = "interquartile mean, pointwise 95 % bootstrap band";
const INTERVAL: &str = "interquartile mean with 95 % bootstrap interval; dots: seeds";

/// Names of the pictures that a report has, in the order of the page.
pub(super) fn names(report: &Report) -> Vec<String> {
    let mut names = vec![match (&report.meta_game, &report.tasks) {
        (Some(meta_game), _) => meta_game.plot.clone(),
        (None, Some(tasks)) => tasks.plot.clone(),
        (None, None) => SCORES.to_owned(),
    }];
    names.extend(report.improvement.is_some().then(|| IMPROVEMENT.to_owned()));
    names.extend(
        report
            .bandit
            .as_ref()
            .map(|bandit| bandit.normalised.plot.clone()),
    );
    names.extend(pomdp::names(report));
    names.extend(language::names(report));
    if let Some(RegretReport::Known(regret)) = &report.regret {
        names.extend(regret.plots.clone());
        names.extend(regret.growth.plot.clone());
    }
    names.extend(report.curves.iter().map(|plot| plot.plot.clone()));
    names.extend(report.values.iter().map(|plot| plot.plot.clone()));
    names.extend(schedules(report).map(|schedules| schedules.plot.clone()));
    if let Some(ArmsReport::Counted(arms)) = &report.arms {
        names.push(arms.plot.clone());
        names.extend(arms.agents.iter().map(|agent| agent.plot.clone()));
    }
    names.extend(market::names(report));
    names
}

fn schedules(report: &Report) -> Option<&Schedules> {
    match &report.bandit.as_ref()?.schedules {
        SchedulesReport::Shown(schedules) => Some(schedules),
        SchedulesReport::Unknown { .. } => None,
    }
}

/// Draws all pictures, in the order of [`names`].
pub(super) fn draw(report: &Report) -> Result<Vec<Picture>, PlotError> {
    let mut svgs = vec![match (&report.meta_game, &report.tasks) {
        (Some(meta_game), _) => ratings(meta_game)?,
        (None, Some(tasks)) => all_tasks(tasks)?,
        (None, None) => scores(report)?,
    }];
    if let Some(improvement) = &report.improvement {
        svgs.push(improvement_plot(improvement, report.tasks.is_some())?);
    }
    if let Some(bandit) = &report.bandit {
        svgs.push(bandit::normalised(report, bandit)?);
    }
    svgs.extend(pomdp::draw(report)?);
    svgs.extend(language::draw(report)?);
    if let Some(RegretReport::Known(regret)) = &report.regret {
        svgs.push(regret::curves(regret, Scale::Linear)?);
        svgs.push(regret::curves(regret, Scale::Log)?);
        if regret.growth.plot.is_some() {
            svgs.push(regret::lengths(report, regret)?);
        }
    }
    for plot in &report.curves {
        svgs.push(curve_plot(plot)?);
    }
    for plot in &report.values {
        svgs.push(value_plot(report, plot)?);
    }
    let mut maps = Vec::new();
    if let Some(schedules) = schedules(report) {
        maps.push(svgs.len());
        svgs.push(bandit::schedules(report, schedules)?);
    }
    if let Some(ArmsReport::Counted(arms)) = &report.arms {
        svgs.push(pulls(report, arms)?);
        for agent in 0..arms.agents.len() {
            maps.push(svgs.len());
            svgs.push(states(arms, agent)?);
        }
    }
    for episode in report.market.iter().flatten() {
        svgs.extend(market::draw(episode)?);
        // The depth of the book.
        maps.push(svgs.len() - 1);
    }
    let pictures = report.plots.iter().zip(svgs).enumerate();
    let pictures = pictures.map(|(index, (name, svg))| Picture {
        name: name.clone(),
        svg,
        is_map: maps.contains(&index),
    });
    Ok(pictures.collect())
}

/// Mean scores of the agents of a tournament, with what they score as each player.
fn ratings(meta_game: &MetaGameReport) -> Result<String, PlotError> {
    let mut order: Vec<_> = meta_game.ratings.iter().collect();
    order.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    let rows = order.iter().map(|rating| {
        let ends = rating.means.iter().copied();
        IntervalRow {
            name: rating.agent.clone(),
            interval: Interval {
                estimate: rating.mean,
                low: ends.clone().fold(f64::INFINITY, f64::min),
                high: ends.fold(f64::NEG_INFINITY, f64::max),
            },
            samples: Vec::new(),
        }
    });
    interval_plot(&IntervalPlot {
        title: "Mean score over all opponents".into(),
        subtitle: format!(
            "ends: the score as one player only ({})",
            meta_game.players.join(", ")
        ),
        axis: Axis::linear("mean score"),
        rows: rows.collect(),
        references: Vec::new(),
        one_colour: true,
    })
}

/// `10 seeds`, or `9 to 10 seeds`.
fn seeds(counts: impl Iterator<Item = usize>) -> String {
    let (low, high) = counts.fold((usize::MAX, 0), |(low, high), n| (low.min(n), high.max(n)));
    match (low, high) {
        (1, 1) => "1 seed".into(),
        _ if low >= high => format!("{high} seeds"),
        _ => format!("{low} to {high} seeds"),
    }
}

/// How intervals over the seeds of `counts` were made; a single seed has none.
fn subtitle(how: &str, counts: impl Iterator<Item = usize> + Clone) -> String {
    let seeds = seeds(counts.clone());
    if counts.max() == Some(1) {
        return seeds;
    }
    format!("{seeds}; {how}")
}

/// A subtitle over seeds, where those are games.
fn in_games(subtitle: String, report: &Report) -> String {
    if report.seeds_are_games {
        subtitle.replace("seed", "game")
    } else {
        subtitle
    }
}

/// A row for an agent without values keeps the others in their colours.
const NOTHING: Interval = Interval {
    estimate: f64::NAN,
    low: f64::NAN,
    high: f64::NAN,
};

fn scores(report: &Report) -> Result<String, PlotError> {
    let rows = report.agents.iter().map(|agent| IntervalRow {
        name: agent.name.clone(),
        interval: agent.iqm.unwrap_or(NOTHING),
        samples: agent.scores.iter().flatten().copied().collect(),
    });
    let counts = report.agents.iter().map(|agent| agent.scores.len());
    interval_plot(&IntervalPlot {
        title: "Final score".into(),
        subtitle: in_games(subtitle(INTERVAL, counts), report),
        axis: Axis::linear("score"),
        rows: rows.collect(),
        references: Vec::new(),
        one_colour: false,
    })
}

/// The aggregates over all tasks, with each task's as a dot.
fn all_tasks(tasks: &TasksReport) -> Result<String, PlotError> {
    let rows = tasks.rows.iter().map(|row| IntervalRow {
        name: row.agent.clone(),
        interval: row.all.unwrap_or(NOTHING),
        samples: row
            .cells
            .iter()
            .flatten()
            .map(|cell| cell.estimate)
            .collect(),
    });
    interval_plot(&IntervalPlot {
        title: format!("Scores over {} tasks", tasks.tasks.len()),
        subtitle: subtitle(
            "interquartile mean over seeds and tasks with 95 % bootstrap interval; dots: tasks",
            tasks.rows.iter().map(|row| row.runs),
        ),
        axis: Axis::linear("score"),
        rows: rows.collect(),
        references: Vec::new(),
        one_colour: false,
    })
}

fn improvement_plot(improvement: &Improvement, tasks: bool) -> Result<String, PlotError> {
    let best = &improvement.agents[improvement.best];
    let pairs = improvement
        .agents
        .iter()
        .zip(&improvement.probability[improvement.best]);
    let rows = pairs.filter_map(|(name, interval)| {
        Some(IntervalRow {
            name: name.clone(),
            interval: (*interval)?,
            samples: Vec::new(),
        })
    });
    interval_plot(&IntervalPlot {
        title: format!("Probability that {best} scores higher than"),
        subtitle: format!(
            "a run of each with a random seed{}; ties count one half; 95 % bootstrap interval",
            if tasks { " on one random task" } else { "" }
        ),
        axis: Axis::linear("probability").including(0.0).including(1.0),
        rows: rows.collect(),
        references: vec![Reference {
            value: 0.5,
            label: "even chance".into(),
        }],
        one_colour: true,
    })
}

fn series(series: &[CurveSeries]) -> Vec<Series> {
    let series = series.iter().map(|series| Series {
        name: series.agent.clone(),
        x: series.x.clone(),
        centre: series.iqm.clone(),
        band: (series.seeds > 1).then(|| Band {
            lower: series.low.clone(),
            upper: series.high.clone(),
        }),
    });
    series.collect()
}

fn curve_plot(plot: &CurvePlot) -> Result<String, PlotError> {
    let counts = plot
        .series
        .iter()
        .map(|series| series.seeds)
        .filter(|n| *n > 0);
    let mut below = subtitle(BAND, counts);
    if let Some(smoothing) = &plot.smoothing {
        below = format!("{below}; {smoothing}");
    }
    // A line far from all curves would press them flat.
    let (near, far): (Vec<_>, Vec<_>) = plot
        .reference
        .iter()
        .partition(|line| is_near(plot, line.value));
    for line in far {
        let rate = constant(line.value);
        below = format!("{below}; {} {rate} is out of view", line.label);
    }
    let references = near.into_iter().map(|line| Reference {
        value: line.value,
        label: line.label.clone(),
    });
    line_plot(&LinePlot {
        title: plot.title.clone(),
        subtitle: below,
        x: Axis::linear(plot.x_label.as_str()),
        y: Axis::linear(plot.quantity.as_str()),
        series: series(&plot.series),
        references: references.collect(),
    })
}

/// Whether `value` is no farther from the curves than they are high.
fn is_near(plot: &CurvePlot, value: f64) -> bool {
    let series = plot.series.iter();
    let ends = series.flat_map(|series| series.low.iter().chain(&series.high));
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| {
        (low.min(*end), high.max(*end))
    });
    value >= low - (high - low) && value <= high + (high - low)
}

fn value_plot(report: &Report, plot: &ValuePlot) -> Result<String, PlotError> {
    let known = |name: &str| plot.rows.iter().find(|row| row.agent == name);
    let is_of_agents = plot
        .rows
        .iter()
        .all(|row| report.agents.iter().any(|a| a.name == row.agent));
    let row = |row: &super::ValueRow| IntervalRow {
        name: row.agent.clone(),
        interval: row.iqm,
        samples: row.values.clone(),
    };
    let rows = if is_of_agents {
        let agents = report.agents.iter();
        let rows = agents.map(|agent| match known(&agent.name) {
            Some(found) => row(found),
            None => IntervalRow {
                name: agent.name.clone(),
                interval: NOTHING,
                samples: Vec::new(),
            },
        });
        rows.collect()
    } else {
        plot.rows.iter().map(row).collect()
    };
    interval_plot(&IntervalPlot {
        title: plot.title.clone(),
        subtitle: subtitle(INTERVAL, plot.rows.iter().map(|row| row.values.len())),
        axis: Axis::linear(plot.quantity.as_str()),
        rows,
        references: Vec::new(),
        one_colour: false,
    })
}

fn pulls(report: &Report, arms: &Arms) -> Result<String, PlotError> {
    let number = arms.agents.first().map_or(0, |agent| agent.pulls.len());
    // A group for every agent, with or without logged episodes, keeps the colours.
    let groups = report.agents.iter().map(|agent| {
        let found = arms
            .agents
            .iter()
            .find(|counted| counted.agent == agent.name);
        let Some(found) = found else {
            return BarGroup {
                name: format!("{} (not logged)", agent.name),
                values: vec![f64::NAN; number],
                intervals: None,
            };
        };
        let interval = |pulls: &crate::stats::Summary| {
            let error = pulls.standard_error.unwrap_or(0.0);
            (pulls.mean - error, pulls.mean + error)
        };
        BarGroup {
            name: agent.name.clone(),
            values: found.pulls.iter().map(|pulls| pulls.mean).collect(),
            intervals: (found.trials > 1).then(|| found.pulls.iter().map(interval).collect()),
        }
    });
    let trials = arms.agents.iter().map(|agent| agent.trials);
    bar_groups(&BarGroups {
        title: "Pulls of each arm".into(),
        subtitle: format!("mean over {}, with its standard error", seeds(trials)),
        category_label: "arm".into(),
        axis: Axis::linear("pulls in a trial"),
        categories: (0..number).map(|arm| arm.to_string()).collect(),
        groups: groups.collect(),
    })
}

fn states(arms: &Arms, agent: usize) -> Result<String, PlotError> {
    let counted = &arms.agents[agent];
    let values = counted.visits.iter().flatten().map(|visits| *visits as f64);
    heat_map(&HeatMap {
        title: format!("States of the arms: {}", counted.agent),
        subtitle: format!(
            "{} rounds of {}",
            count(counted.rounds),
            seeds(std::iter::once(counted.trials))
        ),
        row_label: "arm".into(),
        column_label: "state τ: rounds idle, or minus the rounds played in a row".into(),
        value_label: "rounds".into(),
        rows: (0..counted.visits.len())
            .map(|arm| arm.to_string())
            .collect(),
        columns: counted
            .states
            .iter()
            .map(|state| state.to_string().replace('-', "−"))
            .collect(),
        values: values.collect(),
        scale: Scale::Log,
    })
}
