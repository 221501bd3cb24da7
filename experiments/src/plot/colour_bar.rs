//! Magnitudes as colours, and the bar that explains them.

use super::PlotError;
use super::axis::{Range, Scale, drawable};
use super::canvas::{Anchor, Canvas, Lettering, Paint, crisp};
use super::frame::{Area, EDGE, LABEL, NAME, SMALL, vertical_ticks, widest};
use super::palette::{FAINT, GRID, INK, MUTED, viridis};
use super::text;
use super::ticks::Tick;

/// From the matrix to the bar.
const GAP: f64 = 18.0;
const WIDTH: f64 = 14.0;
/// From the bar to the labels of its ticks.
const TICK: f64 = 7.0;
/// Height of a swatch with its distance to the next.
const SWATCH: f64 = 20.0;
/// Distance of the bar to the first swatch.
const SWATCH_GAP: f64 = 14.0;

/// Colour of `value`: viridis inside the range, a light grey for zero and below on a logarithmic scale, a lighter one for
/// what is no number.
pub(super) fn colour_of(range: &Range, value: f64) -> [u8; 3] {
    match range.position(value) {
        Some(share) => viridis(share),
        None if drawable(Scale::Linear, value) => GRID,
        None => FAINT,
    }
}

/// A bar that stands right of a matrix and is as high, with swatches for what is not on its scale.
pub(super) struct ColourBar {
    range: Range,
    height: f64,
    ticks: Vec<Tick>,
    swatches: Vec<([u8; 3], &'static str)>,
}

impl ColourBar {
    /// The bar for `values`, of which some have a place in `range`.
    pub(super) fn of(range: Range, values: &[f64], height: f64) -> Self {
        let off_scale = || {
            values
                .iter()
                .filter(|value| range.position(**value).is_none())
        };
        let mut swatches = Vec::new();
        if off_scale().any(|value| drawable(Scale::Linear, *value)) {
            let negative = values.iter().any(|value| *value < 0.0);
            swatches.push((GRID, if negative { "≤ 0" } else { "0" }));
        }
        if off_scale().any(|value| !drawable(Scale::Linear, *value)) {
            swatches.push((FAINT, "none"));
        }
        let gap = if swatches.is_empty() {
            0.0
        } else {
            SWATCH_GAP - 6.0
        };
        let height = height - gap - SWATCH * swatches.len() as f64;
        Self {
            range,
            height,
            ticks: vertical_ticks(&range, 1.4 * height),
            swatches,
        }
    }

    /// Width of the bar with all that belongs to it, from the matrix on.
    pub(super) fn room(&self) -> f64 {
        GAP + WIDTH + TICK + self.label_room() + 14.0 + 0.5 * LABEL
    }

    fn label_room(&self) -> f64 {
        let swatches = self.swatches.iter().map(|swatch| swatch.1);
        widest(
            self.ticks
                .iter()
                .map(|tick| tick.label.as_str())
                .chain(swatches),
            SMALL,
        )
    }

    /// Draws the bar right of `matrix`, with its name reading upwards.
    pub(super) fn paint(
        &self,
        canvas: &mut Canvas<'_>,
        matrix: &Area,
        name: &str,
    ) -> Result<(), PlotError> {
        let left = matrix.right + GAP;
        let bar = Area {
            left,
            top: matrix.top,
            right: left + WIDTH,
            bottom: matrix.top + self.height,
        };
        // Slices of a pixel; each is covered a little by the next, which hides the seams of antialiasing.
        let slices = bar.height().floor() as usize;
        for slice in 0..slices {
            let y = bar.top + slice as f64;
            let share = 1.0 - (slice as f64 + 0.5) / slices as f64;
            let end = (y + 1.5).min(bar.bottom);
            canvas.rectangle(
                (bar.left, y),
                (bar.right, end),
                Paint::solid(viridis(share)),
            )?;
        }
        let labels = bar.right + TICK;
        for tick in &self.ticks {
            if let Some(share) = self.range.position(tick.value) {
                let y = crisp(bar.y(share));
                canvas.line(
                    (bar.right, y),
                    (bar.right + 4.0, y),
                    Paint::solid(MUTED),
                    1.0,
                )?;
                canvas.text((labels, y), &tick.label, NAME)?;
            }
        }
        for (index, (rgb, label)) in self.swatches.iter().enumerate() {
            let y = bar.bottom + SWATCH_GAP + SWATCH * index as f64;
            let (top_left, bottom_right) = ((bar.left, y), (bar.right, y + 14.0));
            let corners = [
                top_left,
                (bar.right, y),
                bottom_right,
                (bar.left, y + 14.0),
                top_left,
            ];
            canvas.rectangle(top_left, bottom_right, Paint::solid(*rgb))?;
            canvas.polyline(&corners, Paint::solid(MUTED), 0.6)?;
            canvas.text((labels, y + 7.0), label, NAME)?;
        }
        let name = text::fit(name, LABEL, matrix.height());
        let lettering = Lettering::new(LABEL, INK, Anchor::Middle).upright();
        let x = labels + self.label_room() + 14.0;
        canvas.text((x, matrix.y(0.5)), &name, lettering)
    }
}

/// Room that a bar is given before its labels are known.
pub(super) const USUAL_ROOM: f64 = GAP + WIDTH + TICK + 44.0 + EDGE;
