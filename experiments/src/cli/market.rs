//! `market`: recordings of markets, and how real simulated ones look.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use palaestra_envs::market::data::Rules;

use super::{CliError, Exit, output::Output};
use crate::market::{Format, Options, Recording};

mod convert;
mod ladder;
mod realism;
mod replay;
mod stats;

/// `palaestra market`
#[derive(Debug, Clone, Subcommand)]
pub(super) enum MarketArgs {
    /// Follow the book of a recording: check it against an orderbook file, look at it at a time, or watch it
    #[command(
        after_help = "Examples:\n  palaestra market replay AAPL_2012-06-21_34200000_57600000_message_10.csv --book AAPL_2012-06-21_34200000_57600000_orderbook_10.csv --verify\n  palaestra market replay 01302020.NASDAQ_ITCH50.gz --symbol AAPL --at 10:30:00 --levels 5\n  palaestra market replay day.parquet --speed 60"
    )]
    Replay(replay::ReplayArgs),
    /// Write a recording in another format, and tell what is lost
    #[command(
        after_help = "Examples:\n  palaestra market convert 01302020.NASDAQ_ITCH50.gz aapl.parquet --symbol AAPL\n  palaestra market convert aapl.parquet AAPL_2020-01-30_34200000_57600000_message_10.csv\n  palaestra market convert aapl.parquet aapl.dbn --midnight 2020-01-30T00:00-05:00"
    )]
    Convert(convert::ConvertArgs),
    /// Count a recording: events, trades, spread, sizes, time between events; the stylised facts of one that is long enough
    #[command(after_help = "Example:\n  palaestra market stats 01302020.NASDAQ_ITCH50.gz --json")]
    Stats(stats::StatsArgs),
    /// Study how real a simulated market looks: the stylised facts of many days, the impact of orders, distances from a recording, pictures of a day
    #[command(
        after_help = "Examples:\n  palaestra market realism experiments/configs/market/realism.toml --out runs/realism\n  palaestra market realism experiments/configs/market/rmsc04.toml --set facts.days=20 --json\n  palaestra market realism experiments/configs/market/realism.toml --against AAPL_2012-06-21_34200000_57600000_message_10.csv"
    )]
    Realism(realism::RealismArgs),
}

/// What to read.
#[derive(Debug, Clone, Args)]
struct InputArgs {
    /// LOBSTER messages, ITCH, DBN, Binance depth or Parquet; may be compressed with gzip or Zstandard
    file: PathBuf,
    /// Format of the file [default: told from its beginning]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Only this symbol; names a LOBSTER file whose own name does not
    #[arg(long)]
    symbol: Option<String>,
    /// Count records in conflict with earlier ones (times that go back, ids used twice) instead of stopping at the first
    #[arg(long)]
    lenient: bool,
}

impl InputArgs {
    fn options(&self) -> Options {
        Options {
            format: self.format,
            symbol: self.symbol.clone(),
            rules: if self.lenient {
                Rules::Lenient
            } else {
                Rules::Strict
            },
        }
    }

    fn open(&self) -> Result<Recording, CliError> {
        Ok(Recording::open(&self.file, &self.options())?)
    }
}

pub(super) fn market(output: &Output, args: &MarketArgs) -> Result<Exit, CliError> {
    match args {
        MarketArgs::Replay(args) => replay::replay(output, args),
        MarketArgs::Convert(args) => convert::convert(output, args),
        MarketArgs::Stats(args) => stats::stats(output, args),
        MarketArgs::Realism(args) => realism::realism(output, args),
    }
}

/// A bar on a terminal, by bytes of the file read.
struct Progress {
    bar: Option<ProgressBar>,
    drawn: Instant,
    events: u64,
}

impl Progress {
    fn new(output: &Output) -> Self {
        let style = "{wide_bar:.cyan/dim} {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left";
        let bar = output.draws_progress().then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style.progress_chars("━━─"));
            }
            bar
        });
        Self {
            bar,
            drawn: Instant::now(),
            events: 0,
        }
    }

    /// Counts an event, and draws now and then.
    fn event(&mut self, recording: &Recording) {
        self.events += 1;
        if self.events.is_multiple_of(1 << 14) {
            self.show(recording);
        }
    }

    fn show(&mut self, recording: &Recording) {
        let Some(bar) = &self.bar else {
            return;
        };
        if self.drawn.elapsed() >= Duration::from_millis(100) {
            let (read, length) = recording.progress();
            bar.set_length(length);
            bar.set_position(read);
            self.drawn = Instant::now();
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A whole number with its thousands apart.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Tells what makes the recording doubtful.
fn warn(output: &Output, recording: &Recording) {
    let tally = recording.books().tally();
    let path = recording.path().display();
    if let Some(doubt) = recording.doubt() {
        output.message(&format!("{path}: {doubt}"));
    }
    let counts = [
        (
            tally.unknown_orders,
            "about orders from before the recording",
        ),
        (tally.back_in_time, "with times before those of the last"),
        (tally.duplicates, "that add an order a second time"),
        (tally.too_much, "that take more from an order than it has"),
    ];
    for (count, what) in counts {
        if count > 0 {
            output.message(&format!("{path}: {} events {what}", grouped(count.into())));
        }
    }
}
