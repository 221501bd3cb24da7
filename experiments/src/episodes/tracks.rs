//! Episodes under way, and how they get from blocks of steps to the segment.

use std::ops::Range;

use palaestra_envs::space::ColumnData;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    block::{Block, Origin},
    data::{self, append_all, append_slice, gather, length},
    facts::Ending,
    layout::{Layout, Source},
    segment::Segment,
    table::Piece,
};

/// Everything that is not in files yet; what a checkpoint keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    /// Number of sealed segments.
    pub(super) sealed: u32,
    /// Number of the next episode.
    next_number: u64,
    /// Of each row, the running episode, if it is logged.
    open: Vec<Option<Open>>,
    /// Values of running episodes by column and row: from each, everything that is not in the segment yet.
    tracks: Vec<Vec<ColumnData>>,
    pub(super) segment: Segment,
}

/// An episode under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Open {
    origin: Origin,
    /// For a long episode, what has already left the tracks.
    left: Option<Left>,
}

/// The part of a long episode that is in segments already.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Left {
    number: u64,
    steps: u64,
    returns: Vec<f64>,
}

impl State {
    pub(super) fn new(layout: &Layout, rows: usize) -> Self {
        let tracks = |empty: &ColumnData| vec![empty.clone(); rows];
        Self {
            sealed: 0,
            next_number: 0,
            open: vec![None; rows],
            tracks: layout.columns.iter().map(|c| tracks(&c.empty)).collect(),
            segment: Segment::new(layout),
        }
    }

    /// For each row, the steps of its running episode in its tracks, if that is logged.
    pub(super) fn open_steps(&self, layout: &Layout) -> Vec<Option<usize>> {
        let rows = self.open.iter().enumerate();
        rows.map(|(row, open)| open.as_ref().map(|_| self.steps(layout, row)))
            .collect()
    }

    /// Rows whose running episode is logged.
    pub(super) fn open_rows(&self) -> Vec<usize> {
        let rows = self.open.iter().enumerate();
        rows.filter_map(|(row, open)| open.as_ref().map(|_| row))
            .collect()
    }

    /// Steps of row `row` in its tracks.
    fn steps(&self, layout: &Layout, row: usize) -> usize {
        let mut columns = layout.columns.iter().zip(&self.tracks);
        let reward = columns.find(|(column, _)| column.source == Source::Reward);
        reward.map_or(0, |(_, tracks)| length(&tracks[row]))
    }

    /// Begins an episode with an observation of `block`'s extras.
    pub(super) fn begin(
        &mut self,
        layout: &Layout,
        row: usize,
        origin: Origin,
        block: &Block,
        extra: usize,
    ) {
        for ((column, tracks), extras) in layout
            .columns
            .iter()
            .zip(&mut self.tracks)
            .zip(&block.extras)
        {
            if column.is_observation() {
                let range = extra * column.width..(extra + 1) * column.width;
                append_slice(&mut tracks[row], extras, range);
            }
        }
        self.open[row] = Some(Open { origin, left: None });
    }

    /// Appends the steps `run` of `block` to the tracks of row `row`.
    pub(super) fn go_on(&mut self, layout: &Layout, row: usize, block: &Block, run: Range<usize>) {
        for ((column, tracks), values) in layout
            .columns
            .iter()
            .zip(&mut self.tracks)
            .zip(&block.columns)
        {
            let at = (row, block.rows);
            gather(&mut tracks[row], values, run.clone(), at, column.width);
        }
    }

    /// Moves an episode that has ended after the steps `run` of `block` to the segment, from the tracks and from
    /// the block. Its final observation is among the block's extras.
    pub(super) fn end(
        &mut self,
        layout: &Layout,
        row: usize,
        (block, run, extra): (&Block, Range<usize>, usize),
        ending: Ending,
    ) {
        let steps = self.steps(layout, row) + run.len();
        for (index, column) in layout.columns.iter().enumerate() {
            let into = &mut self.segment.columns[index];
            append_all(into, &mut self.tracks[index][row]);
            let (values, at, width) = (&block.columns[index], (row, block.rows), column.width);
            if column.is_observation() {
                // The observation after the last step is of the next episode already.
                let run = run.start..run.end.saturating_sub(1);
                gather(into, values, run, at, width);
                append_slice(
                    into,
                    &block.extras[index],
                    extra * width..(extra + 1) * width,
                );
            } else {
                gather(into, values, run.clone(), at, width);
            }
        }
        self.note(layout, row, steps, Some(ending));
    }

    /// Moves what is in the tracks of row `row` to the segment: all of it with its ending, or the steps so far.
    pub(super) fn leave(&mut self, layout: &Layout, row: usize, ending: Option<Ending>) {
        let steps = self.steps(layout, row);
        for (index, column) in layout.columns.iter().enumerate() {
            let rows = steps + usize::from(ending.is_some() && column.is_observation());
            let track = &mut self.tracks[index][row];
            append_slice(
                &mut self.segment.columns[index],
                track,
                0..rows * column.width,
            );
            // The next observation stays, if the episode goes on.
            data::remove_first(track, rows * column.width);
        }
        self.note(layout, row, steps, ending);
    }

    /// Rows whose episode has begun in earnest and not ended.
    pub(super) fn unfinished(&self, layout: &Layout) -> Vec<usize> {
        let rows = self.open.iter().enumerate();
        let begun = rows.filter_map(|(row, open)| {
            let left = open.as_ref()?.left.is_some();
            (left || self.steps(layout, row) > 0).then_some(row)
        });
        begun.collect()
    }

    /// Notes the episode whose last `steps` steps have just been put in the segment.
    fn note(&mut self, layout: &Layout, row: usize, steps: usize, ending: Option<Ending>) {
        let Some(mut open) = self.open[row].take() else {
            return;
        };
        let (number, first_step, before) = match open.left.take() {
            Some(left) => (left.number, left.steps, left.returns),
            None => (self.next_number, 0, Vec::new()),
        };
        self.next_number = self.next_number.max(number.saturating_add(1));
        let Segment {
            columns, returns, ..
        } = &mut self.segment;
        for (column, values) in layout.columns.iter().zip(columns) {
            if let (Source::Reward, ColumnData::F32(rewards)) = (column.source, values) {
                let mut sum = before.get(column.player).copied().unwrap_or(0.0);
                for &reward in &rewards[rewards.len() - steps..] {
                    sum += f64::from(reward);
                }
                returns[column.player].push(sum);
            }
        }
        let (mut options, mut carried) = (Value::Null, Vec::new());
        if let Some(rare) = &open.origin.rare {
            options = serde_json::from_str(&rare.options).unwrap_or_default();
            carried.clone_from(&rare.carried);
        }
        let lane = open.origin.lane;
        if ending.is_none() {
            open.left = Some(Left {
                number,
                steps: first_step.saturating_add(steps as u64),
                returns: returns.iter().filter_map(|r| r.last().copied()).collect(),
            });
            self.open[row] = Some(open);
        }
        self.segment.push(Piece {
            number,
            row: row as u32,
            lane,
            options,
            carried,
            first_step,
            length: steps as u64,
            ending,
        });
    }

    /// Whether this is the state of a log with `layout` and `rows`.
    pub(super) fn check(&self, layout: &Layout, rows: usize) -> Result<(), &'static str> {
        let same_type = |a: &ColumnData, b: &ColumnData| a.type_name() == b.type_name();
        let columns = layout.columns.len();
        let row_counts = self.tracks.iter().map(Vec::len).chain([self.open.len()]);
        if [self.tracks.len(), self.segment.columns.len()] != [columns; 2]
            || row_counts.into_iter().any(|n| n != rows)
        {
            return Err("it was saved with another environment or number of rows");
        }
        for (index, column) in layout.columns.iter().enumerate() {
            if !same_type(&self.segment.columns[index], &column.empty) {
                return Err("its columns are not those of this environment");
            }
            for (row, track) in self.tracks[index].iter().enumerate() {
                let open = usize::from(self.open[row].is_some() && column.is_observation());
                let expected = (self.steps(layout, row) + open) * column.width;
                if !same_type(track, &column.empty) || length(track) != expected {
                    return Err("its open episodes are not those of this environment");
                }
            }
        }
        if !self.segment.is_whole(layout) {
            return Err("its columns are not those of this environment");
        }
        let mut left = self.open.iter().flatten().filter_map(|o| o.left.as_ref());
        if left.any(|left| left.returns.len() != layout.players.len()) {
            return Err("its returns are not one per player");
        }
        Ok(())
    }
}
