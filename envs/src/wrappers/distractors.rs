//! Observation dimensions that mean nothing.
//!
//! *Voelcker, Liao, Garg, Farahmand, Value Gradient weighted Model-Based Reinforcement Learning, ICLR 2022, studies
//! models under such dimensions; here they are white noise.*

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    flat::Appended,
    layer::{self, Layer, Pass, check_width},
    random,
};
use crate::{
    error::EnvError,
    sim::{Builder, StepSet, StreamId},
};

/// Appends independent standard normal numbers, fresh in each step, to the observation, which becomes a flat
/// `float32` vector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Distractors {
    /// Number of dimensions, at least 1.
    pub dimensions: usize,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

struct Distraction {
    observation: Appended,
    stream: StreamId,
}

impl Layer for Distraction {}

impl Distraction {
    fn observe(&mut self, pass: &mut Pass<'_>) {
        let lanes = pass.lanes;
        self.observation.write(pass, |row, time, tail| {
            random::normals(lanes, self.stream, row, time, tail);
        });
    }
}

impl Wrapper for Distractors {
    const NAME: &'static str = "distractors";
    const SUMMARY: &'static str = "Append dimensions of normal noise to observations.";
    const KEEPS_PROBLEM: bool = true;

    fn check(&self) -> Result<(), EnvError> {
        check_width("dimensions", self.dimensions)
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        let bounds = vec![(f64::NEG_INFINITY, f64::INFINITY); self.dimensions];
        for player in layer::players(builder, &self.players)? {
            let distraction = Distraction {
                observation: Appended::new(builder, player, Self::NAME, &bounds)?,
                stream: layer::stream::<Distraction>(builder, Self::NAME),
            };
            layer::add(
                builder,
                distraction,
                &[(StepSet::Observe, Distraction::observe)],
            );
        }
        builder.spec_mut().stochastic = true;
        Ok(())
    }
}
