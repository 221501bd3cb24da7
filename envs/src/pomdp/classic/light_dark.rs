//! Light-dark in one dimension, the test problem of Monte Carlo value iteration (Bai, Hsu, Lee, Ngo, WAFR 2010), as
//! in POMDPModels.jl.
//!
//! A robot on a line starts at `y ~ N(2, 3²)`. Actions move it by -1 or +1, or end the episode: +10 if `|y| < 1`, else
//! -10. Moves are certain; the position is measured with noise of standard deviation `|y - 5| / √2 + 0.01`, so that
//! there is light at 5 only. γ = 0.9. No closed value is known: the problem is for particle filters and online
//! planners.
//!
//! | | |
//! |---|---|
//! | observation | `float32` Box `[2]`: the measurement, and 1 if there is one (0 at the start and after the end) |
//! | action | `Discrete(3)`: 0 end here, 1 move by +1, 2 move by -1 |
//! | info `privileged.state` | `y` |

use rand::RngExt;
use rand_distr::StandardNormal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use std::sync::Arc;

use crate::{
    math,
    pomdp::{
        args::hidden,
        environment::PRIVILEGED_STATE,
        generative::{Generative, Observed, Outcome},
    },
    sim::{EnvSpec, Environment, Model, RowObservation, RowStep, no_options},
    space::{Columns, Space},
    stream::Stream,
};

/// Arguments of the environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LightDarkArgs {
    /// Steps after which an episode is truncated.
    pub horizon: u32,
}

impl Default for LightDarkArgs {
    fn default() -> Self {
        Self { horizon: 100 }
    }
}

/// Light-dark in one dimension; also the model behind its environment.
#[derive(Debug, Clone, PartialEq)]
pub struct LightDark {
    /// `γ`.
    pub discount: f64,
    horizon: u32,
}

/// Where the robot is, and what it measured there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The position.
    pub y: f64,
    /// Whether the episode has been ended.
    pub over: bool,
}

/// Action that ends the episode.
const STOP: usize = 0;

impl LightDark {
    /// The problem with its arguments.
    pub fn new(args: &LightDarkArgs) -> Self {
        Self {
            discount: 0.9,
            horizon: args.horizon,
        }
    }

    /// Standard deviation of a measurement at `y`.
    pub fn noise(y: f64) -> f64 {
        (y - 5.0).abs() * std::f64::consts::FRAC_1_SQRT_2 + 0.01
    }
}

impl Generative for LightDark {
    type State = Position;
    type Observation = f64;

    fn num_actions(&self) -> usize {
        3
    }

    fn discount(&self) -> f64 {
        self.discount
    }

    fn sample_start(&self, rng: &mut Stream) -> Position {
        let z: f64 = rng.sample(StandardNormal);
        Position {
            y: 2.0 + 3.0 * z,
            over: false,
        }
    }

    fn step(&self, state: &Position, action: usize, rng: &mut Stream) -> Outcome<Position, f64> {
        let mut next = *state;
        let reward = match action {
            _ if state.over => 0.0,
            STOP => {
                next.over = true;
                if state.y.abs() < 1.0 { 10.0 } else { -10.0 }
            }
            _ => {
                next.y += if action == 1 { 1.0 } else { -1.0 };
                0.0
            }
        };
        let z: f64 = rng.sample(StandardNormal);
        Outcome {
            next,
            observation: next.y + Self::noise(next.y) * z,
            reward,
            terminal: next.over,
        }
    }

    fn is_terminal(&self, state: &Position) -> bool {
        state.over
    }

    fn likelihood(&self, _action: usize, next: &Position, observation: &f64) -> f64 {
        let sigma = Self::noise(next.y);
        let z = (observation - next.y) / sigma;
        math::exp(-0.5 * z * z) / (sigma * math::sqrt(2.0 * std::f64::consts::PI))
    }
}

/// Width of the cells into which search trees sort measurements.
const GRID: f64 = 5.0;

impl Observed for LightDark {
    /// `⌊measurement / 5⌋`. For DESPOT widths from 4 to 10 do alike; finer ones seemed to do worse.
    type Key = i64;

    fn observation_space(&self) -> Space {
        Space::bounded(vec![f64::NEG_INFINITY, 0.0], vec![f64::INFINITY, 1.0])
    }

    fn read(&self, columns: &Columns, row: usize) -> Option<f64> {
        let [measured, there] = columns.f32(0).as_chunks().0[row];
        (there == 1.0).then_some(f64::from(measured))
    }

    fn key(&self, observation: &f64) -> i64 {
        (observation / GRID).floor() as i64
    }

    fn holds(&self, state: &Position) -> bool {
        state.y.is_finite()
    }
}

impl Environment for LightDark {
    type State = (Position, Option<f64>);

    fn spec(&self) -> EnvSpec {
        EnvSpec {
            max_episode_steps: Some(self.horizon),
            reward_range: (-10.0, 10.0),
            model: Some(Model::new(Arc::new(self.clone()))),
            discount: Some(self.discount),
            info: vec![hidden(
                "state",
                1,
                f64::NEG_INFINITY,
                f64::INFINITY,
                "Position of the robot.",
            )],
            ..EnvSpec::single(
                "light_dark-v1",
                "Stop near 0 on a line that is lit at 5 only.",
                self.observation_space(),
                Space::discrete(3),
            )
        }
    }

    fn reset(&self, rng: &mut Stream, options: &Value) -> Result<Self::State, String> {
        no_options(options)?;
        Ok((self.sample_start(rng), None))
    }

    fn step(&self, state: &mut Self::State, step: &mut RowStep<'_>, rng: &mut Stream) {
        let action = step.discrete(0) as usize;
        let outcome = Generative::step(self, &state.0, action, rng);
        step.reward(0, outcome.reward as f32);
        if outcome.terminal {
            step.terminate();
        }
        let seen = (!outcome.terminal).then_some(outcome.observation);
        *state = (outcome.next, seen);
    }

    fn observe(&self, state: &Self::State, _player: usize, out: &mut RowObservation<'_>) {
        let seen = state.1.map_or([0.0, 0.0], |y| [y as f32, 1.0]);
        out.f32(0).copy_from_slice(&seen);
        out.info(PRIVILEGED_STATE, &[state.0.y]);
    }

    fn render(&self, state: &Self::State) -> Option<String> {
        let seen = state.1.map_or("nothing".into(), |y| format!("{y:.2}"));
        Some(format!("at {:.2}, measured {seen}", state.0.y))
    }
}
