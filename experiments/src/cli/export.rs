//! `export`: logged episodes for other tools.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{
    CliError, Exit,
    output::{Output, counted},
    run::{open, select},
};
use crate::{
    Registries,
    episodes::EpisodeLog,
    export::{ExportError, flat_table, minari, to_csv},
    files, language,
    run::{RunFolder, Trial},
};

/// `palaestra export`
#[derive(Debug, Clone, Args)]
pub(super) struct ExportArgs {
    /// Folder of the run
    run: PathBuf,
    /// Form of the export
    #[arg(long, value_enum)]
    format: Format,
    /// Folder to write to; for Minari the root of the data sets, for GLEE that of the experiments [default: RUN/export]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Only this trial (a name below trials/, or the start of one)
    #[arg(long)]
    trial: Option<String>,
    /// Whose view a Minari data set holds [default: the first player]
    #[arg(long)]
    player: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One data set per trial for `minari.load_dataset`
    Minari,
    /// One file with all steps; vectors become one column per element
    Csv,
    /// One file per trial with all steps
    Parquet,
    /// Games of bargaining, negotiation and persuasion as folders, in the layout of GLEE's released code
    Glee,
}

pub(super) fn export(
    registries: &Registries,
    output: &Output,
    args: &ExportArgs,
) -> Result<Exit, CliError> {
    let (folder, trials) = open(registries, &args.run, &[])?;
    let trials = select(trials, args.trial.as_deref())?;
    let out = args.out.clone().unwrap_or_else(|| args.run.join("export"));
    files::create_folder(&out)?;
    if args.format == Format::Glee {
        return glee(registries, output, &folder, &trials, &out);
    }
    let mut written = Vec::new();
    let mut csv = String::new();
    for trial in &trials {
        let log = EpisodeLog::open(&folder.trial(&trial.name))?;
        let simulator = trial.replay_simulator(registries, 1, &[])?;
        let spec = simulator.spec();
        match args.format {
            Format::Minari => {
                let player = match &args.player {
                    None => 0,
                    Some(name) => spec
                        .players
                        .iter()
                        .position(|p| p.name == *name)
                        .ok_or_else(|| {
                            let known: Vec<&str> =
                                spec.players.iter().map(|p| p.name.as_str()).collect();
                            ExportError::NoSuchPlayer {
                                player: name.clone(),
                                known: known.join(", "),
                            }
                        })?,
                };
                let id = format!("{}/{}-v0", folder.manifest.name, trial.name);
                written.push(json!(minari(&log, spec, player, &out, &id)?));
            }
            Format::Csv | Format::Parquet | Format::Glee => {
                let Some(table) = flat_table(&log, spec, &trial.name)? else {
                    continue;
                };
                let steps = table.num_rows();
                if args.format == Format::Csv {
                    csv += &to_csv(&table, csv.is_empty());
                    written.push(json!({ "trial": trial.name, "steps": steps }));
                } else {
                    let path = out.join(format!("{}.parquet", trial.name));
                    let bytes = files::parquet_bytes(&table, &[]).map_err(ExportError::from)?;
                    files::write_atomically(&path, &bytes)?;
                    written.push(json!({ "trial": trial.name, "steps": steps, "file": path }));
                }
            }
        }
    }
    if written.is_empty() {
        return Err(ExportError::Empty(args.run.clone()).into());
    }
    if args.format == Format::Csv {
        files::write_atomically(&out.join("steps.csv"), csv.as_bytes())?;
    }
    let place = out.display();
    output.text(&match args.format {
        Format::Minari => format!(
            "{} below {place}; with MINARI_DATASETS_PATH={place} `minari.load_dataset({})` reads the first",
            counted(written.len(), "data set"),
            written[0]["dataset"]
        ),
        Format::Csv => format!("{} in {place}/steps.csv", counted(written.len(), "trial")),
        Format::Parquet | Format::Glee => format!("{} in {place}", counted(written.len(), "file")),
    });
    output.document("export/1", &json!({ "out": out, "written": written }));
    Ok(Exit::Success)
}

/// The games of all trials, a folder each.
fn glee(
    registries: &Registries,
    output: &Output,
    folder: &RunFolder,
    trials: &[Trial],
    out: &Path,
) -> Result<Exit, CliError> {
    let mut games = 0;
    language::games_of(registries, folder, trials, |transcript, _| {
        games += 1;
        language::write_game(out, transcript).map(|_| ())
    })?;
    if games == 0 {
        return Err(ExportError::Empty(folder.path.clone()).into());
    }
    let (name, place) = (&folder.manifest.name, out.display());
    output.text(&format!("{} below {place}/{name}", counted(games, "game")));
    let written = [json!({ "experiment": name, "games": games })];
    output.document("export/1", &json!({ "out": out, "written": written }));
    Ok(Exit::Success)
}
