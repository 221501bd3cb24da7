//! The tables of probabilities while a file is read: sparse rows that later entries override.

use super::{
    error::FileProblem,
    lexer::Place,
    parser::{Parsed, error_at},
};
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
    /// Entries in the order in which they were written: of those for one column the last holds.
    rows: Vec<Vec<(usize, f64)>>,
    /// Where the entry begins that wrote the row last; 0 if none did, as the preamble comes before.
    places: Vec<u32>,
    written: usize,
}

impl Table {
    pub(super) fn new(letter: &'static str, actions: usize, states: usize, width: usize) -> Self {
        Self {
            letter,
            states,
            width,
            rows: vec![Vec::new(); actions * states],
            places: vec![0; actions * states],
            written: 0,
        }
    }

    /// Whether nothing has been written.
    pub(super) fn is_empty(&self) -> bool {
        self.written == 0
    }

    fn row(
        &mut self,
        action: usize,
        state: usize,
        here: Place,
        entries: usize,
    ) -> Parsed<&mut Vec<(usize, f64)>> {
        self.written += entries + 1;
        if self.written > MAX_ENTRIES + MAX_ROWS {
            let problem = format!("{} has more than {MAX_ENTRIES} entries", self.letter);
            return Err(error_at(here, FileProblem::TooLarge(problem)));
        }
        let at = action * self.states + state;
        self.places[at] = u32::try_from(here.start).unwrap_or(u32::MAX);
        Ok(&mut self.rows[at])
    }

    /// Refuses what is no probability where it stands.
    fn check(&self, p: f64, here: Place) -> Parsed<()> {
        if p >= 0.0 {
            return Ok(());
        }
        let problem = format!("{p:?} is not a probability");
        let what = self.letter.to_string();
        Err(error_at(here, FileProblem::Distribution { what, problem }))
    }

    /// Sets one entry, or all of a row.
    pub(super) fn set(
        &mut self,
        (action, state): (usize, usize),
        column: Option<usize>,
        p: f64,
        here: Place,
    ) -> Parsed<()> {
        self.check(p, here)?;
        let Some(column) = column else {
            let width = if p == 0.0 { 0 } else { self.width };
            let row = self.row(action, state, here, width)?;
            row.clear();
            row.extend((0..width).map(|column| (column, p)));
            return Ok(());
        };
        self.row(action, state, here, 1)?.push((column, p));
        Ok(())
    }

    /// Sets a row to given numbers.
    pub(super) fn set_row(
        &mut self,
        (action, state): (usize, usize),
        values: &[f64],
        here: Place,
    ) -> Parsed<()> {
        for p in values {
            self.check(*p, here)?;
        }
        let row = self.row(action, state, here, values.len())?;
        row.clear();
        let entries = values.iter().copied().enumerate();
        row.extend(entries.filter(|(_, p)| *p != 0.0));
        Ok(())
    }

    /// Checks every row and divides out what is more than rounding; `names` are those of actions and states.
    pub(super) fn finish(
        self,
        names: (&[String], &[String]),
        (text, last): (&str, Place),
        warnings: &mut Vec<String>,
    ) -> Parsed<Vec<SparseRows>> {
        let (mut tables, mut off, mut farthest) = (Vec::new(), 0, (0.0, 0));
        let mut rows = self.rows.into_iter().zip(self.places);
        for action in names.0 {
            let mut table = SparseRows::new();
            for (state, (mut row, here)) in names.1.iter().zip(rows.by_ref()) {
                settle(&mut row);
                let sum: f64 = row.iter().map(|(_, p)| p).sum();
                if let Some(problem) = problem(sum, here) {
                    let what = format!("{}: {action} : {state}", self.letter);
                    let place = if here == 0 { last } else { one_at(here) };
                    return Err(error_at(place, FileProblem::Distribution { what, problem }));
                }
                let error = (sum - 1.0).abs();
                if error > EXACT_TOLERANCE {
                    row.iter_mut().for_each(|(_, p)| *p /= sum);
                    off += 1;
                    if error > farthest.0 {
                        farthest = (error, here);
                    }
                }
                table.push(row);
            }
            tables.push(table);
        }
        if off > 0 {
            warnings.push(format!(
                "{off} rows of {} do not sum to 1 (the worst, on line {}, by {:e}); they were divided by their sums",
                self.letter, one_at(farthest.1).line(text), farthest.0
            ));
        }
        Ok(tables)
    }
}

/// Brings entries into the order of columns, the last one for each, without zeros.
fn settle(row: &mut Vec<(usize, f64)>) {
    if !row.is_sorted_by(|(a, _), (b, _)| a < b) {
        // Stable, so that the last one written comes first of those for a column.
        row.reverse();
        row.sort_by_key(|(column, _)| *column);
        row.dedup_by_key(|(column, _)| *column);
    }
    row.retain(|(_, p)| *p != 0.0);
}

/// The first character of an entry.
fn one_at(start: u32) -> Place {
    let start = start as usize;
    Place {
        start,
        end: start + 1,
    }
}

fn problem(sum: f64, here: u32) -> Option<String> {
    if here == 0 {
        return Some("no probabilities are given".into());
    }
    ((sum - 1.0).abs() > SUM_TOLERANCE)
        .then(|| format!("the probabilities sum to {sum:?} instead of 1"))
}
