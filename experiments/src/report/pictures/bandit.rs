//! Pictures of bandits: normalised scores and schedules.

use super::{NOTHING, subtitle};
use crate::{
    plot::{
        Axis, IntervalPlot, IntervalRow, PlotError, Reference, Strip, StripPlot, interval_plot,
        strips,
    },
    report::{BanditReport, Report, Schedules, figures::constant},
};

/// Scores of the last part of the run as shares of the bound.
pub(super) fn normalised(report: &Report, bandit: &BanditReport) -> Result<String, PlotError> {
    let scores = &bandit.normalised;
    let rows = report.agents.iter().map(|agent| {
        let found = scores.rows.iter().find(|row| row.agent == agent.name);
        IntervalRow {
            name: agent.name.clone(),
            interval: found.map_or(NOTHING, |row| row.late),
            samples: found.map_or_else(Vec::new, |row| row.late_values.clone()),
        }
    });
    let optima = || scores.rows.iter().map(|row| row.opt);
    let first = optima().next().flatten();
    let common = first.filter(|_| optima().all(|opt| opt == first));
    let reference = match common {
        Some(opt) => Reference {
            value: opt,
            label: "OPT".into(),
        },
        None => Reference {
            value: 1.0,
            label: "LP".into(),
        },
    };
    interval_plot(&IntervalPlot {
        title: "Normalised score of the last quarter of the run".into(),
        subtitle: subtitle(
            "mean with 95 % bootstrap interval; dots: seeds",
            scores.rows.iter().map(|row| row.late_values.len()),
        ),
        axis: Axis::linear(format!("mean {} / LP", scores.quantity))
            .including(0.0)
            .including(1.0),
        rows: rows.collect(),
        references: vec![reference],
        one_colour: false,
    })
}

/// The best known cycles and the last rounds of the agents.
pub(super) fn schedules(report: &Report, schedules: &Schedules) -> Result<String, PlotError> {
    let several = report
        .bandit
        .as_ref()
        .is_some_and(|bandit| bandit.instances.len() > 1);
    let planned = schedules.planned.iter().map(|plan| {
        let mut name = if plan.optimal {
            "optimal cycle"
        } else {
            "best known cycle"
        }
        .to_owned();
        if several {
            name = format!("{name} of {}", plan.instance.replace('`', ""));
        }
        let cycle = match plan.cycle_length {
            Some(1) => "1 round".into(),
            Some(rounds) => format!("{rounds} rounds"),
            None => "no cycle found".into(),
        };
        let remark = format!(
            "{cycle}, {} a round; planner {}",
            constant(plan.rate),
            plan.planner
        );
        Strip {
            name,
            remark,
            first: 1,
            rows: plan.payoffs.len(),
            period: plan.cycle_length.map(|rounds| rounds as usize),
            values: plan.payoffs.concat(),
        }
    });
    let played = schedules.played.iter().map(|agent| Strip {
        name: agent.agent.clone(),
        remark: format!("trial {}, episode {}", agent.trial, agent.episode),
        first: agent.first,
        rows: agent.payoffs.len(),
        period: None,
        values: agent.payoffs.concat(),
    });
    strips(&StripPlot {
        title: "Schedules".into(),
        subtitle: "the best cycle, and the last rounds of each agent; a cell is a play, a line ends a cycle".into(),
        row_label: "arm".into(),
        column_label: "round".into(),
        value_label: "mean payoff of the play".into(),
        strips: planned.chain(played).collect(),
    })
}
