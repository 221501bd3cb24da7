//! `language import`

use std::{
    fmt::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use palaestra_envs::language::Scoring;

use super::super::{
    CliError, Exit,
    output::{Output, counted, table},
};
use crate::language::{self, FamilySummary, ImportOptions, Imported};

/// `palaestra language import`
#[derive(Debug, Clone, Args)]
pub(in super::super) struct ImportArgs {
    /// Folder with games: a collection, an experiment, or a single game (config.json and game.csv)
    folder: PathBuf,
    /// Folder to write games.parquet and actions.parquet to
    #[arg(long)]
    out: PathBuf,
    /// Count games that cannot be read instead of stopping at the first
    #[arg(long)]
    lenient: bool,
    /// Measure games as the released scripts do, not as the paper says
    #[arg(long)]
    upstream_scripts: bool,
    /// Replace existing tables
    #[arg(long)]
    force: bool,
}

pub(in super::super) fn import(output: &Output, args: &ImportArgs) -> Result<Exit, CliError> {
    let table = args.out.join("games.parquet");
    if table.exists() && !args.force {
        return Err(CliError::argument(
            format!("{} exists already", table.display()),
            "choose another folder, or --force to replace it",
        ));
    }
    let options = ImportOptions {
        lenient: args.lenient,
        scoring: if args.upstream_scripts {
            Scoring::UpstreamScripts
        } else {
            Scoring::Paper
        },
    };
    let bar = output.draws_progress().then(|| {
        let bar = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template("{human_pos} games  {per_sec}  {wide_msg}")
        {
            bar.set_style(style);
        }
        bar
    });
    let mut drawn = Instant::now();
    let imported = language::import(&args.folder, &args.out, options, |read, folder| {
        if let Some(bar) = &bar
            && drawn.elapsed() >= Duration::from_millis(100)
        {
            bar.set_position(read);
            bar.set_message(format!("{}/{}", folder.experiment, folder.id));
            drawn = Instant::now();
        }
    });
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    let imported = imported?;
    output.text(&text(&imported));
    output.document("language-import/1", &imported);
    Ok(Exit::Success)
}

fn text(imported: &Imported) -> String {
    let files: Vec<String> = imported
        .files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let mut text = format!(
        "{} of {} and {} written to {}\n",
        imported.games,
        counted(imported.read as usize, "game"),
        counted(imported.actions as usize, "action"),
        files.join(" and ")
    );
    let rows: Vec<Vec<String>> = imported
        .families
        .iter()
        .map(|(name, family)| row(name, family))
        .collect();
    let header = [
        "family",
        "games",
        "decisions",
        "messages",
        "words",
        "Alice",
        "Bob",
        "efficiency",
        "fairness",
    ];
    text += &table(&header, &rows);
    for (reason, count) in &imported.left_out {
        let _ = write!(text, "\nleft out {count:>10}  {reason}");
    }
    if imported.refused > 0 {
        let _ = write!(text, "\nrefused  {:>10}", imported.refused);
    }
    for problem in &imported.problems {
        let _ = write!(text, "\n  {}: {}", problem.place, problem.problem);
    }
    if imported.refused > imported.problems.len() as u64 {
        text += "\n  …";
    }
    text
}

fn row(name: &str, family: &FamilySummary) -> Vec<String> {
    let mean = |x: Option<f64>| x.map_or_else(|| "–".into(), |x| format!("{x:.4}"));
    vec![
        name.to_owned(),
        family.games.to_string(),
        family.decisions.to_string(),
        family.messages.to_string(),
        family.words.to_string(),
        mean(Some(family.alice_gain)),
        mean(Some(family.bob_gain)),
        mean(family.efficiency),
        mean(family.fairness),
    ]
}
