//! Random values of a space, by Gymnasium's rules.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1, StandardNormal};

use super::{BoxSpace, ColumnData, Columns, Space};

/// A mask that allows nothing, so that no value can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the action mask allows no action")]
pub struct EmptyMask;

impl Space {
    /// Draws a value into row `row` of `values`, which must be columns of this space.
    ///
    /// Boxes: uniform where bounded on both sides, exponential from the bound where bounded on one side, normal
    /// where unbounded. Integers, bits and text: uniform. `mask` ([`mask_width`](Space::mask_width) flags, or
    /// empty for no mask) restricts a space that is a single leaf.
    ///
    /// # Errors
    /// [`EmptyMask`] if the mask allows no value.
    pub fn sample_row(
        &self,
        values: &mut Columns,
        row: usize,
        mask: &[u8],
        rng: &mut impl Rng,
    ) -> Result<(), EmptyMask> {
        match self {
            // The common cases come first, without building the list of leaves.
            Self::Dict(_) | Self::Tuple(_) => {
                for (index, (_, leaf)) in self.leaves().into_iter().enumerate() {
                    leaf.sample_leaf(values, index, row, &[], rng)?;
                }
                Ok(())
            }
            leaf => leaf.sample_leaf(values, 0, row, mask, rng),
        }
    }

    /// As [`sample_row`](Self::sample_row), for a leaf that is field `index` of `values`.
    pub(crate) fn sample_leaf(
        &self,
        values: &mut Columns,
        index: usize,
        row: usize,
        mask: &[u8],
        rng: &mut impl Rng,
    ) -> Result<(), EmptyMask> {
        let w = values.width(index);
        let range = row * w..(row + 1) * w;
        match (self, &mut values.fields_mut()[index].data) {
            (Self::Box(b), ColumnData::F32(v)) => {
                for (i, x) in v[range].iter_mut().enumerate() {
                    *x = b.draw(i, rng) as f32;
                }
            }
            (Self::Box(b), ColumnData::F64(v)) => {
                for (i, x) in v[range].iter_mut().enumerate() {
                    *x = b.draw(i, rng);
                }
            }
            (Self::Box(b), ColumnData::U8(v)) => {
                for (i, x) in v[range].iter_mut().enumerate() {
                    *x = rng.random_range(b.low[i] as u8..=b.high[i] as u8);
                }
            }
            (Self::Discrete { n, start }, ColumnData::I32(v)) => {
                v[row] = start + draw_choice(*n, mask, rng)? as i32;
            }
            (Self::MultiDiscrete { nvec }, ColumnData::I32(v)) => {
                let mut first = 0;
                for (x, &n) in v[range].iter_mut().zip(nvec) {
                    let part = if mask.is_empty() {
                        mask
                    } else {
                        &mask[first..first + n]
                    };
                    *x = draw_choice(n, part, rng)? as i32;
                    first += n;
                }
            }
            (
                Self::MultiBinary {
                    n,
                    min_ones,
                    max_ones,
                },
                ColumnData::U8(v),
            ) => {
                draw_subset(&mut v[range], *n, *min_ones, *max_ones, mask, rng)?;
            }
            (
                Self::Text {
                    min_length,
                    max_length,
                    charset,
                },
                ColumnData::Text(v),
            ) => {
                let letters: Vec<char> = if charset.is_empty() {
                    ('a'..='z').chain(" ".chars()).collect()
                } else {
                    charset.chars().collect()
                };
                // Long texts are of no use as random samples.
                let length = rng.random_range(*min_length..=(*max_length).min(min_length + 64));
                v[row] = (0..length)
                    .map(|_| letters[rng.random_range(0..letters.len())])
                    .collect();
            }
            _ => unreachable!("columns are made from the space that samples them"),
        }
        Ok(())
    }
}

impl BoxSpace {
    fn draw(&self, i: usize, rng: &mut impl Rng) -> f64 {
        let (low, high) = (self.low[i], self.high[i]);
        match (low.is_finite(), high.is_finite()) {
            (true, true) => low + (high - low) * rng.random::<f64>(),
            (true, false) => low + Distribution::<f64>::sample(&Exp1, rng),
            (false, true) => high - Distribution::<f64>::sample(&Exp1, rng),
            (false, false) => StandardNormal.sample(rng),
        }
    }
}

/// A uniform choice among `0..n`, restricted by `mask` unless that is empty.
fn draw_choice(n: usize, mask: &[u8], rng: &mut impl Rng) -> Result<usize, EmptyMask> {
    if mask.is_empty() {
        return Ok(rng.random_range(0..n));
    }
    let allowed = mask.iter().filter(|&&m| m != 0).count();
    if allowed == 0 {
        return Err(EmptyMask);
    }
    let pick = rng.random_range(0..allowed);
    mask.iter()
        .enumerate()
        .filter(|&(_, &m)| m != 0)
        .nth(pick)
        .map(|(i, _)| i)
        .ok_or(EmptyMask)
}

/// A uniform subset among the allowed bits; its size is uniform over the allowed sizes unless every subset of
/// allowed bits will do, when each bit is a fair coin.
fn draw_subset(
    bits: &mut [u8],
    n: usize,
    min: usize,
    max: usize,
    mask: &[u8],
    rng: &mut impl Rng,
) -> Result<(), EmptyMask> {
    let allows = |i: usize| mask.is_empty() || mask[i] != 0;
    let mut allowed = (0..n).filter(|&i| allows(i)).count();
    if allowed < min {
        return Err(EmptyMask);
    }
    if min == 0 && max >= n {
        bits.iter_mut()
            .enumerate()
            .for_each(|(i, b)| *b = u8::from(allows(i) && rng.random()));
        return Ok(());
    }
    // Selection sampling: each allowed bit is taken with probability wanted / left.
    let mut wanted = rng.random_range(min..=max.min(allowed));
    for (i, bit) in bits.iter_mut().enumerate() {
        *bit = 0;
        if allows(i) {
            *bit = u8::from(rng.random_range(0..allowed) < wanted);
            wanted -= usize::from(*bit);
            allowed -= 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{
        space::{BoxSpace, DType, Space},
        stream::Stream,
    };

    fn any_leaf() -> impl Strategy<Value = Space> {
        prop_oneof![
            (1usize..6, -9i32..9).prop_map(|(n, start)| Space::Discrete { n, start }),
            prop::collection::vec(1usize..5, 1..4).prop_map(|nvec| Space::MultiDiscrete { nvec }),
            (1usize..9)
                .prop_flat_map(|n| (Just(n), 0..=n))
                .prop_flat_map(|(n, max_ones)| {
                    (0..=max_ones).prop_map(move |min_ones| Space::MultiBinary {
                        n,
                        min_ones,
                        max_ones,
                    })
                }),
            (0usize..4, 0usize..9).prop_map(|(min_length, more)| Space::Text {
                min_length,
                max_length: min_length + more,
                charset: "abc".to_owned()
            }),
            prop::collection::vec((-5.0..0.0f64, 0.0..5.0f64, 0u8..4), 1..4).prop_map(|bounds| {
                Space::Box(BoxSpace {
                    dtype: DType::Float64,
                    shape: vec![bounds.len()],
                    low: bounds
                        .iter()
                        .map(|b| if b.2 & 1 == 0 { b.0 } else { f64::NEG_INFINITY })
                        .collect(),
                    high: bounds
                        .iter()
                        .map(|b| if b.2 & 2 == 0 { b.1 } else { f64::INFINITY })
                        .collect(),
                })
            }),
        ]
    }

    fn any_space() -> impl Strategy<Value = Space> {
        any_leaf().prop_recursive(2, 6, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..3).prop_map(Space::Tuple),
                prop::collection::vec(inner, 1..3).prop_map(|v| {
                    Space::Dict(
                        v.into_iter()
                            .enumerate()
                            .map(|(i, s)| (format!("f{i}"), s))
                            .collect(),
                    )
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn samples_lie_in_their_space_and_survive_json(space in any_space(), seed: u64) {
            let mut values = space.columns(2);
            space.sample_row(&mut values, 1, &[], &mut Stream::new(seed, 0, "test")).unwrap();
            prop_assert_eq!(space.check_row(&values, 1), Ok(()));

            let text = serde_json::to_string(&space).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Space>(&text).unwrap(), &space);

            let json = space.row_to_json(&values, 1);
            let mut copy = space.columns(1);
            space.row_from_json(&mut copy, 0, &json).unwrap();
            prop_assert!(copy.row_bits_equal(0, &values, 1), "{} became {:?}", json, copy);
        }

        #[test]
        fn masked_samples_are_allowed(mask in prop::collection::vec(0u8..2, 1..9), seed: u64) {
            let mut rng = Stream::new(seed, 0, "test");
            let choice = Space::discrete(mask.len());
            let mut values = choice.columns(1);
            match choice.sample_row(&mut values, 0, &mask, &mut rng) {
                Ok(()) => prop_assert!(mask[values.i32(0)[0] as usize] == 1),
                Err(_) => prop_assert!(mask.iter().all(|&m| m == 0)),
            }
            let subset = Space::MultiBinary { n: mask.len(), min_ones: 1, max_ones: 2.min(mask.len()) };
            let mut values = subset.columns(1);
            if subset.sample_row(&mut values, 0, &mask, &mut rng).is_ok() {
                prop_assert!(values.u8(0).iter().zip(&mask).all(|(&b, &m)| b <= m));
                prop_assert!(subset.contains(&values, 0));
            }
        }
    }

    #[test]
    fn values_outside_are_named() {
        let space = Space::Dict(vec![
            ("speed".into(), Space::vector(2, -1.0, 1.0)),
            ("gear".into(), Space::discrete(3)),
        ]);
        let mut values = space.columns(1);
        values.f32_mut(0)[1] = f32::NAN;
        let message = space.check_row(&values, 0).unwrap_err().to_string();
        assert_eq!(message, "`speed` element 1 is NaN, not within -1..=1");
        values.f32_mut(0)[1] = 1.0;
        values.i32_mut(1)[0] = 3;
        let message = space.check_row(&values, 0).unwrap_err().to_string();
        assert_eq!(message, "`gear` element 0 is 3, not one of 0..=2");
    }
}
