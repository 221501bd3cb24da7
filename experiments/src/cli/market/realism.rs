//! `market realism`

use std::{fmt::Write as _, path::PathBuf, sync::atomic::Ordering};

use clap::Args;

use super::{
    super::{
        CliError, Exit,
        output::{Output, table},
        progress::with_progress,
        run::{read_text, threads},
    },
    InputArgs, Progress, grouped, warn,
};
use crate::{
    files,
    market::{
        Format,
        realism::{
            RealismConfig, RealismReport, StylisedFacts,
            against::{Comparison, Description, FEWEST_WINDOWS, Reference},
            report::{self, essentials, law},
            study,
        },
    },
    run::Watch,
    stats::Interval,
};

/// `palaestra market realism`
#[derive(Debug, Clone, Args)]
pub(in super::super) struct RealismArgs {
    /// What to study, e.g. experiments/configs/market/realism.toml
    config: PathBuf,
    /// Override a key, e.g. facts.days=20; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder for report.html, report.json and plots/; an earlier study in it is replaced
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Compare the simulated days with this recording: LOBSTER messages, ITCH, DBN, Binance depth or Parquet
    #[arg(long, value_name = "RECORDING")]
    against: Option<PathBuf>,
    /// Format of the recording [default: told from its beginning]
    #[arg(long, value_enum, requires = "against")]
    format: Option<Format>,
    /// Only this symbol of the recording
    #[arg(long, requires = "against")]
    symbol: Option<String>,
    /// Count records of the recording in conflict with earlier ones instead of stopping at the first
    #[arg(long, requires = "against")]
    lenient: bool,
    /// Threads; the results do not depend on them [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
}

pub(in super::super) fn realism(output: &Output, args: &RealismArgs) -> Result<Exit, CliError> {
    let document = read_text(&args.config, &args.set)?;
    let config = RealismConfig::read(&document)?;
    let threads = threads(args.threads)?;
    let reference = args.reference(output, &config)?;
    // A folder that cannot be made is better found before the days are simulated.
    if let Some(folder) = &args.out {
        files::create_folder(folder)?;
    }
    let watch = Watch::default();
    let total = config.simulated_days();
    let found = with_progress(output, &watch, total, "days", || {
        study(&config, reference.as_ref(), threads, || {
            watch.env_steps.fetch_add(1, Ordering::Relaxed);
        })
    })?;
    output.message(&format!(
        "{} kernel events in {:.2} s of {} days: {} a second",
        grouped(found.events.into()),
        found.seconds,
        found.facts.days,
        grouped((found.events as f64 / found.seconds.max(1e-9)) as u128),
    ));
    output.text(&text(&found));
    if let Some(folder) = &args.out {
        let page = report::write(&found, folder)?;
        output.text(&format!("\n{} written", page.display()));
    }
    output.document(report::SCHEMA, &found);
    Ok(Exit::Success)
}

impl RealismArgs {
    /// The recording to compare with.
    fn reference(
        &self,
        output: &Output,
        config: &RealismConfig,
    ) -> Result<Option<Reference>, CliError> {
        let Some(file) = &self.against else {
            return Ok(None);
        };
        let input = InputArgs {
            file: file.clone(),
            format: self.format,
            symbol: self.symbol.clone(),
            lenient: self.lenient,
        };
        let mut recording = input.open()?;
        let mut progress = Progress::new(output);
        let reference = Reference::read(&mut recording, &config.against, |recording| {
            progress.event(recording);
        });
        progress.finish();
        let reference = reference?;
        warn(output, &recording);
        Ok(Some(reference))
    }
}

/// Verdicts and the numbers that tell most.
fn text(found: &RealismReport) -> String {
    let config = &found.config;
    let mut text = format!(
        "{} · {} days · {} shares and {:.2} bp a minute\n",
        config.name,
        grouped(found.facts.days as u128),
        grouped(found.volume_a_minute.round() as u128),
        1e4 * found.volatility,
    );
    let _ = write!(text, "\n{}", facts_table(&found.facts));
    if let Some(against) = &found.against {
        let _ = write!(text, "\n\n{}", comparison(against));
    }
    if let Some(impact) = &found.impact {
        let _ = write!(
            text,
            "\n\nimpact of an order on {} days, while {} shares trade",
            grouped(impact.days.into()),
            grouped(impact.volume.round() as u128)
        );
        let bp = |i: &Interval| {
            format!(
                "{:.3} [{:.3}, {:.3}]",
                1e4 * i.estimate,
                1e4 * i.low,
                1e4 * i.high
            )
        };
        let rows = impact.points.iter().map(|point| {
            vec![
                format!("{:.0} %", 100.0 * point.ratio),
                grouped(point.size.round() as u128),
                bp(&point.impact),
                format!("{} s", impact.looks.get(point.peak).copied().unwrap_or(0.0)),
                point.between.as_ref().map_or("none".to_owned(), bp),
                bp(&point.end),
                bp(&point.after),
            ]
        });
        let rows: Vec<_> = rows.collect();
        let header = [
            "share",
            "shares",
            "largest, bp",
            "after",
            "between slices, bp",
            "at the end, bp",
            "at the last look, bp",
        ];
        let _ = write!(text, "\n\n{}\n\n{}", table(&header, &rows), law(impact));
        if !impact.is_monotone() {
            text.push_str("; a larger order has a smaller impact somewhere");
        }
    }
    text
}

fn number(i: Interval) -> String {
    format!("{:.3} [{:.3}, {:.3}]", i.estimate, i.low, i.high)
}

/// The facts with the numbers that tell most.
pub(super) fn facts_table(facts: &StylisedFacts) -> String {
    let mut rows = Vec::new();
    for (k, fact) in facts.facts.iter().enumerate() {
        let (name, _) = fact.fact.describe();
        let holds = match fact.holds {
            Some(true) => "holds",
            Some(false) => "does not hold",
            None => "-",
        };
        let mut first = vec![format!("{}", k + 1), name.to_owned(), holds.to_owned()];
        for (statistic, minutes) in essentials(fact.fact) {
            let at = minutes.map_or(String::new(), |m| format!(", {m} min"));
            let value = fact.get(statistic, minutes);
            first.push(format!("{statistic}{at}"));
            first.push(value.map_or("none".to_owned(), number));
            rows.push(std::mem::replace(&mut first, vec![String::new(); 3]));
        }
    }
    table(&["", "fact", "", "statistic", "value"], &rows)
}

/// The simulated days beside a recording.
fn comparison(found: &Comparison) -> String {
    let mut text = format!(
        "against {} · {}, {} events · windows: {} simulated, {} recorded",
        found.file,
        found.format.name(),
        grouped(found.events.into()),
        grouped(found.windows[0] as u128),
        grouped(found.windows[1] as u128),
    );
    let middle = |shape: &Description| format!("{:.4} ± {:.4}", shape.mean, shape.deviation);
    let within = |value: Option<f64>| value.map_or("none".to_owned(), |x| format!("{x:.3}"));
    let rows = found.statistics.iter().map(|statistic| {
        vec![
            statistic.statistic.to_owned(),
            middle(&statistic.simulated),
            middle(&statistic.recorded),
            number(statistic.l1),
            within(statistic.l1_within),
            statistic.wasserstein.map_or("none".to_owned(), number),
            within(statistic.wasserstein_within),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let header = [
        "statistic",
        "simulated",
        "recorded",
        "L1",
        "within",
        "Wasserstein",
        "within",
    ];
    let _ = write!(text, "\n\n{}", table(&header, &rows));
    if !found.missing.is_empty() {
        let _ = write!(text, "\n\nnot in both: {}", found.missing.join(", "));
    }
    match found.discriminator {
        Some(area) => {
            let _ = write!(
                text,
                "\n\ntold apart with an area under the curve of {} (0.5: not at all, 1: always)",
                number(area)
            );
        }
        None => {
            let _ = write!(
                text,
                "\n\nno discriminator: it needs {FEWEST_WINDOWS} windows of each"
            );
        }
    }
    text
}
