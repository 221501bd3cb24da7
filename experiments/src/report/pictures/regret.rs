//! Pictures of regret.

use super::{BAND, series, subtitle};
use crate::{
    plot::{Axis, Band, LinePlot, PlotError, Scale, Series, line_plot},
    report::{GrowthBasis, Regret, Report},
};

/// Regret along the runs.
pub(super) fn curves(regret: &Regret, scale: Scale) -> Result<String, PlotError> {
    let counts = regret
        .series
        .iter()
        .map(|series| series.seeds)
        .filter(|n| *n > 0);
    let axis = |label: &str| match scale {
        Scale::Linear => Axis::linear(label).including(0.0),
        Scale::Log => Axis::log(label),
    };
    let x = match scale {
        Scale::Linear => Axis::linear(regret.x_label.as_str()),
        Scale::Log => Axis::log(regret.x_label.as_str()),
    };
    let mut drawn = series(&regret.series);
    let mut title = regret.drawn.to_owned();
    let mut below = subtitle(BAND, counts);
    if scale == Scale::Log {
        title.push_str(", logarithmic axes");
        if regret.growth.basis == GrowthBasis::Times {
            title.push_str(", with the fitted exponents");
            below.push_str("; exponents: fitted to means");
            name_exponents(regret, &mut drawn);
        }
    }
    line_plot(&LinePlot {
        title,
        subtitle: below,
        x,
        y: axis(&format!("{} by {}", regret.drawn, regret.quantity)),
        series: drawn,
        references: Vec::new(),
    })
}

/// Regret against the lengths of a sweep.
pub(super) fn lengths(report: &Report, regret: &Regret) -> Result<String, PlotError> {
    let growth = &regret.growth;
    // A place for every agent keeps the colours.
    let drawn = report.agents.iter().map(|agent| {
        let found = growth.rows.iter().find(|row| row.agent == agent.name);
        let Some(row) = found else {
            return Series {
                name: agent.name.clone(),
                ..Series::default()
            };
        };
        let ends = |end: fn(&crate::stats::Interval) -> f64| row.regret.iter().map(end).collect();
        Series {
            name: agent.name.clone(),
            x: row.rounds[..row.regret.len()].to_vec(),
            centre: ends(|interval| interval.estimate),
            band: (row.seeds > 1).then(|| Band {
                lower: ends(|interval| interval.low),
                upper: ends(|interval| interval.high),
            }),
        }
    });
    let mut drawn: Vec<Series> = drawn.collect();
    name_exponents(regret, &mut drawn);
    let counts = growth.rows.iter().map(|row| row.seeds);
    line_plot(&LinePlot {
        title: format!("{} against length, with the fitted exponents", regret.drawn),
        subtitle: subtitle("mean over seeds, pointwise 95 % bootstrap band", counts),
        x: Axis::log("T: rounds of the run"),
        y: Axis::log(format!("{} by {}", regret.drawn, regret.quantity)),
        series: drawn,
        references: Vec::new(),
    })
}

/// Puts the exponents behind the names.
fn name_exponents(regret: &Regret, series: &mut [Series]) {
    for row in &regret.growth.rows {
        if let (Some(exponent), Some(series)) = (
            row.exponent,
            series.iter_mut().find(|series| series.name == row.agent),
        ) {
            // Adding 0 takes the sign from a rounded zero.
            let rounded = (100.0 * exponent.estimate).round() / 100.0 + 0.0;
            series.name = format!("{} ~ T^{rounded:.2}", series.name);
        }
    }
}
