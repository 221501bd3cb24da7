//! Schedules under one another: which arms are played in which round, and what the plays are worth.

use super::axis::{Range, Scale};
use super::bars::round_step;
use super::canvas::{Anchor, Canvas, Lettering, Paint, document};
use super::colour_bar::{ColourBar, USUAL_ROOM, colour_of};
use super::frame::{Area, EDGE, LABEL, SMALL, heading, heading_height, no_data, widest};
use super::palette::{FAINT, INK, MUTED};
use super::{PlotError, check_length, text};

/// Schedules that share a colour scale.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StripPlot {
    /// What is shown.
    pub title: String,
    /// How it was made.
    pub subtitle: String,
    /// What the rows of a strip are: `arm`.
    pub row_label: String,
    /// What the columns are: `round`.
    pub column_label: String,
    /// What the colour of a play shows: `mean payoff`.
    pub value_label: String,
    /// The schedules, from top to bottom.
    pub strips: Vec<Strip>,
}

/// One schedule.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Strip {
    /// Whose it is.
    pub name: String,
    /// What is to be said of it, beside the name.
    pub remark: String,
    /// Number of the first column.
    pub first: u64,
    /// Rows; at most [`MOST_STRIP_ROWS`] can be told apart.
    pub rows: usize,
    /// Columns after which it begins anew, if it does; marked by lines.
    pub period: Option<usize>,
    /// Row-major values: `values[row * columns + column]`, nothing where there is no play.
    pub values: Vec<Option<f64>>,
}

/// Rows of a strip that can still be told apart.
pub const MOST_STRIP_ROWS: usize = 40;

const WIDTH: f64 = 860.0;
/// Largest size of a cell.
const CELL: f64 = 15.0;
/// Room above a strip for its name.
const NAME_ROOM: f64 = 22.0;
/// Room below a strip for the numbers of its columns.
const NUMBER_ROOM: f64 = 22.0;

/// Draws schedules under one another with one colour bar.
///
/// # Errors
/// [`PlotError::Length`] if a strip has not the same number of values in every row.
pub fn strips(plot: &StripPlot) -> Result<String, PlotError> {
    for strip in &plot.strips {
        let columns = columns(strip);
        check_length(
            || format!("strip `{}`", strip.name),
            strip.rows * columns,
            strip.values.len(),
        )?;
    }
    let most_rows = plot
        .strips
        .iter()
        .map(|strip| strip.rows)
        .max()
        .unwrap_or(0);
    let most_columns = plot.strips.iter().map(columns).max().unwrap_or(0);
    let row_names = text::width(&most_rows.saturating_sub(1).to_string(), SMALL);
    let left = EDGE + 20.0 + row_names + 8.0;
    let room = WIDTH - EDGE - USUAL_ROOM - left;
    let cell_width = (room / most_columns.max(1) as f64).min(CELL);
    let top = heading_height(&plot.title, &plot.subtitle) + 4.0;
    let mut bottom = top;
    let tops: Vec<f64> = (plot.strips.iter())
        .map(|strip| {
            let top = bottom + NAME_ROOM;
            bottom = top + strip.rows as f64 * cell_height(strip) + NUMBER_ROOM;
            top
        })
        .collect();
    let bottom = bottom.max(top + 60.0);
    let height = bottom + 28.0;

    let right = left + most_columns as f64 * cell_width;
    let matrix = Area {
        left,
        top: tops.first().copied().unwrap_or(top),
        right,
        bottom: (bottom - NUMBER_ROOM).min(top + NAME_ROOM + 220.0),
    };
    let values: Vec<f64> = (plot.strips.iter())
        .flat_map(|strip| strip.values.iter().copied().flatten())
        .collect();
    // From nothing to the largest payoff: a dark play is a poor one.
    let range = Range::of(Scale::Linear, values.iter().copied().chain([0.0]), 0.0);
    let bar = range.map(|range| (range, ColourBar::of(range, &values, matrix.height())));
    let beside = bar.as_ref().map_or(0.0, |(_, bar)| bar.room());
    // The numbers of the colour bar may be long.
    let width = WIDTH.max(right + beside + EDGE);

    document(width, height, &plot.title, |canvas| {
        heading(canvas, &plot.title, &plot.subtitle, WIDTH)?;
        let (false, Some((range, bar))) = (plot.strips.is_empty(), bar) else {
            return no_data(canvas, (0.5 * WIDTH, 0.5 * (top + bottom)));
        };
        for (strip, &top) in plot.strips.iter().zip(&tops) {
            let area = Area {
                left,
                top,
                right: left + columns(strip) as f64 * cell_width,
                bottom: top + strip.rows as f64 * cell_height(strip),
            };
            Drawn { strip, area, range }.paint(canvas, plot)?;
        }
        let lettering = Lettering::new(LABEL, INK, Anchor::Middle);
        let label = text::fit(&plot.column_label, LABEL, WIDTH - 2.0 * EDGE);
        let half = 0.5 * text::width(&label, LABEL);
        let middle = matrix.x(0.5).max(EDGE + half);
        canvas.text((middle, bottom + 8.0), &label, lettering)?;
        bar.paint(canvas, &matrix, &plot.value_label)
    })
}

fn columns(strip: &Strip) -> usize {
    strip.values.len().checked_div(strip.rows).unwrap_or(0)
}

/// Lower cells where there are many rows.
fn cell_height(strip: &Strip) -> f64 {
    (160.0 / strip.rows.max(1) as f64).clamp(4.0, CELL).floor()
}

struct Drawn<'a> {
    strip: &'a Strip,
    area: Area,
    range: Range,
}

impl Drawn<'_> {
    fn paint(&self, canvas: &mut Canvas<'_>, plot: &StripPlot) -> Result<(), PlotError> {
        let Self { strip, area, range } = self;
        let room = WIDTH - EDGE - area.left;
        let name = text::fit(&strip.name, LABEL * text::BOLD, room);
        let bold = Lettering::new(LABEL, INK, Anchor::Start).bold();
        canvas.text((area.left, area.top - 10.0), &name, bold)?;
        let start = area.left + text::width(&name, LABEL * text::BOLD) + 10.0;
        let room = WIDTH - EDGE - start;
        // A long name leaves no room for a word.
        if room > 4.0 * SMALL {
            let remark = text::fit(&strip.remark, SMALL, room);
            let muted = Lettering::new(SMALL, MUTED, Anchor::Start);
            canvas.text((start, area.top - 10.0), &remark, muted)?;
        }

        canvas.rectangle(
            (area.left, area.top),
            (area.right, area.bottom),
            Paint::solid(FAINT),
        )?;
        let columns = columns(strip);
        let width = area.width() / columns.max(1) as f64;
        let height = area.height() / strip.rows.max(1) as f64;
        // A gap between cells, where there is room for one, so that plays can be counted.
        let gap = if width >= 5.0 { 1.0 } else { 0.0 };
        for (index, value) in strip.values.iter().enumerate() {
            let Some(value) = value else {
                continue;
            };
            let (row, column) = (index / columns, index % columns);
            let x = area.left + column as f64 * width;
            let y = area.top + row as f64 * height;
            let colour = Paint::solid(colour_of(range, *value));
            canvas.rectangle((x, y), (x + width - gap, y + height - gap), colour)?;
        }
        let period = strip.period.filter(|period| (1..columns).contains(period));
        for column in period
            .into_iter()
            .flat_map(|period| (period..columns).step_by(period))
        {
            let x = area.left + column as f64 * width - 0.5 * gap;
            let line = Paint::solid(MUTED);
            canvas.line((x, area.top - 2.0), (x, area.bottom + 2.0), line, 1.0)?;
        }
        self.names(canvas, plot, width, height)
    }

    fn names(
        &self,
        canvas: &mut Canvas<'_>,
        plot: &StripPlot,
        width: f64,
        height: f64,
    ) -> Result<(), PlotError> {
        let Self { strip, area, .. } = self;
        let every = round_step(((SMALL + 2.0) / height).ceil() as usize);
        let end = Lettering::new(SMALL, INK, Anchor::End);
        for row in (0..strip.rows).step_by(every) {
            let y = area.top + (row as f64 + 0.5) * height;
            canvas.text((area.left - 7.0, y), &row.to_string(), end)?;
        }
        let label = text::fit(&plot.row_label, LABEL, area.height());
        let upright = Lettering::new(LABEL, INK, Anchor::Middle).upright();
        canvas.text((EDGE + 4.0, area.y(0.5)), &label, upright)?;

        let columns = columns(strip) as u64;
        let last = (strip.first + columns).saturating_sub(1).to_string();
        let room = widest([last.as_str()], SMALL) + 10.0;
        let every = round_step((room / width).ceil() as usize) as u64;
        let middle = Lettering::new(SMALL, MUTED, Anchor::Middle);
        let numbers = (0..columns).map(|column| (column, strip.first + column));
        for (column, number) in numbers.filter(|(_, number)| number.is_multiple_of(every)) {
            let x = area.left + (column as f64 + 0.5) * width;
            canvas.text((x, area.bottom + 10.0), &number.to_string(), middle)?;
        }
        Ok(())
    }
}
