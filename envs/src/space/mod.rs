//! Spaces: what an observation or an action may be, and batches of such values.
//!
//! The kinds and their rules are Gymnasium's. A space is a tree; its leaves are stored as one contiguous buffer
//! each ([`Columns`]), so a batch of values of any space is a handful of plain slices.

mod buffer;
mod columns;
mod json;
mod sample;

pub use buffer::Buffer;
pub(crate) use columns::join as join_columns;
pub use columns::{Column, ColumnData, Columns};
pub use sample::EmptyMask;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Element type of a [`BoxSpace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// 32-bit floating point.
    Float32,
    /// 64-bit floating point.
    Float64,
    /// 8-bit unsigned integers (images).
    Uint8,
}

/// A box in R^n: every element lies between its bounds, which may be infinite.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxSpace {
    /// Element type.
    pub dtype: DType,
    /// Shape of one value; its product is the width of the column.
    pub shape: Vec<usize>,
    /// Lower bound of each element in row-major order; `-inf` means unbounded.
    pub low: Vec<f64>,
    /// Upper bound of each element in row-major order; `inf` means unbounded.
    pub high: Vec<f64>,
}

/// What a value may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Space {
    /// Real vectors, matrices, images.
    Box(BoxSpace),
    /// Integers `start..start + n`.
    Discrete {
        /// Number of values.
        n: usize,
        /// Smallest value.
        start: i32,
    },
    /// A vector of integers, element `i` in `0..nvec[i]`.
    MultiDiscrete {
        /// Number of values of each element.
        nvec: Vec<usize>,
    },
    /// A vector of `n` bits, of which `min_ones..=max_ones` are set: a subset of `n` things.
    MultiBinary {
        /// Number of bits.
        n: usize,
        /// Fewest bits set.
        min_ones: usize,
        /// Most bits set.
        max_ones: usize,
    },
    /// A string whose length is counted in characters.
    Text {
        /// Shortest length.
        min_length: usize,
        /// Longest length.
        max_length: usize,
        /// Characters that may occur; empty means any.
        charset: String,
    },
    /// Named fields, in this order.
    Dict(Vec<(String, Space)>),
    /// Fields by position.
    Tuple(Vec<Space>),
}

/// Why a value is not in its space.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field}element {element} is {value}, {expected}")]
pub struct SpaceViolation {
    /// Name of the field with a trailing space, or nothing for a space with one field.
    pub field: String,
    /// Element within the row.
    pub element: usize,
    /// The value found.
    pub value: String,
    /// What is allowed.
    pub expected: String,
}

impl SpaceViolation {
    /// `name` is that of the field, empty for a space with one field.
    fn new(name: &str, element: usize, value: String, expected: String) -> Self {
        let field = if name.is_empty() {
            String::new()
        } else {
            format!("`{name}` ")
        };
        Self {
            field,
            element,
            value,
            expected,
        }
    }
}

impl Space {
    /// A `float32` vector of `width` elements within the same bounds.
    pub fn vector(width: usize, low: f64, high: f64) -> Self {
        Self::bounded(vec![low; width], vec![high; width])
    }

    /// A `float32` vector with bounds for each element.
    pub fn bounded(low: Vec<f64>, high: Vec<f64>) -> Self {
        Self::Box(BoxSpace {
            dtype: DType::Float32,
            shape: vec![low.len()],
            low,
            high,
        })
    }

    /// Integers `0..n`.
    pub fn discrete(n: usize) -> Self {
        Self::Discrete { n, start: 0 }
    }

    /// `n` bits, any of them set.
    pub fn multi_binary(n: usize) -> Self {
        Self::MultiBinary {
            n,
            min_ones: 0,
            max_ones: n,
        }
    }

    /// Text of at most `max_length` characters of any kind.
    pub fn text(max_length: usize) -> Self {
        Self::Text {
            min_length: 0,
            max_length,
            charset: String::new(),
        }
    }

    /// The leaves with their names, depth first: one per column. Nested names are joined with `.`; the name of
    /// a space that is itself a leaf is empty.
    pub fn leaves(&self) -> Vec<(String, &Space)> {
        fn walk<'a>(prefix: &str, space: &'a Space, out: &mut Vec<(String, &'a Space)>) {
            let join = |name: &str| {
                if prefix.is_empty() {
                    name.to_owned()
                } else {
                    format!("{prefix}.{name}")
                }
            };
            match space {
                Space::Dict(fields) => fields
                    .iter()
                    .for_each(|(name, s)| walk(&join(name), s, out)),
                Space::Tuple(items) => {
                    items
                        .iter()
                        .enumerate()
                        .for_each(|(i, s)| walk(&join(&i.to_string()), s, out));
                }
                leaf => out.push((prefix.to_owned(), leaf)),
            }
        }
        let mut out = Vec::new();
        walk("", self, &mut out);
        out
    }

    /// Elements per row of a leaf's column.
    ///
    /// # Panics
    /// If this is a Dict or Tuple, which has a column per leaf.
    pub fn width(&self) -> usize {
        match self {
            Self::Box(b) => b.shape.iter().product(),
            Self::Discrete { .. } | Self::Text { .. } => 1,
            Self::MultiDiscrete { nvec } => nvec.len(),
            Self::MultiBinary { n, .. } => *n,
            Self::Dict(_) | Self::Tuple(_) => panic!("a composite space has a width per leaf"),
        }
    }

    /// Length of an action mask for this space: one flag per choice of a Discrete space, the concatenated
    /// choices of a `MultiDiscrete` one, one flag per bit that may be set of a `MultiBinary` one; 0 for the
    /// rest, which have no mask.
    pub fn mask_width(&self) -> usize {
        match self {
            Self::Discrete { n, .. } | Self::MultiBinary { n, .. } => *n,
            Self::MultiDiscrete { nvec } => nvec.iter().sum(),
            _ => 0,
        }
    }

    /// Width of the flattened value: one-hot for integers, row-major elements for boxes, leaves concatenated.
    /// Text has no flat form and counts 0.
    pub fn flat_width(&self) -> usize {
        self.leaves()
            .iter()
            .map(|(_, leaf)| match leaf {
                Self::Discrete { n, .. } => *n,
                Self::MultiDiscrete { nvec } => nvec.iter().sum(),
                Self::Text { .. } => 0,
                other => other.width(),
            })
            .sum()
    }

    /// A batch of `rows` values, zero (and the smallest integer, and empty text).
    pub fn columns(&self, rows: usize) -> Columns {
        let columns = self
            .leaves()
            .into_iter()
            .map(|(name, leaf)| {
                let width = leaf.width();
                let len = rows * width;
                let data = match leaf {
                    Self::Box(b) => match b.dtype {
                        DType::Float32 => ColumnData::F32(vec![0.0; len].into()),
                        DType::Float64 => ColumnData::F64(vec![0.0; len].into()),
                        DType::Uint8 => ColumnData::U8(vec![0; len].into()),
                    },
                    Self::Discrete { start, .. } => ColumnData::I32(vec![*start; len].into()),
                    Self::MultiDiscrete { .. } => ColumnData::I32(vec![0; len].into()),
                    Self::MultiBinary { .. } => ColumnData::U8(vec![0; len].into()),
                    _ => ColumnData::Text(vec![String::new(); len].into()),
                };
                Column { name, width, data }
            })
            .collect();
        Columns::new(rows, columns)
    }

    /// Checks that row `row` of `values` lies in this space (NaN lies in none).
    ///
    /// # Errors
    /// The first element that does not, with what is allowed.
    pub fn check_row(&self, values: &Columns, row: usize) -> Result<(), SpaceViolation> {
        match self {
            Self::Dict(_) | Self::Tuple(_) => {
                let mut leaves = self.leaves().into_iter().enumerate();
                leaves.try_for_each(|(index, (name, leaf))| {
                    leaf.check_leaf(values, index, row, &name)
                })
            }
            // Without the list of leaves: actions are checked in every step, which should allocate nothing.
            leaf => leaf.check_leaf(values, 0, row, ""),
        }
    }

    /// As [`check_row`](Self::check_row), but the elements of boxes may lie beyond their bounds; NaN may be nowhere.
    ///
    /// # Errors
    /// As [`check_row`](Self::check_row).
    pub fn check_row_leniently(&self, values: &Columns, row: usize) -> Result<(), SpaceViolation> {
        let check = |leaf: &Self, index: usize, name: &str| {
            if !matches!(leaf, Self::Box(_)) {
                return leaf.check_leaf(values, index, row, name);
            }
            let w = values.width(index);
            let range = row * w..(row + 1) * w;
            let nan = match &values.fields()[index].data {
                ColumnData::F32(v) => v[range].iter().position(|x| x.is_nan()),
                ColumnData::F64(v) => v[range].iter().position(|x| x.is_nan()),
                _ => None,
            };
            nan.map_or(Ok(()), |element| {
                let (value, expected) = ("NaN".to_owned(), "not a number".to_owned());
                Err(SpaceViolation::new(name, element, value, expected))
            })
        };
        match self {
            Self::Dict(_) | Self::Tuple(_) => {
                let mut leaves = self.leaves().into_iter().enumerate();
                leaves.try_for_each(|(index, (name, leaf))| check(leaf, index, &name))
            }
            leaf => check(leaf, 0, ""),
        }
    }

    /// As [`check_row`](Self::check_row), of a leaf whose column is `index`.
    fn check_leaf(
        &self,
        values: &Columns,
        index: usize,
        row: usize,
        name: &str,
    ) -> Result<(), SpaceViolation> {
        let w = values.width(index);
        let range = row * w..(row + 1) * w;
        let violation = match (self, &values.fields()[index].data) {
            (Self::Box(b), ColumnData::F32(v)) => b.check(v[range].iter().map(|&x| f64::from(x))),
            (Self::Box(b), ColumnData::F64(v)) => b.check(v[range].iter().copied()),
            (Self::Box(b), ColumnData::U8(v)) => b.check(v[range].iter().map(|&x| f64::from(x))),
            (Self::Discrete { n, start }, ColumnData::I32(v)) => {
                let (value, end) = (v[row], i64::from(*start) + *n as i64);
                (value < *start || i64::from(value) >= end).then(|| {
                    (
                        0,
                        value.to_string(),
                        format!("not one of {start}..={}", end - 1),
                    )
                })
            }
            (Self::MultiDiscrete { nvec }, ColumnData::I32(v)) => v[range]
                .iter()
                .zip(nvec)
                .enumerate()
                .find_map(|(i, (&x, &n))| {
                    (x < 0 || x as usize >= n)
                        .then(|| (i, x.to_string(), format!("not one of 0..={}", n as i64 - 1)))
                }),
            (
                Self::MultiBinary {
                    min_ones, max_ones, ..
                },
                ColumnData::U8(v),
            ) => check_bits(&v[range], *min_ones, *max_ones),
            (
                Self::Text {
                    min_length,
                    max_length,
                    charset,
                },
                ColumnData::Text(v),
            ) => check_text(&v[row], *min_length, *max_length, charset),
            (_, data) => Some((
                0,
                format!("a {}", data.type_name()),
                "of another type".to_owned(),
            )),
        };
        let Some((element, value, expected)) = violation else {
            return Ok(());
        };
        Err(SpaceViolation::new(name, element, value, expected))
    }

    /// Whether row `row` of `values` lies in this space.
    pub fn contains(&self, values: &Columns, row: usize) -> bool {
        self.check_row(values, row).is_ok()
    }
}

impl BoxSpace {
    fn check(&self, values: impl Iterator<Item = f64>) -> Option<(usize, String, String)> {
        // Bounds are compared in the element type, as a float32 observation may equal the rounded bound.
        let round = |x: f64| {
            if self.dtype == DType::Float32 {
                f64::from(x as f32)
            } else {
                x
            }
        };
        values
            .zip(self.low.iter().zip(&self.high))
            .enumerate()
            .find_map(|(i, (x, (&lo, &hi)))| {
                let inside = x >= round(lo) && x <= round(hi);
                (!inside).then(|| (i, x.to_string(), format!("not within {lo}..={hi}")))
            })
    }
}

fn check_bits(bits: &[u8], min: usize, max: usize) -> Option<(usize, String, String)> {
    if let Some(i) = bits.iter().position(|&x| x > 1) {
        return Some((i, bits[i].to_string(), "not 0 or 1".to_owned()));
    }
    let ones = bits.iter().map(|&x| usize::from(x)).sum::<usize>();
    (ones < min || ones > max).then(|| {
        (
            0,
            format!("one of {ones} bits set"),
            format!("but {min}..={max} must be"),
        )
    })
}

fn check_text(s: &str, min: usize, max: usize, charset: &str) -> Option<(usize, String, String)> {
    let length = s.chars().count();
    if length < min || length > max {
        return Some((
            0,
            format!("{length} characters long"),
            format!("not {min}..={max}"),
        ));
    }
    let stranger = s
        .chars()
        .find(|&c| !charset.is_empty() && !charset.contains(c));
    stranger.map(|c| {
        (
            0,
            format!("text with {c:?}"),
            format!("not made of {charset:?}"),
        )
    })
}
