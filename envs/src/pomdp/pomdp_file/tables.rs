//! The tables of probabilities while a file is read: sparse rows that later entries override.

use super::error::{FileProblem, PomdpFileError};
use crate::pomdp::{
    SparseRows,
    model::{EXACT_TOLERANCE, SUM_TOLERANCE},
};

/// Largest number of (action, state) pairs.
pub(super) const MAX_ROWS: usize = 1 << 22;
/// Largest number of entries written in all, wildcards spelt out.
pub(super) const MAX_ENTRIES: usize = 1 << 24;

/// `T` or `O`: for each action a row for each state.
#[derive(Debug)]
pub(super) struct Table {
    /// `T` or `O`.
    letter: &'static str,
    states: usize,
    width: usize,
    rows: Vec<Vec<(usize, f64)>>,
    /// Line that wrote the row last; 0 if none did.
    lines: Vec<u32>,
    written: usize,
}

impl Table {
    pub(super) fn new(letter: &'static str, actions: usize, states: usize, width: usize) -> Self {
        Self {
            letter,
            states,
            width,
            rows: vec![Vec::new(); actions * states],
            lines: vec![0; actions * states],
            written: 0,
        }
    }

    fn row(
        &mut self,
        action: usize,
        state: usize,
        line: usize,
        entries: usize,
    ) -> Result<&mut Vec<(usize, f64)>, PomdpFileError> {
        self.written += entries + 1;
        if self.written > MAX_ENTRIES + MAX_ROWS {
            let problem = format!("{} has more than {MAX_ENTRIES} entries", self.letter);
            return Err(PomdpFileError {
                line,
                problem: FileProblem::TooLarge(problem),
            });
        }
        let at = action * self.states + state;
        self.lines[at] = line as u32;
        Ok(&mut self.rows[at])
    }

    /// Sets one entry, or all of a row.
    pub(super) fn set(
        &mut self,
        (action, state): (usize, usize),
        column: Option<usize>,
        p: f64,
        line: usize,
    ) -> Result<(), PomdpFileError> {
        let Some(column) = column else {
            let width = if p == 0.0 { 0 } else { self.width };
            let row = self.row(action, state, line, width)?;
            row.clear();
            row.extend((0..width).map(|column| (column, p)));
            return Ok(());
        };
        let row = self.row(action, state, line, 1)?;
        match row.binary_search_by_key(&column, |(c, _)| *c) {
            Ok(at) => row[at].1 = p,
            Err(at) if p != 0.0 => row.insert(at, (column, p)),
            Err(_) => {}
        }
        Ok(())
    }

    /// Sets a row to given numbers.
    pub(super) fn set_row(
        &mut self,
        (action, state): (usize, usize),
        values: &[f64],
        line: usize,
    ) -> Result<(), PomdpFileError> {
        let row = self.row(action, state, line, values.len())?;
        row.clear();
        let entries = values.iter().copied().enumerate();
        row.extend(entries.filter(|(_, p)| *p != 0.0));
        Ok(())
    }

    /// Checks every row and divides out what is more than rounding; `names` are those of actions and states.
    pub(super) fn finish(
        self,
        names: (&[String], &[String]),
        last_line: usize,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<SparseRows>, PomdpFileError> {
        let (mut tables, mut off, mut farthest) = (Vec::new(), 0, (0.0, 0));
        let mut rows = self.rows.into_iter().zip(self.lines);
        for action in names.0 {
            let mut table = SparseRows::new();
            for (state, (mut row, line)) in names.1.iter().zip(rows.by_ref()) {
                let sum: f64 = row.iter().map(|(_, p)| p).sum();
                if let Some(problem) = problem(&row, sum, line) {
                    return Err(PomdpFileError {
                        line: if line == 0 { last_line } else { line as usize },
                        problem: FileProblem::Distribution {
                            what: format!("{}: {action} : {state}", self.letter),
                            problem,
                        },
                    });
                }
                let error = (sum - 1.0).abs();
                if error > EXACT_TOLERANCE {
                    row.iter_mut().for_each(|(_, p)| *p /= sum);
                    off += 1;
                    if error > farthest.0 {
                        farthest = (error, line);
                    }
                }
                table.push(row);
            }
            tables.push(table);
        }
        if off > 0 {
            warnings.push(format!(
                "{off} rows of {} do not sum to 1 (the worst, on line {}, by {:e}); they were divided by their sums",
                self.letter, farthest.1, farthest.0
            ));
        }
        Ok(tables)
    }
}

fn problem(row: &[(usize, f64)], sum: f64, line: u32) -> Option<String> {
    if line == 0 {
        return Some("no probabilities are given".into());
    }
    if let Some((_, p)) = row.iter().find(|(_, p)| !(*p >= 0.0 && p.is_finite())) {
        return Some(format!("{p} is not a probability"));
    }
    ((sum - 1.0).abs() > SUM_TOLERANCE)
        .then(|| format!("the probabilities sum to {sum} instead of 1"))
}
