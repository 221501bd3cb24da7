//! Batches of values of one space: one contiguous buffer per field, row-major, `[rows, width]`.

use serde::{Deserialize, Serialize};

use super::Buffer;

/// The buffer of one field of a batch, `[rows, width]` in row-major order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ColumnData {
    /// Real numbers in single precision (Box spaces with `float32`).
    F32(Buffer<f32>),
    /// Real numbers in double precision (Box spaces with `float64`).
    F64(Buffer<f64>),
    /// Integers (Discrete and `MultiDiscrete` spaces).
    I32(Buffer<i32>),
    /// Bytes (Box spaces with `uint8`, `MultiBinary` spaces).
    U8(Buffer<u8>),
    /// Text, one string per row (width 1).
    Text(Buffer<String>),
}

/// Calls `$body` with `$v` bound to the vector inside, whatever its element type.
macro_rules! each_type {
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

/// Calls `$body` with `$a` and `$b` bound to the vectors inside two columns of the same type; for columns of different
/// types, panics or gives `$otherwise`.
macro_rules! both_types {
    ($left:expr, $right:expr, $a:ident, $b:ident => $body:expr) => {
        both_types!($left, $right, $a, $b => $body, else panic!("columns of different types"))
    };
    ($left:expr, $right:expr, $a:ident, $b:ident => $body:expr, else $otherwise:expr) => {
        match ($left, $right) {
            (ColumnData::F32($a), ColumnData::F32($b)) => $body,
            (ColumnData::F64($a), ColumnData::F64($b)) => $body,
            (ColumnData::I32($a), ColumnData::I32($b)) => $body,
            (ColumnData::U8($a), ColumnData::U8($b)) => $body,
            (ColumnData::Text($a), ColumnData::Text($b)) => $body,
            _ => $otherwise,
        }
    };
}

/// One field of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Name of the field; empty for a space that is a single leaf.
    pub name: String,
    /// Elements per row.
    pub width: usize,
    /// The buffer, `rows * width` elements.
    pub data: ColumnData,
}

/// All fields of a batch of values of one space, in the order of [`Space::leaves`](super::Space::leaves).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Columns {
    rows: usize,
    columns: Vec<Column>,
}

/// Generates the typed accessors of [`Columns`].
macro_rules! accessors {
    ($($get:ident, $get_mut:ident, $variant:ident, $type:ty;)*) => {$(
        #[doc = concat!("Field `index` as a slice of `", stringify!($type), "`, `[rows, width]`.")]
        ///
        /// # Panics
        /// If there is no such field or it has another type; the space says which fields there are.
        #[inline]
        pub fn $get(&self, index: usize) -> &[$type] {
            match &self.columns[index].data {
                ColumnData::$variant(v) => v,
                other => type_mismatch(stringify!($type), other),
            }
        }

        #[doc = concat!("Field `index` as a mutable slice of `", stringify!($type), "`, `[rows, width]`.")]
        ///
        /// # Panics
        /// If there is no such field or it has another type.
        #[inline]
        pub fn $get_mut(&mut self, index: usize) -> &mut [$type] {
            match &mut self.columns[index].data {
                ColumnData::$variant(v) => v,
                other => type_mismatch(stringify!($type), other),
            }
        }
    )*};
}

#[cold]
fn type_mismatch(asked: &str, found: &ColumnData) -> ! {
    panic!(
        "asked for a column of {asked}, but this one holds {}",
        found.type_name()
    )
}

impl ColumnData {
    /// Name of the element type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
            Self::I32(_) => "i32",
            Self::U8(_) => "u8",
            Self::Text(_) => "text",
        }
    }
}

impl Columns {
    /// Columns with the given fields; every field must hold `rows * width` elements.
    ///
    /// # Panics
    /// If a field has another length.
    pub fn new(rows: usize, columns: Vec<Column>) -> Self {
        for column in &columns {
            let length = each_type!(&column.data, v => v.len());
            assert_eq!(
                length,
                rows * column.width,
                "length of field `{}`",
                column.name
            );
        }
        Self { rows, columns }
    }

    /// Number of rows.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The fields in order.
    pub fn fields(&self) -> &[Column] {
        &self.columns
    }

    /// The fields in order, mutable. Lengths must be kept.
    pub fn fields_mut(&mut self) -> &mut [Column] {
        &mut self.columns
    }

    /// Index of the field called `name`.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }

    /// Elements per row of field `index`.
    #[inline]
    pub fn width(&self, index: usize) -> usize {
        self.columns[index].width
    }

    accessors! {
        f32, f32_mut, F32, f32;
        f64, f64_mut, F64, f64;
        i32, i32_mut, I32, i32;
        u8, u8_mut, U8, u8;
        text, text_mut, Text, String;
    }

    /// Copies row `from` of `source` into row `to`; both must be batches of the same space.
    ///
    /// # Panics
    /// If the fields differ in number, type or width, or a row is out of range.
    pub fn copy_row(&mut self, to: usize, source: &Self, from: usize) {
        self.copy_row_at(to, 0, source, from);
    }

    /// Copies row `from` of `source` into row `to` of as many fields, starting with field `first`.
    ///
    /// # Panics
    /// As [`copy_row`](Self::copy_row).
    pub fn copy_row_at(&mut self, to: usize, first: usize, source: &Self, from: usize) {
        for (column, other) in self.columns[first..].iter_mut().zip(&source.columns) {
            let w = column.width;
            both_types!(&mut column.data, &other.data, a, b =>
                a[to * w..(to + 1) * w].clone_from_slice(&b[from * w..(from + 1) * w]));
        }
    }

    /// Copies each of the given rows of `source` into the same row of `self`; both must be batches of the same
    /// space.
    ///
    /// # Panics
    /// As [`copy_row`](Self::copy_row).
    pub fn copy_rows(&mut self, rows: &[usize], source: &Self) {
        for (column, other) in self.columns.iter_mut().zip(&source.columns) {
            let w = column.width;
            both_types!(&mut column.data, &other.data, a, b => copy_rows(a, b, w, rows));
        }
    }

    /// Columns with the same fields and `rows` rows, holding the fields' default values (0, empty text).
    #[must_use]
    pub fn with_rows(&self, rows: usize) -> Self {
        let columns = self.columns.iter().map(|c| {
            let len = rows * c.width;
            let data = match &c.data {
                ColumnData::F32(_) => ColumnData::F32(vec![0.0; len].into()),
                ColumnData::F64(_) => ColumnData::F64(vec![0.0; len].into()),
                ColumnData::I32(_) => ColumnData::I32(vec![0; len].into()),
                ColumnData::U8(_) => ColumnData::U8(vec![0; len].into()),
                ColumnData::Text(_) => ColumnData::Text(vec![String::new(); len].into()),
            };
            Column {
                name: c.name.clone(),
                width: c.width,
                data,
            }
        });
        Self {
            rows,
            columns: columns.collect(),
        }
    }

    /// Whether all buffers are of the same allocations; see [`Buffer::shares`].
    pub(crate) fn shares(&self, other: &Self) -> bool {
        let mut both = self.columns.iter().zip(&other.columns);
        self.columns.len() == other.columns.len()
            && both.all(|(a, b)| both_types!(&a.data, &b.data, a, b => a.shares(b), else false))
    }

    /// Whether row `row` equals row `other_row` of `other` bit for bit (so NaN equals the same NaN).
    pub fn row_bits_equal(&self, row: usize, other: &Self, other_row: usize) -> bool {
        self.columns.len() == other.columns.len()
            && self
                .columns
                .iter()
                .zip(&other.columns)
                .all(|(x, y)| x.width == y.width && field_bits_equal(x, row, y, other_row))
    }
}

/// Joins the buffers of batches of the same space: see [`Buffer::join`].
///
/// # Panics
/// If the fields differ in number, type or width.
///
/// # Safety
/// As [`Buffer::join`].
#[expect(unsafe_code, reason = "passes on what is asked of the caller")]
pub(crate) unsafe fn join(parts: &mut [&mut Columns]) -> Columns {
    let mut whole = parts[0].clone();
    whole.rows = parts.iter().map(|part| part.rows).sum();
    for (index, column) in whole.columns.iter_mut().enumerate() {
        let of_parts = parts.iter_mut().map(|part| &mut part.columns[index].data);
        macro_rules! join {
            ($($variant:ident),*) => { match &mut column.data { $(ColumnData::$variant(all) => {
                let of_parts = of_parts.map(|data| match data {
                    ColumnData::$variant(part) => part,
                    other => type_mismatch(stringify!($variant), other),
                });
                // SAFETY: the caller keeps the promise.
                *all = unsafe { Buffer::join(&mut of_parts.collect::<Vec<_>>()) };
            })* } };
        }
        join!(F32, F64, I32, U8, Text);
    }
    whole
}

/// Copies rows of `[rows, width]` one by one. Narrow rows are the rule: for them the width is made known to the
/// compiler, because a call of `memcpy` would cost more than the copy.
fn copy_rows<T: Clone>(to: &mut [T], from: &[T], width: usize, rows: &[usize]) {
    #[inline(always)]
    fn fixed<T: Clone>(to: &mut [T], from: &[T], width: usize, rows: &[usize]) {
        for &row in rows {
            let range = row * width..(row + 1) * width;
            to[range.clone()].clone_from_slice(&from[range]);
        }
    }
    match width {
        1 => fixed(to, from, 1, rows),
        2 => fixed(to, from, 2, rows),
        3 => fixed(to, from, 3, rows),
        4 => fixed(to, from, 4, rows),
        6 => fixed(to, from, 6, rows),
        _ => fixed(to, from, width, rows),
    }
}

fn field_bits_equal(x: &Column, row: usize, y: &Column, other_row: usize) -> bool {
    let w = x.width;
    let (a, b) = (row * w..(row + 1) * w, other_row * w..(other_row + 1) * w);
    match (&x.data, &y.data) {
        (ColumnData::F32(p), ColumnData::F32(q)) => p[a]
            .iter()
            .zip(&q[b])
            .all(|(u, v)| u.to_bits() == v.to_bits()),
        (ColumnData::F64(p), ColumnData::F64(q)) => p[a]
            .iter()
            .zip(&q[b])
            .all(|(u, v)| u.to_bits() == v.to_bits()),
        (ColumnData::I32(p), ColumnData::I32(q)) => p[a] == q[b],
        (ColumnData::U8(p), ColumnData::U8(q)) => p[a] == q[b],
        (ColumnData::Text(p), ColumnData::Text(q)) => p[a] == q[b],
        _ => false,
    }
}
