//! Pictures of a market in time, of a simulated day as of a logged episode.

use super::MarketPath;
use crate::plot::{Axis, Band, HeatMap, LinePlot, PlotError, Scale, Series, heat_map, line_plot};

/// What the pictures say around the market.
#[derive(Debug, Clone)]
pub(crate) struct Captions {
    /// Whose market it is; that of a day if nobody's.
    pub(crate) who: Option<String>,
    /// Which one it is.
    pub(crate) subtitle: String,
    /// What the moments count.
    pub(crate) times: &'static str,
    /// What the volume of a moment is.
    pub(crate) volume: String,
}

/// Names of the pictures, in the order of [`draw`].
pub(crate) const NAMES: [&str; 4] = ["price", "spread", "volume", "depth"];

/// Draws price, spread, volume and depth; the price with the fundamental value, where that is known, and else with the spread
/// around it.
pub(crate) fn draw(
    path: &MarketPath,
    fundamental: Option<&[f64]>,
    captions: &Captions,
) -> Result<[String; 4], PlotError> {
    let line = |name: &str, y: Vec<f64>| Series {
        name: name.into(),
        x: path.times.clone(),
        centre: y,
        band: None,
    };
    let plot = |what: &str, subtitle: String, y: Axis, series: Vec<Series>| {
        line_plot(&LinePlot {
            title: match &captions.who {
                Some(who) => format!("{what}: {who}"),
                None => format!("{what} of a day"),
            },
            subtitle,
            x: Axis::linear(captions.times),
            y,
            series,
            references: Vec::new(),
        })
    };
    let subtitle = || captions.subtitle.clone();
    let mut volume = path.volume.clone();
    if let (Some(_), Some(first)) = (&captions.who, volume.first_mut()) {
        // Nothing was decided before the first moment of an episode.
        *first = f64::NAN;
    }
    let mid = numbers(&path.mid);
    let spread = numbers(&path.spread);
    let mut prices = vec![line("mid-price", mid.clone())];
    let mut told = subtitle();
    if let Some(fundamental) = fundamental {
        prices.push(line("fundamental value", fundamental.to_vec()));
    } else {
        let edge = |sign: f64| {
            let pairs = mid.iter().zip(&spread);
            pairs
                .map(|(mid, spread)| mid + 0.5 * sign * spread)
                .collect()
        };
        prices[0].band = Some(Band {
            lower: edge(-1.0),
            upper: edge(1.0),
        });
        told.push_str("; band: from best bid to best ask");
    }
    Ok([
        plot("Price", told, Axis::linear("price (ticks)"), prices)?,
        plot(
            "Spread",
            subtitle(),
            Axis::linear("best ask less best bid (ticks)").including(0.0),
            vec![line("spread", spread)],
        )?,
        plot(
            "Volume",
            subtitle(),
            Axis::linear(captions.volume.as_str()).including(0.0),
            vec![line("volume", volume)],
        )?,
        depth(path, captions)?,
    ])
}

fn numbers(values: &[Option<f64>]) -> Vec<f64> {
    values.iter().map(|x| x.unwrap_or(f64::NAN)).collect()
}

fn depth(path: &MarketPath, captions: &Captions) -> Result<String, PlotError> {
    // The highest price is at the top.
    let rows = (0..path.depth.len()).rev();
    let name = |row: &usize| (path.depth_from + *row as i64 * path.depth_step).to_string();
    let step = match path.depth_step {
        1 => "a row is a tick".to_owned(),
        step => format!("a row is {step} ticks"),
    };
    heat_map(&HeatMap {
        title: match &captions.who {
            Some(who) => format!("Depth of the book: {who}"),
            None => "Depth of the book".into(),
        },
        subtitle: format!("{}; {step}", captions.subtitle),
        row_label: "price (ticks)".into(),
        column_label: captions.times.into(),
        value_label: "shares displayed".into(),
        rows: rows.clone().map(|row| name(&row)).collect(),
        columns: path.times.iter().map(|time| round(*time)).collect(),
        values: rows.flat_map(|row| path.depth[row].clone()).collect(),
        scale: Scale::Log,
    })
}

/// A moment as the name of a column, to a hundredth below ten.
fn round(time: f64) -> String {
    let digits = if time < 10.0 { 100.0 } else { 1.0 };
    ((digits * time).round() / digits).to_string()
}
