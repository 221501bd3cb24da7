//! The section on a recording: distances of every statistic, drawn and in a table.

use super::super::against::{Comparison, Description, FEWEST_WINDOWS, StatisticDistance};
use crate::{
    plot::{Axis, IntervalPlot, IntervalRow, PlotError, interval_plot, measured},
    report::{
        figures::count,
        sheet::{Picture, Sheet},
        text::{escape, interval},
    },
    stats::Interval,
};

/// Names of the pictures.
pub(super) const PICTURES: [&str; 2] = ["distances_l1", "distances_wasserstein"];

/// Draws the distances, in the order of [`PICTURES`].
pub(super) fn draw(found: &Comparison) -> Result<[String; 2], PlotError> {
    let plot = |title: &str, axis: Axis, of: Of| {
        let rows = found.statistics.iter().filter_map(|statistic| {
            let (distance, within) = of(statistic);
            Some(IntervalRow {
                name: statistic.statistic.into(),
                interval: distance?,
                samples: within.into_iter().collect(),
            })
        });
        interval_plot(&IntervalPlot {
            title: title.into(),
            subtitle: "bars: 95 % of resampled windows; faint dots: one half of the recording from the other".into(),
            axis,
            rows: rows.collect(),
            references: Vec::new(),
            one_colour: true,
        })
    };
    Ok([
        plot(
            "How far from the recording?",
            Axis::linear("L1 distance of histograms (0: equal, 1: nothing in common)")
                .including(0.0)
                .including(1.0),
            |statistic| (Some(statistic.l1), statistic.l1_within),
        )?,
        plot(
            "How far must it be moved?",
            Axis::linear("Wasserstein distance (standard deviations of the recording)")
                .including(0.0),
            |statistic| (statistic.wasserstein, statistic.wasserstein_within),
        )?,
    ])
}

/// A distance, and the same within the recording.
type Of = fn(&StatisticDistance) -> (Option<Interval>, Option<f64>);

/// What the page says.
pub(super) fn section(sheet: &mut Sheet, found: &Comparison, pictures: &[Picture]) {
    sheet.open_section("against", "Against a recording");
    sheet.paragraph(&format!(
        "`{}` ({}, {} events), {} windows of it against {} of the simulated days.",
        found.file,
        found.format.name(),
        count(found.events),
        count(found.windows[1] as u64),
        count(found.windows[0] as u64)
    ));
    sheet.paragraph(&match &found.discriminator {
        Some(area) => format!(
            "A logistic regression on the statistics of half of the windows tells the others apart with an area under the curve of {} (0.5: not at all, 1: always).",
            plain(area)
        ),
        None => format!("Too few windows for a discriminator, which needs {FEWEST_WINDOWS} of each."),
    });
    let windows = found.windows[0].min(found.windows[1]);
    let header = [
        "",
        "simulated, mean ± s.d.",
        "recorded, mean ± s.d.",
        "L1",
        "within the recording",
        "Wasserstein",
        "within the recording",
    ];
    let rows = found.statistics.iter().map(|statistic| {
        let shape =
            |shape: &Description| format!("{} ± {}", figures(shape.mean), figures(shape.deviation));
        let within = |value: Option<f64>| value.map_or("–".to_owned(), figures);
        let wasserstein = statistic.wasserstein.as_ref();
        let cells = vec![
            escape(statistic.statistic),
            shape(&statistic.simulated),
            shape(&statistic.recorded),
            interval(&statistic.l1, windows),
            within(statistic.l1_within),
            wasserstein.map_or("–".to_owned(), |i| interval(i, windows)),
            within(statistic.wasserstein_within),
        ];
        (false, cells)
    });
    let rows: Vec<_> = rows.collect();
    sheet.table("data", &header.map(ToOwned::to_owned), &rows);
    if !found.missing.is_empty() {
        sheet.small(&format!(
            "Not in both markets: {}.",
            found.missing.join(", ")
        ));
    }
    for name in PICTURES {
        if let Some(picture) = pictures.iter().find(|picture| picture.name == name) {
            sheet.figure(picture);
        }
    }
    sheet.small(
        "Statistics, distances and the idea of the discriminator are those of LOB-Bench (arXiv 2502.09172): prices in units of currency, sizes in shares, times as logarithms of seconds. Samples of equal markets are some way apart, too, as the columns within the recording tell. The discriminator sees windows in numbers and is linear, so that it can prove a difference, not that there is none.",
    );
    sheet.close_section();
}

/// Two or three digits.
fn figures(x: f64) -> String {
    measured(x, 0.015 * x.abs())
}

fn plain(i: &Interval) -> String {
    format!("{:.2} [{:.2}, {:.2}]", i.estimate, i.low, i.high)
}
