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
        self, LanguageReport, MetaGameReport, Options, RegretReport, Report, TasksReport,
        figures::{constant, estimate, mean},
        page::language::{as_theory, compared, small},
    },
    stats::{Interval, Summary},
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

/// The ratings of a tournament, the best mean first.
fn ratings(output: &Output, meta_game: &MetaGameReport) {
    let mut header = vec!["agent".to_owned()];
    let as_player = |what: &str| {
        let players = meta_game.players.iter();
        players
            .map(|player| format!("{what} as {player}"))
            .collect::<Vec<_>>()
    };
    header.extend(as_player("mean"));
    header.push("mean".into());
    header.extend(as_player("α-Rank"));
    header.extend(["Nash weight", "Nash rating"].map(str::to_owned));
    let mut order: Vec<_> = meta_game.ratings.iter().collect();
    order.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    let number = |x: f64| format!("{x:.4}");
    let lines = order.iter().map(|rating| {
        let mut line = vec![rating.agent.clone()];
        line.extend(rating.means.iter().copied().map(number));
        line.push(number(rating.mean));
        let mass = rating.alpha_mass.clone();
        let none = || vec!["–".to_owned(); meta_game.players.len()];
        line.extend(mass.map_or_else(none, |mass| mass.into_iter().map(number).collect()));
        for value in [rating.nash_weight, rating.nash_rating] {
            line.push(value.map_or_else(|| "–".into(), number));
        }
        line
    });
    let lines: Vec<Vec<String>> = lines.collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    output.text(&table(&header, &lines));
}

/// Agents by tasks: interquartile means, with the interval of the last.
fn by_task(tasks: &TasksReport) -> String {
    let mut header = vec!["agent"];
    header.extend(tasks.tasks.iter().map(String::as_str));
    header.extend(["all tasks", "95 % interval"]);
    let lines = tasks.rows.iter().map(|row| {
        let cell = |cell: &Option<Interval>| {
            cell.map_or_else(|| "–".into(), |cell| format!("{:.3}", cell.estimate))
        };
        let interval = row.all.filter(|_| row.runs > 1);
        let interval = interval.map_or_else(String::new, |all| {
            format!("[{:.3}, {:.3}]", all.low, all.high)
        });
        let cells = row.cells.iter().chain([&row.all]).map(cell);
        [row.agent.clone()]
            .into_iter()
            .chain(cells)
            .chain([interval])
            .collect()
    });
    let lines: Vec<Vec<String>> = lines.collect();
    table(&header, &lines)
}

/// The final table, as on the page.
fn print(output: &Output, report: &Report) {
    if let Some(meta_game) = report
        .meta_game
        .as_ref()
        .filter(|meta| !meta.ratings.is_empty())
    {
        ratings(output, meta_game);
        return;
    }
    if let Some(tasks) = &report.tasks {
        output.text(&by_task(tasks));
        return;
    }
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
    let seeds = report.seeds();
    let mut header = vec!["agent", seeds, "score ± s.e.", "IQM", "95 % interval"];
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
    if let Some(language) = &report.language {
        print_theory(output, language);
    }
}

/// Theory beside play: for each line-up how far apart they are, and game by game where an agent plays itself.
fn print_theory(output: &Output, language: &LanguageReport) {
    if language.matches.is_empty() {
        return;
    }
    let number = |value: Option<f64>| value.map_or_else(|| "–".into(), small);
    let lines = language.matches.iter().map(|matched| {
        vec![
            matched.name.clone(),
            matched.quantity.clone(),
            matched.cells.len().to_string(),
            as_theory(matched),
            number(matched.mean_difference),
            number(matched.largest_difference),
        ]
    });
    let header = [
        "theory and play",
        "compared",
        "games",
        "as theory",
        "mean distance",
        "largest",
    ];
    let lines: Vec<Vec<String>> = lines.collect();
    output.text(&format!("\n{}", table(&header, &lines)));
    for matched in language.matches.iter().filter(|m| m.with_itself) {
        let lines = matched.cells.iter().map(|cell| {
            let [first, second] = cell.types.map(constant);
            let end = cell
                .rounds
                .map_or_else(|| "not told".into(), |last| last.to_string());
            let known = if cell.complete { "both" } else { "own" };
            let mut line = vec![first, second, end, known.into()];
            line.extend(compared(cell));
            line
        });
        let types = match matched.family.as_str() {
            "bargaining" => ["δ of Alice", "δ of Bob"],
            "negotiation" => ["F of Alice", "F of Bob"],
            _ => ["p", "v"],
        };
        let mut header = types.to_vec();
        header.extend([
            "last round",
            "types known",
            "theory",
            "played",
            "difference",
        ]);
        header.extend((matched.family != "persuasion").then_some("deals"));
        let lines: Vec<Vec<String>> = lines.collect();
        output.text(&format!(
            "\n{}: {}\n{}",
            matched.name,
            matched.quantity,
            table(&header, &lines)
        ));
    }
}
