//! Other bounds for actions that are real vectors: clipping and rescaling, as Gymnasium's wrappers of these names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    layer::{self, Layer, Pass, incompatible},
    leaves::{real_box, within},
};
use crate::{
    error::EnvError,
    sim::{Builder, StepSet},
    space::{BoxSpace, ColumnData},
};

/// Lets agents choose any real action and clips it to the environment's bounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClipAction {
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

/// Lets agents act in `low..=high` in every element and maps that affinely to the environment's bounds, which must
/// be finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RescaleAction {
    /// Lower bound for the agent; -1 unless set.
    #[serde(default = "minus_one")]
    pub low: f64,
    /// Upper bound for the agent, above `low`; 1 unless set.
    #[serde(default = "one")]
    pub high: f64,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

fn minus_one() -> f64 {
    -1.0
}

fn one() -> f64 {
    1.0
}

/// `x -> clamp(offset + scale·x)`, for each element.
struct AffineAction {
    player: usize,
    stage: usize,
    scale: Vec<f64>,
    offset: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Layer for AffineAction {}

impl AffineAction {
    fn act(&mut self, pass: &mut Pass<'_>) {
        let player = &mut pass.border.players[self.player];
        let width = self.low.len();
        for run in pass.selection.runs() {
            let range = run.start * width..run.end * width;
            let (outer, inner) = player.action_stage(self.stage);
            match (&outer.fields()[0].data, &mut inner.fields_mut()[0].data) {
                (ColumnData::F32(from), ColumnData::F32(to)) => {
                    let rows = from[range.clone()].chunks_exact(width);
                    for (from, to) in rows.zip(to[range].chunks_exact_mut(width)) {
                        for i in 0..width {
                            let value = self.offset[i] + self.scale[i] * f64::from(from[i]);
                            // The bounds are rounded to the element type, as the space's own check does.
                            to[i] = (value as f32)
                                .max(self.low[i] as f32)
                                .min(self.high[i] as f32);
                        }
                    }
                }
                (ColumnData::F64(from), ColumnData::F64(to)) => {
                    let rows = from[range.clone()].chunks_exact(width);
                    for (from, to) in rows.zip(to[range].chunks_exact_mut(width)) {
                        for i in 0..width {
                            let value = self.offset[i] + self.scale[i] * from[i];
                            to[i] = value.max(self.low[i]).min(self.high[i]);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// The box that is player `player`'s whole action space.
pub(super) fn action_box(
    builder: &Builder,
    player: usize,
    wrapper: &'static str,
) -> Result<BoxSpace, EnvError> {
    real_box(&builder.spec().players[player].action)
        .cloned()
        .ok_or_else(|| {
            incompatible(
                builder,
                wrapper,
                player,
                "its action is not a vector of real numbers",
            )
        })
}

/// As [`action_box`], with finite bounds.
pub(super) fn bounded_action_box(
    builder: &Builder,
    player: usize,
    wrapper: &'static str,
) -> Result<BoxSpace, EnvError> {
    let space = action_box(builder, player, wrapper)?;
    if space.low.iter().chain(&space.high).all(|x| x.is_finite()) {
        return Ok(space);
    }
    Err(incompatible(
        builder,
        wrapper,
        player,
        "its actions have no finite bounds",
    ))
}

impl Wrapper for ClipAction {
    const NAME: &'static str = "clip_action";
    const SUMMARY: &'static str =
        "Accept any real action and clip it to the environment's bounds (Gymnasium's ClipAction).";

    fn check(&self) -> Result<(), EnvError> {
        Ok(())
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        for player in layer::players(builder, &self.players)? {
            let space = action_box(builder, player, Self::NAME)?;
            let all = &builder.spec().players[player].action;
            let outer = within(all, f64::NEG_INFINITY, f64::INFINITY);
            let width = space.low.len();
            let affine = AffineAction {
                player,
                stage: builder.add_action_stage(player, outer),
                scale: vec![1.0; width],
                offset: vec![0.0; width],
                low: space.low,
                high: space.high,
            };
            layer::add(builder, affine, &[(StepSet::Act, AffineAction::act)]);
            builder.spec_mut().players[player].lenient_bounds = false;
        }
        Ok(())
    }
}

impl Wrapper for RescaleAction {
    const NAME: &'static str = "rescale_action";
    const SUMMARY: &'static str =
        "Map actions from one interval to the environment's bounds (Gymnasium's RescaleAction).";

    fn check(&self) -> Result<(), EnvError> {
        if self.low.is_finite() && self.high.is_finite() && self.low < self.high {
            return Ok(());
        }
        Err(EnvError::argument(
            "low",
            format!(
                "must be below `high`, both finite, found {}..={}",
                self.low, self.high
            ),
        ))
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        for player in layer::players(builder, &self.players)? {
            let space = bounded_action_box(builder, player, Self::NAME)?;
            let bounds = || space.low.iter().zip(&space.high);
            let scale: Vec<f64> = bounds()
                .map(|(low, high)| (high - low) / (self.high - self.low))
                .collect();
            let offset = space.low.iter().zip(&scale);
            let offset: Vec<f64> = offset.map(|(low, scale)| low - scale * self.low).collect();
            // An environment that accepts actions beyond its bounds is given them, in its own units.
            let lenient = builder.spec().players[player].lenient_bounds;
            let width = space.low.len();
            let outer = within(&builder.spec().players[player].action, self.low, self.high);
            let affine = AffineAction {
                player,
                stage: builder.add_action_stage(player, outer),
                scale,
                offset,
                low: if lenient {
                    vec![f64::NEG_INFINITY; width]
                } else {
                    space.low
                },
                high: if lenient {
                    vec![f64::INFINITY; width]
                } else {
                    space.high
                },
            };
            layer::add(builder, affine, &[(StepSet::Act, AffineAction::act)]);
        }
        Ok(())
    }
}
