//! The legend of a line plot: a column of names at its right, each as near as it can be to the end of its curve.

use super::canvas::{Canvas, Paint, crisp};
use super::frame::{Area, NAME, SMALL};
use super::marker::marker;
use super::palette::{MUTED, series as colour_of};
use super::{PlotError, text};

/// Vertical distance of two names.
pub(super) const NAME_STEP: f64 = 18.0;
/// Radius of markers, here and along the curves.
pub(super) const RADIUS: f64 = 4.0;
/// From the area to the markers of the legend.
const LEADER: f64 = 30.0;
/// Half the length of the piece of line behind a marker.
const SAMPLE: f64 = 12.0;
/// From a marker to its name.
const NAME_GAP: f64 = 17.0;
/// From the area to the names.
pub(super) const LEGEND_ROOM: f64 = LEADER + NAME_GAP;

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Look {
    /// The series of this index.
    Curve(usize),
    /// The points of this index.
    Point(usize),
    /// A dashed line.
    Reference,
}

/// A name in the legend.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) look: Look,
    /// Height at which the curve ends.
    pub(super) end: f64,
    /// Whether it ends at the right edge of the area, so that a leader can join it to its name.
    pub(super) reaches: bool,
}

/// Draws the legend right of `area`; names longer than `name_room` are cut.
pub(super) fn legend(
    canvas: &mut Canvas<'_>,
    area: &Area,
    entries: &[Entry<'_>],
    name_room: f64,
) -> Result<(), PlotError> {
    let wanted: Vec<f64> = entries.iter().map(|entry| entry.end).collect();
    let heights = spread(&wanted, NAME_STEP, area.top + 4.0, area.bottom - 4.0);
    let x = area.right + LEADER;
    for (entry, &y) in entries.iter().zip(&heights) {
        let rgb = match entry.look {
            Look::Curve(index) | Look::Point(index) => colour_of(index),
            Look::Reference => MUTED,
        };
        if entry.reaches {
            let leader = [
                (area.right + 2.0, entry.end),
                (x - 1.6 * SAMPLE, y),
                (x - SAMPLE, y),
            ];
            canvas.polyline(&leader, Paint::clear(rgb, 0.6), 1.0)?;
        }
        match entry.look {
            Look::Curve(index) => {
                canvas.line((x - SAMPLE, y), (x + SAMPLE, y), Paint::solid(rgb), 1.8)?;
                marker(canvas, index, (x, y), RADIUS, rgb)?;
            }
            Look::Point(index) => marker(canvas, index, (x, y), RADIUS, rgb)?,
            Look::Reference => {
                let y = crisp(y);
                canvas.dashes((x - SAMPLE, y), (x + SAMPLE, y), Paint::solid(rgb), 1.3)?;
            }
        }
        let name = text::fit(entry.name, SMALL, name_room);
        canvas.text((x + NAME_GAP, y), &name, NAME)?;
    }
    Ok(())
}

/// Moves `wanted` heights apart to at least `step`, as little as possible, in order, within `top..bottom`.
///
/// Neighbours that are too close form a block around the mean of what its members want; blocks that meet are merged.
fn spread(wanted: &[f64], step: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    // (sum of wanted heights with each member moved to the block's first place, members)
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    let clamp = |(sum, count): (f64, usize)| {
        let last_start = bottom - (count - 1) as f64 * step;
        (sum / count as f64).min(last_start).max(top)
    };
    for &index in &order {
        let mut block = (wanted[index], 1);
        while let Some(&above) = blocks.last() {
            if clamp(above) + above.1 as f64 * step <= clamp(block) {
                break;
            }
            blocks.pop();
            block = (
                above.0 + block.0 - (above.1 * block.1) as f64 * step,
                above.1 + block.1,
            );
        }
        blocks.push(block);
    }
    let mut heights = vec![0.0; wanted.len()];
    let places = blocks.iter().flat_map(|block| {
        let start = clamp(*block);
        (0..block.1).map(move |member| start + member as f64 * step)
    });
    for (&index, height) in order.iter().zip(places) {
        heights[index] = height;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_moved_apart_in_order() {
        assert_eq!(
            spread(&[10.0, 50.0, 90.0], 10.0, 0.0, 100.0),
            [10.0, 50.0, 90.0]
        );
        // Two at one place share the move; order of equals is kept.
        assert_eq!(spread(&[50.0, 50.0], 10.0, 0.0, 100.0), [45.0, 55.0]);
        // All at the bottom are stacked upwards from it.
        assert_eq!(
            spread(&[100.0, 99.0, 98.0], 10.0, 0.0, 100.0),
            [100.0, 90.0, 80.0]
        );
        let many: Vec<f64> = (0..10).map(|i| f64::from(i % 3) * 20.0).collect();
        let mut heights = spread(&many, 10.0, 0.0, 100.0);
        heights.sort_by(f64::total_cmp);
        for pair in heights.windows(2) {
            assert!(pair[1] - pair[0] >= 10.0 - 1e-9, "{heights:?}");
        }
        assert!(heights[0] >= 0.0 && heights[9] <= 100.0);
    }
}
