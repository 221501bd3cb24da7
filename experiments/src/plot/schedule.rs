//! Who plays when: one row per arm, one column per round, a cell filled where the arm is played.

use super::bars::round_step;
use super::canvas::{Anchor, Canvas, Lettering, Paint, crisp, document};
use super::frame::{Area, EDGE, LABEL, SMALL, heading, heading_height, no_data, note, widest};
use super::palette::{FAINT, GRID, INK, MUTED, PAPER, series};
use super::ticks::measured;
use super::{PlotError, text};

/// The plays of a list of rounds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SchedulePlot {
    /// What is shown.
    pub title: String,
    /// How it was made.
    pub subtitle: String,
    /// What the rows are: `arm`.
    pub row_label: String,
    /// What the columns are: `round`.
    pub column_label: String,
    /// What the number in a filled cell is, for a note under the plot: `mean payoff`.
    pub cell_label: String,
    /// Names of the rows, from top to bottom.
    pub rows: Vec<String>,
    /// The plays of each round, from left to right: row and number.
    pub rounds: Vec<Vec<(usize, f64)>>,
}

const WIDTH: f64 = 860.0;
/// Height of the rows together, if they need not be thinner than [`THINNEST`].
const LARGEST_HEIGHT: f64 = 420.0;
const THINNEST: f64 = 2.0;
/// Rows and columns shown; more of them are cut off, and a note says so.
const MOST_ROWS: usize = 500;
const MOST_ROUNDS: usize = 240;

/// Draws a schedule as a strip. Cells show their numbers if all of them have room.
///
/// # Errors
/// [`PlotError::Length`] if a play names a row that does not exist.
pub fn schedule_plot(plot: &SchedulePlot) -> Result<String, PlotError> {
    let plays = plot.rounds.iter().flatten();
    if let Some((row, _)) = plays.clone().find(|(row, _)| *row >= plot.rows.len()) {
        return Err(PlotError::Length {
            what: "the list of rows".into(),
            expected: row + 1,
            len: plot.rows.len(),
        });
    }
    let rows = plot.rows.len().min(MOST_ROWS);
    let rounds = plot.rounds.len().min(MOST_ROUNDS);
    let names = widest(plot.rows.iter().map(String::as_str), SMALL).min(180.0);
    let left = EDGE + 20.0 + names + 8.0;
    let top = heading_height(&plot.title, &plot.subtitle) + 8.0;
    let numbers = Numbers::of(plot);
    let room = WIDTH - EDGE - left;
    let cell_width = cell(room, rounds, 46.0);
    let cell_height = cell(LARGEST_HEIGHT, rows, 30.0).max(THINNEST);
    let area = Area {
        left,
        top,
        right: left + (cell_width * rounds as f64).max(120.0),
        bottom: top + (cell_height * rows as f64).max(60.0),
    };
    let with_numbers = numbers.fit(cell_width, cell_height);
    let remarks = remarks(plot, with_numbers);
    let height = area.bottom + 48.0 + 18.0 * remarks.len() as f64;
    // As wide as the strip, but never narrower than the texts need.
    let texts = [(&plot.title, 16.0 * text::BOLD), (&plot.subtitle, LABEL)];
    let texts = texts.map(|(line, size)| text::width(line, size));
    let notes = widest(remarks.iter().map(String::as_str), SMALL);
    let needed = texts[0].max(texts[1]).max(notes) + 2.0 * EDGE;
    let width = (area.right + EDGE).max(needed.min(WIDTH));

    document(width, height, &plot.title, |canvas| {
        heading(canvas, &plot.title, &plot.subtitle, width)?;
        for (index, remark) in remarks.iter().rev().enumerate() {
            note(canvas, height - 12.0 - 18.0 * index as f64, remark, width)?;
        }
        if rows == 0 || rounds == 0 {
            return no_data(canvas, (0.5 * width, 0.5 * (area.top + area.bottom)));
        }
        let strip = Strip {
            area,
            cell_width,
            cell_height,
            rows,
            rounds,
        };
        strip.background(canvas)?;
        strip.plays(canvas, plot, with_numbers)?;
        strip.names(canvas, plot, names)?;
        let lettering = Lettering::new(LABEL, INK, Anchor::Middle);
        let label = text::fit(&plot.row_label, LABEL, area.height());
        canvas.text((EDGE + 4.0, area.y(0.5)), &label, lettering.upright())?;
        let label = text::fit(&plot.column_label, LABEL, width - left - EDGE);
        let lettering = Lettering::new(LABEL, INK, Anchor::Start);
        canvas.text((left, area.bottom + 34.0), &label, lettering)
    })
}

/// Whole pixels where possible, so that all cells look the same.
fn cell(room: f64, count: usize, largest: f64) -> f64 {
    let size = (room / count.max(1) as f64).min(largest);
    if size >= 1.0 { size.floor() } else { size }
}

/// Room that the numbers of the cells need.
struct Numbers {
    width: f64,
}

impl Numbers {
    fn of(plot: &SchedulePlot) -> Self {
        let texts: Vec<String> = plot
            .rounds
            .iter()
            .flatten()
            .map(|(_, v)| number(*v))
            .collect();
        Self {
            width: widest(texts.iter().map(String::as_str), SMALL - 1.0),
        }
    }

    fn fit(&self, cell_width: f64, cell_height: f64) -> bool {
        self.width > 0.0 && self.width + 5.0 <= cell_width && SMALL + 3.0 <= cell_height
    }
}

fn number(value: f64) -> String {
    measured(value, value.abs() * 0.1)
}

fn remarks(plot: &SchedulePlot, with_numbers: bool) -> Vec<String> {
    let mut remarks = Vec::new();
    if with_numbers && !plot.cell_label.is_empty() {
        remarks.push(format!("Numbers: {}.", plot.cell_label));
    }
    let hidden = [
        (plot.rounds.len(), MOST_ROUNDS, "columns"),
        (plot.rows.len(), MOST_ROWS, "rows"),
    ];
    for (count, most, what) in hidden {
        if count > most {
            remarks.push(format!(
                "Only the first {most} of {count} {what} are shown."
            ));
        }
    }
    remarks
}

struct Strip {
    area: Area,
    cell_width: f64,
    cell_height: f64,
    rows: usize,
    rounds: usize,
}

impl Strip {
    /// Left end of a column.
    fn x(&self, round: usize) -> f64 {
        self.area.left + round as f64 * self.cell_width
    }

    /// Upper end of a row.
    fn y(&self, row: usize) -> f64 {
        self.area.top + row as f64 * self.cell_height
    }

    fn background(&self, canvas: &mut Canvas<'_>) -> Result<(), PlotError> {
        let (right, bottom) = (self.x(self.rounds), self.y(self.rows));
        let corner = (self.area.left, self.area.top);
        canvas.rectangle(corner, (right, bottom), Paint::solid(FAINT))?;
        let grid = Paint::solid(GRID);
        if self.cell_height >= 6.0 {
            for row in 1..self.rows {
                let y = crisp(self.y(row));
                canvas.line((self.area.left, y), (right, y), grid, 1.0)?;
            }
        }
        if self.cell_width >= 6.0 {
            for round in 1..self.rounds {
                let x = crisp(self.x(round));
                canvas.line((x, self.area.top), (x, bottom), grid, 1.0)?;
            }
        }
        Ok(())
    }

    fn plays(
        &self,
        canvas: &mut Canvas<'_>,
        plot: &SchedulePlot,
        with_numbers: bool,
    ) -> Result<(), PlotError> {
        // A seam between neighbours, if there is room for one.
        let gap = |size: f64| if size >= 6.0 { 1.0 } else { 0.0 };
        let (gap_x, gap_y) = (gap(self.cell_width), gap(self.cell_height));
        for (round, plays) in plot.rounds.iter().take(self.rounds).enumerate() {
            for &(row, value) in plays.iter().filter(|(row, _)| *row < self.rows) {
                let (x, y) = (self.x(round), self.y(row));
                let end = (x + self.cell_width - gap_x, y + self.cell_height - gap_y);
                canvas.rectangle((x + gap_x, y + gap_y), end, Paint::solid(series(0)))?;
                if with_numbers {
                    let at = (x + 0.5 * self.cell_width, y + 0.5 * self.cell_height);
                    let lettering = Lettering::new(SMALL - 1.0, PAPER, Anchor::Middle);
                    canvas.text(at, &number(value), lettering)?;
                }
            }
        }
        Ok(())
    }

    fn names(
        &self,
        canvas: &mut Canvas<'_>,
        plot: &SchedulePlot,
        room: f64,
    ) -> Result<(), PlotError> {
        let every = round_step(((SMALL + 3.0) / self.cell_height).ceil() as usize);
        let lettering = Lettering::new(SMALL, INK, Anchor::End);
        for (row, name) in plot.rows.iter().take(self.rows).enumerate().step_by(every) {
            let at = (self.area.left - 7.0, self.y(row) + 0.5 * self.cell_height);
            canvas.text(at, &text::fit(name, SMALL, room), lettering)?;
        }
        let longest = text::width(&self.rounds.to_string(), SMALL) + 8.0;
        let every = round_step((longest / self.cell_width).ceil() as usize);
        let lettering = Lettering::new(SMALL, MUTED, Anchor::Middle);
        for round in (0..self.rounds).step_by(every) {
            let at = (
                self.x(round) + 0.5 * self.cell_width,
                self.area.bottom + 13.0,
            );
            canvas.text(at, &(round + 1).to_string(), lettering)?;
        }
        Ok(())
    }
}
