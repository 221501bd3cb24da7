//! Probes: small supervised tasks that show what a sequence core can do, as a file asks for them.
//!
//! ```text
//! OUT/
//!   report.html    one file that needs no other
//!   report.json    all numbers (`probe/1`)
//!   plots/*.svg    the pictures, each also as PNG
//! ```
//!
//! The tasks and the training are those of [`palaestra_world_models::probes`].

mod page;
mod pictures;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use palaestra_world_models::probes::{CoreResult, ProbeConfig, ProbeReport, SeedResult, SizeScore};

use crate::{
    config::{ConfigError, Document},
    report::{ReportError, write_page},
};

/// Schema of the document.
pub const SCHEMA: &str = "probe/1";

/// Reads a file with its overrides.
///
/// # Errors
/// All problems with their places.
pub fn read(document: &Document) -> Result<ProbeConfig, ConfigError> {
    let config: ProbeConfig = document.read_as()?;
    let problems: Vec<_> = config
        .problems()
        .into_iter()
        .map(|(key, message)| document.problem(&key, &message, None))
        .collect();
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(document.error(problems))
    }
}

/// Writes the report to `folder`, which is created if it is missing. Returns the path of the page.
///
/// # Errors
/// [`ReportError::File`], [`ReportError::Plot`].
pub fn write(report: &ProbeReport, folder: &Path) -> Result<PathBuf, ReportError> {
    let pictures = pictures::draw(report)?;
    let page = page::page(report, &pictures);
    write_page(SCHEMA, report, &page, &pictures, folder)
}

/// Header and rows of the table of scores: a core a row, a size a column, means over seeds.
pub fn scores(report: &ProbeReport) -> (Vec<String>, Vec<Vec<String>>) {
    let sizes = report
        .cores
        .first()
        .and_then(|core| core.seeds.first())
        .map_or(&[][..], |seed| &seed.sizes);
    let mut header = vec![
        "core".to_owned(),
        "parameters".to_owned(),
        "state".to_owned(),
    ];
    // The first column of sizes tells what they are.
    let name = |index: usize| if index == 0 { report.size_name } else { "" };
    let title = |(index, score): (usize, &SizeScore)| format!("{} {}", score.size, name(index));
    header.extend(
        sizes
            .iter()
            .enumerate()
            .map(|of| title(of).trim_end().to_owned()),
    );
    let row = |core: &CoreResult| {
        let mut row = vec![
            core.label.clone(),
            core.parameters.to_string(),
            core.cost.state.to_string(),
        ];
        let mean = |index: usize| mean(core, |seed| seed.sizes[index].score);
        row.extend((0..sizes.len()).map(|index| format!("{:.3}", mean(index))));
        row
    };
    (header, report.cores.iter().map(row).collect())
}

/// Header and rows of the table of coefficients, if the task has any: those of the process, and means over seeds of what
/// the models have made of them.
pub fn coefficients(report: &ProbeReport) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    let first = report.cores.first()?.seeds.first()?.coefficients.as_ref()?;
    let told = |name: &str, values: Vec<f64>| {
        let mut row = vec![name.to_owned()];
        row.extend(values.iter().map(|value| format!("{value:.3}")));
        row
    };
    let order = first.of_process.len();
    let mut header = vec!["coefficients".to_owned()];
    header.extend((1..=order).map(|lag| format!("φ{lag}")));
    let mut rows = vec![told("process", first.of_process.clone())];
    for core in &report.cores {
        let of = |lag: usize| {
            mean(core, |seed| {
                let found = seed.coefficients.as_ref();
                found.map_or(f64::NAN, |found| found.of_model[lag])
            })
        };
        rows.push(told(&core.label, (0..order).map(of).collect()));
    }
    Some((header, rows))
}

/// The mean over the trainings of a core.
fn mean(core: &CoreResult, value: impl Fn(&SeedResult) -> f64) -> f64 {
    core.seeds.iter().map(value).sum::<f64>() / core.seeds.len().max(1) as f64
}
