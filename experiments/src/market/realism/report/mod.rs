//! The report of a study: a page, its pictures and all numbers.
//!
//! ```text
//! OUT/
//!   report.html    one file that needs no other
//!   report.json    all numbers (`market-realism/1`)
//!   plots/*.svg    the pictures, each also as PNG
//! ```

mod against;
mod page;
mod pictures;

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Fact, Impact, RealismReport};
use crate::{
    files,
    report::{ReportError, write_pictures},
};

/// Schema of the document.
pub const SCHEMA: &str = "market-realism/1";

/// Writes the report of a study to `folder`, which is created if it is missing. Returns the path of the page.
///
/// # Errors
/// [`ReportError::File`], [`ReportError::Plot`].
pub fn write(report: &RealismReport, folder: &Path) -> Result<PathBuf, ReportError> {
    let plots = folder.join("plots");
    // Pictures of an earlier study that this one does not draw would be taken for its own.
    if folder.join("report.json").exists() && plots.exists() {
        files::at("remove", &plots, std::fs::remove_dir_all(&plots))?;
    }
    files::create_folder(&plots)?;
    let pictures = pictures::draw(report)?;
    write_pictures(&pictures, &plots)?;
    let mut document = serde_json::to_value(report)?;
    if let Some(object) = document.as_object_mut() {
        object.shift_insert(0, "schema".into(), json!(SCHEMA));
    }
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    files::write_atomically(&folder.join("report.json"), text.as_bytes())?;
    let path = folder.join("report.html");
    files::write_atomically(&path, page::page(report, &pictures).as_bytes())?;
    Ok(path)
}

/// The numbers of a fact that tell most, as name of the statistic and lag or period.
pub fn essentials(fact: Fact) -> Vec<(&'static str, Option<i32>)> {
    let lags = |name: &'static str, lags: &[i32]| -> Vec<(&'static str, Option<i32>)> {
        lags.iter().map(|lag| (name, Some(*lag))).collect()
    };
    match fact {
        Fact::NoAutocorrelation => lags("corr(r_t, r_t+τ) of last prices", &[1, 2, 5]),
        Fact::HeavyTails => lags("excess kurtosis", &[1]),
        Fact::GainLossAsymmetry => lags("skewness", &[1]),
        Fact::AggregationalGaussianity => lags("excess kurtosis", &[1, 5, 20]),
        Fact::Intermittency => vec![("Fano factor", None)],
        Fact::VolatilityClustering => lags("corr(|r_t|, |r_t+τ|)", &[1, 5, 20]),
        Fact::ConditionalHeavyTails => vec![("conditional kurtosis", None)],
        Fact::SlowDecay => vec![("exponent of decay", None)],
        Fact::Leverage => lags("corr(r_t, |r_t+τ|)", &[1]),
        Fact::VolumeVolatility => lags("corr(volume_t, |r_t+τ|)", &[0, 1]),
        Fact::TimescaleAsymmetry => vec![("mean of c(τ) - c(-τ), τ = 1..5", None)],
    }
}

/// What is to be said of an impact in a sentence.
pub fn law(impact: &Impact) -> String {
    let told = |name: &str, exponent: &Option<crate::stats::Interval>| match exponent {
        Some(b) => format!("{name} {:.2} [{:.2}, {:.2}]", b.estimate, b.low, b.high),
        None => format!("{name} none, since some impact cannot be told from 0"),
    };
    format!(
        "{}; {}",
        told("exponent of the largest impact", &impact.exponent),
        told("of the impact at the end", &impact.end_exponent)
    )
}
