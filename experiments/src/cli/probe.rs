//! `probe`

use std::{path::PathBuf, sync::atomic::Ordering};

use clap::Args;
use palaestra_world_models::probes;

use super::{
    CliError, Exit,
    output::{Output, table},
    progress::with_progress,
    run::{read_text, threads},
};
use crate::{files, probe, run::Watch};

/// `palaestra probe`
#[derive(Debug, Clone, Args)]
pub(super) struct ProbeArgs {
    /// What to train, e.g. `experiments/configs/probes/associative_recall.toml`
    config: PathBuf,
    /// Override a key, e.g. steps=100; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder for report.html, report.json and plots/; an earlier probe in it is replaced
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Cores trained at a time; the results do not depend on it [default: all processors]
    #[arg(long)]
    threads: Option<usize>,
}

pub(super) fn probe(output: &Output, args: &ProbeArgs) -> Result<Exit, CliError> {
    let document = read_text(&args.config, &args.set)?;
    let config = probe::read(&document)?;
    let threads = threads(args.threads)?;
    // A folder that cannot be made is better found before anything is trained.
    if let Some(folder) = &args.out {
        files::create_folder(folder)?;
    }
    let watch = Watch::default();
    let report = with_progress(output, &watch, config.updates(), "updates", || {
        probes::run(&config, threads, || {
            watch.env_steps.fetch_add(1, Ordering::Relaxed);
        })
    })?;
    let show = |(header, rows): &(Vec<String>, Vec<Vec<String>>)| {
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        table(&header, rows)
    };
    let mut text = format!(
        "{} · {} · chance {:.3}\n\n{}",
        config.name,
        report.score,
        report.chance,
        show(&probe::scores(&report))
    );
    if let Some(found) = probe::coefficients(&report) {
        text.push_str("\n\n");
        text.push_str(&show(&found));
    }
    output.text(&text);
    if let Some(folder) = &args.out {
        let page = probe::write(&report, folder)?;
        output.text(&format!("\n{} written", page.display()));
    }
    output.document(probe::SCHEMA, &report);
    Ok(Exit::Success)
}
