//! Agents on several tasks: a sweep over environments, told as one table of agents by tasks with an aggregate over all.
//!
//! As in Agarwal et al. (NeurIPS 2021): a run is a seed, a task a stratum of the bootstrap. The aggregate takes scores as they
//! are, so it means something where all tasks pay on one scale, as those of `POPGym` do.

use palaestra_envs::stream::Stream;
use serde_json::Value;

use super::{
    AgentSummary, CurvePlot, Improvement, ReportError, SEED, STATISTICS, TasksReport, TasksRow,
    ValuePlot, bootstrap,
    curves::{Drawn, file_name},
    load::{LineUp, Loaded},
    scores::{Scored, compare},
};
use crate::stats::{Aggregate, Scores, aggregate_interval};

/// Name of the picture of the aggregates.
const PLOT: &str = "tasks";

/// Which agent and which task each line of the tables is of.
#[derive(Debug)]
pub(super) struct Tasks {
    agents: Vec<String>,
    names: Vec<String>,
    /// Agent and task of each entry.
    of: Vec<(usize, usize)>,
}

/// What makes a task another one.
fn task(line_up: &LineUp) -> (&str, String) {
    let env = &line_up.config.env;
    (&env.id, Value::Object(env.args.clone()).to_string())
}

impl Tasks {
    /// The tasks of a run over several environments; `None` for any other.
    pub(super) fn of(loaded: &Loaded) -> Option<Self> {
        let mut keys: Vec<(&str, String)> = Vec::new();
        let (mut agents, mut of) = (Vec::new(), Vec::new());
        if loaded.runs.len() != 1 || loaded.games.is_some() {
            return None;
        }
        for entry in &loaded.entries {
            let line_up = loaded.line_up(entry);
            if line_up.players().len() != 1 {
                return None;
            }
            let (key, agent) = (task(line_up), line_up.without_environment());
            let task = position(&mut keys, key);
            of.push((position(&mut agents, agent), task));
        }
        let mut ids: Vec<&str> = keys.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        // Agents that their names do not tell apart have no place in a table.
        let mut lines = of.clone();
        lines.sort_unstable();
        lines.dedup();
        if ids.len() < 2 || lines.len() < of.len() {
            return None;
        }
        let name = |(id, args): &(&str, String)| {
            let same = keys.iter().filter(|(other, _)| other == id);
            if same.count() > 1 {
                format!("{id} {args}")
            } else {
                (*id).to_owned()
            }
        };
        Some(Self {
            names: keys.iter().map(name).collect(),
            agents,
            of,
        })
    }

    /// The line of `agent` on `task`, an index of the entries.
    fn line(&self, agent: usize, task: usize) -> Option<usize> {
        self.of.iter().position(|known| *known == (agent, task))
    }

    /// The finite scores of `agent`, for as many seeds as all tasks have; `None` if a task has none.
    fn scores(&self, agent: usize, lines: &[AgentSummary]) -> Option<Scores> {
        let tasks = (0..self.names.len()).map(|task| {
            let scores = &lines[self.line(agent, task)?].scores;
            Some(scores.iter().flatten().copied().collect::<Vec<f64>>())
        });
        let tasks: Vec<Vec<f64>> = tasks.collect::<Option<_>>()?;
        let runs = tasks.iter().map(Vec::len).min()?;
        let values = (0..runs).flat_map(|run| tasks.iter().map(move |scores| scores[run]));
        let values: Vec<f64> = values.collect();
        Scores::new(&values, runs, tasks.len()).ok()
    }

    /// The table, and how likely each agent is to score higher than each other on a task drawn at random.
    pub(super) fn report(
        &self,
        lines: &[AgentSummary],
    ) -> Result<(TasksReport, Option<Improvement>), ReportError> {
        let (mut rows, mut scored) = (Vec::new(), Vec::new());
        for (agent, name) in self.agents.iter().enumerate() {
            let cells = (0..self.names.len()).map(|task| lines[self.line(agent, task)?].iqm);
            let scores = self.scores(agent, lines);
            let all = match &scores {
                Some(scores) => Some(aggregate_interval(
                    scores,
                    Aggregate::InterquartileMean,
                    &bootstrap(STATISTICS.comparison_replicates),
                    &mut Stream::new(SEED, 0, "bootstrap"),
                )?),
                None => None,
            };
            rows.push(TasksRow {
                agent: name.clone(),
                cells: cells.collect(),
                runs: scores.as_ref().map_or(0, Scores::runs),
                all,
            });
            scored.extend(scores.zip(all).map(|(scores, all)| Scored {
                name: name.clone(),
                iqm: all.estimate,
                scores,
            }));
        }
        let table = TasksReport {
            plot: PLOT.into(),
            meaning: "Interquartile mean of the scores on each task, and of all scores of all tasks together; 95 % intervals \
                      by bootstrap over seeds, within each task. Scores are taken as they are: the last column means \
                      something where tasks pay on one scale."
                .into(),
            tasks: self.names.clone(),
            rows,
        };
        Ok((table, compare(scored)?))
    }

    /// One picture for each task instead of one with a line for every agent on every task.
    pub(super) fn apart(&self, drawn: Drawn, lines: &[AgentSummary]) -> Drawn {
        let name = |line: &str, task: usize| {
            let mut pairs = lines.iter().zip(&self.of);
            let (_, (agent, _)) = pairs.find(|(known, of)| known.name == line && of.1 == task)?;
            Some(self.agents[*agent].clone())
        };
        let tasks = || self.names.iter().enumerate();
        let curves = drawn.curves.iter().flat_map(|plot| {
            tasks().map(move |(task, title)| CurvePlot {
                plot: format!("{}-{}", plot.plot, file_name(title)),
                title: format!("{}: {title}", plot.title),
                series: (plot.series.iter())
                    .filter_map(|series| {
                        let mut series = series.clone();
                        series.agent = name(&series.agent, task)?;
                        Some(series)
                    })
                    .collect(),
                ..plot.clone()
            })
        });
        let values = drawn.values.iter().flat_map(|plot| {
            tasks().map(move |(task, title)| ValuePlot {
                plot: format!("{}-{}", plot.plot, file_name(title)),
                title: format!("{}: {title}", plot.title),
                rows: (plot.rows.iter())
                    .filter_map(|row| {
                        let mut row = row.clone();
                        row.agent = name(&row.agent, task)?;
                        Some(row)
                    })
                    .collect(),
                ..plot.clone()
            })
        });
        let (mut curves, mut values): (Vec<CurvePlot>, Vec<ValuePlot>) =
            (curves.collect(), values.collect());
        curves.retain(|plot| plot.series.iter().any(|series| !series.x.is_empty()));
        values.retain(|plot| !plot.rows.is_empty());
        Drawn {
            curves,
            values,
            left_out: drawn.left_out,
        }
    }
}

/// Where `item` is, or comes to be.
fn position<T: PartialEq>(items: &mut Vec<T>, item: T) -> usize {
    items
        .iter()
        .position(|known| *known == item)
        .unwrap_or_else(|| {
            items.push(item);
            items.len() - 1
        })
}
