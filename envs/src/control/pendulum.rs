//! Pendulum: swing a rigid rod up and hold it there with a weak motor, as Gymnasium's `Pendulum-v1`.
//!
//! State `(θ, ω)` in double precision, θ = 0 upright and never wrapped, ω in rad/s. With the torque
//! `u = clip(a, -2, 2)`, mass and length 1 and Δt = 0.05 s:
//!
//! ```text
//! reward = -(wrap(θ)² + 0.1 ω² + 0.001 u²)         wrap to [-π, π); before the step
//! ω ← clip(ω + (3g/2 · sin θ + 3u) Δt, -8, 8)
//! θ ← θ + ω Δt
//! ```
//!
//! Observation `(cos θ, sin θ, ω)`. The episode never terminates; it is truncated after 200 steps. Starts with
//! θ ~ U(-π, π), ω ~ U(-1, 1).
//!
//! As in Gymnasium, 3u and 0.001 u² are computed in the action's single precision.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    canvas::Canvas,
    start::{ANY, Bounds, start_state},
};
use crate::{
    error::EnvError,
    math::{cos, floor_mod, sin},
    sim::{BatchEnvironment, BatchRows, Border, EnvSpec},
    space::Space,
    state_columns,
    stream::unit_f64,
};

pub(crate) const MAX_SPEED: f64 = 8.0;
pub(crate) const MAX_TORQUE: f32 = 2.0;
/// Seconds between two states.
const DT: f64 = 0.05;

state_columns! {
    /// State of the pendulum.
    pub struct PendulumState / PendulumSlices {
        /// Angle from upright, rad, not wrapped.
        theta: PendulumAngle(f64),
        /// Angular velocity, rad/s.
        theta_dot: PendulumVelocity(f64),
    }
}

/// Arguments of [`Pendulum`].
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PendulumArgs {
    /// Acceleration of gravity, m/s².
    pub g: f64,
}

impl Default for PendulumArgs {
    fn default() -> Self {
        Self { g: 10.0 }
    }
}

/// The pendulum swing-up.
#[derive(Debug, Clone)]
pub struct Pendulum {
    g: f64,
}

impl Pendulum {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] if gravity is not finite.
    pub fn new(args: &PendulumArgs) -> Result<Self, EnvError> {
        if !args.g.is_finite() {
            let message = format!("gravity must be finite, not {}", args.g);
            return Err(EnvError::argument("g", message));
        }
        Ok(Self { g: args.g })
    }
}

/// One step. `push` is 3u and `effort` 0.001 u². Returns the next state and the reward.
#[inline]
fn advance(theta: f64, omega: f64, push: f64, effort: f64, g: f64) -> (f64, f64, f64) {
    let angle = floor_mod(theta + PI, 2.0 * PI) - PI;
    let cost = angle * angle + 0.1 * (omega * omega) + effort;
    let omega = omega + (3.0 * g / 2.0 * sin(theta) + push) * DT;
    let omega = omega.clamp(-MAX_SPEED, MAX_SPEED);
    (theta + omega * DT, omega, -cost)
}

/// Starts an episode in each row of the run.
pub(crate) fn reset(state: PendulumSlices<'_>, rows: &mut BatchRows<'_>) -> Result<(), EnvError> {
    const BOUNDS: [Bounds; 2] = [ANY, (-MAX_SPEED, MAX_SPEED)];
    for (i, row) in rows.range.clone().enumerate() {
        let [theta, omega] = start_state(rows.options, row, &BOUNDS)?.unwrap_or_else(|| {
            let w = rows.random_block(row, 0);
            let (u, v) = (unit_f64(w[0], w[1]), unit_f64(w[2], w[3]));
            [PI * (2.0 * u - 1.0), 2.0 * v - 1.0]
        });
        (state.theta[i].0, state.theta_dot[i].0) = (theta, omega);
    }
    Ok(())
}

/// Steps every row of the run; `score` turns Gymnasium's reward into that of the step.
#[inline(always)]
pub(crate) fn step_rows(
    state: PendulumSlices<'_>,
    rows: &mut BatchRows<'_>,
    g: f64,
    score: impl Fn(f64) -> f64,
) {
    let range = rows.range.clone();
    let (actions, reward) = rows.border.players[0].action_and_reward();
    let columns = state.theta.iter_mut().zip(state.theta_dot);
    let signals = actions.f32(0)[range.clone()]
        .iter()
        .zip(&mut reward[range.clone()]);
    for ((theta, omega), (&action, reward)) in columns.zip(signals) {
        let u = action.clamp(-MAX_TORQUE, MAX_TORQUE);
        let (push, effort) = (f64::from(3.0 * u), f64::from(0.001 * (u * u)));
        let r;
        (theta.0, omega.0, r) = advance(theta.0, omega.0, push, effort, g);
        *reward = score(r) as f32;
    }
    rows.border.terminated[range].fill(false);
}

/// The rod in text.
pub(crate) fn draw(cos: f64, sin: f64, caption: &str) -> String {
    // A character is about twice as high as wide.
    let (pivot, length) = ((14.0, 6.0), 6.0);
    let mut canvas = Canvas::new(29, 13);
    // θ grows counter-clockwise.
    let tip = (pivot.0 - 2.0 * length * sin, pivot.1 - length * cos);
    canvas.line(pivot, tip, '*');
    canvas.put(pivot.0, pivot.1, 'o');
    let degrees = libm::atan2(sin, cos).to_degrees();
    canvas.finish(&format!("θ = {degrees:+.1}°{caption}"))
}

impl BatchEnvironment for Pendulum {
    type State = PendulumState;

    fn spec(&self) -> EnvSpec {
        // The largest cost, rounded as rewards are.
        let worst = PI * PI + 0.1 * MAX_SPEED * MAX_SPEED + f64::from(0.001 * MAX_TORQUE.powi(2));
        let mut spec = EnvSpec {
            max_episode_steps: Some(200),
            reward_range: (f64::from(-worst as f32), 0.0),
            ..EnvSpec::single(
                "pendulum-v1",
                "Swing a rod up and hold it there with a weak motor.",
                Space::bounded(vec![-1.0, -1.0, -MAX_SPEED], vec![1.0, 1.0, MAX_SPEED]),
                Space::vector(1, f64::from(-MAX_TORQUE), f64::from(MAX_TORQUE)),
            )
        };
        spec.players[0].lenient_bounds = true;
        spec
    }

    fn reset(&self, state: PendulumSlices<'_>, rows: &mut BatchRows<'_>) -> Result<(), EnvError> {
        reset(state, rows)
    }

    #[inline(always)]
    fn step(&self, state: PendulumSlices<'_>, rows: &mut BatchRows<'_>) {
        step_rows(state, rows, self.g, |reward| reward);
    }

    #[inline(always)]
    fn observe(&self, state: PendulumSlices<'_>, rows: &mut BatchRows<'_>) {
        let out = rows.border.players[0].env_observation_mut().f32_mut(0);
        let out = &mut out[rows.range.start * 3..rows.range.end * 3];
        let columns = state.theta.iter().zip(state.theta_dot);
        for (out, (theta, omega)) in out.chunks_exact_mut(3).zip(columns) {
            let values = [cos(theta.0), sin(theta.0), omega.0];
            out.copy_from_slice(&values.map(|v| v as f32));
        }
    }

    fn render(&self, border: &Border, row: usize) -> Option<String> {
        let observation = &border.players[0].env_observation().f32(0)[row * 3..row * 3 + 3];
        let [cos, sin, omega] = [observation[0], observation[1], observation[2]].map(f64::from);
        Some(draw(cos, sin, &format!("   ω = {omega:+.2} rad/s")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::golden;

    #[test]
    fn state_and_reward_follow_gymnasium_in_double_precision() {
        for t in golden::trajectories(include_str!(
            "../../../tests/golden/control/pendulum_v1.json"
        )) {
            let [mut theta, mut omega] = t.initial();
            let single = t.value["action_dtype"] == "float32";
            for (i, step) in t.steps("next_states", "rewards") {
                let u = step.action[0].clamp(-2.0, 2.0);
                let (push, effort) = if single {
                    let u = u as f32;
                    (f64::from(3.0 * u), f64::from(0.001 * (u * u)))
                } else {
                    (3.0 * u, 0.001 * (u * u))
                };
                let reward;
                (theta, omega, reward) = advance(theta, omega, push, effort, 10.0);
                let place = format!("{} step {i}", t.name);
                golden::close(&[theta, omega], &step.next_state, 1e-11, &place);
                golden::close(&[reward], &[step.reward], 1e-11, &place);
            }
        }
    }
}
