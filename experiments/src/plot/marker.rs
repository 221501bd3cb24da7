//! Markers: the shape tells series apart where colour does not.

use super::PlotError;
use super::canvas::{Canvas, Paint, Point};
use super::palette::PAPER;

/// Outlines on a circle of radius 1, as polygons; the first is a disc.
const SHAPES: [&[Point]; 8] = [
    &[],
    &[(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    &[(0.0, -1.15), (1.05, 0.75), (-1.05, 0.75)],
    &[(0.0, -1.25), (1.0, 0.0), (0.0, 1.25), (-1.0, 0.0)],
    &[(-1.05, -0.75), (1.05, -0.75), (0.0, 1.15)],
    // Plus.
    &[
        (-0.4, -1.15),
        (0.4, -1.15),
        (0.4, -0.4),
        (1.15, -0.4),
        (1.15, 0.4),
        (0.4, 0.4),
        (0.4, 1.15),
        (-0.4, 1.15),
        (-0.4, 0.4),
        (-1.15, 0.4),
        (-1.15, -0.4),
        (-0.4, -0.4),
    ],
    // Cross.
    &[
        (0.0, -0.52),
        (0.62, -1.14),
        (1.14, -0.62),
        (0.52, 0.0),
        (1.14, 0.62),
        (0.62, 1.14),
        (0.0, 0.52),
        (-0.62, 1.14),
        (-1.14, 0.62),
        (-0.52, 0.0),
        (-1.14, -0.62),
        (-0.62, -1.14),
    ],
    // Hourglass.
    &[
        (-1.0, -1.0),
        (1.0, -1.0),
        (0.15, 0.0),
        (1.0, 1.0),
        (-1.0, 1.0),
        (-0.15, 0.0),
    ],
];

/// Draws the marker of series `index`, with a thin white edge that lifts it off the lines below.
pub(super) fn marker(
    canvas: &mut Canvas<'_>,
    index: usize,
    at: Point,
    radius: f64,
    rgb: [u8; 3],
) -> Result<(), PlotError> {
    let outline = SHAPES[index % SHAPES.len()];
    if outline.is_empty() {
        canvas.disc(at, radius + 0.9, Paint::solid(PAPER))?;
        return canvas.disc(at, radius, Paint::solid(rgb));
    }
    let scaled = |radius: f64| -> Vec<Point> {
        let corners = outline.iter();
        corners
            .map(|(x, y)| (at.0 + radius * x, at.1 + radius * y))
            .collect()
    };
    canvas.polygon(&scaled(radius + 1.0), Paint::solid(PAPER))?;
    canvas.polygon(&scaled(radius), Paint::solid(rgb))
}
