//! `market stats`

use std::fmt::Write as _;

use clap::Args;

use super::{
    super::{
        CliError, Exit,
        output::{Output, table},
    },
    InputArgs, Progress, grouped,
    realism::facts_table,
    warn,
};
use crate::market::{
    FactsTape, MarketStats, RecordedFacts, StatsReport, Summary, decimal, shown_time,
};

/// `palaestra market stats`
#[derive(Debug, Clone, Args)]
pub(in super::super) struct StatsArgs {
    #[command(flatten)]
    input: InputArgs,
}

pub(in super::super) fn stats(output: &Output, args: &StatsArgs) -> Result<Exit, CliError> {
    let mut recording = args.input.open()?;
    let mut stats = MarketStats::default();
    let mut facts = FactsTape::default();
    let clock = recording.units().clock;
    let mut progress = Progress::new(output);
    while let Some(event) = recording.next_event()? {
        if let Some(book) = recording.books().book(event.symbol) {
            stats.add(&event, book);
        }
        facts.add(&event, clock);
        progress.event(&recording);
    }
    progress.finish();
    recording.check_symbol()?;
    warn(output, &recording);
    let mut report = stats.report(&recording);
    report.facts = Some(facts.finish());
    output.text(&text(&report));
    output.document("market-stats/1", &report);
    Ok(Exit::Success)
}

/// Counts and quantiles for people.
pub(super) fn text(report: &StatsReport) -> String {
    let mut text = format!("{} · {}", report.file, report.format.name());
    let symbols = grouped(report.symbols as u128);
    if report.symbols > 1 {
        let _ = write!(text, " · {symbols} symbols");
    }
    if let (Some(first), Some(last)) = (report.first_ns, report.last_ns) {
        let clock = report.units.clock;
        let (first, last) = (shown_time(first, clock), shown_time(last, clock));
        let _ = write!(text, "\n{first} to {last}");
    }
    let price = |value: i128| decimal(value, report.price_decimals);
    let size = |value: i128| decimal(value, report.size_decimals);
    let events = u128::from(report.events);
    let mut rows = vec![vec!["events".to_owned(), grouped(events), String::new()]];
    for (kind, count) in &report.kinds {
        let share = 100.0 * *count as f64 / report.events as f64;
        rows.push(vec![
            format!("  {kind}"),
            grouped((*count).into()),
            format!("{share:.2} %"),
        ]);
    }
    let trades = grouped(report.trades.into());
    rows.push(vec!["trades".to_owned(), trades, String::new()]);
    let unit = 10u128.pow(report.size_decimals.into());
    let volume = grouped(report.volume / unit);
    rows.push(vec!["volume".to_owned(), volume, String::new()]);
    if let Some(vwap) = report.vwap {
        let vwap = format!("{vwap:.4}");
        rows.push(vec![
            "mean price of a share".to_owned(),
            vwap,
            String::new(),
        ]);
    }
    // The header, which is empty, makes the empty line before it.
    let _ = write!(text, "\n{}", table(&["", "", ""], &rows));
    // Shares of the events that may change a book.
    let states = [
        ("one side empty", report.one_sided),
        ("bid = ask (locked)", report.locked),
        ("bid > ask (crossed)", report.crossed),
    ];
    let state = |(name, count): (&str, u64)| {
        let share = 100.0 * count as f64 / report.changes.max(1) as f64;
        let count = grouped(count.into());
        vec![name.to_owned(), count, format!("{share:.2} %")]
    };
    let rows: Vec<Vec<String>> = states.into_iter().map(state).collect();
    let _ = write!(
        text,
        "\n\n{}",
        table(&["book after a change", "", ""], &rows)
    );
    let mut rows = Vec::new();
    let mut quantiles = |name: &str, summary: &Option<Summary>, shown: &dyn Fn(i128) -> String| {
        let Some(s) = summary else { return };
        let mut cells = vec![name.to_owned()];
        let values = [s.min, s.p05, s.p25, s.p50, s.p75, s.p95, s.p99, s.max];
        cells.extend(values.iter().map(|value| shown(i128::from(*value))));
        rows.push(cells);
    };
    quantiles("spread", &report.spread, &price);
    quantiles("size at best", &report.size_at_best, &size);
    quantiles("between events", &report.between_ns, &duration);
    if !rows.is_empty() {
        let header = [
            "", "min", "5 %", "25 %", "median", "75 %", "95 %", "99 %", "max",
        ];
        let _ = write!(text, "\n\n{}", table(&header, &rows));
    }
    match &report.facts {
        Some(RecordedFacts::Missing { reason }) => {
            let _ = write!(text, "\n\nno stylised facts: {reason}");
        }
        Some(RecordedFacts::Computed {
            parts,
            minutes,
            facts,
        }) => {
            let _ = write!(
                text,
                "\n\nstylised facts of {} minutes, intervals over {} {}\n\n{}",
                grouped(*minutes as u128),
                grouped(facts.days as u128),
                parts.name(),
                facts_table(facts)
            );
        }
        None => {}
    }
    text
}

/// Nanoseconds in the unit that fits.
fn duration(ns: i128) -> String {
    match ns {
        0 => "0".to_owned(),
        1..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.2} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", ns as f64 / 1e6),
        _ => format!("{:.2} s", ns as f64 / 1e9),
    }
}
