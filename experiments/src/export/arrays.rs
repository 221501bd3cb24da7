//! Columns of a batch as Arrow arrays.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, Float32Array, Float64Array, Int64Array, StringArray,
    StructArray, UInt8Array,
};
use arrow_schema::{Field, Fields};
use palaestra_envs::space::{Column, ColumnData, Columns, Space};

use super::ExportError;

/// The array of a leaf: scalars for Discrete and Text, else lists of `width`. Integers become 64 bits wide, as
/// Gymnasium has them. `padding` rows of zeros (empty texts) are added.
pub(super) fn leaf(
    space: &Space,
    column: &Column,
    padding: usize,
) -> Result<ArrayRef, ExportError> {
    let extra = padding * column.width;
    let values: ArrayRef = match &column.data {
        ColumnData::F32(v) => Arc::new(Float32Array::from_iter_values(
            v.iter().copied().chain((0..extra).map(|_| 0.0)),
        )),
        ColumnData::F64(v) => Arc::new(Float64Array::from_iter_values(
            v.iter().copied().chain((0..extra).map(|_| 0.0)),
        )),
        ColumnData::I32(v) => {
            let wide = v.iter().map(|&x| i64::from(x));
            // A padding of 0 would lie outside a Discrete space that starts higher.
            let zero = if let Space::Discrete { start, .. } = space {
                i64::from(*start)
            } else {
                0
            };
            Arc::new(Int64Array::from_iter_values(
                wide.chain((0..extra).map(|_| zero)),
            ))
        }
        ColumnData::U8(v) => Arc::new(UInt8Array::from_iter_values(
            v.iter().copied().chain((0..extra).map(|_| 0)),
        )),
        ColumnData::Text(v) => {
            let texts = v.iter().map(String::as_str);
            Arc::new(StringArray::from_iter_values(
                texts.chain((0..extra).map(|_| "")),
            ))
        }
    };
    if matches!(space, Space::Discrete { .. } | Space::Text { .. }) {
        return Ok(values);
    }
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    let list = FixedSizeListArray::try_new(item, column.width as i32, values, None)?;
    Ok(Arc::new(list))
}

/// The array of a whole space: structs for Dict (by name) and Tuple (`"0"`, `"1"`, …).
pub(super) fn nested(
    space: &Space,
    columns: &Columns,
    padding: usize,
) -> Result<ArrayRef, ExportError> {
    let mut next = columns.fields().iter();
    walk(space, &mut next, padding)
}

fn walk<'a>(
    space: &Space,
    next: &mut impl Iterator<Item = &'a Column>,
    padding: usize,
) -> Result<ArrayRef, ExportError> {
    let children: Vec<(String, &Space)> = match space {
        Space::Dict(fields) => fields.iter().map(|(name, s)| (name.clone(), s)).collect(),
        Space::Tuple(items) => items
            .iter()
            .enumerate()
            .map(|(i, s)| (i.to_string(), s))
            .collect(),
        single => {
            let column = next.next();
            let column =
                column.ok_or_else(|| ExportError::Mismatch("a field is missing".to_owned()))?;
            return leaf(single, column, padding);
        }
    };
    let mut fields = Vec::with_capacity(children.len());
    let mut arrays = Vec::with_capacity(children.len());
    for (name, child) in children {
        let array = walk(child, next, padding)?;
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    Ok(Arc::new(StructArray::try_new(
        Fields::from(fields),
        arrays,
        None,
    )?))
}
