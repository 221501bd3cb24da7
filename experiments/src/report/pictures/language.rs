//! Pictures of the language games: offers, acceptance, outcomes.

use crate::{
    plot::{
        Axis, Band, LinePlot, PlotError, ScatterGroup, ScatterPlot, Series, line_plot, scatter_plot,
    },
    report::{Acceptances, OfferPaths, Outcomes, Report, language::BIN},
};

/// Names of the pictures in the order of the page.
pub(super) fn names(report: &Report) -> Vec<String> {
    let Some(language) = &report.language else {
        return Vec::new();
    };
    let paths = language.paths.iter().map(|paths| &paths.plot);
    let acceptance = language.acceptance.iter().map(|curves| &curves.plot);
    let outcomes = language.outcomes.iter().map(|outcomes| &outcomes.plot);
    paths.chain(acceptance).chain(outcomes).cloned().collect()
}

/// Draws the pictures of [`names`].
pub(super) fn draw(report: &Report) -> Result<Vec<String>, PlotError> {
    let Some(language) = &report.language else {
        return Ok(Vec::new());
    };
    let paths = language.paths.iter().map(paths);
    let acceptance = language.acceptance.iter().map(acceptance);
    let outcomes = language.outcomes.iter().map(outcomes);
    paths.chain(acceptance).chain(outcomes).collect()
}

fn paths(paths: &OfferPaths) -> Result<String, PlotError> {
    let series = paths.paths.iter().filter(|path| !path.rounds.is_empty());
    let series = series.map(|path| Series {
        name: short(&path.agent, &paths.family),
        x: path.rounds.iter().map(|&round| f64::from(round)).collect(),
        centre: path.shares.clone(),
        band: None,
    });
    line_plot(&LinePlot {
        title: format!("Offers in {}", paths.family),
        subtitle: over_rivals(
            "the share that a player asks for itself, mean over the games that come so far",
            paths.pooled,
        ),
        x: Axis::linear("round"),
        y: Axis::linear("share asked for")
            .including(0.0)
            .including(1.0),
        series: series.collect(),
        references: Vec::new(),
    })
}

fn acceptance(curves: &Acceptances) -> Result<String, PlotError> {
    let series = curves
        .curves
        .iter()
        .filter(|curve| !curve.shares.is_empty());
    let series = series.map(|curve| {
        // No line leads through bins without offers.
        let far = |at: usize| curve.shares[at] - curve.shares[at - 1] > 1.5 * BIN;
        let gaps: Vec<usize> = (1..curve.shares.len()).filter(|&at| far(at)).collect();
        let with_gaps = |values: &[f64]| {
            let mut values = values.to_vec();
            for &at in gaps.iter().rev() {
                values.insert(at, f64::NAN);
            }
            values
        };
        Series {
            name: short(&curve.agent, &curves.family),
            x: with_gaps(&curve.shares),
            centre: with_gaps(&curve.accepted),
            band: Some(Band {
                lower: with_gaps(&curve.low),
                upper: with_gaps(&curve.high),
            }),
        }
    });
    line_plot(&LinePlot {
        title: format!("Accepted offers in {}", curves.family),
        subtitle: over_rivals(
            "by the share offered to who answers, in bins of 0.1 with three offers or more; 95 % Wilson interval",
            curves.pooled,
        ),
        x: Axis::linear("offered share").including(0.0).including(1.0),
        y: Axis::linear("share accepted").including(0.0).including(1.0),
        series: series.collect(),
        references: Vec::new(),
    })
}

/// A subtitle, with what is pooled.
fn over_rivals(subtitle: &str, pooled: bool) -> String {
    if pooled {
        format!("{subtitle}; over all rivals and seats")
    } else {
        subtitle.to_owned()
    }
}

/// A player's name without the family, which the title tells.
fn short(name: &str, family: &str) -> String {
    name.replace(&format!(" ({family})"), "")
}

fn outcomes(outcomes: &Outcomes) -> Result<String, PlotError> {
    let groups = outcomes.clouds.iter().map(|cloud| ScatterGroup {
        name: cloud.line_up.clone(),
        points: cloud.cells.clone(),
        centre: cloud.centre,
    });
    scatter_plot(&ScatterPlot {
        title: "Efficiency against fairness".into(),
        subtitle: over_rivals(
            "means over games, clipped to [0, 1]; dots: games of one kind",
            outcomes.pooled,
        ),
        x: Axis::linear("efficiency").including(0.0).including(1.0),
        y: Axis::linear("fairness").including(0.0).including(1.0),
        groups: groups.collect(),
    })
}
