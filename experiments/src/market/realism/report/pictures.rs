//! The pictures of a study, drawn from its numbers alone.

use palaestra_envs::math::powf;

use super::super::{DayPicture, Fact, FactReport, Impact, RealismReport};
use super::against;
use crate::{
    market::realism::draw::{self, Captions},
    plot::{Axis, Band, LinePlot, PlotError, Reference, Series, line_plot},
    report::sheet::Picture,
    stats::Interval,
};

/// Draws all of them, in the order of the page.
pub(super) fn draw(report: &RealismReport) -> Result<Vec<Picture>, PlotError> {
    let mut pictures = of_day(&report.day)?;
    pictures.extend([
        picture("returns", returns(report)?),
        picture("volatility", volatility(report)?),
        picture("tails", tails(report)?),
    ]);
    if let Some(found) = &report.against {
        let drawn = against::PICTURES.into_iter().zip(against::draw(found)?);
        pictures.extend(drawn.map(|(name, svg)| picture(name, svg)));
    }
    if let Some(impact) = &report.impact {
        pictures.push(picture("impact", by_size(impact)?));
        pictures.push(picture("impact_in_time", in_time(report, impact)?));
    }
    Ok(pictures)
}

fn picture(name: &str, svg: String) -> Picture {
    Picture {
        name: name.into(),
        svg,
        is_map: false,
    }
}

fn of_day(day: &DayPicture) -> Result<Vec<Picture>, PlotError> {
    let captions = Captions {
        who: None,
        subtitle: format!("the day of seed {}, minute by minute", day.seed),
        times: "minutes after the opening",
        volume: "shares traded in a minute".into(),
    };
    let drawn = draw::draw(&day.path, Some(&day.fundamental), &captions)?;
    let drawn = draw::NAMES.into_iter().zip(drawn);
    let picture = |(name, svg)| Picture {
        is_map: name == "depth",
        ..picture(name, svg)
    };
    Ok(drawn.map(picture).collect())
}

fn line(name: &str, x: &[f64], y: Vec<f64>) -> Series {
    Series {
        name: name.into(),
        x: x.to_vec(),
        centre: y,
        band: None,
    }
}

/// The values of a statistic over lags or periods, with their intervals; lags below `from` are left out.
fn curve(facts: Option<&FactReport>, statistic: &str, name: &str, from: i32) -> Series {
    let mut series = Series {
        name: name.into(),
        ..Series::default()
    };
    let mut band = Band::default();
    for point in facts.into_iter().flat_map(|fact| &fact.points) {
        if let (true, Some(minutes), Some(value)) =
            (point.statistic == statistic, point.minutes, point.value)
            && minutes >= from
        {
            series.x.push(minutes.into());
            series.centre.push(value.estimate);
            band.lower.push(value.low);
            band.upper.push(value.high);
        }
    }
    series.band = Some(band);
    series
}

fn days(report: &RealismReport) -> String {
    format!("{} days; bands: 95 % of resampled days", report.facts.days)
}

fn bound(value: f64, label: &str) -> Reference {
    Reference {
        value,
        label: label.into(),
    }
}

fn returns(report: &RealismReport) -> Result<String, PlotError> {
    let fact = report.facts.get(Fact::NoAutocorrelation);
    line_plot(&LinePlot {
        title: "Do returns predict returns?".into(),
        subtitle: days(report),
        x: Axis::linear("lag (minutes)"),
        y: Axis::linear("autocorrelation of returns")
            .including(0.1)
            .including(-0.1),
        series: vec![
            curve(fact, "corr(r_t, r_t+τ) of last prices", "last prices", 1),
            curve(fact, "corr(r_t, r_t+τ) of mean prices", "mean prices", 1),
        ],
        references: vec![
            bound(0.05, "bound, lag ≥ 2"),
            bound(-0.05, "bound, lag ≥ 2"),
        ],
    })
}

fn volatility(report: &RealismReport) -> Result<String, PlotError> {
    let get = |fact| report.facts.get(fact);
    let clustering = get(Fact::VolatilityClustering);
    let related = get(Fact::VolumeVolatility);
    line_plot(&LinePlot {
        title: "What predicts the size of returns?".into(),
        subtitle: days(report),
        x: Axis::linear("lag (minutes)"),
        y: Axis::linear("correlation with later |r|").including(0.0),
        series: vec![
            curve(clustering, "corr(|r_t|, |r_t+τ|)", "size of returns", 1),
            curve(related, "corr(volume_t, |r_t+τ|)", "volume", 1),
            curve(get(Fact::Leverage), "corr(r_t, |r_t+τ|)", "return", 1),
        ],
        references: vec![bound(0.05, "bound, lag ≤ 5")],
    })
}

fn tails(report: &RealismReport) -> Result<String, PlotError> {
    let fact = report.facts.get(Fact::AggregationalGaussianity);
    line_plot(&LinePlot {
        title: "Tails of returns".into(),
        subtitle: days(report),
        x: Axis::linear("period (minutes)"),
        y: Axis::linear("excess kurtosis").including(0.0),
        series: vec![curve(fact, "excess kurtosis", "returns", 1)],
        references: vec![bound(0.0, "normal distribution")],
    })
}

fn by_size(impact: &Impact) -> Result<String, PlotError> {
    let points = impact.points.iter().filter(|point| point.ratio > 0.0);
    let (x, values): (Vec<f64>, Vec<Interval>) =
        points.map(|point| (point.ratio, point.impact)).unzip();
    let bp = |of: &dyn Fn(&Interval) -> f64| values.iter().map(|i| 1e4 * of(i)).collect();
    let mut series = vec![Series {
        name: "impact".into(),
        x: x.clone(),
        centre: bp(&|i| i.estimate),
        band: Some(Band {
            lower: bp(&|i| i.low),
            upper: bp(&|i| i.high),
        }),
    }];
    let mut subtitle = format!("{} days, each with the order and without it", impact.days);
    if let (Some(b), Some(factor)) = (impact.exponent, impact.factor) {
        let law = |exponent: f64, factor: f64| {
            x.iter()
                .map(|ratio| 1e4 * factor * powf(*ratio, exponent))
                .collect()
        };
        let name = format!("fit, exponent {:.2}", b.estimate);
        series.push(line(&name, &x, law(b.estimate, factor)));
        // The square root through the middle of the fit.
        let (low, high) = (x.first().copied(), x.last().copied());
        if let (Some(low), Some(high)) = (low, high) {
            let middle = powf(low * high, 0.5);
            let through = factor * powf(middle, b.estimate - 0.5);
            series.push(line("square root", &x, law(0.5, through)));
        }
        subtitle = format!(
            "{subtitle}; exponent {:.2} [{:.2}, {:.2}]",
            b.estimate, b.low, b.high
        );
    }
    line_plot(&LinePlot {
        title: "Market impact by size".into(),
        subtitle,
        x: Axis::log("size as a share of what trades meanwhile"),
        y: Axis::log("largest impact (basis points)"),
        series,
        references: Vec::new(),
    })
}

fn in_time(report: &RealismReport, impact: &Impact) -> Result<String, PlotError> {
    let minutes: Vec<f64> = impact.looks.iter().map(|seconds| seconds / 60.0).collect();
    let series = impact.points.iter().map(|point| {
        let bp = |of: &dyn Fn(&Interval) -> f64| point.curve.iter().map(|i| 1e4 * of(i)).collect();
        Series {
            name: format!("{} %", round(100.0 * point.ratio)),
            x: minutes.clone(),
            centre: bp(&|i| i.estimate),
            band: Some(Band {
                lower: bp(&|i| i.low),
                upper: bp(&|i| i.high),
            }),
        }
    });
    let asked = report.config.impact.clone().unwrap_or_default();
    line_plot(&LinePlot {
        title: "Market impact in time".into(),
        subtitle: format!(
            "worked for {} minutes in slices of {} s; {} days; pointwise 95 % bands",
            round(asked.lasts_seconds / 60.0),
            round(asked.every_seconds),
            impact.days
        ),
        x: Axis::linear("minutes after the first slice"),
        y: Axis::linear("impact (basis points)").including(0.0),
        series: series.collect(),
        references: Vec::new(),
    })
}

/// Without the digits of a binary fraction that nobody wrote.
fn round(x: f64) -> f64 {
    (x * 1e6).round() / 1e6
}
