//! Mountain car with a throttle, as Gymnasium's `MountainCarContinuous-v0`: the car of
//! [`MountainCar`](super::MountainCar) with a real-valued action that costs energy.
//!
//! ```text
//! v ← clip(v + 0.0015 clip(a, -1, 1) - 0.0025 cos 3x, -0.07, 0.07)
//! x ← clip(x + v, -1.2, 0.6),    v ← 0 if the car runs into the left wall
//! reward = 100 · terminated - 0.1 a²               with a as it was asked for, not clipped
//! ```
//!
//! Terminates when x ≥ 0.45 and v ≥ `goal_velocity`; truncated after 999 steps. Observation `(x, v)`. Starts
//! with x ~ U(-0.6, -0.4), v = 0. Rewards of actions within [-1, 1] lie in [-0.1, 100].
//!
//! Difference: Gymnasium rounds the state to single precision after every step; here it stays in double
//! precision. The two part by less than 2e-7 in each of a hundred steps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mountain_car::{
    MountainCarSlices, MountainCarState, advance, checked_goal_velocity, observation_space,
    observe, render, reset,
};
use crate::{
    error::EnvError,
    sim::{BatchEnvironment, BatchRows, Border, EnvSpec},
    space::Space,
};

const POWER: f64 = 0.0015;
const GOAL: f64 = 0.45;

/// Arguments of [`MountainCarContinuous`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MountainCarContinuousArgs {
    /// Smallest velocity, per step, at which reaching the goal counts; 0 lets every arrival count.
    pub goal_velocity: f64,
}

/// The mountain car with a throttle.
#[derive(Debug, Clone)]
pub struct MountainCarContinuous {
    goal_velocity: f64,
}

impl MountainCarContinuous {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for a goal velocity that the car cannot have.
    pub fn new(args: &MountainCarContinuousArgs) -> Result<Self, EnvError> {
        Ok(Self {
            goal_velocity: checked_goal_velocity(args.goal_velocity)?,
        })
    }
}

/// One step. Returns the next state, the reward and whether the goal is reached.
#[inline]
fn transition(x: f64, v: f64, action: f64, goal_velocity: f64) -> (f64, f64, f64, bool) {
    let (x, v) = advance(x, v, POWER * action.clamp(-1.0, 1.0));
    let terminated = x >= GOAL && v >= goal_velocity;
    let bonus = if terminated { 100.0 } else { 0.0 };
    (x, v, bonus - 0.1 * (action * action), terminated)
}

impl BatchEnvironment for MountainCarContinuous {
    type State = MountainCarState;

    fn spec(&self) -> EnvSpec {
        let mut spec = EnvSpec {
            max_episode_steps: Some(999),
            // The cost counts the action that was asked for, which may be of any size.
            reward_range: (f64::NEG_INFINITY, 100.0),
            ..EnvSpec::single(
                "mountain_car_continuous-v0",
                "Rock a weak car out of a valley with a throttle that costs energy.",
                observation_space(),
                Space::vector(1, -1.0, 1.0),
            )
        };
        spec.players[0].lenient_bounds = true;
        spec
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
        let actions = &actions.f32(0)[range.clone()];
        let reward = &mut reward[range.clone()];
        let terminated = &mut rows.border.terminated[range];
        for (i, (x, v)) in state.position.iter_mut().zip(state.velocity).enumerate() {
            let r;
            (x.0, v.0, r, terminated[i]) =
                transition(x.0, v.0, f64::from(actions[i]), self.goal_velocity);
            reward[i] = r as f32;
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
    fn state_and_reward_follow_the_recursion_in_double_precision() {
        for t in golden::trajectories(include_str!(
            "../../../tests/golden/control/mountaincarcontinuous_v0.json"
        )) {
            let [mut x, mut v] = t.initial();
            for (i, step) in t.steps("next_states_f64", "rewards_f64") {
                let (reward, terminated);
                (x, v, reward, terminated) = transition(x, v, step.action[0], 0.0);
                let place = format!("{} step {i}", t.name);
                golden::close(&[x, v], &step.next_state, 1e-13, &place);
                golden::close(&[reward], &[step.reward], 1e-12, &place);
                assert_eq!(terminated, step.terminated, "{place}");
            }
        }
    }
}
