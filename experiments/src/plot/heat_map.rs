//! A matrix of numbers as colours.

use super::axis::{Range, Scale, drawable};
use super::bars::round_step;
use super::canvas::{Anchor, Canvas, Lettering, Paint, document};
use super::colour_bar::{ColourBar, USUAL_ROOM, colour_of};
use super::frame::{Area, EDGE, LABEL, SMALL, heading, heading_height, no_data, note, widest};
use super::palette::{INK, text_on};
use super::ticks::measured;
use super::{PlotError, check_length, text};

/// A matrix with named rows and columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeatMap {
    /// What is shown.
    pub title: String,
    /// How it was made.
    pub subtitle: String,
    /// What the rows are: `arm`.
    pub row_label: String,
    /// What the columns are: `state (rounds since the last switch)`.
    pub column_label: String,
    /// What the colour shows, with its unit: `visits`.
    pub value_label: String,
    /// Names of the rows, from top to bottom.
    pub rows: Vec<String>,
    /// Names of the columns, from left to right.
    pub columns: Vec<String>,
    /// Row-major values: `values[row * columns.len() + column]`.
    pub values: Vec<f64>,
    /// Linear or logarithmic colours. On a logarithmic scale zero has a colour of its own, since a count may be zero.
    pub scale: Scale,
}

const WIDTH: f64 = 860.0;
const LARGEST_HEIGHT: f64 = 420.0;

/// Cells above this number are not labelled with their value.
const LABELLED_CELLS: usize = 200;

/// Draws a matrix as coloured cells with a colour bar. Small matrices show their numbers too. A matrix with more rows or
/// columns than there are pixels is reduced by averaging neighbours, and says so.
///
/// # Errors
/// [`PlotError::Length`] if there is not one value per row and column.
pub fn heat_map(plot: &HeatMap) -> Result<String, PlotError> {
    let (rows, columns) = (plot.rows.len(), plot.columns.len());
    check_length(
        || "the heat map".to_owned(),
        rows * columns,
        plot.values.len(),
    )?;

    let row_names = widest(plot.rows.iter().map(String::as_str), SMALL).min(180.0);
    let left = EDGE + 20.0 + row_names + 8.0;
    let top = heading_height(&plot.title, &plot.subtitle) + 8.0;
    let room = WIDTH - EDGE - USUAL_ROOM - left;
    let grid = Grid::reduce(plot, room, LARGEST_HEIGHT);
    let cell_width = cell_size(room, grid.columns, 64.0);
    let cell_height = cell_size(LARGEST_HEIGHT, grid.rows, 30.0);
    let area = Area {
        left,
        top,
        right: left + (cell_width * grid.columns as f64).max(120.0),
        bottom: top + (cell_height * grid.rows as f64).max(90.0),
    };
    let range = Range::of(plot.scale, grid.values.iter().copied(), 0.0);
    let bar = range.map(|range| ColourBar::of(range, &grid.values, area.height()));
    let row_height = cell_height / grid.row_step as f64;
    let column_width = cell_width / grid.column_step as f64;
    let names = ColumnNames::of(plot, column_width);
    let remark = grid.remark();
    let foot = names.room + 30.0 + if remark.is_some() { 18.0 } else { 0.0 };
    let height = area.bottom + foot;
    // The picture is as wide as its matrix, but never narrower than its heading needs.
    let headings = [(&plot.title, 16.0 * text::BOLD), (&plot.subtitle, LABEL)];
    let heading_room = headings.map(|(line, size)| text::width(line, size) + 2.0 * EDGE);
    let width = (area.right + bar.as_ref().map_or(0.0, ColourBar::room) + EDGE)
        .max(heading_room[0].max(heading_room[1]).min(WIDTH));

    document(width, height, &plot.title, |canvas| {
        heading(canvas, &plot.title, &plot.subtitle, width)?;
        if let Some(remark) = &remark {
            note(canvas, height - 12.0, remark, width)?;
        }
        let (Some(range), Some(bar)) = (range, &bar) else {
            return no_data(canvas, (0.5 * width, 0.5 * (area.top + area.bottom)));
        };
        let cells = Cells {
            left,
            top,
            width: cell_width,
            height: cell_height,
            range,
        };
        cells.paint(canvas, &grid)?;
        if grid.values.len() <= LABELLED_CELLS && grid.is_whole() {
            cells.numbers(canvas, &grid)?;
        }
        row_name_column(canvas, plot, &area, row_height, row_names)?;
        names.paint(canvas, plot, &area, column_width)?;
        let centre = area.x(0.5);
        let room = 2.0 * (centre - EDGE).min(width - EDGE - centre);
        let label = text::fit(&plot.column_label, LABEL, room);
        let lettering = Lettering::new(LABEL, INK, Anchor::Middle);
        canvas.text((centre, area.bottom + names.room + 12.0), &label, lettering)?;
        let label = text::fit(&plot.row_label, LABEL, area.height());
        canvas.text((EDGE + 4.0, area.y(0.5)), &label, lettering.upright())?;
        bar.paint(canvas, &area, &plot.value_label)
    })
}

/// Whole pixels where possible, so that no seams show between cells.
fn cell_size(room: f64, count: usize, largest: f64) -> f64 {
    let size = (room / count.max(1) as f64).min(largest);
    if size >= 1.0 { size.floor() } else { size }
}

/// The matrix as it is drawn.
struct Grid {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
    /// Rows and columns of the matrix in one cell.
    row_step: usize,
    column_step: usize,
}

impl Grid {
    /// At most one cell per pixel of the room.
    fn reduce(plot: &HeatMap, width: f64, height: f64) -> Self {
        let (rows, columns) = (plot.rows.len(), plot.columns.len());
        let row_step = rows.div_ceil(height.max(1.0) as usize).max(1);
        let column_step = columns.div_ceil(width.max(1.0) as usize).max(1);
        let (cell_rows, cell_columns) = (rows.div_ceil(row_step), columns.div_ceil(column_step));
        let block = |row: usize, column: usize| {
            let entries = (row * row_step..((row + 1) * row_step).min(rows)).flat_map(|r| {
                let ends = (
                    column * column_step,
                    ((column + 1) * column_step).min(columns),
                );
                &plot.values[r * columns + ends.0..r * columns + ends.1]
            });
            let (sum, count) = entries
                .filter(|value| drawable(Scale::Linear, **value))
                .fold((0.0, 0_usize), |(sum, count), value| {
                    (sum + value, count + 1)
                });
            if count == 0 {
                f64::NAN
            } else {
                sum / count as f64
            }
        };
        let values = (0..cell_rows)
            .flat_map(|row| (0..cell_columns).map(move |column| (row, column)))
            .map(|(row, column)| block(row, column))
            .collect();
        Self {
            rows: cell_rows,
            columns: cell_columns,
            values,
            row_step,
            column_step,
        }
    }

    fn is_whole(&self) -> bool {
        self.row_step == 1 && self.column_step == 1
    }

    fn remark(&self) -> Option<String> {
        let (rows, columns) = (self.row_step, self.column_step);
        (!self.is_whole()).then(|| {
            format!("Each cell is the mean of {rows} × {columns} entries (rows × columns).")
        })
    }
}

struct Cells {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    range: Range,
}

impl Cells {
    /// Paints row by row; neighbours of one colour become one rectangle.
    fn paint(&self, canvas: &mut Canvas<'_>, grid: &Grid) -> Result<(), PlotError> {
        for (row, values) in grid.values.chunks(grid.columns.max(1)).enumerate() {
            let y = self.top + row as f64 * self.height;
            let mut column = 0;
            let colours: Vec<[u8; 3]> = values.iter().map(|v| colour_of(&self.range, *v)).collect();
            for run in colours.chunk_by(|a, b| a == b) {
                let from = self.left + column as f64 * self.width;
                column += run.len();
                // Neighbours are painted later and cover the overlap, which hides the seams of antialiasing.
                let overlap = |last: bool| if last { 0.0 } else { 0.5 };
                let to = self.left + column as f64 * self.width + overlap(column == values.len());
                let end = y + self.height + overlap(row + 1 == grid.rows);
                canvas.rectangle((from, y), (to, end), Paint::solid(run[0]))?;
            }
        }
        Ok(())
    }

    /// Writes the value into each cell, if all of them fit.
    fn numbers(&self, canvas: &mut Canvas<'_>, grid: &Grid) -> Result<(), PlotError> {
        let size = SMALL - 1.0;
        let texts: Vec<String> = grid.values.iter().map(|value| cell_text(*value)).collect();
        let room = widest(texts.iter().map(String::as_str), size) + 6.0;
        if room > self.width || self.height < size + 4.0 {
            return Ok(());
        }
        for (index, (value, text)) in grid.values.iter().zip(&texts).enumerate() {
            let (row, column) = (index / grid.columns, index % grid.columns);
            let at = (
                self.left + (column as f64 + 0.5) * self.width,
                self.top + (row as f64 + 0.5) * self.height,
            );
            let rgb = text_on(colour_of(&self.range, *value));
            canvas.text(at, text, Lettering::new(size, rgb, Anchor::Middle))?;
        }
        Ok(())
    }
}

/// Counts in full, other numbers with three digits.
fn cell_text(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e7 {
        measured(value, 10.0)
    } else {
        measured(value, value.abs() * 0.1)
    }
}

fn row_name_column(
    canvas: &mut Canvas<'_>,
    plot: &HeatMap,
    area: &Area,
    row_height: f64,
    room: f64,
) -> Result<(), PlotError> {
    let every = round_step(((SMALL + 3.0) / row_height).ceil() as usize);
    let lettering = Lettering::new(SMALL, INK, Anchor::End);
    for (row, name) in plot.rows.iter().enumerate().step_by(every) {
        let y = area.top + (row as f64 + 0.5) * row_height;
        canvas.text(
            (area.left - 7.0, y),
            &text::fit(name, SMALL, room),
            lettering,
        )?;
    }
    Ok(())
}

/// How the names of the columns stand below the matrix.
struct ColumnNames {
    upright: bool,
    every: usize,
    /// Height that they take.
    room: f64,
}

impl ColumnNames {
    fn of(plot: &HeatMap, column_width: f64) -> Self {
        let longest = widest(plot.columns.iter().map(String::as_str), SMALL);
        // Numbers thin well (0 5 10); names are better turned than left out.
        let numbers = plot.columns.iter().all(|name| name.len() <= 5);
        let upright = longest + 4.0 > column_width && !numbers;
        let needed = if upright { SMALL + 3.0 } else { longest + 8.0 };
        Self {
            upright,
            every: round_step((needed / column_width).ceil() as usize),
            room: if upright {
                longest.min(110.0) + 14.0
            } else {
                22.0
            },
        }
    }

    fn paint(
        &self,
        canvas: &mut Canvas<'_>,
        plot: &HeatMap,
        area: &Area,
        column_width: f64,
    ) -> Result<(), PlotError> {
        for (column, name) in plot.columns.iter().enumerate().step_by(self.every) {
            let x = area.left + (column as f64 + 0.5) * column_width;
            if self.upright {
                let name = text::fit(name, SMALL, self.room - 14.0);
                let lettering = Lettering::new(SMALL, INK, Anchor::End).upright();
                canvas.text((x, area.bottom + 7.0), &name, lettering)?;
            } else {
                let lettering = Lettering::new(SMALL, INK, Anchor::Middle);
                canvas.text((x, area.bottom + 13.0), name, lettering)?;
            }
        }
        Ok(())
    }
}
