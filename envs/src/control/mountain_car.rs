//! Mountain car with three actions, after Moore, *Efficient Memory-Based Learning for Robot Control* (1990), as
//! Gymnasium's `MountainCar-v0`.
//!
//! A car in a valley is too weak to climb the right hill straight away and must first gain speed on the left
//! one. State `(x, v)` in double precision; with the action `a` (0 left, 1 nothing, 2 right):
//!
//! ```text
//! v ← clip(v + 0.001 (a - 1) - 0.0025 cos 3x, -0.07, 0.07)
//! x ← clip(x + v, -1.2, 0.6),    v ← 0 if the car runs into the left wall
//! ```
//!
//! Reward -1 on every step. Terminates when x ≥ 0.5 and v ≥ `goal_velocity`; truncated after 200 steps.
//! Observation `(x, v)`. Starts with x ~ U(-0.6, -0.4), v = 0.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    canvas::Canvas,
    start::{Bounds, start_state},
};
use crate::{
    error::EnvError,
    math::{cos, sin},
    sim::{BatchEnvironment, BatchRows, Border, EnvSpec},
    space::Space,
    state_columns,
    stream::unit_f64,
};

pub(super) const LEFT_END: f64 = -1.2;
pub(super) const RIGHT_END: f64 = 0.6;
pub(super) const MAX_SPEED: f64 = 0.07;
const GRAVITY: f64 = 0.0025;
const FORCE: f64 = 0.001;
const GOAL: f64 = 0.5;

state_columns! {
    /// State of a mountain car.
    pub struct MountainCarState / MountainCarSlices {
        /// Position along the track.
        position: CarPosition(f64),
        /// Velocity, per step.
        velocity: CarVelocity(f64),
    }
}

/// Arguments of [`MountainCar`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MountainCarArgs {
    /// Smallest velocity, per step, at which reaching the goal counts; 0 lets every arrival count.
    pub goal_velocity: f64,
}

/// The mountain car with three actions.
#[derive(Debug, Clone)]
pub struct MountainCar {
    goal_velocity: f64,
}

impl MountainCar {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for a goal velocity that the car cannot have.
    pub fn new(args: &MountainCarArgs) -> Result<Self, EnvError> {
        Ok(Self {
            goal_velocity: checked_goal_velocity(args.goal_velocity)?,
        })
    }
}

/// A goal velocity that is finite and not above the car's top speed.
pub(super) fn checked_goal_velocity(velocity: f64) -> Result<f64, EnvError> {
    if velocity.is_finite() && velocity <= MAX_SPEED {
        return Ok(velocity);
    }
    Err(EnvError::argument(
        "goal_velocity",
        format!("the car is never faster than {MAX_SPEED}, so it cannot reach {velocity}"),
    ))
}

/// One step under the acceleration `push`; `gravity` is its size times cos 3x. Returns the next state.
#[inline]
pub(super) fn advance(x: f64, v: f64, push: f64) -> (f64, f64) {
    let v = (v + (push - GRAVITY * cos(3.0 * x))).clamp(-MAX_SPEED, MAX_SPEED);
    let x = (x + v).clamp(LEFT_END, RIGHT_END);
    (x, if x == LEFT_END && v < 0.0 { 0.0 } else { v })
}

/// Bounds of the observation, which is the state in single precision.
pub(super) fn observation_space() -> Space {
    Space::bounded(vec![LEFT_END, -MAX_SPEED], vec![RIGHT_END, MAX_SPEED])
}

/// Starts an episode in each row of the run.
pub(super) fn reset(
    state: MountainCarSlices<'_>,
    rows: &mut BatchRows<'_>,
) -> Result<(), EnvError> {
    const BOUNDS: [Bounds; 2] = [(LEFT_END, RIGHT_END), (-MAX_SPEED, MAX_SPEED)];
    for (i, row) in rows.range.clone().enumerate() {
        let [x, v] = start_state(rows.options, row, &BOUNDS)?.unwrap_or_else(|| {
            let w = rows.random_block(row, 0);
            [-0.6 + 0.2 * unit_f64(w[0], w[1]), 0.0]
        });
        (state.position[i].0, state.velocity[i].0) = (x, v);
    }
    Ok(())
}

/// Writes the state in single precision.
pub(super) fn observe(state: &MountainCarSlices<'_>, rows: &mut BatchRows<'_>) {
    let out = rows.border.players[0].env_observation_mut().f32_mut(0);
    let out = &mut out[rows.range.start * 2..rows.range.end * 2];
    let columns = state.position.iter().zip(&*state.velocity);
    for (out, (x, v)) in out.chunks_exact_mut(2).zip(columns) {
        out.copy_from_slice(&[x.0 as f32, v.0 as f32]);
    }
}

/// The valley, the goal and the car, in text.
pub(super) fn render(border: &Border, row: usize, goal: f64) -> String {
    const WIDTH: usize = 55;
    const HEIGHT: usize = 12;
    let observation = &border.players[0].env_observation().f32(0)[row * 2..row * 2 + 2];
    let (x, v) = (f64::from(observation[0]), f64::from(observation[1]));
    let column = |x: f64| (x - LEFT_END) / (RIGHT_END - LEFT_END) * (WIDTH - 1) as f64;
    let line = |x: f64| (HEIGHT - 2) as f64 - (0.5 + 0.5 * sin(3.0 * x)) * (HEIGHT - 3) as f64;
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    for c in 0..WIDTH {
        let x = LEFT_END + (RIGHT_END - LEFT_END) * c as f64 / (WIDTH - 1) as f64;
        canvas.put(c as f64, line(x) + 1.0, '.');
    }
    canvas.put(column(goal), line(goal), '>');
    canvas.put(column(x), line(x), '▆');
    canvas.finish(&format!("x = {x:+.4}   v = {v:+.4}"))
}

impl BatchEnvironment for MountainCar {
    type State = MountainCarState;

    fn spec(&self) -> EnvSpec {
        EnvSpec {
            max_episode_steps: Some(200),
            reward_range: (-1.0, -1.0),
            ..EnvSpec::single(
                "mountain_car-v0",
                "Rock a weak car out of a valley, pushing left, right or not at all.",
                observation_space(),
                Space::discrete(3),
            )
        }
    }

    fn reset(
        &self,
        state: MountainCarSlices<'_>,
        rows: &mut BatchRows<'_>,
    ) -> Result<(), EnvError> {
        reset(state, rows)
    }

    #[inline(always)]
    fn step(&self, state: MountainCarSlices<'_>, rows: &mut BatchRows<'_>) {
        let range = rows.range.clone();
        let (actions, reward) = rows.border.players[0].action_and_reward();
        reward[range.clone()].fill(-1.0);
        let columns = state.position.iter_mut().zip(state.velocity);
        let signals = actions.i32(0)[range.clone()]
            .iter()
            .zip(&mut rows.border.terminated[range]);
        for ((x, v), (&action, terminated)) in columns.zip(signals) {
            (x.0, v.0) = advance(x.0, v.0, f64::from(action - 1) * FORCE);
            *terminated = x.0 >= GOAL && v.0 >= self.goal_velocity;
        }
    }

    #[inline(always)]
    fn observe(&self, state: MountainCarSlices<'_>, rows: &mut BatchRows<'_>) {
        observe(&state, rows);
    }

    fn render(&self, border: &Border, row: usize) -> Option<String> {
        Some(render(border, row, GOAL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::golden;

    #[test]
    fn state_follows_gymnasium_in_double_precision() {
        for t in golden::trajectories(include_str!(
            "../../../tests/golden/control/mountaincar_v0.json"
        )) {
            let [mut x, mut v] = t.initial();
            for (i, step) in t.steps("next_states", "rewards") {
                (x, v) = advance(x, v, (step.action[0] - 1.0) * FORCE);
                golden::close(
                    &[x, v],
                    &step.next_state,
                    1e-13,
                    &format!("{} step {i}", t.name),
                );
            }
        }
    }

    #[test]
    fn goal_velocities_out_of_reach_are_refused() {
        for goal_velocity in [0.071, f64::NAN, f64::INFINITY] {
            let error = MountainCar::new(&MountainCarArgs { goal_velocity }).unwrap_err();
            assert!(matches!(error, EnvError::Argument { path, .. } if path == "goal_velocity"));
        }
    }
}
