//! Moving values between buffers whose type is known at run time only.

use std::ops::Range;

use arrow_buffer::ToByteSlice;
use palaestra_envs::space::ColumnData;

/// Calls `$body` with `$v` bound to the vector inside.
macro_rules! each {
    ($data:expr, $v:ident => $body:expr) => {
        match $data {
            ColumnData::F32($v) => $body,
            ColumnData::F64($v) => $body,
            ColumnData::I32($v) => $body,
            ColumnData::U8($v) => $body,
            ColumnData::Text($v) => $body,
        }
    };
}

/// Calls `$body` with `$a` and `$b` bound to the vectors inside two buffers, if they have the same type.
macro_rules! both {
    ($left:expr, $right:expr, $a:ident, $b:ident => $body:expr) => {
        match ($left, $right) {
            (ColumnData::F32($a), ColumnData::F32($b)) => $body,
            (ColumnData::F64($a), ColumnData::F64($b)) => $body,
            (ColumnData::I32($a), ColumnData::I32($b)) => $body,
            (ColumnData::U8($a), ColumnData::U8($b)) => $body,
            (ColumnData::Text($a), ColumnData::Text($b)) => $body,
            _ => {}
        }
    };
}

/// Appends the elements `range` of `source` to `into`, which has the same type.
#[inline]
pub(super) fn append_slice(into: &mut ColumnData, source: &ColumnData, range: Range<usize>) {
    both!(into, source, a, b => a.to_mut().extend_from_slice(&b[range]));
}

/// Moves all elements of `source` to the end of `into`, which has the same type.
pub(super) fn append_all(into: &mut ColumnData, source: &mut ColumnData) {
    both!(into, source, a, b => a.to_mut().append(b.to_mut()));
}

/// Appends column `column` of `rows` of a matrix to `into`, which has the same type. A matrix of `source` has
/// `columns` columns of `width` elements each.
pub(super) fn gather(
    into: &mut ColumnData,
    source: &ColumnData,
    rows: Range<usize>,
    (column, columns): (usize, usize),
    width: usize,
) {
    let start = (rows.start * columns + column) * width;
    both!(into, source, a, b => {
        gather_values(a.to_mut(), b.get(start..).unwrap_or_default(), rows.len(), columns * width, width);
    });
}

/// Appends the first `width` of every `stride` elements to `into`, `count` times.
#[inline]
fn gather_values<T: Clone>(
    into: &mut Vec<T>,
    from: &[T],
    count: usize,
    stride: usize,
    width: usize,
) {
    // With a width known to the compiler, copying a few elements is no call.
    fn known<const WIDTH: usize, T: Clone>(
        into: &mut Vec<T>,
        from: &[T],
        count: usize,
        stride: usize,
    ) {
        into.reserve(count * WIDTH);
        for row in from.chunks(stride).take(count) {
            if let Some(values) = row.first_chunk::<WIDTH>() {
                into.extend_from_slice(values);
            }
        }
    }
    match width {
        1 => into.extend(from.iter().step_by(stride).take(count).cloned()),
        2 => known::<2, T>(into, from, count, stride),
        3 => known::<3, T>(into, from, count, stride),
        4 => known::<4, T>(into, from, count, stride),
        _ => {
            for row in from.chunks(stride).take(count) {
                into.extend_from_slice(&row[..width]);
            }
        }
    }
}

/// Number of elements.
pub(super) fn length(data: &ColumnData) -> usize {
    each!(data, v => v.len())
}

/// Removes all elements, keeping the memory.
pub(super) fn clear(data: &mut ColumnData) {
    each!(data, v => v.to_mut().clear());
}

/// Removes the first `count` elements.
pub(super) fn remove_first(data: &mut ColumnData, count: usize) {
    each!(data, v => drop(v.to_mut().drain(..count)));
}

/// The numbers as they lie in memory; nothing for text.
pub(super) fn bytes(data: &ColumnData) -> &[u8] {
    match data {
        ColumnData::F32(v) => v.to_byte_slice(),
        ColumnData::F64(v) => v.to_byte_slice(),
        ColumnData::I32(v) => v.to_byte_slice(),
        ColumnData::U8(v) => v,
        ColumnData::Text(_) => &[],
    }
}
