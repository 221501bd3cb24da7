//! A point with an interval per row, with the single runs behind it.

use super::axis::{Axis, Range, Reference, drawable};
use super::canvas::{Anchor, Canvas, Lettering, Paint, document};
use super::frame::{
    Area, EDGE, NAME, SMALL, heading, heading_height, hidden_note, horizontal_axis,
    horizontal_ticks, no_data, note, widest,
};
use super::marker::marker;
use super::palette::{FAINT, INK, MUTED, series as colour_of};
use super::ticks::measured;
use super::{PlotError, text};
use crate::stats::Interval;

/// Estimates with intervals, one row each.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IntervalPlot {
    /// What is shown.
    pub title: String,
    /// How it was made: the statistic, the number of seeds, the kind of interval.
    pub subtitle: String,
    /// The value axis.
    pub axis: Axis,
    /// From top to bottom.
    pub rows: Vec<IntervalRow>,
    /// Lines at known values: an even chance, bounds.
    pub references: Vec<Reference>,
    /// Draws all rows in one colour, for rows that are not the series of the other plots (pairs of agents).
    pub one_colour: bool,
}

/// One row of an [`IntervalPlot`].
#[derive(Debug, Clone, PartialEq)]
pub struct IntervalRow {
    /// Its name.
    pub name: String,
    /// Estimate and interval.
    pub interval: Interval,
    /// The single runs, drawn as faint dots behind the interval; may be empty.
    pub samples: Vec<f64>,
}

const WIDTH: f64 = 860.0;
const ROW: f64 = 32.0;
const FOOT: f64 = 50.0;

/// Draws a row per estimate: name, runs, interval with its point, and the numbers.
///
/// # Errors
/// [`PlotError::Draw`] if the backend fails.
pub fn interval_plot(plot: &IntervalPlot) -> Result<String, PlotError> {
    let names = widest(plot.rows.iter().map(|row| row.name.as_str()), SMALL).min(290.0);
    let numbers: Vec<String> = plot.rows.iter().map(in_figures).collect();
    let number_room = widest(numbers.iter().map(String::as_str), SMALL);
    let reference_room = if plot.references.is_empty() {
        0.0
    } else {
        20.0
    };
    let top = heading_height(&plot.title, &plot.subtitle) + 8.0 + reference_room;
    let bottom = top + ROW * plot.rows.len().max(3) as f64;

    let values = || plot.rows.iter().flat_map(row_values);
    let hidden = values()
        .filter(|value| !drawable(plot.axis.scale, *value))
        .count();
    let remark = hidden_note(hidden, plot.axis.scale == super::Scale::Log);
    let height = bottom + FOOT + if remark.is_some() { 18.0 } else { 0.0 };
    let area = Area {
        left: EDGE + names + 14.0,
        top,
        right: WIDTH - EDGE - number_room - 16.0,
        bottom,
    };

    document(WIDTH, height, &plot.title, |canvas| {
        heading(canvas, &plot.title, &plot.subtitle, WIDTH)?;
        if let Some(remark) = &remark {
            note(canvas, height - 12.0, remark, WIDTH)?;
        }
        if !values().any(|value| drawable(plot.axis.scale, value)) {
            return no_data(canvas, (0.5 * WIDTH, 0.5 * (top + bottom)));
        }
        let known = plot.axis.include.iter().copied();
        let known = known.chain(plot.references.iter().map(|line| line.value));
        let Some(range) = Range::of(plot.axis.scale, values().chain(known), 0.04) else {
            return Ok(());
        };
        for index in (0..plot.rows.len()).step_by(2) {
            let y = top + index as f64 * ROW;
            canvas.rectangle(
                (EDGE - 6.0, y),
                (WIDTH - EDGE + 6.0, y + ROW),
                Paint::solid(FAINT),
            )?;
        }
        let ticks = horizontal_ticks(&range, area.width());
        horizontal_axis(canvas, &area, &range, &ticks, &plot.axis.label)?;
        let base = [(area.left, area.bottom), (area.right, area.bottom)];
        canvas.polyline(&base, Paint::solid(MUTED), 1.0)?;
        references(canvas, &area, &range, &plot.references)?;
        for (index, (row, numbers)) in plot.rows.iter().zip(&numbers).enumerate() {
            let y = top + (index as f64 + 0.5) * ROW;
            let name = text::fit(&row.name, SMALL, names);
            canvas.text((EDGE, y), &name, NAME)?;
            let lettering = Lettering::new(SMALL, INK, Anchor::End);
            canvas.text((WIDTH - EDGE, y), numbers, lettering)?;
            let look = if plot.one_colour { 0 } else { index };
            paint_row(canvas, &area, &range, row, y, look)?;
        }
        Ok(())
    })
}

fn row_values(row: &IntervalRow) -> impl Iterator<Item = f64> {
    let Interval {
        estimate,
        low,
        high,
    } = row.interval;
    [estimate, low, high]
        .into_iter()
        .chain(row.samples.iter().copied())
}

/// The numbers of a row; a single run has no interval.
fn in_figures(row: &IntervalRow) -> String {
    let interval = &row.interval;
    if row.samples.len() == 1 && interval.low == interval.high {
        return measured(interval.estimate, 1.5e-3 * interval.estimate.abs());
    }
    let width = interval.high - interval.low;
    let [estimate, low, high] =
        [interval.estimate, interval.low, interval.high].map(|value| measured(value, width));
    format!("{estimate}  [{low}, {high}]")
}

/// The lines with their labels above them, which stay inside the picture and apart from each other.
fn references(
    canvas: &mut Canvas<'_>,
    area: &Area,
    range: &Range,
    lines: &[Reference],
) -> Result<(), PlotError> {
    let placed = lines.iter().filter_map(|line| {
        let x = area.x(range.position(line.value)?);
        let room = (WIDTH - 2.0 * EDGE) / lines.len() as f64 - LABEL_GAP;
        let label = text::fit(&line.label, SMALL, room).into_owned();
        Some((x, text::width(&label, SMALL), label))
    });
    let mut placed: Vec<(f64, f64, String)> = placed.collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let widths: Vec<f64> = placed.iter().map(|line| line.1).collect();
    let wanted: Vec<f64> = placed.iter().map(|line| line.0).collect();
    let centres = apart(&wanted, &widths);
    for ((x, _, label), centre) in placed.iter().zip(centres) {
        canvas.dashes((*x, area.top), (*x, area.bottom), Paint::solid(MUTED), 1.3)?;
        let lettering = Lettering::new(SMALL, MUTED, Anchor::Middle);
        canvas.text((centre, area.top - 10.0), label, lettering)?;
    }
    Ok(())
}

/// Least distance of two labels.
const LABEL_GAP: f64 = 14.0;

/// Centres of labels of these `widths` as near to the ascending `wanted` ones as they can be: two that would meet
/// share the way.
fn apart(wanted: &[f64], widths: &[f64]) -> Vec<f64> {
    let mut centres: Vec<f64> = wanted.to_vec();
    for index in 1..centres.len() {
        let distance = 0.5 * (widths[index - 1] + widths[index]) + LABEL_GAP;
        let missing = distance - (centres[index] - centres[index - 1]);
        if missing > 0.0 {
            centres[index - 1] -= 0.5 * missing;
            centres[index] += 0.5 * missing;
        }
    }
    let mut left = EDGE;
    for (centre, width) in centres.iter_mut().zip(widths) {
        *centre = centre.max(left + 0.5 * width);
        left = *centre + 0.5 * width + LABEL_GAP;
    }
    let mut right = WIDTH - EDGE;
    for (centre, width) in centres.iter_mut().zip(widths).rev() {
        *centre = centre.min(right - 0.5 * width);
        right = *centre - 0.5 * width - LABEL_GAP;
    }
    centres
}

fn paint_row(
    canvas: &mut Canvas<'_>,
    area: &Area,
    range: &Range,
    row: &IntervalRow,
    y: f64,
    look: usize,
) -> Result<(), PlotError> {
    let rgb = colour_of(look);
    let place = |value: f64| range.position(value).map(|share| area.x(share));
    for sample in &row.samples {
        if let Some(x) = place(*sample) {
            canvas.disc((x, y), 3.2, Paint::clear(rgb, 0.3))?;
        }
    }
    if let (Some(low), Some(high)) = (place(row.interval.low), place(row.interval.high)) {
        canvas.line((low, y), (high, y), Paint::solid(rgb), 2.6)?;
        for end in [low, high] {
            canvas.line((end, y - 5.0), (end, y + 5.0), Paint::solid(rgb), 1.6)?;
        }
    }
    match place(row.interval.estimate) {
        Some(x) => marker(canvas, look, (x, y), 5.0, rgb),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_share_the_way_apart_and_stay_inside() {
        assert_eq!(apart(&[100.0, 400.0], &[50.0, 50.0]), [100.0, 400.0]);
        assert_eq!(apart(&[200.0, 210.0], &[50.0, 50.0]), [173.0, 237.0]);
        let edge = EDGE + 25.0;
        assert_eq!(apart(&[0.0, 1.0], &[50.0, 50.0]), [edge, edge + 64.0]);
        let edge = WIDTH - EDGE - 25.0;
        assert_eq!(apart(&[WIDTH, WIDTH], &[50.0, 50.0]), [edge - 64.0, edge]);
    }
}
