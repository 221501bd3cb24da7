//! The episodes of a segment in memory, and how they become a file.

use std::{path::Path, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int32Array,
    Int64Array, RecordBatch, StringArray, UInt8Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use palaestra_envs::space::ColumnData;
use parquet::{basic::Encoding, schema::types::ColumnPath};
use serde::{Deserialize, Serialize};

use super::{
    EpisodeError,
    layout::{Layout, LogColumn, Source, append_slice, append_zeros, element_field},
    log::Ending,
    seal,
    table::{Header, Piece},
};
use crate::files;

/// Key of the header in the file's metadata.
pub(super) const KEY: &str = "palaestra.episodes";

/// Episodes that have ended and are not in a file yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Segment {
    pub(super) pieces: Vec<Piece>,
    /// As the layout's columns, `[rows, width]` each; rows as in the file.
    pub(super) columns: Vec<ColumnData>,
    pub(super) steps: u64,
}

impl Segment {
    pub(super) fn new(layout: &Layout) -> Self {
        Self {
            pieces: Vec::new(),
            columns: layout.columns.iter().map(|c| c.empty.clone()).collect(),
            steps: 0,
        }
    }

    /// Moves `steps` steps of column `index` from an episode's track to the segment. What is left in the track
    /// is the start of the rest: the next observation if the episode goes on, nothing if it has ended.
    pub(super) fn take(
        &mut self,
        index: usize,
        column: &LogColumn,
        track: &mut ColumnData,
        steps: usize,
        ended: bool,
    ) {
        let (into, width) = (&mut self.columns[index], column.width);
        let rows = steps + usize::from(ended && column.is_observation());
        append_slice(into, track, 0, rows * width);
        if ended && !column.is_observation() {
            append_zeros(into, width);
        }
        remove_first(track, rows * width);
    }

    /// Notes the episode, or part of one, whose columns have been taken.
    pub(super) fn push(&mut self, piece: Piece) {
        self.steps += piece.length;
        self.pieces.push(piece);
    }

    /// Writes the segment to `path`.
    pub(super) fn write(
        self,
        layout: &Layout,
        header: &Header,
        path: &Path,
    ) -> Result<(), EpisodeError> {
        let encode = |e: ArrowError| EpisodeError::encode(path, e);
        let table = self.into_table(layout).map_err(encode)?;
        let header = serde_json::to_string(header)
            .map_err(|e| EpisodeError::encode(path, ArrowError::ExternalError(Box::new(e))))?;
        let mut properties = seal::properties();
        for field in table.schema().fields() {
            if let Some(encoding) = encoding(field) {
                properties = properties.set_column_encoding(leaf_path(field), encoding);
            }
        }
        let bytes = seal::write(&table, properties, KEY, header)
            .map_err(|e| EpisodeError::encode(path, e))?;
        Ok(files::write_atomically(path, &bytes)?)
    }

    fn into_table(self, layout: &Layout) -> Result<RecordBatch, ArrowError> {
        let mut fields = vec![
            Field::new("episode", DataType::Int64, false),
            Field::new("step", DataType::Int64, false),
        ];
        let (mut episode, mut step) = (Vec::new(), Vec::new());
        let (mut terminated, mut truncated) = (Vec::new(), Vec::new());
        for piece in &self.pieces {
            let rows = piece.rows() as usize;
            episode.resize(episode.len() + rows, piece.number as i64);
            step.extend((piece.first_step..).take(rows).map(|s| s as i64));
            for (flags, ending) in [
                (&mut terminated, Ending::Terminated),
                (&mut truncated, Ending::Truncated),
            ] {
                flags.resize(flags.len() + piece.length as usize, Some(false));
                if let Some(last) = flags.last_mut().filter(|_| piece.length > 0) {
                    *last = Some(piece.ending == Some(ending));
                }
                flags.resize(step.len(), None);
            }
        }
        let terminated = BooleanArray::from(terminated);
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(episode)),
            Arc::new(Int64Array::from(step)),
        ];
        for (column, data) in layout.columns.iter().zip(self.columns) {
            fields.push(column.field());
            arrays.push(array(column, data, &terminated)?);
        }
        fields.push(Field::new("terminated", DataType::Boolean, true));
        fields.push(Field::new("truncated", DataType::Boolean, true));
        arrays.push(Arc::new(terminated));
        arrays.push(Arc::new(BooleanArray::from(truncated)));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }
}

/// A column as an array, null where `flags` are (at the final observation of an episode) unless it is an
/// observation.
fn array(
    column: &LogColumn,
    data: ColumnData,
    flags: &BooleanArray,
) -> Result<ArrayRef, ArrowError> {
    let nulls = flags.nulls().filter(|_| !column.is_observation()).cloned();
    let (scalar_nulls, list_nulls) = if column.width == 1 {
        (nulls, None)
    } else {
        (None, nulls)
    };
    let values: ArrayRef = match (data, column.source) {
        (ColumnData::U8(v), Source::Acted) => {
            let bits: Vec<bool> = v.iter().map(|&x| x != 0).collect();
            Arc::new(BooleanArray::new(bits.into(), scalar_nulls))
        }
        (ColumnData::F32(v), _) => Arc::new(Float32Array::try_new(v.into(), scalar_nulls)?),
        (ColumnData::F64(v), _) => Arc::new(Float64Array::try_new(v.into(), scalar_nulls)?),
        (ColumnData::I32(v), _) => Arc::new(Int32Array::try_new(v.into(), scalar_nulls)?),
        (ColumnData::U8(v), _) => Arc::new(UInt8Array::try_new(v.into(), scalar_nulls)?),
        (ColumnData::Text(v), _) => {
            let valid = |i: usize| scalar_nulls.as_ref().is_none_or(|n| n.is_valid(i));
            let texts = v.iter().enumerate();
            let texts = texts.map(|(i, text)| valid(i).then_some(text));
            Arc::new(texts.collect::<StringArray>())
        }
    };
    if column.width == 1 {
        return Ok(values);
    }
    let element = element_field(values.data_type().clone());
    Ok(Arc::new(FixedSizeListArray::try_new(
        element,
        column.width as i32,
        values,
        list_nulls,
    )?))
}

/// The encoding that makes a column small at little cost; `None` for the plain one.
fn encoding(field: &Field) -> Option<Encoding> {
    let element = match field.data_type() {
        DataType::FixedSizeList(element, _) => element.data_type(),
        other => other,
    };
    match element {
        // Neighbours are near: differences need few bits.
        DataType::Int64 | DataType::Int32 | DataType::UInt8 => Some(Encoding::DELTA_BINARY_PACKED),
        _ => None,
    }
}

fn leaf_path(field: &Field) -> ColumnPath {
    let mut parts = vec![field.name().clone()];
    if matches!(field.data_type(), DataType::FixedSizeList(..)) {
        parts.extend(["list".into(), "item".into()]);
    }
    ColumnPath::new(parts)
}

fn remove_first(data: &mut ColumnData, count: usize) {
    match data {
        ColumnData::F32(v) => drop(v.drain(..count)),
        ColumnData::F64(v) => drop(v.drain(..count)),
        ColumnData::I32(v) => drop(v.drain(..count)),
        ColumnData::U8(v) => drop(v.drain(..count)),
        ColumnData::Text(v) => drop(v.drain(..count)),
    }
}
