//! The pictures of a probe: scores while cores train, and scores by size.

use palaestra_world_models::probes::{CoreResult, ProbeReport, SeedResult};

use crate::{
    plot::{Axis, Band, LinePlot, PlotError, Reference, Series, line_plot},
    report::sheet::Picture,
};

/// All pictures.
pub(super) fn draw(report: &ProbeReport) -> Result<Vec<Picture>, PlotError> {
    let vertical = || match report.score {
        "accuracy" => Axis::linear("share of right answers")
            .including(0.0)
            .including(1.0),
        _ => Axis::log("squared error, as a share of the variance"),
    };
    let largest = match report.config.task.probe().sizes()[0].iter().max() {
        Some(size) => format!("{size} {}", report.size_name),
        None => String::new(),
    };
    let references = vec![Reference {
        value: report.chance,
        label: "chance".into(),
    }];
    let subtitle = match report.config.seeds.len() {
        1 => String::new(),
        seeds => format!("mean of {seeds} seeds, band from the least to the largest"),
    };
    let mut pictures = Vec::new();
    let mut add = |name: &str, plot: LinePlot| {
        let svg = line_plot(&plot)?;
        pictures.push(Picture {
            name: name.into(),
            svg,
            is_map: false,
        });
        Ok::<(), PlotError>(())
    };
    let series = |core: &CoreResult, points: &dyn Fn(&SeedResult) -> Vec<(usize, f64)>| {
        let of_seeds: Vec<Vec<(usize, f64)>> = core.seeds.iter().map(points).collect();
        let x: Vec<f64> = of_seeds
            .first()
            .map(|points| points.iter().map(|point| point.0 as f64).collect())
            .unwrap_or_default();
        let values = |index: usize| of_seeds.iter().map(move |points| points[index].1);
        let count = of_seeds.len() as f64;
        let centre = (0..x.len()).map(|i| values(i).sum::<f64>() / count);
        let band = (of_seeds.len() > 1).then(|| Band {
            lower: (0..x.len())
                .map(|i| values(i).fold(f64::INFINITY, f64::min))
                .collect(),
            upper: (0..x.len())
                .map(|i| values(i).fold(f64::NEG_INFINITY, f64::max))
                .collect(),
        });
        Series {
            name: core.label.clone(),
            centre: centre.collect(),
            x,
            band,
        }
    };
    let curve = |seed: &SeedResult| {
        let points = seed.curve.iter();
        points.map(|point| (point.step, point.score)).collect()
    };
    add(
        "learning",
        LinePlot {
            title: format!("While they learn, at {largest}"),
            subtitle: subtitle.clone(),
            x: Axis::linear("updates").including(0.0),
            y: vertical(),
            series: report
                .cores
                .iter()
                .map(|core| series(core, &curve))
                .collect(),
            references: references.clone(),
        },
    )?;
    let several = |core: &CoreResult| core.seeds.iter().any(|seed| seed.sizes.len() > 1);
    if report.cores.iter().any(several) {
        let sizes = |seed: &SeedResult| {
            let scores = seed.sizes.iter();
            scores.map(|score| (score.size, score.score)).collect()
        };
        let [train, test] = report.config.task.probe().sizes();
        let wide = test.iter().max() >= test.iter().min().map(|least| 8 * least).as_ref();
        let x = if wide {
            Axis::log(report.size_name)
        } else {
            Axis::linear(report.size_name)
        };
        let trained: Vec<String> = train.iter().map(ToString::to_string).collect();
        add(
            "sizes",
            LinePlot {
                title: format!(
                    "After training at {} {}",
                    trained.join(", "),
                    report.size_name
                ),
                subtitle,
                x,
                y: vertical(),
                series: report
                    .cores
                    .iter()
                    .map(|core| series(core, &sizes))
                    .collect(),
                references,
            },
        )?;
    }
    Ok(pictures)
}
