//! Spaces leaf by leaf.

use crate::space::{BoxSpace, ColumnData, Columns, DType, Space};

/// `space` with each leaf replaced by what `f` makes of it, in the order of [`Space::leaves`]; `None` if `f` gives
/// up.
pub(super) fn map_leaves(
    space: &Space,
    f: &mut impl FnMut(&Space) -> Option<Space>,
) -> Option<Space> {
    match space {
        Space::Dict(fields) => fields
            .iter()
            .map(|(name, s)| Some((name.clone(), map_leaves(s, f)?)))
            .collect::<Option<_>>()
            .map(Space::Dict),
        Space::Tuple(items) => items
            .iter()
            .map(|s| map_leaves(s, f))
            .collect::<Option<_>>()
            .map(Space::Tuple),
        leaf => f(leaf),
    }
}

/// The box within a leaf of real numbers; `None` for all other leaves.
pub(super) fn real_box(leaf: &Space) -> Option<&BoxSpace> {
    match leaf {
        Space::Box(b) if b.dtype != DType::Uint8 => Some(b),
        _ => None,
    }
}

/// The numbers of the leaves of `space` that are boxes of real numbers.
pub(crate) fn real_leaves(space: &Space) -> Vec<usize> {
    let leaves = space.leaves();
    let real = |i: &usize| real_box(leaves[*i].1).is_some();
    (0..leaves.len()).filter(real).collect()
}

/// `space` with other bounds for the elements of its boxes of real numbers.
pub(super) fn within(space: &Space, low: f64, high: f64) -> Space {
    let bound = &mut |leaf: &Space| {
        Some(match real_box(leaf) {
            Some(b) => Space::Box(BoxSpace {
                low: vec![low; b.low.len()],
                high: vec![high; b.high.len()],
                ..b.clone()
            }),
            None => leaf.clone(),
        })
    };
    map_leaves(space, bound).unwrap_or_else(|| space.clone())
}

/// One row with the value of `space` that stands for "nothing yet": in each leaf the value nearest to zero, the
/// smallest integer, as few bits and letters as may be.
pub(super) fn null_value(space: &Space) -> Columns {
    let mut columns = space.columns(1);
    for ((_, leaf), field) in space.leaves().into_iter().zip(columns.fields_mut()) {
        match (leaf, &mut field.data) {
            (Space::Box(b), data) => {
                for i in 0..field.width {
                    let nearest = 0f64.max(b.low[i]).min(b.high[i]);
                    match data {
                        ColumnData::F32(v) => v[i] = nearest as f32,
                        ColumnData::F64(v) => v[i] = nearest,
                        ColumnData::U8(v) => v[i] = nearest as u8,
                        ColumnData::I32(_) | ColumnData::Text(_) => {}
                    }
                }
            }
            (Space::MultiBinary { min_ones, .. }, ColumnData::U8(v)) => v[..*min_ones].fill(1),
            (
                Space::Text {
                    min_length,
                    charset,
                    ..
                },
                ColumnData::Text(v),
            ) => {
                let letter = charset.chars().next().unwrap_or(' ');
                v[0] = std::iter::repeat_n(letter, *min_length).collect();
            }
            _ => {}
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_values_lie_in_their_spaces() {
        let space = Space::Tuple(vec![
            Space::bounded(vec![1.0, -3.0, -1.0], vec![2.0, -2.0, 1.0]),
            Space::Discrete { n: 3, start: -5 },
            Space::MultiBinary {
                n: 4,
                min_ones: 2,
                max_ones: 3,
            },
            Space::Text {
                min_length: 2,
                max_length: 3,
                charset: "xyz".into(),
            },
        ]);
        let null = null_value(&space);
        assert_eq!(space.check_row(&null, 0), Ok(()));
        assert_eq!(null.f32(0), [1.0, -2.0, 0.0]);
        assert_eq!(null.i32(1), [-5]);
        assert_eq!(null.u8(2), [1, 1, 0, 0]);
        assert_eq!(null.text(3), ["xx"]);
    }
}
