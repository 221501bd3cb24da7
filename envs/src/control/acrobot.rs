//! Acrobot: two links, a motor at the joint between them; swing the tip above a line. After Sutton,
//! *Generalization in Reinforcement Learning: Successful Examples Using Sparse Coarse Coding* (1996) with the
//! dynamics of Sutton and Barto's book, as Gymnasium's `Acrobot-v1`.
//!
//! State `(θ1, θ2, ω1, ω2)` in double precision: θ1 from hanging down, θ2 between the links. Masses and lengths
//! are 1, centres of mass in the middle, moments of inertia 1, gravity 9.8, torque τ ∈ {-1, 0, 1} (actions 0, 1,
//! 2). One step is one Runge-Kutta step of fourth order over 0.2 s of
//!
//! ```text
//! d1 = 1/4 + (1 + 1/4 + cos θ2) + 2              d2 = 1/4 + cos(θ2)/2 + 1
//! φ2 = 4.9 cos(θ1 + θ2 - π/2)
//! φ1 = -ω2² sin(θ2)/2 - ω1 ω2 sin θ2 + 14.7 cos(θ1 - π/2) + φ2
//! dω2/dt = (τ + d2 φ1/d1 - ω1² sin(θ2)/2 - φ2) / (5/4 - d2²/d1)
//! dω1/dt = -(d2 dω2/dt + φ1) / d1
//! ```
//!
//! after which the angles are wrapped to [-π, π] and the velocities clipped to ±4π and ±9π. Reward -1 on every
//! step and 0 on the one that terminates, when `-cos θ1 - cos(θ1 + θ2) > 1`; truncated after 500 steps.
//! Observation `(cos θ1, sin θ1, cos θ2, sin θ2, ω1, ω2)`. Starts with all four ~ U(-0.1, 0.1), rounded to single
//! precision.

use std::f64::consts::PI;

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
    stream::unit_f32,
};

/// Mass of a link, kg.
const M: f64 = 1.0;
/// Length of a link, m.
const L: f64 = 1.0;
/// From a joint to the centre of mass of its link, m.
const LC: f64 = 0.5;
/// Moment of inertia of a link, kg m².
const I: f64 = 1.0;
const GRAVITY: f64 = 9.8;
/// Seconds between two states.
const DT: f64 = 0.2;
const MAX_SPEED_1: f64 = 4.0 * PI;
const MAX_SPEED_2: f64 = 9.0 * PI;

state_columns! {
    /// State of the acrobot.
    pub struct AcrobotState / AcrobotSlices {
        /// Angle of the first link from hanging down, rad.
        theta1: Theta1(f64),
        /// Angle of the second link from the direction of the first, rad.
        theta2: Theta2(f64),
        /// Angular velocity of the first joint, rad/s.
        omega1: Omega1(f64),
        /// Angular velocity of the second joint, rad/s.
        omega2: Omega2(f64),
    }
}

/// Arguments of [`Acrobot`]: there are none.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AcrobotArgs {}

/// The acrobot swing-up.
#[derive(Debug, Clone)]
pub struct Acrobot;

/// `(θ1, θ2, ω1, ω2)`.
type State = [f64; 4];

/// Time derivative of the state under the torque `tau`.
fn derivative([theta1, theta2, omega1, omega2]: State, tau: f64) -> State {
    let (sin2, cos2) = (sin(theta2), cos(theta2));
    let d1 = M * LC * LC + M * (L * L + LC * LC + 2.0 * L * LC * cos2) + I + I;
    let d2 = M * (LC * LC + L * LC * cos2) + I;
    let phi2 = M * LC * GRAVITY * cos(theta1 + theta2 - PI / 2.0);
    let phi1 = -M * L * LC * omega2 * omega2 * sin2 - 2.0 * M * L * LC * omega2 * omega1 * sin2
        + (M * LC + M * L) * GRAVITY * cos(theta1 - PI / 2.0)
        + phi2;
    let alpha2 = (tau + d2 / d1 * phi1 - M * L * LC * omega1 * omega1 * sin2 - phi2)
        / (M * LC * LC + I - d2 * d2 / d1);
    let alpha1 = -(d2 * alpha2 + phi1) / d1;
    [omega1, omega2, alpha1, alpha2]
}

/// One step under the torque `tau`.
fn advance(state: State, tau: f64) -> State {
    let add = |slope: State, h: f64| std::array::from_fn(|i| state[i] + h * slope[i]);
    let k1 = derivative(state, tau);
    let k2 = derivative(add(k1, DT / 2.0), tau);
    let k3 = derivative(add(k2, DT / 2.0), tau);
    let k4 = derivative(add(k3, DT), tau);
    let sum: State = std::array::from_fn(|i| k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
    let [theta1, theta2, omega1, omega2] = add(sum, DT / 6.0);
    [
        wrap(theta1),
        wrap(theta2),
        omega1.clamp(-MAX_SPEED_1, MAX_SPEED_1),
        omega2.clamp(-MAX_SPEED_2, MAX_SPEED_2),
    ]
}

/// Adds or subtracts 2π until the angle lies within [-π, π].
fn wrap(mut angle: f64) -> f64 {
    while angle > PI {
        angle -= 2.0 * PI;
    }
    while angle < -PI {
        angle += 2.0 * PI;
    }
    angle
}

/// Whether the tip is above the line, one link's length over the fixed joint.
fn above_line([theta1, theta2, ..]: State) -> bool {
    -cos(theta1) - cos(theta2 + theta1) > 1.0
}

impl BatchEnvironment for Acrobot {
    type State = AcrobotState;

    fn spec(&self) -> EnvSpec {
        let high = vec![1.0, 1.0, 1.0, 1.0, MAX_SPEED_1, MAX_SPEED_2];
        EnvSpec {
            max_episode_steps: Some(500),
            reward_range: (-1.0, 0.0),
            ..EnvSpec::single(
                "acrobot-v1",
                "Swing the tip of a two-link arm above a line with a motor at its elbow.",
                Space::bounded(high.iter().map(|h| -h).collect(), high),
                Space::discrete(3),
            )
        }
    }

    fn reset(&self, state: AcrobotSlices<'_>, rows: &mut BatchRows<'_>) -> Result<(), EnvError> {
        const BOUNDS: [Bounds; 4] = [
            (-PI, PI),
            (-PI, PI),
            (-MAX_SPEED_1, MAX_SPEED_1),
            (-MAX_SPEED_2, MAX_SPEED_2),
        ];
        for (i, row) in rows.range.clone().enumerate() {
            let start = start_state(rows.options, row, &BOUNDS)?;
            (
                state.theta1[i].0,
                state.theta2[i].0,
                state.omega1[i].0,
                state.omega2[i].0,
            ) = start
                .unwrap_or_else(|| {
                    let words = rows.random_block(row, 0);
                    words.map(|w| f64::from(0.2 * unit_f32(w) - 0.1))
                })
                .into();
        }
        Ok(())
    }

    #[inline(always)]
    fn step(&self, state: AcrobotSlices<'_>, rows: &mut BatchRows<'_>) {
        let range = rows.range.clone();
        let (actions, reward) = rows.border.players[0].action_and_reward();
        let actions = &actions.i32(0)[range.clone()];
        let reward = &mut reward[range.clone()];
        let terminated = &mut rows.border.terminated[range];
        for (i, &action) in actions.iter().enumerate() {
            let now = [
                state.theta1[i].0,
                state.theta2[i].0,
                state.omega1[i].0,
                state.omega2[i].0,
            ];
            let next = advance(now, f64::from(action - 1));
            (
                state.theta1[i].0,
                state.theta2[i].0,
                state.omega1[i].0,
                state.omega2[i].0,
            ) = next.into();
            terminated[i] = above_line(next);
            reward[i] = if terminated[i] { 0.0 } else { -1.0 };
        }
    }

    #[inline(always)]
    fn observe(&self, state: AcrobotSlices<'_>, rows: &mut BatchRows<'_>) {
        let out = rows.border.players[0].env_observation_mut().f32_mut(0);
        let out = &mut out[rows.range.start * 6..rows.range.end * 6];
        for (i, out) in out.chunks_exact_mut(6).enumerate() {
            let (theta1, theta2) = (state.theta1[i].0, state.theta2[i].0);
            let (omega1, omega2) = (state.omega1[i].0, state.omega2[i].0);
            let values = [
                cos(theta1),
                sin(theta1),
                cos(theta2),
                sin(theta2),
                omega1,
                omega2,
            ];
            out.copy_from_slice(&values.map(|v| v as f32));
        }
    }

    fn render(&self, border: &Border, row: usize) -> Option<String> {
        let observation = &border.players[0].env_observation().f32(0)[row * 6..row * 6 + 6];
        let value = |i: usize| f64::from(observation[i]);
        let theta1 = libm::atan2(value(1), value(0));
        let theta2 = libm::atan2(value(3), value(2));
        // A character is about twice as high as wide; two links reach 8 lines.
        let length = 4.0;
        let (width, base) = (35, (17.0, 8.0));
        let end = |from: (f64, f64), angle: f64| {
            (
                from.0 + 2.0 * length * sin(angle),
                from.1 + length * cos(angle),
            )
        };
        let elbow = end(base, theta1);
        let tip = end(elbow, theta1 + theta2);
        let mut canvas = Canvas::new(width, 17);
        canvas.line((0.0, base.1 - length), (34.0, base.1 - length), '-');
        canvas.line(base, elbow, '*');
        canvas.line(elbow, tip, '+');
        canvas.put(base.0, base.1, 'o');
        Some(canvas.finish(&format!(
            "θ1 = {:+.1}°   θ2 = {:+.1}°",
            theta1.to_degrees(),
            theta2.to_degrees()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::golden;

    #[test]
    fn state_follows_gymnasium_in_double_precision() {
        for t in golden::trajectories(include_str!(
            "../../../tests/golden/control/acrobot_v1.json"
        )) {
            let mut state: State = t.initial();
            for (i, step) in t.steps("next_states", "rewards") {
                state = advance(state, step.action[0] - 1.0);
                let place = format!("{} step {i}", t.name);
                golden::close(&state, &step.next_state, 1e-10, &place);
                assert_eq!(above_line(state), step.terminated, "{place}");
            }
        }
    }
}
