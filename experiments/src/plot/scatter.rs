//! Points in a plane, in groups with a centre each.

use super::axis::{Axis, Range, drawable};
use super::canvas::{Canvas, Paint, document};
use super::frame::{
    Area, EDGE, SMALL, heading, heading_height, hidden_note, horizontal_axis, horizontal_ticks,
    no_data, note, spines, vertical_axis, vertical_ticks, widest,
};
use super::legend::{Entry, LEGEND_ROOM, Look, NAME_STEP, legend};
use super::marker::marker;
use super::palette::series as colour_of;
use super::{PlotError, Scale};

/// Groups of points.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScatterPlot {
    /// What is shown.
    pub title: String,
    /// How it was made.
    pub subtitle: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The groups; colour and marker follow the position in this list.
    pub groups: Vec<ScatterGroup>,
}

/// A group of points.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScatterGroup {
    /// Its name in the legend.
    pub name: String,
    /// The points, drawn faintly.
    pub points: Vec<[f64; 2]>,
    /// What stands for the group, drawn as a marker.
    pub centre: Option<[f64; 2]>,
}

const WIDTH: f64 = 860.0;
const PLOT_HEIGHT: f64 = 400.0;
/// Room for the x axis below the area.
const FOOT: f64 = 50.0;

/// Draws the points faintly and the centres above them.
///
/// # Errors
/// [`PlotError::Draw`] if the backend fails.
pub fn scatter_plot(plot: &ScatterPlot) -> Result<String, PlotError> {
    let name_room = widest(plot.groups.iter().map(|group| group.name.as_str()), SMALL).min(230.0);
    let top = heading_height(&plot.title, &plot.subtitle) + 8.0;
    let plot_height = PLOT_HEIGHT.max(plot.groups.len() as f64 * NAME_STEP);
    let points = || {
        let groups = plot.groups.iter();
        groups.flat_map(|group| group.points.iter().chain(&group.centre))
    };
    let shown = |&&[x, y]: &&[f64; 2]| drawable(plot.x.scale, x) && drawable(plot.y.scale, y);
    let hidden = points().count() - points().filter(shown).count();
    let log = plot.x.scale == Scale::Log || plot.y.scale == Scale::Log;
    let remark = hidden_note(hidden, log);
    let bottom = top + plot_height;
    let height = bottom + FOOT + if remark.is_some() { 18.0 } else { 0.0 };
    let range = |axis: &Axis, of: usize| {
        let values = points().filter(shown).map(|point| point[of]);
        Range::of(axis.scale, values.chain(axis.include.iter().copied()), 0.04)
    };
    document(WIDTH, height, &plot.title, |canvas| {
        heading(canvas, &plot.title, &plot.subtitle, WIDTH)?;
        if let Some(remark) = &remark {
            note(canvas, height - 12.0, remark, WIDTH)?;
        }
        let ranges = range(&plot.x, 0).zip(range(&plot.y, 1));
        let Some((x, y)) = ranges.filter(|_| points().any(|point| shown(&point))) else {
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
        let x_ticks = horizontal_ticks(&x, area.width());
        horizontal_axis(canvas, &area, &x, &x_ticks, &plot.x.label)?;
        vertical_axis(canvas, &area, &y, &y_ticks, (&plot.y.label, EDGE + 4.0))?;
        spines(canvas, &area)?;
        paint(canvas, plot, &area, (&x, &y))?;
        let entries = plot.groups.iter().enumerate().map(|(index, group)| Entry {
            name: &group.name,
            look: Look::Point(index),
            end: area.top + (index as f64 + 0.5) * NAME_STEP,
            reaches: false,
        });
        let entries: Vec<Entry<'_>> = entries.collect();
        legend(canvas, &area, &entries, name_room)
    })
}

fn paint(
    canvas: &mut Canvas<'_>,
    plot: &ScatterPlot,
    area: &Area,
    (x, y): (&Range, &Range),
) -> Result<(), PlotError> {
    let place = |&[px, py]: &[f64; 2]| Some((area.x(x.position(px)?), area.y(y.position(py)?)));
    for (index, group) in plot.groups.iter().enumerate() {
        for at in group.points.iter().filter_map(place) {
            canvas.disc(at, 3.4, Paint::clear(colour_of(index), 0.35))?;
        }
    }
    for (index, group) in plot.groups.iter().enumerate() {
        if let Some(at) = group.centre.as_ref().and_then(place) {
            marker(canvas, index, at, 7.0, colour_of(index))?;
        }
    }
    Ok(())
}
