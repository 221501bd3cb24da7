//! Curves with bands, each named at its right end.

use super::axis::{Axis, Range, Reference, Scale, drawable};
use super::canvas::{Canvas, Paint, Point, document};
use super::frame::{
    Area, EDGE, SMALL, heading, heading_height, hidden_note, horizontal_axis, horizontal_ticks,
    no_data, note, spines, vertical_axis, vertical_ticks, widest,
};
use super::legend::{Entry, LEGEND_ROOM, Look, NAME_STEP, RADIUS, legend};
use super::marker::marker;
use super::palette::{MUTED, series as colour_of};
use super::simplify::simplify;
use super::ticks::Tick;
use super::{PlotError, check_length};

/// Curves over a common axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LinePlot {
    /// What is shown.
    pub title: String,
    /// How it was made: the statistic, the number of seeds, the kind of interval.
    pub subtitle: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The curves; colour and marker follow the position in this list.
    pub series: Vec<Series>,
    /// Horizontal lines at known values.
    pub references: Vec<Reference>,
}

/// One curve.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Positions along the x axis, ascending; where one is not a number the curve has a gap.
    pub x: Vec<f64>,
    /// Values, one per position.
    pub centre: Vec<f64>,
    /// An interval around the values.
    pub band: Option<Band>,
}

/// The two edges of a band, one value per position of the series each.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Band {
    /// Lower edge.
    pub lower: Vec<f64>,
    /// Upper edge.
    pub upper: Vec<f64>,
}

const WIDTH: f64 = 860.0;
const PLOT_HEIGHT: f64 = 350.0;
/// Room for the x axis below the area.
const FOOT: f64 = 50.0;
/// Markers along a curve.
const MARKERS: usize = 8;

/// Draws curves with bands. The legend is a column at the right, where every name stands as near as it can to the end of
/// its curve, so that it covers no data.
///
/// # Errors
/// [`PlotError::Length`] if a series has columns of different length.
///
/// # Examples
/// ```
/// use palaestra::plot::{Axis, LinePlot, Series, line_plot, svg_to_png};
///
/// let svg = line_plot(&LinePlot {
///     title: "Regret".into(),
///     x: Axis::linear("round"),
///     y: Axis::linear("dynamic regret").including(0.0),
///     series: vec![Series {
///         name: "UCB1".into(),
///         x: vec![1.0, 2.0, 3.0],
///         centre: vec![0.5, 0.9, 1.2],
///         band: None,
///     }],
///     ..LinePlot::default()
/// })?;
/// let png = svg_to_png(&svg, 2.0)?;
/// assert!(png.starts_with(b"\x89PNG"));
/// # Ok::<(), palaestra::plot::PlotError>(())
/// ```
pub fn line_plot(plot: &LinePlot) -> Result<String, PlotError> {
    for series in &plot.series {
        let points = series.x.len();
        let check = |what: &str, len| {
            check_length(
                || format!("{what} of series `{}`", series.name),
                points,
                len,
            )
        };
        check("the centre", series.centre.len())?;
        if let Some(band) = &series.band {
            check("the lower edge", band.lower.len())?;
            check("the upper edge", band.upper.len())?;
        }
    }

    let names = plot.series.iter().map(|series| series.name.as_str());
    let names = names.chain(plot.references.iter().map(|line| line.label.as_str()));
    let name_room = widest(names, SMALL).min(200.0);
    let top = heading_height(&plot.title, &plot.subtitle) + 8.0;
    let entries = plot.series.len() + plot.references.len();
    let plot_height = PLOT_HEIGHT.max(entries as f64 * NAME_STEP);
    let hidden = hidden_values(plot);
    let log = plot.x.scale == Scale::Log || plot.y.scale == Scale::Log;
    let remark = hidden_note(hidden, log);
    let bottom = top + plot_height;
    let height = bottom + FOOT + if remark.is_some() { 18.0 } else { 0.0 };

    document(WIDTH, height, &plot.title, |canvas| {
        heading(canvas, &plot.title, &plot.subtitle, WIDTH)?;
        if let Some(remark) = &remark {
            note(canvas, height - 12.0, remark, WIDTH)?;
        }
        let Some((x, y)) = ranges(plot) else {
            return no_data(canvas, (0.5 * WIDTH, 0.5 * (top + bottom)));
        };
        let y_ticks = vertical_ticks(&y, plot_height);
        let tick_room = widest(y_ticks.iter().map(|tick| tick.label.as_str()), SMALL);
        let area = Area {
            left: EDGE + 20.0 + tick_room + 8.0,
            top,
            right: WIDTH - EDGE - name_room - LEGEND_ROOM,
            bottom,
        };
        let pictured = Pictured { area, x, y };
        pictured.paint(canvas, plot, &y_ticks, name_room)
    })
}

/// The ranges of both axes, if there is a single point to draw.
fn ranges(plot: &LinePlot) -> Option<(Range, Range)> {
    let both = |(x, y): (&f64, &f64)| drawable(plot.x.scale, *x) && drawable(plot.y.scale, *y);
    let points = || {
        let series = plot.series.iter();
        series
            .flat_map(|series| series.x.iter().zip(&series.centre))
            .filter(|p| both(*p))
    };
    points().next()?;
    let smallest = points().map(|point| *point.1).fold(f64::INFINITY, f64::min);
    let edges = plot.series.iter().filter_map(|series| series.band.as_ref());
    let edges = edges
        .flat_map(|band| band.lower.iter().chain(&band.upper))
        .copied();
    // A lower edge next to zero would take all of a logarithmic axis for itself.
    let edges = edges.filter(|edge| plot.y.scale == Scale::Linear || *edge >= smallest / 10.0);
    let lines = plot.references.iter().map(|line| line.value);
    let x = Range::of(
        plot.x.scale,
        points()
            .map(|point| *point.0)
            .chain(plot.x.include.iter().copied()),
        0.0,
    )?;
    let y = Range::of(
        plot.y.scale,
        points()
            .map(|point| *point.1)
            .chain(edges)
            .chain(lines)
            .chain(plot.y.include.iter().copied()),
        0.04,
    )?;
    Some((x, y))
}

/// Number of points whose centre cannot be drawn.
fn hidden_values(plot: &LinePlot) -> usize {
    let points = plot
        .series
        .iter()
        .flat_map(|series| series.x.iter().zip(&series.centre));
    points
        .filter(|(x, _)| !x.is_nan())
        .filter(|(x, y)| !(drawable(plot.x.scale, **x) && drawable(plot.y.scale, **y)))
        .count()
}

/// The area with the scales of its axes.
struct Pictured {
    area: Area,
    x: Range,
    y: Range,
}

impl Pictured {
    fn place(&self, x: f64, y: f64) -> Option<Point> {
        let (x, y) = (self.x.position(x)?, self.y.position(y)?);
        Some((self.area.x(x), self.area.y(y)))
    }

    fn paint(
        &self,
        canvas: &mut Canvas<'_>,
        plot: &LinePlot,
        y_ticks: &[Tick],
        name_room: f64,
    ) -> Result<(), PlotError> {
        let area = &self.area;
        let x_ticks = horizontal_ticks(&self.x, area.width());
        horizontal_axis(canvas, area, &self.x, &x_ticks, &plot.x.label)?;
        vertical_axis(canvas, area, &self.y, y_ticks, (&plot.y.label, EDGE + 4.0))?;
        for (index, series) in plot.series.iter().enumerate() {
            self.band(canvas, series, colour_of(index))?;
        }
        spines(canvas, area)?;
        for line in &plot.references {
            if let Some(share) = self.y.position(line.value) {
                let y = area.y(share);
                canvas.dashes((area.left, y), (area.right, y), Paint::solid(MUTED), 1.3)?;
            }
        }
        for (index, series) in plot.series.iter().enumerate() {
            for run in self.runs(series) {
                let line = simplify(&run);
                canvas.polyline(&line, Paint::solid(colour_of(index)), 1.8)?;
            }
        }
        for (index, series) in plot.series.iter().enumerate() {
            let points: Vec<Point> = self.runs(series).concat();
            let offset = (index as f64 + 0.5) / plot.series.len() as f64;
            for at in self.marked(&points, offset) {
                marker(canvas, index, at, RADIUS, colour_of(index))?;
            }
        }
        legend(canvas, area, &self.entries(plot), name_room)
    }

    /// The drawable stretches of a curve.
    fn runs(&self, series: &Series) -> Vec<Vec<Point>> {
        let places = series.x.iter().zip(&series.centre);
        stretches(places.map(|(x, y)| self.place(*x, *y)))
    }

    fn band(
        &self,
        canvas: &mut Canvas<'_>,
        series: &Series,
        rgb: [u8; 3],
    ) -> Result<(), PlotError> {
        let Some(band) = &series.band else {
            return Ok(());
        };
        let edges = band.lower.iter().zip(&band.upper);
        let places = series.x.iter().zip(edges).map(|(x, (lower, upper))| {
            let upper = self.place(*x, *upper)?;
            // On a logarithmic axis an edge at or below zero is below the picture.
            let below = *lower <= 0.0 && self.y.scale == Scale::Log;
            let lower = if below { self.y.low } else { *lower };
            Some((self.place(*x, lower)?, upper))
        });
        for run in stretches(places) {
            if let [(lower, upper)] = run[..] {
                canvas.line(lower, upper, Paint::clear(rgb, 0.5), 2.0)?;
                continue;
            }
            let lower: Vec<Point> = run.iter().map(|pair| pair.0).collect();
            let upper: Vec<Point> = run.iter().map(|pair| pair.1).collect();
            let mut outline = simplify(&upper);
            outline.extend(simplify(&lower).into_iter().rev());
            canvas.polygon(&outline, Paint::clear(rgb, 0.17))?;
        }
        Ok(())
    }

    /// Which points carry a marker: all of a few, else some that are evenly spread, shifted by the share `offset` of
    /// their distance so that the markers of two curves seldom meet.
    fn marked(&self, points: &[Point], offset: f64) -> Vec<Point> {
        if points.len() <= MARKERS + 4 {
            return points.to_vec();
        }
        let step = self.area.width() / MARKERS as f64;
        let places = (0..MARKERS).filter_map(|index| {
            let x = self.area.left + (index as f64 + offset) * step;
            let next = points.partition_point(|point| point.0 < x);
            let before = next.checked_sub(1).and_then(|before| points.get(before));
            let near = points.get(next).into_iter().chain(before);
            let near = near.min_by(|a, b| (a.0 - x).abs().total_cmp(&(b.0 - x).abs()))?;
            ((near.0 - x).abs() <= 0.5 * step).then_some(*near)
        });
        let mut places: Vec<Point> = places.collect();
        places.dedup();
        places
    }

    /// The entries of the legend, at the heights at which their curves end.
    fn entries<'a>(&self, plot: &'a LinePlot) -> Vec<Entry<'a>> {
        let area = &self.area;
        let curves = plot.series.iter().enumerate().map(|(index, series)| {
            let last = self.runs(series).concat().last().copied();
            Entry {
                name: &series.name,
                look: Look::Curve(index),
                end: last.map_or(area.bottom, |last| last.1),
                reaches: last.is_some_and(|last| last.0 >= area.right - 0.02 * area.width()),
            }
        });
        let lines = plot.references.iter().map(|line| {
            let share = self.y.position(line.value);
            Entry {
                name: &line.label,
                look: Look::Reference,
                end: share.map_or(area.bottom, |share| area.y(share)),
                reaches: share.is_some(),
            }
        });
        curves.chain(lines).collect()
    }
}

/// Splits a sequence at its gaps.
fn stretches<T>(places: impl Iterator<Item = Option<T>>) -> Vec<Vec<T>> {
    let mut runs = vec![Vec::new()];
    for place in places {
        match place {
            Some(place) => {
                if let Some(run) = runs.last_mut() {
                    run.push(place);
                }
            }
            None => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_split_a_curve() {
        let values = [Some(1), None, None, Some(2), Some(3), None];
        assert_eq!(stretches(values.into_iter()), [vec![1], vec![2, 3]]);
    }

    #[test]
    fn columns_of_different_length_are_an_error() {
        let plot = LinePlot {
            series: vec![Series {
                name: "a".into(),
                x: vec![1.0, 2.0],
                centre: vec![1.0],
                band: None,
            }],
            ..LinePlot::default()
        };
        let error = line_plot(&plot).unwrap_err().to_string();
        assert_eq!(error, "the centre of series `a` needs 2 values and has 1");
    }
}
