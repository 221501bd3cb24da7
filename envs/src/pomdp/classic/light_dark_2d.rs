//! Light-dark in the plane: Platt, Tedrake, Kaelbling, Lozano-Pérez, *Belief Space Planning Assuming Maximum Likelihood
//! Observations* (RSS 2010).
//!
//! A robot starts at `x ~ N((2, 2), 5 I)` and is to be at the origin after `horizon` steps. It moves by `x' = x + u`, with
//! certainty; its position is measured with covariance `(½ (5 − x₁)² + c) I`, so that there is light at `x₁ = 5` only,
//! behind it. Costs are quadratic, with the weights of the paper: ½ |x'|² + ½ |u|² in every step, and 200 |x|² after the
//! last one.
//!
//! The paper's final cost is one of the belief's variance. Here it is paid for the true position, which comes to the
//! same: `E |x|² = |mean|² + trace of the covariance`. That the start is drawn from the initial belief and the horizon is
//! fixed is ours.
//!
//! | | |
//! |---|---|
//! | observation | `float32` Box `[4]`: the measurement (2), 1 if there is one (0 at the start), the share of the steps that are left |
//! | action | `float32` Box `[2]`: `u`, each element within ±5 |
//! | reward | minus the cost |
//! | end | termination after `horizon` steps |
//! | info `privileged.state` | `[2]`: `x` |

use std::sync::Arc;

use rand::RngExt;
use rand_distr::StandardNormal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::EnvError,
    math,
    pomdp::{
        args::{hidden, within},
        environment::PRIVILEGED_STATE,
    },
    sim::{EnvSpec, Environment, Model, RowObservation, RowStep, no_options},
    space::Space,
    stream::Stream,
};

/// Arguments of the environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LightDark2dArgs {
    /// Steps of an episode.
    pub horizon: u32,
    /// `c`, variance of a measurement in full light.
    pub noise_floor: f64,
}

impl Default for LightDark2dArgs {
    fn default() -> Self {
        Self {
            horizon: 20,
            noise_floor: 0.01,
        }
    }
}

/// Light-dark in the plane; also the model behind its environment.
#[derive(Debug, Clone, PartialEq)]
pub struct LightDark2d {
    /// Steps of an episode.
    pub horizon: u32,
    /// `c`.
    pub noise_floor: f64,
}

/// Where an episode stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    x: [f64; 2],
    seen: Option<[f64; 2]>,
    steps: u32,
}

impl LightDark2d {
    /// Mean of the initial belief.
    pub const START: [f64; 2] = [2.0, 2.0];
    /// Variance of the initial belief along each axis.
    pub const START_VARIANCE: f64 = 5.0;
    /// `x₁` of the light.
    pub const LIGHT: f64 = 5.0;
    /// Bound of each element of an action.
    pub const FARTHEST: f64 = 5.0;
    /// Cost of `|x|²` in every step.
    pub const STATE_COST: f64 = 0.5;
    /// Cost of `|u|²`.
    pub const CONTROL_COST: f64 = 0.5;
    /// Cost of `|x|²` after the last step, beside that of every step.
    pub const FINAL_COST: f64 = 200.0;

    /// The problem with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for no steps, or a variance that is none.
    pub fn new(args: &LightDark2dArgs) -> Result<Self, EnvError> {
        Ok(Self {
            horizon: within("horizon", args.horizon, 1..=10_000)?,
            noise_floor: within("noise_floor", args.noise_floor, 1e-9..=1e6)?,
        })
    }

    /// Variance of a measurement at `x₁` along each axis.
    pub fn noise(&self, x1: f64) -> f64 {
        0.5 * (Self::LIGHT - x1) * (Self::LIGHT - x1) + self.noise_floor
    }

    /// Cost of `|x|²` after the `steps`-th step.
    pub fn weight(&self, steps: u32) -> f64 {
        if steps >= self.horizon {
            Self::STATE_COST + Self::FINAL_COST
        } else {
            Self::STATE_COST
        }
    }
}

fn square([a, b]: [f64; 2]) -> f64 {
    a * a + b * b
}

impl Environment for LightDark2d {
    type State = Place;

    fn spec(&self) -> EnvSpec {
        let inf = f64::INFINITY;
        let seen = Space::bounded(vec![-inf, -inf, 0.0, 0.0], vec![inf, inf, 1.0, 1.0]);
        EnvSpec {
            max_episode_steps: Some(self.horizon),
            reward_range: (-inf, 0.0),
            model: Some(Model::new(Arc::new(self.clone()))),
            info: vec![hidden("state", 2, -inf, inf, "Position of the robot.")],
            ..EnvSpec::single(
                "light_dark_2d-v1",
                "Be at the origin of a plane that is lit on one side only.",
                seen,
                Space::vector(2, -Self::FARTHEST, Self::FARTHEST),
            )
        }
    }

    fn reset(&self, rng: &mut Stream, options: &Value) -> Result<Place, String> {
        no_options(options)?;
        let deviation = math::sqrt(Self::START_VARIANCE);
        let x = Self::START.map(|mean| mean + deviation * rng.sample::<f64, _>(StandardNormal));
        Ok(Place {
            x,
            seen: None,
            steps: 0,
        })
    }

    fn step(&self, place: &mut Place, step: &mut RowStep<'_>, rng: &mut Stream) {
        let action = step.continuous(0);
        let u = [f64::from(action[0]), f64::from(action[1])];
        place.x = [place.x[0] + u[0], place.x[1] + u[1]];
        place.steps += 1;
        let cost = self.weight(place.steps) * square(place.x) + Self::CONTROL_COST * square(u);
        step.reward(0, -cost as f32);
        if place.steps >= self.horizon {
            step.terminate();
        }
        let deviation = math::sqrt(self.noise(place.x[0]));
        place.seen = Some(
            place
                .x
                .map(|x| x + deviation * rng.sample::<f64, _>(StandardNormal)),
        );
    }

    fn observe(&self, place: &Place, _player: usize, out: &mut RowObservation<'_>) {
        let left = 1.0 - f64::from(place.steps) / f64::from(self.horizon);
        let [x, y] = place.seen.unwrap_or_default();
        let there = f32::from(u8::from(place.seen.is_some()));
        out.f32(0)
            .copy_from_slice(&[x as f32, y as f32, there, left as f32]);
        out.info(PRIVILEGED_STATE, &place.x);
    }

    fn render(&self, place: &Place) -> Option<String> {
        let told = |[x, y]: [f64; 2]| format!("({x:.2}, {y:.2})");
        let seen = place.seen.map_or("nothing".into(), told);
        Some(format!("at {}, measured {seen}", told(place.x)))
    }
}
