//! Compressed sparse rows.

use rand::RngExt;

use crate::stream::Stream;

/// Sparse rows: each a list of columns in ascending order with positive values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SparseRows {
    offsets: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

/// One row of [`SparseRows`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SparseRow<'a> {
    /// Columns in ascending order.
    pub columns: &'a [u32],
    /// The value of each.
    pub values: &'a [f64],
}

impl SparseRow<'_> {
    /// Columns with their values.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let columns = self.columns.iter().map(|&c| c as usize);
        columns.zip(self.values.iter().copied())
    }

    /// The value in `column`; 0 if it is not listed.
    pub fn get(&self, column: usize) -> f64 {
        self.columns
            .binary_search(&(column as u32))
            .map_or(0.0, |at| self.values[at])
    }

    /// Draws an index into the row by its values, which are probabilities.
    #[inline]
    pub(super) fn sample(&self, rng: &mut Stream) -> usize {
        let last = self.values.len() - 1;
        if last == 0 {
            return 0;
        }
        let mut left: f64 = rng.random();
        for (at, value) in self.values[..last].iter().enumerate() {
            left -= value;
            if left < 0.0 {
                return at;
            }
        }
        last
    }
}

impl SparseRows {
    /// Rows without entries, to be filled with [`push`](Self::push).
    pub fn new() -> Self {
        Self {
            offsets: vec![0],
            ..Self::default()
        }
    }

    /// Appends a row. Entries are sorted, those of one column added, zeros dropped.
    pub fn push(&mut self, mut entries: Vec<(usize, f64)>) {
        entries.sort_by_key(|(column, _)| *column);
        let start = self.columns.len();
        for (column, value) in entries {
            if value == 0.0 {
                continue;
            }
            if self.columns.len() > start && self.columns.last() == Some(&(column as u32)) {
                if let Some(last) = self.values.last_mut() {
                    *last += value;
                }
            } else {
                self.columns.push(column as u32);
                self.values.push(value);
            }
        }
        self.offsets.push(self.columns.len());
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Row `row`.
    #[inline]
    pub fn row(&self, row: usize) -> SparseRow<'_> {
        let range = self.offsets[row]..self.offsets[row + 1];
        SparseRow {
            columns: &self.columns[range.clone()],
            values: &self.values[range],
        }
    }

    /// Number of entries of all rows before row `row`.
    #[inline]
    pub fn offset(&self, row: usize) -> usize {
        self.offsets[row]
    }
}
