//! The time within the episode as part of the observation.
//!
//! *Pardo, Tavakoli, Levdik, Kormushev, Time Limits in Reinforcement Learning, ICML 2018.*

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    flat::Appended,
    layer::{self, Layer, Pass, incompatible},
};
use crate::{
    error::EnvError,
    sim::{Builder, StepSet},
};

/// Appends the number of environment steps made in the episode to the observation, which becomes a flat `float32`
/// vector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeAwareObservation {
    /// Whether the time is divided by the step limit (that of the environment and the wrappers before this one),
    /// so that it lies in `0..=1`; true unless set.
    #[serde(default = "yes")]
    pub normalize: bool,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

fn yes() -> bool {
    true
}

struct Clock {
    observation: Appended,
    /// Environment steps that count as 1.
    unit: f64,
}

impl Layer for Clock {}

impl Clock {
    fn observe(&mut self, pass: &mut Pass<'_>) {
        self.observation.write(pass, |_, time, tail| {
            tail[0] = (f64::from(time) / self.unit) as f32;
        });
    }
}

impl Wrapper for TimeAwareObservation {
    const NAME: &'static str = "time_aware_observation";
    const SUMMARY: &'static str =
        "Append the time within the episode to observations (Gymnasium's TimeAwareObservation).";
    const KEEPS_PROBLEM: bool = true;

    fn check(&self) -> Result<(), EnvError> {
        Ok(())
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        for player in layer::players(builder, &self.players)? {
            let limit = builder.spec().max_episode_steps.map(f64::from);
            let (unit, most) = match (self.normalize, limit) {
                (true, Some(limit)) => (limit, 1.0),
                (true, None) => {
                    let reason = "it has no step limit to divide the time by; put a `time_limit` \
                                  before this wrapper, or set `normalize = false`";
                    return Err(incompatible(builder, Self::NAME, player, reason));
                }
                (false, limit) => (1.0, limit.unwrap_or(f64::INFINITY)),
            };
            let clock = Clock {
                observation: Appended::new(builder, player, Self::NAME, &[(0.0, most)])?,
                unit,
            };
            layer::add(builder, clock, &[(StepSet::Observe, Clock::observe)]);
        }
        Ok(())
    }
}
