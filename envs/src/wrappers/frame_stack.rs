//! The last few observations at once.
//!
//! *Mnih et al., Human-level control through deep reinforcement learning, Nature 2015 (four frames).*

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    layer::{self, Layer, Pass, check_width, incompatible},
    leaves::map_leaves,
};
use crate::{
    error::EnvError,
    sim::{Builder, StepSet},
    space::{BoxSpace, ColumnData, Space},
};

/// Shows the last `frames` observations, stacked along a new first axis with the newest last; when an episode
/// starts, all of them are its first observation. Integers are stacked to a vector of integers from 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameStack {
    /// Number of observations, at least 1.
    pub frames: usize,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

/// The stage it writes holds the frames, as nothing else writes there.
struct Stack {
    player: usize,
    stage: usize,
    /// For each field the integer to be taken off, so that values start at 0.
    starts: Vec<i32>,
}

impl Layer for Stack {}

/// Puts the frame `new` behind the others of one row; in the place of all of them if it is the `first`.
fn push<T: Copy>(frames: &mut [T], new: impl Iterator<Item = T>, width: usize, first: bool) {
    if !first {
        frames.copy_within(width.., 0);
    }
    let last = frames.len() - width;
    frames[last..]
        .iter_mut()
        .zip(new)
        .for_each(|(to, x)| *to = x);
    if first {
        for frame in 0..last / width.max(1) {
            frames.copy_within(last.., frame * width);
        }
    }
}

impl Stack {
    fn observe(&mut self, pass: &mut Pass<'_>) {
        let elapsed = &pass.border.elapsed;
        let player = &mut pass.border.players[self.player];
        let (inner, outer) = player.observation_stage(self.stage);
        let fields = inner.fields().iter().zip(outer.fields_mut());
        for ((inner, outer), &start) in fields.zip(&self.starts) {
            let (width, stacked) = (inner.width, outer.width);
            for row in pass.selection.rows() {
                let (from, to) = (
                    row * width..(row + 1) * width,
                    row * stacked..(row + 1) * stacked,
                );
                let first = elapsed[row] == 0;
                match (&inner.data, &mut outer.data) {
                    (ColumnData::F32(v), ColumnData::F32(frames)) => {
                        push(&mut frames[to], v[from].iter().copied(), width, first);
                    }
                    (ColumnData::F64(v), ColumnData::F64(frames)) => {
                        push(&mut frames[to], v[from].iter().copied(), width, first);
                    }
                    (ColumnData::U8(v), ColumnData::U8(frames)) => {
                        push(&mut frames[to], v[from].iter().copied(), width, first);
                    }
                    (ColumnData::I32(v), ColumnData::I32(frames)) => {
                        push(
                            &mut frames[to],
                            v[from].iter().map(|x| x - start),
                            width,
                            first,
                        );
                    }
                    _ => {}
                }
            }
        }
    }
}

/// `frames` values of the leaf; `None` for text.
fn stacked(leaf: &Space, frames: usize) -> Option<Space> {
    Some(match leaf {
        Space::Box(b) => Space::Box(BoxSpace {
            dtype: b.dtype,
            shape: std::iter::once(frames)
                .chain(b.shape.iter().copied())
                .collect(),
            low: b.low.repeat(frames),
            high: b.high.repeat(frames),
        }),
        Space::Discrete { n, .. } => Space::MultiDiscrete {
            nvec: vec![*n; frames],
        },
        Space::MultiDiscrete { nvec } => Space::MultiDiscrete {
            nvec: nvec.repeat(frames),
        },
        Space::MultiBinary {
            n,
            min_ones,
            max_ones,
        } => Space::MultiBinary {
            n: n * frames,
            min_ones: min_ones * frames,
            max_ones: max_ones * frames,
        },
        Space::Text { .. } | Space::Dict(_) | Space::Tuple(_) => return None,
    })
}

impl Wrapper for FrameStack {
    const NAME: &'static str = "frame_stack";
    const SUMMARY: &'static str = "Show the last few observations at once.";
    const KEEPS_PROBLEM: bool = true;

    fn check(&self) -> Result<(), EnvError> {
        check_width("frames", self.frames)
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        for player in layer::players(builder, &self.players)? {
            let space = builder.spec().players[player].observation.clone();
            let outer = map_leaves(&space, &mut |leaf| stacked(leaf, self.frames));
            let outer = outer.ok_or_else(|| {
                let reason = "its observation holds text, which cannot be stacked";
                incompatible(builder, Self::NAME, player, reason)
            })?;
            let starts = space.leaves().into_iter().map(|(_, leaf)| match leaf {
                Space::Discrete { start, .. } => *start,
                _ => 0,
            });
            let stack = Stack {
                player,
                starts: starts.collect(),
                stage: builder.add_observation_stage(player, outer),
            };
            layer::add(builder, stack, &[(StepSet::Observe, Stack::observe)]);
        }
        Ok(())
    }
}
