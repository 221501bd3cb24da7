//! Values of any space as a vector of `f32`: one-hot for integers, elements in row-major order for boxes and bits,
//! leaves one after the other (Gymnasium's flattening).

use super::layer::{Pass, incompatible};
use crate::{
    error::EnvError,
    sim::Builder,
    space::{ColumnData, Columns, Space},
};

/// How one leaf is written.
#[derive(Debug, Clone)]
enum Part {
    /// As it is.
    Values,
    /// One-hot: element `i` is in `start..start + sizes[i]`.
    OneHot { start: i32, sizes: Vec<usize> },
}

/// The flat form of a space.
#[derive(Debug, Clone)]
pub struct Flat {
    parts: Vec<Part>,
    /// Elements of a row.
    pub width: usize,
    /// Lower bounds of the elements.
    pub low: Vec<f64>,
    /// Upper bounds of the elements.
    pub high: Vec<f64>,
}

impl Flat {
    /// The flat form of `space`; `None` if it holds text, which has none.
    pub fn of(space: &Space) -> Option<Self> {
        let mut flat = Self {
            parts: Vec::new(),
            width: space.flat_width(),
            low: Vec::new(),
            high: Vec::new(),
        };
        for (_, leaf) in space.leaves() {
            let part = match leaf {
                Space::Box(b) => {
                    flat.low.extend_from_slice(&b.low);
                    flat.high.extend_from_slice(&b.high);
                    Part::Values
                }
                Space::MultiBinary { .. } => Part::Values,
                Space::Discrete { n, start } => Part::OneHot {
                    start: *start,
                    sizes: vec![*n],
                },
                Space::MultiDiscrete { nvec } => Part::OneHot {
                    start: 0,
                    sizes: nvec.clone(),
                },
                Space::Text { .. } | Space::Dict(_) | Space::Tuple(_) => return None,
            };
            if !matches!(leaf, Space::Box(_)) {
                let width = flat.low.len() + leaf.flat_width();
                flat.low.resize(width, 0.0);
                flat.high.resize(width, 1.0);
            }
            flat.parts.push(part);
        }
        Some(flat)
    }

    /// Writes row `row` of `columns`, a batch of values of the space, to `out`, `[width]`.
    pub fn write(&self, columns: &Columns, row: usize, out: &mut [f32]) {
        let mut rest = out;
        for (part, field) in self.parts.iter().zip(columns.fields()) {
            let range = row * field.width..(row + 1) * field.width;
            let width = match part {
                Part::Values => field.width,
                Part::OneHot { sizes, .. } => sizes.iter().sum(),
            };
            let (head, tail) = rest.split_at_mut(width);
            match (part, &field.data) {
                (Part::Values, ColumnData::F32(v)) => head.copy_from_slice(&v[range]),
                (Part::Values, ColumnData::F64(v)) => {
                    (head.iter_mut().zip(&v[range])).for_each(|(o, x)| *o = *x as f32);
                }
                (Part::Values, ColumnData::U8(v)) => {
                    (head.iter_mut().zip(&v[range])).for_each(|(o, x)| *o = f32::from(*x));
                }
                (Part::OneHot { start, sizes }, ColumnData::I32(v)) => {
                    head.fill(0.0);
                    let mut first = 0;
                    for (x, size) in v[range].iter().zip(sizes) {
                        head[first + (x - start) as usize] = 1.0;
                        first += size;
                    }
                }
                // Columns are made from the space that this form was made from.
                _ => debug_assert!(
                    false,
                    "a {} column has no flat form",
                    field.data.type_name()
                ),
            }
            rest = tail;
        }
    }
}

/// The flat form of player `player`'s observation, so far.
pub(super) fn flat_observation(
    builder: &Builder,
    player: usize,
    wrapper: &'static str,
) -> Result<Flat, EnvError> {
    let observation = &builder.spec().players[player].observation;
    Flat::of(observation).ok_or_else(|| {
        incompatible(
            builder,
            wrapper,
            player,
            "its observation holds text, which has no flat form",
        )
    })
}

/// An observation stage that is the flat form of the stage before it, and some further elements.
pub(super) struct Appended {
    player: usize,
    stage: usize,
    flat: Flat,
    extra: usize,
}

impl Appended {
    /// Adds the stage, with further elements within `bounds`, each `(low, high)`.
    pub(super) fn new(
        builder: &mut Builder,
        player: usize,
        wrapper: &'static str,
        bounds: &[(f64, f64)],
    ) -> Result<Self, EnvError> {
        let flat = flat_observation(builder, player, wrapper)?;
        let low = flat.low.iter().copied().chain(bounds.iter().map(|b| b.0));
        let high = flat.high.iter().copied().chain(bounds.iter().map(|b| b.1));
        let space = Space::bounded(low.collect(), high.collect());
        Ok(Self {
            player,
            stage: builder.add_observation_stage(player, space),
            flat,
            extra: bounds.len(),
        })
    }

    /// Writes the selected rows; `tail(row, time, out)` writes the further elements of row `row`, `time`
    /// environment steps after its reset.
    pub(super) fn write(&self, pass: &mut Pass<'_>, mut tail: impl FnMut(usize, u32, &mut [f32])) {
        let width = self.flat.width + self.extra;
        let elapsed = &pass.border.elapsed;
        let (inner, outer) = pass.border.players[self.player].observation_stage(self.stage);
        let outer = outer.f32_mut(0);
        for row in pass.selection.rows() {
            let (head, rest) = outer[row * width..(row + 1) * width].split_at_mut(self.flat.width);
            self.flat.write(inner, row, head);
            tail(row, elapsed[row], rest);
        }
    }
}
