//! `run`, `resume`.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use palaestra_envs::stream::Stream;
use serde_json::json;

use super::{
    CliError, Exit, ResumeArgs, RunArgs,
    output::{Output, table},
    progress::with_progress,
};
use crate::{
    Registries,
    config::{Document, config_hash},
    files,
    play::has_person,
    run::{Manifest, RunFolder, RunReport, Trial, Watch, run_all},
    stats::{Aggregate, Bootstrap, Scores, Summary, aggregate_interval},
};

/// A file with its overrides.
pub(super) fn read_text(path: &Path, set: &[String]) -> Result<Document, CliError> {
    let bytes = files::read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut document = Document::parse(&path.display().to_string(), &text)?;
    for assignment in set {
        document.set(assignment)?;
    }
    Ok(document)
}

pub(super) fn read_document(path: &Path, set: &[String]) -> Result<Document, CliError> {
    let mut document = read_text(path, set)?;
    document.embed_instance(path.parent().unwrap_or(Path::new("")))?;
    Ok(document)
}

/// Where a run goes unless told otherwise.
pub(super) fn default_folder(name: &str) -> PathBuf {
    let root =
        std::env::var_os("PALAESTRA_RUNS").map_or_else(|| PathBuf::from("runs"), PathBuf::from);
    root.join(name)
}

pub(super) fn threads(asked: Option<usize>) -> Result<usize, CliError> {
    match asked {
        Some(0) => Err(CliError::argument(
            "--threads must be at least 1",
            "leave it out to use all cores",
        )),
        Some(n) => Ok(n),
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
    }
}

pub(super) fn run(
    registries: &Registries,
    output: &Output,
    args: &RunArgs,
) -> Result<Exit, CliError> {
    let document = read_document(&args.config, &args.set)?;
    let trials = document.trials(registries)?;
    let config = document.config()?;
    let resolved = document.resolved()?;
    if args.dry_run {
        output.text(&resolved);
        let names: Vec<&str> = trials.iter().map(|t| t.name.as_str()).collect();
        output.document("dry-run/1", &json!({ "config": config, "trials": names }));
        return Ok(Exit::Success);
    }
    if has_person(&trials) {
        let file = args.config.display();
        return Err(CliError::argument(
            "a person takes part, and runs do not wait for people",
            &format!("`palaestra play {file}` asks in the terminal, with --web in a page"),
        ));
    }
    let path = (args.out.clone()).unwrap_or_else(|| default_folder(&config.experiment.name));
    for note in notes(registries, &trials)? {
        output.message(&format!("note: {note}"));
    }
    let threads = threads(args.threads)?;
    let hash = config_hash(document.points()?.iter().map(|(_, config)| &**config));
    let manifest = Manifest::new(&config.experiment.name, hash, &trials, threads);
    let mut folder = RunFolder::create(&path, args.force, manifest, document.text(), &resolved)?;
    go(registries, output, &mut folder, &trials, threads)
}

/// What the environments want to be known of how they were made.
fn notes(registries: &Registries, trials: &[Trial]) -> Result<Vec<String>, CliError> {
    let mut notes = Vec::new();
    let mut seen = Vec::new();
    for trial in trials {
        let env = &trial.config.env;
        if seen.contains(&env) {
            continue;
        }
        seen.push(env);
        let simulator = trial.replay_simulator(registries, 1, &[])?;
        for note in &simulator.spec().notes {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
    }
    Ok(notes)
}

/// Opens a run with its trials.
pub(super) fn open(
    registries: &Registries,
    path: &Path,
    set: &[String],
) -> Result<(RunFolder, Vec<Trial>), CliError> {
    let folder = RunFolder::open(path)?;
    let document = read_document(&path.join("resolved.toml"), set)?;
    let trials = document.trials(registries)?;
    Ok((folder, trials))
}

pub(super) fn resume(
    registries: &Registries,
    output: &Output,
    args: &ResumeArgs,
) -> Result<Exit, CliError> {
    let (mut folder, trials) = open(registries, &args.run, &[])?;
    go(
        registries,
        output,
        &mut folder,
        &trials,
        threads(args.threads)?,
    )
}

/// The trials whose name begins with `name`, or all.
pub(super) fn select(trials: Vec<Trial>, name: Option<&str>) -> Result<Vec<Trial>, CliError> {
    let Some(name) = name else {
        return Ok(trials);
    };
    let (chosen, others): (Vec<Trial>, Vec<Trial>) = trials
        .into_iter()
        .partition(|trial| trial.name.starts_with(name));
    if chosen.is_empty() {
        let known: Vec<&str> = others.iter().map(|trial| trial.name.as_str()).collect();
        return Err(CliError::argument(
            format!("no trial is called `{name}`"),
            &format!("the trials are: {}", known.join(", ")),
        ));
    }
    Ok(chosen)
}

/// Runs what is left of `trials` and prints the table.
fn go(
    registries: &Registries,
    output: &Output,
    folder: &mut RunFolder,
    trials: &[Trial],
    threads: usize,
) -> Result<Exit, CliError> {
    let _lock = folder.lock()?;
    let watch = Arc::new(Watch::default());
    let on_interrupt = watch.clone();
    // A second handler cannot be installed; the first then goes on to serve.
    let _ = ctrlc::set_handler(move || {
        if on_interrupt.stop.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
    });
    let total = trials
        .iter()
        .map(|t| t.config.experiment.total_env_steps)
        .sum();
    let report = with_progress(output, &watch, total, "steps", || {
        run_all(folder, trials, registries, threads, &watch)
    })?;
    print_report(output, folder, trials, &report);
    for failure in &report.failures {
        output.message(&format!("trial `{}` failed", failure.trial));
    }
    let place = folder.path.display();
    if report.interrupted {
        output.message(&format!("stopped; `palaestra resume {place}` goes on"));
        return Ok(Exit::Interrupted);
    }
    let failed = report.failures.len();
    if let Some(failure) = report.failures.into_iter().next() {
        output.message(&format!(
            "{failed} of {} trials failed, `{}` with the following; `palaestra resume {place}` tries them again",
            trials.len(),
            failure.trial
        ));
        let error = CliError::Run(failure.error);
        if failed == trials.len() {
            return Err(error);
        }
        output.error(&error);
        return Ok(if error.exit() == Exit::PluginFailed {
            Exit::PluginFailed
        } else {
            Exit::TrialsFailed
        });
    }
    Ok(Exit::Success)
}

/// The final table: score and total of each agent over the seeds.
fn print_report(output: &Output, folder: &RunFolder, trials: &[Trial], report: &RunReport) {
    let place = folder.path.display();
    let rows = summary(report.results.iter().flat_map(|result| {
        let trial = trials.iter().find(|trial| trial.name == result.trial);
        result.players.iter().map(move |player| {
            let name = trial.map_or(result.label.clone(), |trial| trial.label_of(&player.agent));
            (name, player.player.clone(), player.score)
        })
    }));
    output.document(
        "run/1",
        &json!({
            "run": folder.path,
            "interrupted": report.interrupted,
            "agents": rows.iter().map(|(name, player, scores)| json!({
                "agent": name, "player": player, "scores": scores,
            })).collect::<Vec<_>>(),
            "trials": report.results,
            "failures": report.failures.iter().map(|f| json!({
                "trial": f.trial, "error": f.error.to_string(),
            })).collect::<Vec<_>>(),
        }),
    );
    if rows.is_empty() {
        return;
    }
    output.text(&summary_table(&rows, "mean score"));
    output.message(&format!(
        "\n{place}: `palaestra report {place}` draws the plots"
    ));
}

/// Scores by agent and player.
pub(super) type ScoresOf = (String, String, Vec<f64>);

/// Collects scores of (agent, player), in the order in which these come first.
pub(super) fn summary(scores: impl IntoIterator<Item = (String, String, f64)>) -> Vec<ScoresOf> {
    let mut rows: Vec<ScoresOf> = Vec::new();
    for (name, player, score) in scores {
        match (rows.iter_mut()).find(|(n, p, _)| *n == name && *p == player) {
            Some((_, _, scores)) => scores.push(score),
            None => rows.push((name, player, vec![score])),
        }
    }
    rows
}

/// A line for each agent and player: statistics of its scores over the seeds.
pub(super) fn summary_table(rows: &[ScoresOf], mean: &str) -> String {
    let several_players = rows.iter().any(|(_, player, _)| *player != rows[0].1);
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|(name, player, scores)| {
            let name = if several_players {
                format!("{name} as {player}")
            } else {
                name.clone()
            };
            let mut line = vec![name, scores.len().to_string()];
            line.extend(statistics(scores));
            line
        })
        .collect();
    let header = [
        "agent",
        "seeds",
        mean,
        "± s.e.",
        "IQM",
        "95 % interval of the IQM",
    ];
    table(&header, &lines)
}

/// Mean, standard error, interquartile mean and its interval, as far as they can be had.
fn statistics(scores: &[f64]) -> Vec<String> {
    let Ok(matrix) = Scores::single_task(scores) else {
        return vec!["not finite".into()];
    };
    let mut cells = Vec::new();
    if let Ok(summary) = Summary::of(scores) {
        cells.push(format!("{:.2}", summary.mean));
        cells.push(
            summary
                .standard_error
                .map_or(String::new(), |e| format!("{e:.2}")),
        );
    }
    let mut rng = Stream::new(0, 0, "bootstrap");
    let bootstrap = Bootstrap::with_replicates(10_000);
    let iqm = aggregate_interval(&matrix, Aggregate::InterquartileMean, &bootstrap, &mut rng);
    if let Ok(iqm) = iqm {
        cells.push(format!("{:.2}", iqm.estimate));
        let several = scores.len() > 1;
        cells.push(if several {
            format!("[{:.2}, {:.2}]", iqm.low, iqm.high)
        } else {
            String::new()
        });
    }
    cells
}
