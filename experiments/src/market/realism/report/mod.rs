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

use super::{Fact, Impact, RealismReport};
use crate::report::{ReportError, write_page};

/// Schema of the document.
pub const SCHEMA: &str = "market-realism/1";

/// Writes the report of a study to `folder`, which is created if it is missing. Returns the path of the page.
///
/// # Errors
/// [`ReportError::File`], [`ReportError::Plot`].
pub fn write(report: &RealismReport, folder: &Path) -> Result<PathBuf, ReportError> {
    let pictures = pictures::draw(report)?;
    let page = page::page(report, &pictures);
    write_page(SCHEMA, report, &page, &pictures, folder)
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
