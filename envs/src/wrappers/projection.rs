//! Random linear maps of observations and actions, fixed by a seed or new in each episode: the same task in other
//! coordinates.
//!
//! *Lu et al., Structured State Space Models for In-Context Reinforcement Learning, `NeurIPS` 2023, section 5, where
//! such maps turn one task into many.*

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    box_actions::bounded_action_box,
    flat::{Flat, flat_observation},
    layer::{self, Layer, Pass, check_width},
    matrix::{MapDistribution, Matrix},
    random,
};
use crate::{
    error::EnvError,
    sim::{Builder, Lanes, StepSet, StreamId, read_value, write_value},
    space::{BoxSpace, ColumnData, DType, Space},
    stream::Stream,
};

/// Shows `W o` instead of the observation `o` as a flat vector, in `float32`. `W` is drawn once from `seed`, alike in
/// all rows and runs, or anew for each episode of each row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectObservation {
    /// Width of what is shown, at least 1.
    pub dimensions: usize,
    /// Seed of the matrix; 0 unless set.
    #[serde(default)]
    pub seed: u64,
    /// How its elements are distributed; `normal` unless set.
    #[serde(default, skip_serializing_if = "MapDistribution::is_default")]
    pub distribution: MapDistribution,
    /// Whether each episode has a matrix of its own, drawn from the row's randomness instead of `seed`; false unless
    /// set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub each_episode: bool,
    /// Names of the players it concerns; all if empty. Each has a matrix of its own.
    #[serde(default)]
    pub players: Vec<String>,
}

/// Lets the agent act with a vector `a` within -1..=1; the environment takes `W a`, clipped to -1..=1 and rescaled
/// to its bounds, which must be finite. `W` is drawn as that of [`ProjectObservation`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectAction {
    /// Width of the agent's action, at least 1.
    pub dimensions: usize,
    /// Seed of the matrix; 0 unless set.
    #[serde(default)]
    pub seed: u64,
    /// How its elements are distributed; `normal` unless set.
    #[serde(default, skip_serializing_if = "MapDistribution::is_default")]
    pub distribution: MapDistribution,
    /// Whether each episode has a matrix of its own, drawn from the row's randomness instead of `seed`; false unless
    /// set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub each_episode: bool,
    /// Names of the players it concerns; all if empty. Each has a matrix of its own.
    #[serde(default)]
    pub players: Vec<String>,
}

/// The matrix of all rows, or one for each.
struct Maps {
    distribution: MapDistribution,
    /// One for all rows, or one a row where they are drawn for each episode.
    matrices: Vec<Matrix>,
    stream: Option<StreamId>,
}

impl Maps {
    fn new(
        (distribution, seed, stream): (MapDistribution, Stream, Option<StreamId>),
        (outputs, inputs): (usize, usize),
        rows: usize,
    ) -> Self {
        let mut rng = seed;
        let matrix = Matrix::draw(distribution, outputs, inputs, &mut rng);
        Self {
            distribution,
            matrices: vec![matrix; if stream.is_some() { rows } else { 1 }],
            stream,
        }
    }

    /// The matrix of row `row`, drawn if an episode has just begun.
    fn of(&mut self, row: usize, time: u32, lanes: &Lanes) -> &Matrix {
        let Some(stream) = self.stream else {
            return &self.matrices[0];
        };
        if time == 0 {
            let mut rng = random::stream(lanes, stream, row, 0);
            self.matrices[row].redraw(self.distribution, &mut rng);
        }
        &self.matrices[row]
    }

    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        if self.stream.is_none() {
            return Ok(());
        }
        write_value(&self.matrices[row].transposed, out)
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        if self.stream.is_none() {
            return Ok(());
        }
        let elements: Vec<f32> = read_value(bytes)?;
        let into = &mut self.matrices[row].transposed;
        if elements.len() != into.len() {
            return Err(EnvError::Snapshot("a matrix of another size".into()));
        }
        *into = elements;
        Ok(())
    }
}

struct ObservationProjection {
    player: usize,
    stage: usize,
    maps: Maps,
    width: usize,
    flat: Flat,
    /// One row of the flat observation.
    row: Vec<f32>,
}

impl Layer for ObservationProjection {
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        self.maps.save_row(row, out)
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        self.maps.load_row(row, bytes)
    }
}

impl ObservationProjection {
    fn observe(&mut self, pass: &mut Pass<'_>) {
        let elapsed = &pass.border.elapsed;
        let (inner, outer) = pass.border.players[self.player].observation_stage(self.stage);
        let width = self.width;
        let outer = outer.f32_mut(0);
        for row in pass.selection.rows() {
            self.flat.write(inner, row, &mut self.row);
            let out = &mut outer[row * width..(row + 1) * width];
            let matrix = self.maps.of(row, elapsed[row], pass.lanes);
            matrix.multiply(&self.row, out);
        }
    }
}

struct ActionProjection {
    player: usize,
    stage: usize,
    dimensions: usize,
    maps: Maps,
    low: Vec<f64>,
    high: Vec<f64>,
    /// One row of the product.
    row: Vec<f32>,
}

impl Layer for ActionProjection {
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        self.maps.save_row(row, out)
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        self.maps.load_row(row, bytes)
    }
}

impl ActionProjection {
    fn act(&mut self, pass: &mut Pass<'_>) {
        let elapsed = &pass.border.elapsed;
        let (outer, inner) = pass.border.players[self.player].action_stage(self.stage);
        let outer = outer.f32(0);
        let column = &mut inner.fields_mut()[0];
        for row in pass.selection.rows() {
            let chosen = &outer[row * self.dimensions..(row + 1) * self.dimensions];
            let matrix = self.maps.of(row, elapsed[row], pass.lanes);
            matrix.multiply(chosen, &mut self.row);
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
            let stream = self
                .each_episode
                .then(|| layer::stream::<ObservationProjection>(builder, Self::NAME));
            let source = (self.distribution, rng, stream);
            let projection = ObservationProjection {
                player,
                stage: builder.add_observation_stage(player, space),
                maps: Maps::new(source, (self.dimensions, flat.width), builder.rows()),
                width: self.dimensions,
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
            let stream = self
                .each_episode
                .then(|| layer::stream::<ActionProjection>(builder, Self::NAME));
            let source = (self.distribution, rng, stream);
            let projection = ActionProjection {
                player,
                stage: builder.add_action_stage(player, outer),
                dimensions: self.dimensions,
                maps: Maps::new(source, (width, self.dimensions), builder.rows()),
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
