//! `report`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{
    CliError, Exit,
    output::{Output, table},
};
use crate::{
    Registries,
    report::{
        self, Options, RegretReport, Report,
        figures::{estimate, mean},
    },
    stats::Summary,
};

/// `palaestra report`
#[derive(Debug, Clone, Args)]
pub(super) struct ReportArgs {
    /// Folders of runs; several are shown side by side, their agents as RUN/AGENT
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Folder for report.html, report.json and plots/ [default: the first run]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Also tell a bandit's regret against the arms that pay most in their present states, which rewards greedy play
    #[arg(long)]
    myopic: bool,
}

pub(super) fn report(
    registries: &Registries,
    output: &Output,
    args: &ReportArgs,
) -> Result<Exit, CliError> {
    let folder = match (&args.out, args.runs.first()) {
        (Some(out), _) => out,
        (None, Some(first)) => first,
        (None, None) => return Err(report::ReportError::NoRun.into()),
    };
    let options = Options {
        myopic: args.myopic,
    };
    let report = report::report(registries, &args.runs, options)?;
    let page = report::write(&report, folder)?;
    for note in &report.notes {
        output.message(&format!("note: {note}"));
    }
    print(output, &report);
    output.document(report::SCHEMA, &json!(report));
    output.message(&format!("\n{}", page.display()));
    Ok(Exit::Success)
}

/// The final table, as on the page.
fn print(output: &Output, report: &Report) {
    let mut info: Vec<&str> = Vec::new();
    for field in report.agents.iter().flat_map(|agent| &agent.info) {
        if !info.contains(&field.name.as_str()) {
            info.push(&field.name);
        }
    }
    let notion = match &report.regret {
        Some(RegretReport::Known(regret)) => regret.drawn_notion(),
        _ => None,
    };
    let total = report.total_is_not_the_score();
    let mut header = vec!["agent", "seeds", "score ± s.e.", "IQM", "95 % interval"];
    header.extend(total.then_some("total reward"));
    header.extend(&info);
    header.extend(notion.map(|notion| notion.id));
    let mean = |summary: Option<&Summary>| summary.map_or_else(|| "–".into(), mean);
    let lines = report.agents.iter().map(|agent| {
        let finite = agent.scores.iter().flatten().count();
        let (iqm, interval) = match &agent.iqm {
            Some(iqm) => estimate(iqm, finite),
            None => ("–".into(), None),
        };
        let mut line = vec![
            agent.name.clone(),
            agent.seeds.len().to_string(),
            mean(agent.score.as_ref()),
            iqm,
            interval.unwrap_or_default(),
        ];
        line.extend(total.then(|| mean(agent.total_reward.as_ref())));
        line.extend(info.iter().map(|name| {
            let field = agent.info.iter().find(|field| field.name == *name);
            mean(field.map(|field| &field.total))
        }));
        if let Some(notion) = notion {
            let row = notion.rows.iter().find(|row| row.agent == agent.name);
            line.push(mean(row.map(|row| &row.regret)));
        }
        line
    });
    let lines: Vec<Vec<String>> = lines.collect();
    output.text(&table(&header, &lines));
}
