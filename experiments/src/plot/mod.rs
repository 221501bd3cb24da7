//! Pictures of an experiment, as SVG text with the same bytes for the same data.
//!
//! * [`line_plot`]: learning and regret curves with bands, linear or logarithmic axes.
//! * [`interval_plot`]: one point with an interval per agent (final score, probability of improvement).
//! * [`bar_groups`]: one small bar chart per agent on a shared axis (pull counts per arm).
//! * [`heat_map`]: a matrix with a colour bar (state visits, payoff tables).
//! * [`envelope_plot`]: lines and their upper envelope (α-vectors over the beliefs of two states).
//! * [`scatter_plot`]: points in groups with their centres (efficiency against fairness).
//! * [`strips`]: schedules, as rows of coloured plays (which arm in which round).
//! * [`svg_to_png`]: any of them as a PNG, on machines without a single installed font.
//!
//! Each takes a plain description and returns a whole document. Data never makes a plot fail: a value that cannot be
//! drawn (NaN, infinite, or not positive on a logarithmic axis) leaves a gap and is counted in a note under the plot,
//! and without any drawable value the plot says so. Only a description that contradicts itself, as two columns of
//! different length, is an error.
//!
//! Colours are those of Okabe and Ito (*Color Universal Design*, 2008), told apart with the common forms of colour
//! blindness; markers and end labels tell series apart without any colour. Heat maps use viridis, which is uniform in
//! lightness.

mod axis;
mod bars;
mod canvas;
mod colour_bar;
mod envelope;
mod frame;
mod heat_map;
mod interval;
mod legend;
mod line;
mod marker;
mod palette;
mod png;
mod scatter;
mod simplify;
mod strips;
#[cfg(test)]
mod tests;
mod text;
mod ticks;

pub use axis::{Axis, Reference, Scale};
pub use bars::{BarGroup, BarGroups, bar_groups};
pub use envelope::{EnvelopeLine, EnvelopePlot, envelope_plot};
pub use heat_map::{HeatMap, heat_map};
pub use interval::{IntervalPlot, IntervalRow, interval_plot};
pub use line::{Band, LinePlot, Series, line_plot};
pub(crate) use palette::series as series_colour;
pub use png::svg_to_png;
pub use scatter::{ScatterGroup, ScatterPlot, scatter_plot};
pub use strips::{MOST_STRIP_ROWS, Strip, StripPlot, strips};
pub(crate) use ticks::measured;

/// Why a picture cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// Two parts of a description that belong together differ in length.
    #[error("{what} needs {expected} values and has {len}")]
    Length {
        /// The part that does not fit.
        what: String,
        /// Values needed.
        expected: usize,
        /// Values given.
        len: usize,
    },
    /// The drawing backend failed.
    #[error("cannot write the drawing: {0}")]
    Draw(String),
    /// The text given is not an SVG document.
    #[error("cannot read the SVG: {0}")]
    Svg(#[from] resvg::usvg::Error),
    /// The picture has no size that can be rendered.
    #[error(
        "cannot render {width} x {height} at scale {scale}: the scale is 0 or less, or the image too large"
    )]
    Size {
        /// Width of the document in CSS pixels.
        width: f32,
        /// Height of the document in CSS pixels.
        height: f32,
        /// Scale asked for.
        scale: f32,
    },
    /// The image cannot be encoded.
    #[error("cannot encode the PNG: {0}")]
    Encode(String),
}

/// Checks that `what` has `expected` values.
fn check_length(
    what: impl FnOnce() -> String,
    expected: usize,
    len: usize,
) -> Result<(), PlotError> {
    if len == expected {
        return Ok(());
    }
    Err(PlotError::Length {
        what: what(),
        expected,
        len,
    })
}
