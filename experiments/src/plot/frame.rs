//! The parts that plots share: heading, axes with their grid, notes.

use super::PlotError;
use super::axis::Range;
use super::canvas::{Anchor, Canvas, Lettering, Paint, Point, crisp};
use super::palette::{GRID, INK, MUTED};
use super::text;
use super::ticks::{Tick, ticks};

/// Size of tick labels, names and notes.
pub(super) const SMALL: f64 = 11.5;
/// Size of axis labels.
pub(super) const LABEL: f64 = 12.5;
const TITLE: f64 = 16.0;
/// Room between the picture and its edge.
pub(super) const EDGE: f64 = 16.0;

pub(super) const NAME: Lettering = Lettering::new(SMALL, INK, Anchor::Start);
pub(super) const NOTE: Lettering = Lettering::new(SMALL, MUTED, Anchor::Start);

/// The rectangle that data is drawn into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Horizontal place of a share of the width.
    pub(super) fn x(&self, share: f64) -> f64 {
        self.left + share * self.width()
    }

    /// Vertical place of a share of the height, from the bottom.
    pub(super) fn y(&self, share: f64) -> f64 {
        self.bottom - share * self.height()
    }
}

/// Height that [`heading`] takes.
pub(super) fn heading_height(title: &str, subtitle: &str) -> f64 {
    let lines = |text: &str, height: f64| if text.is_empty() { 0.0 } else { height };
    EDGE + lines(title, 22.0) + lines(subtitle, 18.0)
}

/// Title and subtitle at the top left.
pub(super) fn heading(
    canvas: &mut Canvas<'_>,
    title: &str,
    subtitle: &str,
    width: f64,
) -> Result<(), PlotError> {
    let room = width - 2.0 * EDGE;
    let mut y = EDGE + 8.0;
    if !title.is_empty() {
        let title = text::fit(title, TITLE * text::BOLD, room);
        let lettering = Lettering::new(TITLE, INK, Anchor::Start).bold();
        canvas.text((EDGE, y), &title, lettering)?;
        y += 21.0;
    }
    if !subtitle.is_empty() {
        let subtitle = text::fit(subtitle, LABEL, room);
        let lettering = Lettering::new(LABEL, MUTED, Anchor::Start);
        canvas.text((EDGE, y), &subtitle, lettering)?;
    }
    Ok(())
}

/// In place of a plot that has nothing to show.
pub(super) fn no_data(canvas: &mut Canvas<'_>, centre: Point) -> Result<(), PlotError> {
    let lettering = Lettering::new(14.0, MUTED, Anchor::Middle);
    canvas.text(centre, "no data to show", lettering)
}

/// The width of the widest of `labels`.
pub(super) fn widest<'a>(labels: impl IntoIterator<Item = &'a str>, size: f64) -> f64 {
    labels
        .into_iter()
        .map(|label| text::width(label, size))
        .fold(0.0, f64::max)
}

/// Ticks of a vertical axis of the given height in pixels.
pub(super) fn vertical_ticks(range: &Range, height: f64) -> Vec<Tick> {
    ticks(range, (height / 55.0) as usize)
}

/// Ticks of a horizontal axis of the given width in pixels, few enough for their labels.
pub(super) fn horizontal_ticks(range: &Range, width: f64) -> Vec<Tick> {
    let mut target = (width / 70.0) as usize;
    loop {
        let ticks = ticks(range, target);
        let label = widest(ticks.iter().map(|tick| tick.label.as_str()), SMALL) + 14.0;
        if target <= 2 || label * ticks.len() as f64 <= width {
            return ticks;
        }
        target -= 1;
    }
}

/// Grid lines, tick labels and the line of a horizontal axis below `area`.
pub(super) fn horizontal_axis(
    canvas: &mut Canvas<'_>,
    area: &Area,
    range: &Range,
    ticks: &[Tick],
    label: &str,
) -> Result<(), PlotError> {
    let lettering = Lettering::new(SMALL, MUTED, Anchor::Middle);
    for tick in ticks {
        let Some(share) = range.position(tick.value) else {
            continue;
        };
        let x = crisp(area.x(share));
        canvas.line((x, area.top), (x, area.bottom), Paint::solid(GRID), 1.0)?;
        canvas.line(
            (x, area.bottom),
            (x, area.bottom + 4.0),
            Paint::solid(MUTED),
            1.0,
        )?;
        canvas.text((x, area.bottom + 14.0), &tick.label, lettering)?;
    }
    let middle = area.x(0.5);
    let label = text::fit(label, LABEL, area.width());
    let lettering = Lettering::new(LABEL, INK, Anchor::Middle);
    canvas.text((middle, area.bottom + 34.0), &label, lettering)
}

/// Grid lines and tick labels of a vertical axis left of `area`; `label` reads upwards at `label_x`.
pub(super) fn vertical_axis(
    canvas: &mut Canvas<'_>,
    area: &Area,
    range: &Range,
    ticks: &[Tick],
    label: (&str, f64),
) -> Result<(), PlotError> {
    let lettering = Lettering::new(SMALL, MUTED, Anchor::End);
    for tick in ticks {
        let Some(share) = range.position(tick.value) else {
            continue;
        };
        let y = crisp(area.y(share));
        canvas.line((area.left, y), (area.right, y), Paint::solid(GRID), 1.0)?;
        canvas.text((area.left - 7.0, y), &tick.label, lettering)?;
    }
    let (label, label_x) = label;
    let label = text::fit(label, LABEL, area.height());
    let lettering = Lettering::new(LABEL, INK, Anchor::Middle).upright();
    canvas.text((label_x, area.y(0.5)), &label, lettering)
}

/// The two lines that bound the area at the left and the bottom, drawn over the data.
pub(super) fn spines(canvas: &mut Canvas<'_>, area: &Area) -> Result<(), PlotError> {
    let (left, bottom) = (crisp(area.left), crisp(area.bottom));
    let corner = [(left, area.top), (left, bottom), (area.right, bottom)];
    canvas.polyline(&corner, Paint::solid(MUTED), 1.0)
}

/// A remark at the bottom left.
pub(super) fn note(
    canvas: &mut Canvas<'_>,
    y: f64,
    text: &str,
    width: f64,
) -> Result<(), PlotError> {
    let text = text::fit(text, SMALL, width - 2.0 * EDGE);
    canvas.text((EDGE, y), &text, NOTE)
}

/// What to say about `count` values that could not be drawn.
pub(super) fn hidden_note(count: usize, log: bool) -> Option<String> {
    let values = if count == 1 {
        "1 value is"
    } else {
        "values are"
    };
    let reason = if log {
        "not finite, or not positive on a logarithmic axis"
    } else {
        "not finite"
    };
    match count {
        0 => None,
        1 => Some(format!("{values} not shown: {reason}.")),
        _ => Some(format!("{count} {values} not shown: {reason}.")),
    }
}
