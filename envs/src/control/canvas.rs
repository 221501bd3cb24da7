//! A sheet of characters to draw the environments on.

/// Characters in rows; (0, 0) is the top left corner.
pub(super) struct Canvas {
    width: usize,
    cells: Vec<char>,
}

impl Canvas {
    /// An empty sheet.
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            cells: vec![' '; width * height],
        }
    }

    /// Puts `mark` at a column and a row, rounded; nothing happens outside of the sheet.
    pub(super) fn put(&mut self, column: f64, row: f64, mark: char) {
        let (column, row) = (column.round(), row.round());
        let height = self.cells.len() / self.width;
        if (0.0..self.width as f64).contains(&column) && (0.0..height as f64).contains(&row) {
            self.cells[row as usize * self.width + column as usize] = mark;
        }
    }

    /// Puts `mark` along the straight line between two (column, row) points.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), mark: char) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let steps = dx.abs().max(dy.abs()).ceil().clamp(1.0, 1e3);
        for i in 0..=steps as usize {
            let t = i as f64 / steps;
            self.put(from.0 + t * dx, from.1 + t * dy, mark);
        }
    }

    /// The sheet as text, without blanks at the ends of lines, followed by `caption`.
    pub(super) fn finish(&self, caption: &str) -> String {
        let mut text = String::new();
        for line in self.cells.chunks(self.width) {
            text.push_str(line.iter().collect::<String>().trim_end());
            text.push('\n');
        }
        text + caption
    }
}
