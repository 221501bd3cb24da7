//! Observations with mean 0 and variance 1, by running statistics.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    layer::{self, Layer, Pass, incompatible},
    leaves::{real_leaves, within},
    welford::Running,
};
use crate::{
    error::EnvError,
    sim::{Builder, StepSet},
    space::ColumnData,
};

/// Subtracts from each real element of an observation its mean and divides by the root of its variance (plus 1e-8).
/// Integers, bytes and text stay as they are.
///
/// Mean and variance are those of all observations that the row has made so far, the present one and the first and
/// last ones of episodes included, each once. Every row has statistics of its own, which outlive its episodes, so
/// that what a row shows depends on nothing but the row. With `frozen` they stay as given, as an evaluation needs:
/// by `mean` and `variance`, or by [`Simulator::load_carried`](crate::sim::Simulator::load_carried) with the
/// statistics of a simulator that updates them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NormalizeObservation {
    /// Whether the statistics stay as they are; false unless set.
    #[serde(default)]
    pub frozen: bool,
    /// Means of the real elements in order, for `frozen`; 0 unless given.
    #[serde(default)]
    pub mean: Option<Vec<f64>>,
    /// Variances of the real elements in order, for `frozen`; 1 unless given.
    #[serde(default)]
    pub variance: Option<Vec<f64>>,
    /// Clips the normalised elements to plus and minus this; not unless given.
    #[serde(default)]
    pub clip: Option<f64>,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

struct Normalizer {
    player: usize,
    stage: usize,
    frozen: bool,
    clip: f64,
    /// Fields with real elements.
    fields: Vec<usize>,
    statistics: Running,
}

impl Layer for Normalizer {
    const CARRIED: bool = true;

    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        self.statistics.save_row(row, out)
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        self.statistics.load_row(row, bytes)
    }
}

impl Normalizer {
    fn observe(&mut self, pass: &mut Pass<'_>) {
        let (inner, outer) = pass.border.players[self.player].observation_stage(self.stage);
        for row in pass.selection.rows() {
            outer.copy_row(row, inner, row);
            let (statistics, update) = (&mut self.statistics, !self.frozen);
            if update {
                statistics.begin(row);
            }
            let mut first = 0;
            for &field in &self.fields {
                let column = &mut outer.fields_mut()[field];
                let range = row * column.width..(row + 1) * column.width;
                match &mut column.data {
                    ColumnData::F32(v) => {
                        statistics.pass(row, first, &mut v[range], update, self.clip);
                    }
                    ColumnData::F64(v) => {
                        statistics.pass(row, first, &mut v[range], update, self.clip);
                    }
                    ColumnData::I32(_) | ColumnData::U8(_) | ColumnData::Text(_) => {}
                }
                first += column.width;
            }
        }
    }
}

impl NormalizeObservation {
    fn statistics(&self, rows: usize, width: usize) -> Result<Running, EnvError> {
        if self.mean.is_none() && self.variance.is_none() {
            return Ok(Running::new(rows, width));
        }
        let mean = self.mean.clone().unwrap_or_else(|| vec![0.0; width]);
        let variance = self.variance.clone().unwrap_or_else(|| vec![1.0; width]);
        for (path, list) in [("mean", &mean), ("variance", &variance)] {
            if list.len() != width {
                let found = list.len();
                return Err(EnvError::argument(
                    path,
                    format!(
                        "must have {width} elements, one for each real element observed, found {found}"
                    ),
                ));
            }
        }
        Ok(Running::given(rows, &mean, &variance))
    }
}

impl Wrapper for NormalizeObservation {
    const NAME: &'static str = "normalize_observation";
    const SUMMARY: &'static str =
        "Bring observations to mean 0 and variance 1 by running or given statistics.";
    const KEEPS_PROBLEM: bool = true;

    fn check(&self) -> Result<(), EnvError> {
        if let Some(clip) = self.clip.filter(|c| !c.is_finite() || *c <= 0.0) {
            return Err(EnvError::argument(
                "clip",
                format!("must be finite and above 0, found {clip}"),
            ));
        }
        let lists = [("mean", &self.mean), ("variance", &self.variance)];
        for (path, list) in lists {
            let Some(list) = list else { continue };
            if !self.frozen {
                return Err(EnvError::argument(path, "is for `frozen = true`"));
            }
            let least = if path == "mean" { f64::MIN } else { 0.0 };
            if let Some(x) = list.iter().find(|x| !x.is_finite() || **x < least) {
                return Err(EnvError::argument(path, format!("cannot be {x}")));
            }
        }
        Ok(())
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        let clip = self.clip.unwrap_or(f64::INFINITY);
        for player in layer::players(builder, &self.players)? {
            let space = builder.spec().players[player].observation.clone();
            let fields = real_leaves(&space);
            if fields.is_empty() {
                let reason = "its observation has no real elements";
                return Err(incompatible(builder, Self::NAME, player, reason));
            }
            let leaves = space.leaves();
            let width = fields.iter().map(|&i| leaves[i].1.width()).sum();
            let normalizer = Normalizer {
                player,
                statistics: self.statistics(builder.rows(), width)?,
                stage: builder.add_observation_stage(player, within(&space, -clip, clip)),
                frozen: self.frozen,
                clip,
                fields,
            };
            layer::add(
                builder,
                normalizer,
                &[(StepSet::Observe, Normalizer::observe)],
            );
        }
        Ok(())
    }
}
