//! Random linear maps of observations and actions, fixed by a seed: the same task in other coordinates.
//!
//! *Lu et al., Structured State Space Models for In-Context Reinforcement Learning, `NeurIPS` 2023, section 5, where
//! such maps turn one task into many.*

use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    box_actions::bounded_action_box,
    flat::{Flat, flat_observation},
    layer::{self, Layer, Pass, check_width},
    random,
};
use crate::{
    error::EnvError,
    math,
    sim::{Builder, StepSet},
    space::{BoxSpace, ColumnData, DType, Space},
    stream::Stream,
};

/// Shows `W o` instead of the observation `o` as a flat vector, in `float32`. The elements of `W` are normal with
/// mean 0 and variance 1 / (width of `o`), drawn once from `seed`, alike in all rows and runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectObservation {
    /// Width of what is shown, at least 1.
    pub dimensions: usize,
    /// Seed of the matrix; 0 unless set.
    #[serde(default)]
    pub seed: u64,
    /// Names of the players it concerns; all if empty. Each has a matrix of its own.
    #[serde(default)]
    pub players: Vec<String>,
}

/// Lets the agent act with a vector `a` within -1..=1; the environment takes `W a`, clipped to -1..=1 and rescaled
/// to its bounds, which must be finite. The elements of `W` are normal with mean 0 and variance 1 / `dimensions`,
/// drawn once from `seed`, alike in all rows and runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectAction {
    /// Width of the agent's action, at least 1.
    pub dimensions: usize,
    /// Seed of the matrix; 0 unless set.
    #[serde(default)]
    pub seed: u64,
    /// Names of the players it concerns; all if empty. Each has a matrix of its own.
    #[serde(default)]
    pub players: Vec<String>,
}

/// A matrix `[outputs, inputs]`.
struct Matrix {
    outputs: usize,
    /// Transposed, `[inputs, outputs]`, so that a product adds up whole rows.
    transposed: Vec<f32>,
}

impl Matrix {
    /// Normal elements of variance 1 / `inputs`, drawn in the order of the transposed matrix.
    fn draw(outputs: usize, inputs: usize, mut rng: Stream) -> Self {
        let scale = 1.0 / math::sqrt(inputs.max(1) as f64);
        let mut transposed = Vec::with_capacity(outputs * inputs + 4);
        while transposed.len() < outputs * inputs {
            let draws = random::normals_of(std::array::from_fn(|_| rng.next_u32()));
            transposed.extend(draws.map(|z| (f64::from(z) * scale) as f32));
        }
        transposed.truncate(outputs * inputs);
        Self {
            outputs,
            transposed,
        }
    }

    /// `out = W x`, summed in the order of `x`.
    fn multiply(&self, x: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        for (x, weights) in x.iter().zip(self.transposed.chunks_exact(self.outputs)) {
            for (sum, weight) in out.iter_mut().zip(weights) {
                *sum += weight * x;
            }
        }
    }
}

struct ObservationProjection {
    player: usize,
    stage: usize,
    matrix: Matrix,
    flat: Flat,
    /// One row of the flat observation.
    row: Vec<f32>,
}

impl Layer for ObservationProjection {}

impl ObservationProjection {
    fn observe(&mut self, pass: &mut Pass<'_>) {
        let (inner, outer) = pass.border.players[self.player].observation_stage(self.stage);
        let width = self.matrix.outputs;
        let outer = outer.f32_mut(0);
        for row in pass.selection.rows() {
            self.flat.write(inner, row, &mut self.row);
            let out = &mut outer[row * width..(row + 1) * width];
            self.matrix.multiply(&self.row, out);
        }
    }
}

struct ActionProjection {
    player: usize,
    stage: usize,
    dimensions: usize,
    matrix: Matrix,
    low: Vec<f64>,
    high: Vec<f64>,
    /// One row of the product.
    row: Vec<f32>,
}

impl Layer for ActionProjection {}

impl ActionProjection {
    fn act(&mut self, pass: &mut Pass<'_>) {
        let (outer, inner) = pass.border.players[self.player].action_stage(self.stage);
        let outer = outer.f32(0);
        let column = &mut inner.fields_mut()[0];
        for row in pass.selection.rows() {
            let chosen = &outer[row * self.dimensions..(row + 1) * self.dimensions];
            self.matrix.multiply(chosen, &mut self.row);
            let range = row * column.width..(row + 1) * column.width;
            for (i, at) in range.enumerate() {
                let share = 0.5 * (f64::from(self.row[i].clamp(-1.0, 1.0)) + 1.0);
                let (low, high) = (self.low[i], self.high[i]);
                let value = low + share * (high - low);
                match &mut column.data {
                    ColumnData::F32(v) => v[at] = (value as f32).max(low as f32).min(high as f32),
                    ColumnData::F64(v) => v[at] = value.max(low).min(high),
                    ColumnData::I32(_) | ColumnData::U8(_) | ColumnData::Text(_) => {}
                }
            }
        }
    }
}

impl Wrapper for ProjectObservation {
    const NAME: &'static str = "project_observation";
    const SUMMARY: &'static str = "Show a fixed random linear map of observations.";
    const KEEPS_PROBLEM: bool = true;

    fn check(&self) -> Result<(), EnvError> {
        check_width("dimensions", self.dimensions)
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        for player in layer::players(builder, &self.players)? {
            let flat = flat_observation(builder, player, Self::NAME)?;
            let space = Space::vector(self.dimensions, f64::NEG_INFINITY, f64::INFINITY);
            let rng = Stream::new(self.seed, player as u64, "wrapper.project_observation");
            let projection = ObservationProjection {
                player,
                stage: builder.add_observation_stage(player, space),
                matrix: Matrix::draw(self.dimensions, flat.width, rng),
                row: vec![0.0; flat.width],
                flat,
            };
            layer::add(
                builder,
                projection,
                &[(StepSet::Observe, ObservationProjection::observe)],
            );
        }
        Ok(())
    }
}

impl Wrapper for ProjectAction {
    const NAME: &'static str = "project_action";
    const SUMMARY: &'static str = "Take actions through a fixed random linear map.";

    fn check(&self) -> Result<(), EnvError> {
        check_width("dimensions", self.dimensions)
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        for player in layer::players(builder, &self.players)? {
            let space = bounded_action_box(builder, player, Self::NAME)?;
            let width = space.low.len();
            let rng = Stream::new(self.seed, player as u64, "wrapper.project_action");
            let outer = Space::Box(BoxSpace {
                dtype: DType::Float32,
                shape: vec![self.dimensions],
                low: vec![-1.0; self.dimensions],
                high: vec![1.0; self.dimensions],
            });
            let projection = ActionProjection {
                player,
                stage: builder.add_action_stage(player, outer),
                dimensions: self.dimensions,
                matrix: Matrix::draw(width, self.dimensions, rng),
                low: space.low,
                high: space.high,
                row: vec![0.0; width],
            };
            layer::add(
                builder,
                projection,
                &[(StepSet::Act, ActionProjection::act)],
            );
            builder.spec_mut().players[player].lenient_bounds = false;
        }
        Ok(())
    }
}
