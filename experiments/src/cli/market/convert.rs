//! `market convert`

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::{
    super::{CliError, Exit, output::Output},
    InputArgs, Progress, grouped,
};
use crate::market::{self, Conversion, ConvertOptions, Format};

/// `palaestra market convert`
#[derive(Debug, Clone, Args)]
pub(in super::super) struct ConvertArgs {
    #[command(flatten)]
    input: InputArgs,
    /// File to write: .csv (LOBSTER, with the orderbook file beside it), .itch, .dbn or .parquet
    output: PathBuf,
    /// Format to write [default: told from the name]
    #[arg(long, value_enum)]
    to: Option<Format>,
    /// LOBSTER: levels of the orderbook file [default: as the name says, or 10]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=200))]
    levels: Option<u16>,
    /// Midnight at the exchange, e.g. 2012-06-21T00:00-04:00, where one file counts time from midnight and the other from 1970
    #[arg(long, value_name = "TIME", value_parser = instant)]
    midnight: Option<Timestamp>,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        "give date, time and distance from universal time, e.g. 2012-06-21T00:00-04:00".into()
    })
}

pub(in super::super) fn convert(output: &Output, args: &ConvertArgs) -> Result<Exit, CliError> {
    if args.output.exists() && !args.force {
        return Err(CliError::argument(
            format!("{} exists already", args.output.display()),
            "choose another name, or --force to replace it",
        ));
    }
    let name = args.output.file_name().and_then(|name| name.to_str());
    let named = name.and_then(palaestra_envs::market::data::lobster::FileName::parse);
    let levels = args
        .levels
        .map_or_else(|| named.map_or(10, |name| name.levels), usize::from);
    let options = ConvertOptions {
        read: args.input.options(),
        to: args.to,
        levels,
        midnight_ns: args
            .midnight
            .and_then(|time| i64::try_from(time.as_nanosecond()).ok()),
    };
    let mut progress = Progress::new(output);
    let conversion = market::convert(&args.input.file, &args.output, &options, |recording| {
        progress.show(recording);
    });
    progress.finish();
    let conversion = conversion?;
    output.text(&text(&conversion));
    output.document("market-convert/1", &conversion);
    Ok(Exit::Success)
}

fn text(conversion: &Conversion) -> String {
    let files: Vec<String> = conversion
        .files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let mut text = format!(
        "{} of {} events written to {}",
        grouped(conversion.written.into()),
        grouped(conversion.read.into()),
        files.join(" and ")
    );
    for (what, count) in &conversion.changed {
        let _ = write!(text, "\nchanged  {:>12}  {what}", grouped((*count).into()));
    }
    for (reason, count) in &conversion.lost {
        let _ = write!(
            text,
            "\nlost     {:>12}  {reason}",
            grouped((*count).into())
        );
    }
    for note in &conversion.notes {
        let _ = write!(text, "\n{note}");
    }
    if !conversion.not_kept.is_empty() {
        let _ = write!(
            text,
            "\nnot carried over: {}",
            conversion.not_kept.join("; ")
        );
    }
    text
}
