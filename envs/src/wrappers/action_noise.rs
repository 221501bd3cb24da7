//! Noise on actions.

use rand::{Rng, RngExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    layer::{self, Layer, Pass, check_probability, check_size, incompatible},
    leaves::real_box,
    random,
};
use crate::{
    error::EnvError,
    sim::{Builder, StepSet, StreamId},
    space::{ColumnData, Columns, Space},
    stream::Stream,
};

/// Makes actions imprecise: `sigma` adds independent normal noise to real elements and clips the sum to their
/// bounds; `epsilon` replaces integers and bits, with that probability, by a uniform draw among what the space and
/// the action mask allow (all elements of a vector together). Give the one that the action space calls for, or
/// both where it has both kinds of leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionNoise {
    /// Standard deviation in units of the action, at least 0.
    #[serde(default)]
    pub sigma: Option<f64>,
    /// Probability of a random choice, in `0..=1`.
    #[serde(default)]
    pub epsilon: Option<f64>,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

/// What is done to one leaf.
enum Noise {
    /// Normal noise of this size, then clipping to these bounds.
    Normal {
        sigma: f64,
        low: Vec<f64>,
        high: Vec<f64>,
    },
    /// A random value of the leaf with this probability.
    Replace { epsilon: f64, leaf: Space },
}

struct NoisyAction {
    player: usize,
    stage: usize,
    stream: StreamId,
    /// One for each leaf.
    leaves: Vec<Noise>,
}

impl Layer for NoisyAction {}

impl NoisyAction {
    fn act(&mut self, pass: &mut Pass<'_>) {
        let elapsed = &pass.border.elapsed;
        let player = &mut pass.border.players[self.player];
        for row in pass.selection.rows() {
            if !player.acted[row] {
                continue;
            }
            let (outer, inner, mask) = player.action_stage_and_mask(self.stage, row);
            inner.copy_row(row, outer, row);
            let mut rng = random::stream(pass.lanes, self.stream, row, elapsed[row]);
            for (field, noise) in self.leaves.iter().enumerate() {
                match noise {
                    Noise::Normal { sigma, low, high } => {
                        add_normal(inner, field, row, *sigma, (low, high), &mut rng);
                    }
                    Noise::Replace { epsilon, leaf } => {
                        if rng.random::<f64>() < *epsilon {
                            // Where the mask allows nothing, there is nothing to replace the action by.
                            let _ = leaf.sample_leaf(inner, field, row, mask, &mut rng);
                        }
                    }
                }
            }
        }
    }
}

/// Adds normal noise to one row of a field, within `bounds`.
fn add_normal(
    values: &mut Columns,
    field: usize,
    row: usize,
    sigma: f64,
    (low, high): (&[f64], &[f64]),
    rng: &mut Stream,
) {
    let column = &mut values.fields_mut()[field];
    let range = row * column.width..(row + 1) * column.width;
    let mut draws = [0.0; 4];
    let mut normal = |i: usize| {
        if i.is_multiple_of(4) {
            draws = random::normals_of(std::array::from_fn(|_| rng.next_u32()));
        }
        f64::from(draws[i % 4])
    };
    // The bounds are rounded to the element type, as the space's own check does.
    match &mut column.data {
        ColumnData::F32(v) => {
            for (i, x) in v[range].iter_mut().enumerate() {
                let noisy = (f64::from(*x) + sigma * normal(i)) as f32;
                *x = noisy.max(low[i] as f32).min(high[i] as f32);
            }
        }
        ColumnData::F64(v) => {
            for (i, x) in v[range].iter_mut().enumerate() {
                *x = (*x + sigma * normal(i)).max(low[i]).min(high[i]);
            }
        }
        ColumnData::I32(_) | ColumnData::U8(_) | ColumnData::Text(_) => {}
    }
}

impl ActionNoise {
    /// The noise of each leaf of `space`, or why there is none.
    fn leaves(&self, space: &Space) -> Result<Vec<Noise>, &'static str> {
        let leaves = space.leaves();
        let is_real = |leaf: &Space| real_box(leaf).is_some();
        if self.sigma.is_some() && !leaves.iter().any(|(_, leaf)| is_real(leaf)) {
            return Err("its action has no real elements for `sigma`; set `epsilon`");
        }
        if self.epsilon.is_some() && leaves.iter().all(|(_, leaf)| is_real(leaf)) {
            return Err("its action has no integers or bits for `epsilon`; set `sigma`");
        }
        let noise = leaves.into_iter().map(|(_, leaf)| match leaf {
            Space::Box(b) if is_real(leaf) => {
                let sigma = self
                    .sigma
                    .ok_or("its action has real elements; set `sigma`")?;
                Ok(Noise::Normal {
                    sigma,
                    low: b.low.clone(),
                    high: b.high.clone(),
                })
            }
            Space::Box(_) => Err("its action is made of bytes"),
            Space::Text { .. } => Err("its action is text"),
            leaf => {
                let epsilon = self
                    .epsilon
                    .ok_or("its action has integers or bits; set `epsilon`")?;
                Ok(Noise::Replace {
                    epsilon,
                    leaf: leaf.clone(),
                })
            }
        });
        noise.collect()
    }
}

impl Wrapper for ActionNoise {
    const NAME: &'static str = "action_noise";
    const SUMMARY: &'static str =
        "Add normal noise to real actions, or replace others by random ones now and then.";

    fn check(&self) -> Result<(), EnvError> {
        if self.sigma.is_none() && self.epsilon.is_none() {
            return Err(EnvError::argument(
                "",
                "one of `sigma` (real actions) and `epsilon` (integers and bits) must be given",
            ));
        }
        check_size("sigma", self.sigma.unwrap_or(0.0))?;
        check_probability("epsilon", self.epsilon.unwrap_or(0.0))
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        for player in layer::players(builder, &self.players)? {
            let space = builder.spec().players[player].action.clone();
            let leaves = self
                .leaves(&space)
                .map_err(|reason| incompatible(builder, Self::NAME, player, reason))?;
            let noisy = NoisyAction {
                player,
                stage: builder.add_action_stage(player, space),
                stream: layer::stream::<NoisyAction>(builder, Self::NAME),
                leaves,
            };
            layer::add(builder, noisy, &[(StepSet::Act, NoisyAction::act)]);
        }
        let some = |level: Option<f64>| level.is_some_and(|l| l > 0.0);
        builder.spec_mut().stochastic |= some(self.sigma) || some(self.epsilon);
        Ok(())
    }
}
