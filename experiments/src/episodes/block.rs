//! Some steps of a batch on their way from the run to the thread that writes them.
//!
//! The run does as little as it can: it copies the border of each step, and notes where episodes end and begin.

use palaestra_envs::{
    sim::{Border, Lane},
    space::ColumnData,
};
use serde::{Deserialize, Serialize};

use super::{data, facts::Ending, layout::Layout};

/// A block is handed over when it has so many bytes,
const BYTES: usize = 1 << 18;
/// or, if rows are few and small, so many steps.
const STEPS: usize = 1 << 10;

/// Some steps of the first rows of a batch.
#[derive(Debug)]
pub(super) struct Block {
    /// Rows of the batch that are logged at times.
    pub(super) rows: usize,
    pub(super) steps: usize,
    /// As the layout's columns, `[steps, rows, width]` each.
    pub(super) columns: Vec<ColumnData>,
    /// In order, what happens to episodes between steps.
    pub(super) marks: Vec<Mark>,
    /// Final observations of episodes that ended, and first ones of those that began, in the order of the marks.
    pub(super) extras: Vec<ColumnData>,
}

/// Something that happens to an episode after the first `step` steps of a block.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) step: u32,
    pub(super) row: u32,
    pub(super) what: Change,
}

/// What happens to an episode.
#[derive(Debug)]
pub(super) enum Change {
    /// It begins; its first observation is among the extras.
    Begins(Origin),
    /// It has ended; its final observation is among the extras.
    Ends(Ending),
    /// It has become long: what there is of it goes to the segment.
    IsLong,
}

/// Where an episode comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) lane: Lane,
    /// What most episodes do not have.
    pub(super) rare: Option<Box<RareOrigin>>,
}

/// What most episodes do not have.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct RareOrigin {
    /// JSON text; empty if no options were given.
    pub(super) options: String,
    /// State carried over from earlier episodes.
    pub(super) carried: Vec<u8>,
}

impl Block {
    pub(super) fn new(layout: &Layout, rows: usize) -> Self {
        let empty = || layout.columns.iter().map(|c| c.empty.clone()).collect();
        Self {
            rows,
            steps: 0,
            columns: empty(),
            marks: Vec::new(),
            extras: empty(),
        }
    }

    /// Steps after which a block of `rows` rows is handed over.
    pub(super) fn steps_when_full(layout: &Layout, rows: usize) -> usize {
        let bytes = layout.bytes_per_step().saturating_mul(rows);
        (BYTES / bytes.max(1)).clamp(1, STEPS)
    }

    /// Forgets everything but keeps the memory.
    pub(super) fn clear(&mut self) {
        self.steps = 0;
        self.marks.clear();
        self.columns.iter_mut().for_each(data::clear);
        self.extras.iter_mut().for_each(data::clear);
    }

    /// Appends the step just made by all rows.
    #[inline]
    pub(super) fn push_step(&mut self, layout: &Layout, border: &Border) {
        for (column, into) in layout.columns.iter().zip(&mut self.columns) {
            column.append_step(border, self.rows, into);
        }
        self.steps += 1;
    }

    /// Notes what happens to row `row` now.
    pub(super) fn mark(&mut self, layout: &Layout, border: &Border, row: usize, what: Change) {
        let is_final = matches!(what, Change::Ends(_));
        if is_final || matches!(what, Change::Begins(_)) {
            for (column, into) in layout.columns.iter().zip(&mut self.extras) {
                column.append_observation(border, row, is_final, into);
            }
        }
        self.marks.push(Mark {
            step: self.steps as u32,
            row: row as u32,
            what,
        });
    }
}
