//! Gaussian noise on observations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    layer::{self, Layer, Pass, check_size, incompatible},
    leaves::{real_leaves, within},
    random,
};
use crate::{
    error::EnvError,
    sim::{Builder, StepSet, StreamId},
    space::ColumnData,
};

/// Adds independent normal noise to every real element of an observation, fresh in each step, so that the bounds
/// become infinite. Integers, bytes and text stay as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObservationNoise {
    /// Standard deviation in units of the observation, at least 0.
    pub sigma: f64,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

struct Noise {
    player: usize,
    stage: usize,
    sigma: f64,
    stream: StreamId,
    /// Fields with real elements.
    fields: Vec<usize>,
    /// Noise of one row, all fields one after the other.
    draws: Vec<f32>,
}

impl Layer for Noise {}

impl Noise {
    fn observe(&mut self, pass: &mut Pass<'_>) {
        let elapsed = &pass.border.elapsed;
        let player = &mut pass.border.players[self.player];
        let (inner, outer) = player.observation_stage(self.stage);
        for row in pass.selection.rows() {
            random::normals(pass.lanes, self.stream, row, elapsed[row], &mut self.draws);
            outer.copy_row(row, inner, row);
            let mut draws = self.draws.as_slice();
            for &field in &self.fields {
                let column = &mut outer.fields_mut()[field];
                let range = row * column.width..(row + 1) * column.width;
                let noise;
                (noise, draws) = draws.split_at(column.width);
                match &mut column.data {
                    ColumnData::F32(v) => (v[range].iter_mut().zip(noise))
                        .for_each(|(x, z)| *x += self.sigma as f32 * z),
                    ColumnData::F64(v) => (v[range].iter_mut().zip(noise))
                        .for_each(|(x, z)| *x += self.sigma * f64::from(*z)),
                    ColumnData::I32(_) | ColumnData::U8(_) | ColumnData::Text(_) => {}
                }
            }
        }
    }
}

impl Wrapper for ObservationNoise {
    const NAME: &'static str = "observation_noise";
    const SUMMARY: &'static str = "Add normal noise to the real elements of observations.";
    const KEEPS_PROBLEM: bool = true;

    fn check(&self) -> Result<(), EnvError> {
        check_size("sigma", self.sigma)
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        for player in layer::players(builder, &self.players)? {
            let space = builder.spec().players[player].observation.clone();
            let fields = real_leaves(&space);
            if fields.is_empty() {
                let reason = "its observation has no real elements";
                return Err(incompatible(builder, Self::NAME, player, reason));
            }
            let leaves = space.leaves();
            let noise = Noise {
                player,
                stage: builder.add_observation_stage(
                    player,
                    within(&space, f64::NEG_INFINITY, f64::INFINITY),
                ),
                sigma: self.sigma,
                stream: layer::stream::<Noise>(builder, Self::NAME),
                draws: vec![0.0; fields.iter().map(|&i| leaves[i].1.width()).sum()],
                fields,
            };
            layer::add(builder, noise, &[(StepSet::Observe, Noise::observe)]);
        }
        builder.spec_mut().stochastic |= self.sigma > 0.0;
        Ok(())
    }
}
