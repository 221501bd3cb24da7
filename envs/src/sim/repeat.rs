//! An action that is repeated for several environment steps: what the steps add up to.

use super::{Border, EnvSpec, InfoKind, Selection};
use crate::space::ColumnData;

/// Rewards and summed info of the environment steps made for one action.
pub(super) struct RepeatedAction {
    /// Environment steps for each action.
    pub(super) times: u32,
    /// Rows of this step.
    asked: Selection,
    /// Rows of `asked` whose episode has not ended.
    running: Selection,
    /// `[players][rows]`.
    rewards: Vec<Vec<f32>>,
    /// Columns of [`Border::info`] that describe a transition, with their sums `[rows, width]`.
    info: Vec<(usize, ColumnData)>,
}

/// `sum += value` for the elements of `range`, both columns being of one type.
fn add_range(sum: &mut ColumnData, value: &ColumnData, range: std::ops::Range<usize>) {
    macro_rules! add {
        ($($variant:ident),*) => { match (sum, value) {
            $((ColumnData::$variant(sum), ColumnData::$variant(value)) => {
                for (s, v) in sum[range.clone()].iter_mut().zip(&value[range]) {
                    *s += *v;
                }
            })*
            _ => {} // Text has no sum.
        } };
    }
    add!(F32, F64, I32);
}

/// Sets the elements of `range` to zero.
fn clear_range(sum: &mut ColumnData, range: std::ops::Range<usize>) {
    match sum {
        ColumnData::F32(v) => v[range].fill(0.0),
        ColumnData::F64(v) => v[range].fill(0.0),
        ColumnData::I32(v) => v[range].fill(0),
        ColumnData::U8(_) | ColumnData::Text(_) => {}
    }
}

impl RepeatedAction {
    pub(super) fn new(times: u32, spec: &EnvSpec, border: &Border) -> Self {
        let summed = spec.info.iter().filter(|field| field.kind == InfoKind::Sum);
        let columns = summed.filter_map(|field| border.info.index_of(&field.name));
        // Bytes and text have no sum: they tell of the last environment step.
        let info = columns.filter_map(|column| match &border.info.fields()[column].data {
            ColumnData::U8(_) | ColumnData::Text(_) => None,
            data => Some((column, data.clone())),
        });
        Self {
            times,
            asked: Selection::all(border.rows()),
            running: Selection::all(border.rows()),
            rewards: vec![vec![0.0; border.rows()]; spec.players.len()],
            info: info.collect(),
        }
    }

    /// Begins with the rows of `selection`, all sums at zero.
    pub(super) fn begin(&mut self, selection: &Selection, border: &Border) {
        self.asked.copy_from(selection);
        for run in selection.runs() {
            for sums in &mut self.rewards {
                sums[run.clone()].fill(0.0);
            }
            for (column, sums) in &mut self.info {
                let width = border.info.width(*column);
                clear_range(sums, run.start * width..run.end * width);
            }
        }
    }

    /// Adds an environment step of the rows of `selection`.
    pub(super) fn add(&mut self, selection: &Selection, border: &Border) {
        for run in selection.runs() {
            for (sums, player) in self.rewards.iter_mut().zip(&border.players) {
                let rewards = &player.reward[run.clone()];
                for (sum, reward) in sums[run.clone()].iter_mut().zip(rewards) {
                    *sum += reward;
                }
            }
            for (column, sums) in &mut self.info {
                let field = &border.info.fields()[*column];
                add_range(
                    sums,
                    &field.data,
                    run.start * field.width..run.end * field.width,
                );
            }
        }
    }

    /// Puts into `selection` the rows whose episode goes on; returns whether there are any.
    pub(super) fn select_running(&mut self, selection: &mut Selection, border: &Border) -> bool {
        self.running
            .set(self.asked.rows().filter(|&row| !border.ended(row)));
        selection.copy_from(&self.running);
        !selection.is_empty()
    }

    /// Writes the sums over what the last environment step gave, and selects all rows of the step again.
    pub(super) fn finish(&self, selection: &mut Selection, border: &mut Border) {
        selection.copy_from(&self.asked);
        for run in self.asked.runs() {
            for (sums, player) in self.rewards.iter().zip(&mut border.players) {
                player.reward[run.clone()].copy_from_slice(&sums[run.clone()]);
            }
            for (column, sums) in &self.info {
                let field = &mut border.info.fields_mut()[*column];
                let range = run.start * field.width..run.end * field.width;
                clear_range(&mut field.data, range.clone());
                add_range(&mut field.data, sums, range);
            }
        }
    }
}
