//! JSON forms: of a space (the form Minari stores) and of one row of its values (for programs and people).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value, json};

use super::{BoxSpace, ColumnData, Columns, DType, Space};

/// A JSON value that does not fit the space it should fill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}expected {expected}, found {found}")]
pub struct JsonMismatch {
    /// Name of the field followed by `: `, or nothing.
    pub path: String,
    /// What the space asks for.
    pub expected: String,
    /// What was there.
    pub found: String,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum SpaceForm {
    Box {
        dtype: DType,
        shape: Vec<usize>,
        low: Vec<Bound>,
        high: Vec<Bound>,
    },
    Discrete {
        dtype: String,
        start: i32,
        n: usize,
    },
    MultiDiscrete {
        dtype: String,
        nvec: Vec<usize>,
    },
    MultiBinary {
        n: usize,
        min_ones: Option<usize>,
        max_ones: Option<usize>,
    },
    Text {
        max_length: usize,
        min_length: usize,
        charset: String,
    },
    Tuple {
        subspaces: Vec<Space>,
    },
    Dict {
        subspaces: Vec<(String, Space)>,
    },
}

/// A bound, with infinities as the strings that Python's `float` reads, because JSON has no number for them.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Bound {
    Finite(f64),
    Infinite(String),
}

impl From<f64> for Bound {
    fn from(x: f64) -> Self {
        if x.is_finite() {
            Self::Finite(x)
        } else {
            Self::Infinite(x.to_string())
        }
    }
}

impl Serialize for Space {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bounds = |v: &[f64]| v.iter().map(|&x| Bound::from(x)).collect();
        match self.clone() {
            Self::Box(b) => SpaceForm::Box {
                dtype: b.dtype,
                low: bounds(&b.low),
                high: bounds(&b.high),
                shape: b.shape,
            },
            Self::Discrete { n, start } => SpaceForm::Discrete {
                dtype: "int64".into(),
                start,
                n,
            },
            Self::MultiDiscrete { nvec } => SpaceForm::MultiDiscrete {
                dtype: "int64".into(),
                nvec,
            },
            Self::MultiBinary {
                n,
                min_ones,
                max_ones,
            } => SpaceForm::MultiBinary {
                n,
                min_ones: Some(min_ones),
                max_ones: Some(max_ones),
            },
            Self::Text {
                min_length,
                max_length,
                charset,
            } => SpaceForm::Text {
                max_length,
                min_length,
                charset,
            },
            Self::Tuple(subspaces) => SpaceForm::Tuple { subspaces },
            Self::Dict(subspaces) => SpaceForm::Dict { subspaces },
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Space {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bounds = |v: Vec<Bound>| {
            v.into_iter()
                .map(|b| match b {
                    Bound::Finite(x) => Ok(x),
                    Bound::Infinite(s) => s.parse().map_err(D::Error::custom),
                })
                .collect::<Result<Vec<f64>, D::Error>>()
        };
        Ok(match SpaceForm::deserialize(deserializer)? {
            SpaceForm::Box {
                dtype,
                shape,
                low,
                high,
            } => {
                let (low, high) = (bounds(low)?, bounds(high)?);
                let width: usize = shape.iter().product();
                if low.len() != width || high.len() != width {
                    return Err(D::Error::custom(format!(
                        "a box of shape {shape:?} has {width} bounds"
                    )));
                }
                Self::Box(BoxSpace {
                    dtype,
                    shape,
                    low,
                    high,
                })
            }
            SpaceForm::Discrete { start, n, .. } => Self::Discrete { n, start },
            SpaceForm::MultiDiscrete { nvec, .. } => Self::MultiDiscrete { nvec },
            SpaceForm::MultiBinary {
                n,
                min_ones,
                max_ones,
            } => Self::MultiBinary {
                n,
                min_ones: min_ones.unwrap_or(0),
                max_ones: max_ones.unwrap_or(n),
            },
            SpaceForm::Text {
                max_length,
                min_length,
                charset,
            } => Self::Text {
                min_length,
                max_length,
                charset,
            },
            SpaceForm::Tuple { subspaces } => Self::Tuple(subspaces),
            SpaceForm::Dict { subspaces } => Self::Dict(subspaces),
        })
    }
}

impl Space {
    /// Row `row` of `values` as JSON: a number, a list, a string, an object (Dict) or a list (Tuple). Numbers
    /// that JSON lacks become the strings `"inf"`, `"-inf"` and `"NaN"`.
    pub fn row_to_json(&self, values: &Columns, row: usize) -> Value {
        self.to_json(values, row, &mut 0)
    }

    fn to_json(&self, values: &Columns, row: usize, next: &mut usize) -> Value {
        match self {
            Self::Dict(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(name, s)| (name.clone(), s.to_json(values, row, next)))
                    .collect(),
            ),
            Self::Tuple(items) => items.iter().map(|s| s.to_json(values, row, next)).collect(),
            leaf => {
                let column = &values.fields()[*next];
                *next += 1;
                let range = row * column.width..(row + 1) * column.width;
                let scalar = matches!(leaf, Self::Discrete { .. } | Self::Text { .. });
                let mut items: Vec<Value> = match &column.data {
                    ColumnData::F32(v) => v[range].iter().map(|&x| real(f64::from(x))).collect(),
                    ColumnData::F64(v) => v[range].iter().map(|&x| real(x)).collect(),
                    ColumnData::I32(v) => v[range].iter().map(|&x| json!(x)).collect(),
                    ColumnData::U8(v) => v[range].iter().map(|&x| json!(x)).collect(),
                    ColumnData::Text(v) => v[range].iter().map(|x| json!(x)).collect(),
                };
                if scalar {
                    items.remove(0)
                } else {
                    Value::Array(items)
                }
            }
        }
    }

    /// Reads `value` into row `row` of `values`; the reverse of [`row_to_json`](Self::row_to_json). A number is
    /// taken for a list of one. Whether the value lies in the space is for [`check_row`](Self::check_row).
    ///
    /// # Errors
    /// What was expected where.
    pub fn row_from_json(
        &self,
        values: &mut Columns,
        row: usize,
        value: &Value,
    ) -> Result<(), JsonMismatch> {
        self.parse_json(values, row, value, &mut 0, "")
    }

    fn parse_json(
        &self,
        values: &mut Columns,
        row: usize,
        value: &Value,
        next: &mut usize,
        path: &str,
    ) -> Result<(), JsonMismatch> {
        let mismatch = |expected: String| JsonMismatch {
            path: if path.is_empty() {
                String::new()
            } else {
                format!("`{path}`: ")
            },
            expected,
            found: shorten(value),
        };
        let join = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        match self {
            Self::Dict(fields) => {
                let object: &Map<String, Value> = value
                    .as_object()
                    .ok_or_else(|| mismatch("an object".into()))?;
                for (name, space) in fields {
                    let item = object
                        .get(name)
                        .ok_or_else(|| mismatch(format!("a field `{name}`")))?;
                    space.parse_json(values, row, item, next, &join(name))?;
                }
                Ok(())
            }
            Self::Tuple(items) => {
                let list = value.as_array().filter(|l| l.len() == items.len());
                let list = list.ok_or_else(|| mismatch(format!("a list of {}", items.len())))?;
                for (i, (space, item)) in items.iter().zip(list).enumerate() {
                    space.parse_json(values, row, item, next, &join(&i.to_string()))?;
                }
                Ok(())
            }
            leaf => {
                let index = *next;
                *next += 1;
                let width = values.width(index);
                let expected = || match leaf {
                    Self::Text { .. } => mismatch("a string".into()),
                    Self::Box(_) => mismatch(format!("{width} numbers")),
                    _ if width == 1 => mismatch("an integer".into()),
                    _ => mismatch(format!("a list of {width} integers")),
                };
                let single = std::slice::from_ref(value);
                let list = value.as_array().map_or(single, Vec::as_slice);
                if list.len() != width {
                    return Err(expected());
                }
                for (i, item) in list.iter().enumerate() {
                    let at = row * width + i;
                    let stored = match &mut values.fields_mut()[index].data {
                        ColumnData::F32(v) => parse_real(item).map(|x| v[at] = x as f32),
                        ColumnData::F64(v) => parse_real(item).map(|x| v[at] = x),
                        ColumnData::I32(v) => item
                            .as_i64()
                            .and_then(|x| i32::try_from(x).ok())
                            .map(|x| v[at] = x),
                        ColumnData::U8(v) => {
                            let bit = item.as_bool().map(u64::from).or_else(|| item.as_u64());
                            bit.and_then(|x| u8::try_from(x).ok()).map(|x| v[at] = x)
                        }
                        ColumnData::Text(v) => item.as_str().map(|s| s.clone_into(&mut v[at])),
                    };
                    stored.ok_or_else(expected)?;
                }
                Ok(())
            }
        }
    }
}

fn real(x: f64) -> Value {
    serde_json::Number::from_f64(x).map_or_else(|| Value::String(x.to_string()), Value::Number)
}

fn parse_real(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn shorten(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 60 {
        text.chars().take(60).chain("…".chars()).collect()
    } else {
        text
    }
}
