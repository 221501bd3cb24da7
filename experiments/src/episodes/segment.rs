//! The episodes of a segment in memory, and how they become a file.

use std::{collections::BTreeMap, path::Path};

use arrow_schema::{DataType, Field, Schema};
use palaestra_envs::space::ColumnData;
use parquet::errors::ParquetError;
use serde::{Deserialize, Serialize};

use super::{
    data,
    error::EpisodeError,
    facts::Ending,
    format::{
        Bits, FileSchema, FileWriter, Levels, Values, delta_i32, delta_i64, place_bytes, place_runs,
    },
    layout::{Layout, LogColumn, Source},
    table::{Header, Piece},
};

/// Key of the header in the file's metadata.
pub(super) const KEY: &str = "palaestra.episodes";

/// Episodes that have ended and are not in a file yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Segment {
    pub(super) pieces: Vec<Piece>,
    /// For each player, the sum of rewards up to the end of each piece.
    pub(super) returns: Vec<Vec<f64>>,
    /// As the layout's columns: `[rows, width]` for observations, `[steps, width]` for the others.
    pub(super) columns: Vec<ColumnData>,
    pub(super) steps: u64,
}

impl Segment {
    pub(super) fn new(layout: &Layout) -> Self {
        Self {
            pieces: Vec::new(),
            returns: vec![Vec::new(); layout.players.len()],
            columns: layout.columns.iter().map(|c| c.empty.clone()).collect(),
            steps: 0,
        }
    }

    /// Notes the episode, or part of one, whose values are in the columns.
    pub(super) fn push(&mut self, piece: Piece) {
        self.steps += piece.length;
        self.pieces.push(piece);
    }

    /// Forgets everything but keeps the memory.
    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.returns.iter_mut().for_each(Vec::clear);
        self.columns.iter_mut().for_each(data::clear);
        self.steps = 0;
    }

    /// Whether columns and returns are as long as the pieces say.
    pub(super) fn is_whole(&self, layout: &Layout) -> bool {
        let sum = |count: fn(&Piece) -> u64| {
            let counts = self.pieces.iter().map(count);
            usize::try_from(counts.fold(0, u64::saturating_add)).unwrap_or(usize::MAX)
        };
        let (rows, steps) = (sum(Piece::rows), sum(|piece| piece.length));
        let mut columns = layout.columns.iter().zip(&self.columns);
        let as_long = columns.all(|(column, values)| {
            let rows = if column.is_observation() { rows } else { steps };
            data::length(values) == rows.saturating_mul(column.width)
        });
        let mut returns = self.returns.iter();
        as_long
            && self.steps == steps as u64
            && self.returns.len() == layout.players.len()
            && returns.all(|player| player.len() == self.pieces.len())
    }

    /// Runs of rows that have an action and its consequences, and of those that have not.
    fn runs(&self) -> impl Iterator<Item = (bool, usize)> + Clone + '_ {
        self.pieces.iter().flat_map(|piece| {
            let last = (piece.rows() - piece.length) as usize;
            [(true, piece.length as usize), (false, last)]
        })
    }

    /// The segment as a file in the memory of `out`; `path` is for errors.
    pub(super) fn encode(
        &self,
        layout: &Layout,
        schema: &FileSchema,
        header: &Header,
        (path, out): (&Path, Vec<u8>),
        scratch: &mut Scratch,
    ) -> Result<Vec<u8>, EpisodeError> {
        let header = serde_json::to_string(header)
            .map_err(|e| EpisodeError::encode(path, ParquetError::External(Box::new(e))))?;
        let rows: u64 = self.pieces.iter().map(Piece::rows).sum();
        let rows = rows as usize;
        let mut file = FileWriter::new(path, out, schema);
        let every_row = Levels::scalars(rows);
        file.column(&every_row, &scratch.episodes(&self.pieces))?;
        file.column(&every_row, &scratch.steps(&self.pieces, rows))?;

        // The same for every column of the same kind.
        let mut levels: BTreeMap<(bool, usize), Levels> = BTreeMap::new();
        levels.insert((false, 1), Levels::nullable(self.runs()));
        for (column, values) in layout.columns.iter().zip(&self.columns) {
            let kind = (column.is_observation(), column.width);
            let levels = levels.entry(kind).or_insert_with(|| match kind {
                (true, 1) => Levels::scalars(rows),
                (true, width) => Levels::lists(rows, width),
                (false, width) => Levels::nullable_lists(self.runs(), width),
            });
            let is_flag = column.source == Source::Acted;
            file.column(levels, &scratch.values(values, is_flag))?;
        }

        let levels = &levels[&(false, 1)];
        for ending in [Ending::Terminated, Ending::Truncated] {
            let mut bits = Bits::default();
            for piece in self.pieces.iter().filter(|piece| piece.length > 0) {
                bits.push_run(false, piece.length as usize - 1);
                bits.push_run(piece.ending == Some(ending), 1);
            }
            file.column(levels, &Values::plain(&bits.finish()))?;
        }
        file.end_group(rows)?;
        file.finish(KEY, header)
    }
}

/// Columns as they are being encoded; kept for its memory.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    body: Vec<u8>,
    dictionary: Vec<u8>,
    places: Vec<u8>,
}

impl Scratch {
    /// The number of the episode for each row.
    fn episodes(&mut self, pieces: &[Piece]) -> Values<'_> {
        self.dictionary.clear();
        for piece in pieces {
            self.dictionary
                .extend_from_slice(&piece.number.to_le_bytes());
        }
        let rows = pieces.iter().map(|piece| piece.rows() as usize);
        place_runs(&mut self.body, pieces.len(), rows.enumerate());
        Values::places(&self.body, &self.dictionary, pieces.len())
    }

    /// The step within the episode for each row.
    fn steps(&mut self, pieces: &[Piece], rows: usize) -> Values<'_> {
        const SHORT: usize = 256;
        let longest = pieces.iter().map(|p| p.first_step.saturating_add(p.rows()));
        let longest = longest.max().unwrap_or(0);
        if longest > SHORT as u64 {
            let steps = pieces
                .iter()
                .flat_map(|p| (0..p.rows()).map(|step| p.first_step.wrapping_add(step) as i64));
            delta_i64(&mut self.body, rows, steps);
            return Values::delta(&self.body);
        }
        // A dictionary of all small numbers, so that the places are the steps.
        let all: [u8; SHORT] = std::array::from_fn(|step| step as u8);
        self.places.clear();
        for piece in pieces {
            let steps = piece.first_step as usize..(piece.first_step + piece.rows()) as usize;
            self.places.extend_from_slice(&all[steps]);
        }
        self.dictionary.clear();
        let dictionary = (0..longest).flat_map(u64::to_le_bytes);
        self.dictionary.extend(dictionary);
        self.of_places(longest as usize)
    }

    /// The places, in a dictionary of `count` values.
    fn of_places(&mut self, count: usize) -> Values<'_> {
        if count == 1 {
            place_runs(&mut self.body, 1, [(0, self.places.len())].into_iter());
            return Values::places(&self.body, &self.dictionary, 1);
        }
        place_bytes(&mut self.body, count, &self.places);
        Values::places(&self.body, &self.dictionary, count)
    }

    fn values<'a>(&'a mut self, values: &'a ColumnData, is_flag: bool) -> Values<'a> {
        match values {
            ColumnData::U8(v) if is_flag => {
                let mut bits = Bits::default();
                v.iter().for_each(|&x| bits.push(u64::from(x != 0), 1));
                self.body = bits.finish();
                Values::plain(&self.body)
            }
            ColumnData::U8(v) => {
                let wide = v.iter().map(|&x| i32::from(x));
                let count = self.near(wide, 0, 255);
                self.of_places(count)
            }
            ColumnData::I32(v) => {
                let range = (i32::MAX, i32::MIN);
                let range = v
                    .iter()
                    .fold(range, |(low, high), &x| (low.min(x), high.max(x)));
                if range.0.abs_diff(range.1) < 256 {
                    let count = self.near(v.iter().copied(), range.0, range.1);
                    return self.of_places(count);
                }
                delta_i32(&mut self.body, v);
                Values::delta(&self.body)
            }
            ColumnData::F32(v) => match self.few(v, f32::to_bits, u32::to_le_bytes) {
                Some(count) => self.of_places(count),
                None => Values::plain(data::bytes(values)),
            },
            ColumnData::F64(v) => match self.few(v, f64::to_bits, u64::to_le_bytes) {
                Some(count) => self.of_places(count),
                None => Values::plain(data::bytes(values)),
            },
            ColumnData::Text(v) => {
                self.body.clear();
                for text in v {
                    self.body
                        .extend_from_slice(&(text.len() as u32).to_le_bytes());
                    self.body.extend_from_slice(text.as_bytes());
                }
                Values::plain(&self.body)
            }
        }
    }

    /// Finds the places of numbers from `low` to `high`, at most 256, in a dictionary of all of them; how many.
    fn near(&mut self, values: impl Iterator<Item = i32>, low: i32, high: i32) -> usize {
        self.places.clear();
        // Differences of less than 256 are right even where the subtraction wraps.
        self.places
            .extend(values.map(|x| x.wrapping_sub(low) as u8));
        self.dictionary.clear();
        self.dictionary
            .extend((low..=high).flat_map(i32::to_le_bytes));
        high.abs_diff(low) as usize + 1
    }

    /// Finds the places of values in a dictionary, if there are few different ones; how many. So it is with
    /// many rewards, and with few other real numbers, for which looking at some of them is enough to see it.
    fn few<T: Copy, K: Copy + PartialEq, const BYTES: usize>(
        &mut self,
        values: &[T],
        bits: impl Fn(T) -> K,
        bytes: impl Fn(K) -> [u8; BYTES],
    ) -> Option<usize> {
        const FEW: usize = 16;
        let mut last = bits(*values.first()?);
        let mut all = vec![last];
        let mut place = 0;
        self.places.clear();
        for block in values.chunks(64) {
            // Most blocks are of one value, and this is quickly seen.
            if block.iter().fold(true, |same, &x| same & (bits(x) == last)) {
                self.places.resize(self.places.len() + block.len(), place);
                continue;
            }
            for value in block.iter().map(|&x| bits(x)) {
                if value != last {
                    let found = all.iter().position(|&x| x == value);
                    place = found.unwrap_or(all.len()) as u8;
                    if found.is_none() {
                        all.push(value);
                    }
                    if all.len() > FEW {
                        return None;
                    }
                    last = value;
                }
                self.places.push(place);
            }
        }
        self.dictionary.clear();
        self.dictionary.extend(all.iter().flat_map(|&x| bytes(x)));
        Some(all.len())
    }
}

/// The columns of a segment's file.
pub(super) fn schema(layout: &Layout) -> Result<FileSchema, ParquetError> {
    let mut fields = vec![
        Field::new("episode", DataType::Int64, false),
        Field::new("step", DataType::Int64, false),
    ];
    fields.extend(layout.columns.iter().map(LogColumn::field));
    fields.push(Field::new("terminated", DataType::Boolean, true));
    fields.push(Field::new("truncated", DataType::Boolean, true));
    FileSchema::of(&Schema::new(fields))
}
