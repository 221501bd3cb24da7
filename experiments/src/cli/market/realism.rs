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
    grouped,
};
use crate::{
    market::realism::{
        RealismConfig, RealismReport,
        report::{self, essentials, law},
        study,
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
    /// Folder for report.html, report.json and plots/
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Threads; the results do not depend on them [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
}

pub(in super::super) fn realism(output: &Output, args: &RealismArgs) -> Result<Exit, CliError> {
    let document = read_text(&args.config, &args.set)?;
    let config = RealismConfig::read(&document)?;
    let threads = threads(args.threads)?;
    let watch = Watch::default();
    let total = config.simulated_days();
    let found = with_progress(output, &watch, total, "days", || {
        study(&config, threads, || {
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
    let number = |i: Interval| format!("{:.3} [{:.3}, {:.3}]", i.estimate, i.low, i.high);
    let mut rows = Vec::new();
    for (k, fact) in found.facts.facts.iter().enumerate() {
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
    let header = ["", "fact", "", "statistic", "value"];
    let _ = write!(text, "\n{}", table(&header, &rows));
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
                bp(&point.end),
            ]
        });
        let rows: Vec<_> = rows.collect();
        let header = ["share", "shares", "largest, bp", "after", "at the end, bp"];
        let _ = write!(text, "\n\n{}\n\n{}", table(&header, &rows), law(impact));
        if !impact.is_monotone() {
            text.push_str("; a larger order has a smaller impact somewhere");
        }
    }
    text
}
