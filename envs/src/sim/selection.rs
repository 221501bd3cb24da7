//! Which rows a pass of systems works on.

use std::ops::Range;

use bevy_ecs::prelude::Resource;

/// The rows that the running pass concerns, as maximal runs of consecutive rows in ascending order.
///
/// Kernels work on a run at a time: in a full step there is one run with all rows, after which a slice kernel
/// is as fast as a plain loop; in a reset of a few rows the runs are short.
#[derive(Debug, Clone, Resource)]
pub struct Selection {
    rows: usize,
    runs: Vec<Range<usize>>,
}

impl Selection {
    /// All of `rows` rows.
    pub fn all(rows: usize) -> Self {
        let mut selection = Self {
            rows,
            runs: Vec::with_capacity(rows / 2 + 1),
        };
        selection.set_all();
        selection
    }

    /// Selects what `other`, of as many rows, selects.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.runs.clear();
        self.runs.extend_from_slice(&other.runs);
    }

    /// Selects all rows.
    pub fn set_all(&mut self) {
        self.runs.clear();
        if self.rows > 0 {
            self.runs.push(0..self.rows);
        }
    }

    /// Selects the rows of one run.
    pub(super) fn set_run(&mut self, run: Range<usize>) {
        self.runs.clear();
        self.runs.push(run);
    }

    /// Selects the given rows, which must ascend.
    pub fn set(&mut self, rows: impl IntoIterator<Item = usize>) {
        self.runs.clear();
        for row in rows {
            match self.runs.last_mut() {
                Some(run) if run.end == row => run.end += 1,
                _ => self.runs.push(row..row + 1),
            }
        }
    }

    /// The runs in ascending order.
    #[inline]
    pub fn runs(&self) -> &[Range<usize>] {
        &self.runs
    }

    /// The rows in ascending order.
    #[inline]
    pub fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        self.runs.iter().cloned().flatten()
    }

    /// Whether no row is selected.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether every row is selected.
    #[inline]
    pub fn is_all(&self) -> bool {
        self.runs.first().is_some_and(|run| run.len() == self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_joined_into_runs() {
        let mut selection = Selection::all(6);
        assert!(selection.is_all());
        selection.set([0, 1, 3, 5]);
        assert_eq!(selection.runs(), [0..2, 3..4, 5..6]);
        assert_eq!(selection.rows().collect::<Vec<_>>(), [0, 1, 3, 5]);
        assert!(!selection.is_all());
        selection.set([]);
        assert!(selection.is_empty());
    }
}
