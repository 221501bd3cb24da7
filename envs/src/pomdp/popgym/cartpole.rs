//! Cart-pole with half of its state hidden, with or without noise.
//!
//! | | Position Only | Noisy Position Only | Velocity Only |
//! |---|---|---|---|
//! | observation, `float32` Box `[2]` | (x, θ) | (x, θ) + N(0, σ²), clipped to the bounds | (ẋ, θ̇) |
//! | difficulty sets | T = 200, 400, 600 | σ = 0.1, 0.2, 0.3; T = 200 | T = 200, 400, 600 |
//!
//! The action is `Discrete(2)`, push left or right; the reward is 1/T on every step; an episode terminates when the pole
//! falls or the cart leaves the track, and is truncated after T steps. The bounds of x and θ are twice the limits beyond
//! which an episode ends. The dynamics and the reset option `state` are those of
//! [`CartPole`](crate::control::CartPole).
//!
//! With `parity`, Velocity Only shows (x, θ) in the first observation of an episode, as popgym 1.0.7 does.
//!
//! *Morad et al., `POPGym`, arXiv 2303.01859; rules from the released code (popgym 1.0.7).*

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{Difficulty, hidden, within};
use crate::{
    control::cartpole::{self, CartPoleSlices, CartPoleState, OBSERVATION_BOUND},
    error::EnvError,
    pomdp::cells::step_block,
    sim::{BatchEnvironment, BatchRows, Border, EnvSpec},
    space::Space,
    wrappers::random::normals_of,
};

/// Arguments of Position Only Cart-pole.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PositionOnlyCartPoleArgs {
    /// Sets `steps` to 200, 400, 600.
    pub difficulty: Difficulty,
    /// T, steps of an episode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
}

/// Arguments of Noisy Position Only Cart-pole.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NoisyPositionOnlyCartPoleArgs {
    /// Sets `sigma` to 0.1, 0.2, 0.3.
    pub difficulty: Difficulty,
    /// Standard deviation of the noise, in m and rad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f64>,
    /// T, steps of an episode; 200 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
}

/// Arguments of Velocity Only Cart-pole.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VelocityOnlyCartPoleArgs {
    /// Sets `steps` to 200, 400, 600.
    pub difficulty: Difficulty,
    /// T, steps of an episode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Whether the first observation shows positions, as in the reference.
    pub parity: bool,
}

/// Which half of the state is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Positions,
    Velocities,
    /// Velocities, but positions at the start.
    VelocitiesLater,
}

/// A cart-pole of which half is seen.
#[derive(Debug, Clone)]
pub struct PartialCartPole {
    id: &'static str,
    summary: &'static str,
    seen: Seen,
    sigma: f32,
    steps: u32,
}

fn checked_steps(steps: u32) -> Result<u32, EnvError> {
    within("steps", steps, 1..=u32::MAX)
}

impl PartialCartPole {
    pub(super) const POSITION_ID: &str = "position_only_cartpole-v0";
    pub(super) const POSITION_SUMMARY: &str =
        "Balance a pole on a cart of which positions are seen, not speeds (POPGym).";
    pub(super) const NOISY_ID: &str = "noisy_position_only_cartpole-v0";
    pub(super) const NOISY_SUMMARY: &str =
        "Balance a pole on a cart of which noisy positions are seen, not speeds (POPGym).";
    pub(super) const VELOCITY_ID: &str = "velocity_only_cartpole-v0";
    pub(super) const VELOCITY_SUMMARY: &str =
        "Balance a pole on a cart of which speeds are seen, not positions (POPGym).";

    /// The cart-pole of which positions are seen.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible number of steps.
    pub fn position_only(args: &PositionOnlyCartPoleArgs) -> Result<Self, EnvError> {
        let steps = args.steps.unwrap_or(args.difficulty.pick([200, 400, 600]));
        Ok(Self {
            id: Self::POSITION_ID,
            summary: Self::POSITION_SUMMARY,
            seen: Seen::Positions,
            sigma: 0.0,
            steps: checked_steps(steps)?,
        })
    }

    /// The cart-pole of which noisy positions are seen.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible number of steps or size of noise.
    pub fn noisy_position_only(args: &NoisyPositionOnlyCartPoleArgs) -> Result<Self, EnvError> {
        let sigma = args.sigma.unwrap_or(args.difficulty.pick([0.1, 0.2, 0.3]));
        Ok(Self {
            id: Self::NOISY_ID,
            summary: Self::NOISY_SUMMARY,
            seen: Seen::Positions,
            sigma: within("sigma", sigma, 0.0..=1e6)? as f32,
            steps: checked_steps(args.steps.unwrap_or(200))?,
        })
    }

    /// The cart-pole of which velocities are seen.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible number of steps.
    pub fn velocity_only(args: &VelocityOnlyCartPoleArgs) -> Result<Self, EnvError> {
        let steps = args.steps.unwrap_or(args.difficulty.pick([200, 400, 600]));
        Ok(Self {
            id: Self::VELOCITY_ID,
            summary: Self::VELOCITY_SUMMARY,
            seen: if args.parity {
                Seen::VelocitiesLater
            } else {
                Seen::Velocities
            },
            sigma: 0.0,
            steps: checked_steps(steps)?,
        })
    }
}

impl BatchEnvironment for PartialCartPole {
    type State = CartPoleState;

    fn spec(&self) -> EnvSpec {
        let scale = 1.0 / f64::from(self.steps);
        let observation = if self.seen == Seen::Positions {
            let high = vec![OBSERVATION_BOUND[0], OBSERVATION_BOUND[2]];
            Space::bounded(high.iter().map(|x| -x).collect(), high)
        } else {
            Space::vector(2, f64::NEG_INFINITY, f64::INFINITY)
        };
        EnvSpec {
            max_episode_steps: Some(self.steps),
            reward_range: (scale, scale),
            info: vec![hidden(
                "state",
                4,
                f64::NEG_INFINITY,
                f64::INFINITY,
                "Position, velocity, angle, angular velocity.",
            )],
            ..EnvSpec::single(self.id, self.summary, observation, Space::discrete(2))
        }
    }

    #[inline(always)]
    fn reset(&self, state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) -> Result<(), EnvError> {
        cartpole::reset(state, rows)
    }

    #[inline(always)]
    fn step(&self, mut state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) {
        let range = rows.range.clone();
        let (actions, reward) = rows.border.players[0].action_and_reward();
        cartpole::push_rows(
            &mut state,
            &actions.i32(0)[range.clone()],
            &mut reward[range.clone()],
            &mut rows.border.terminated[range],
            [(1.0 / f64::from(self.steps)) as f32; 2],
        );
    }

    #[inline(always)]
    fn observe(&self, state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) {
        tell_state(&state, rows);
        let (range, lanes, stream) = (rows.range.clone(), rows.lanes, rows.stream);
        let Border {
            players, elapsed, ..
        } = &mut *rows.border;
        let out = players[0].env_observation_mut().f32_mut(0);
        let out = &mut out.as_chunks_mut().0[range.clone()];
        let n = out.len();
        let (x, theta) = (&state.x[..n], &state.theta[..n]);
        let (x_dot, theta_dot) = (&state.x_dot[..n], &state.theta_dot[..n]);
        match self.seen {
            Seen::Positions => {
                for (i, out) in out.iter_mut().enumerate() {
                    *out = [x[i].0, theta[i].0];
                }
            }
            Seen::Velocities | Seen::VelocitiesLater => {
                for (i, out) in out.iter_mut().enumerate() {
                    *out = [x_dot[i].0, theta_dot[i].0];
                }
            }
        }
        if self.seen == Seen::VelocitiesLater {
            for (i, out) in out.iter_mut().enumerate() {
                if elapsed[range.start + i] == 0 {
                    *out = [x[i].0, theta[i].0];
                }
            }
        }
        if self.sigma > 0.0 {
            let [high, _, high_angle, _] = OBSERVATION_BOUND.map(|bound| bound as f32);
            for (row, out) in range.zip(out) {
                let [a, b, ..] = normals_of(step_block(lanes, stream, row, elapsed[row]));
                let [x, theta]: [f32; 2] = *out;
                *out = [
                    (x + self.sigma * a).clamp(-high, high),
                    (theta + self.sigma * b).clamp(-high_angle, high_angle),
                ];
            }
        }
    }

    fn render(&self, border: &Border, row: usize) -> Option<String> {
        let [a, b] = *border.players[0]
            .env_observation()
            .f32(0)
            .as_chunks()
            .0
            .get(row)?;
        Some(if self.seen == Seen::Positions {
            cartpole::draw(a, b)
        } else {
            format!("seen: {a:+.3}, {b:+.3}")
        })
    }
}

/// Tells the whole state, if somebody asked for it.
fn tell_state(state: &CartPoleSlices<'_>, rows: &mut BatchRows<'_>) {
    let info = &mut rows.border.info;
    let Some(column) = info.index_of("privileged.state") else {
        return;
    };
    let out = info.f64_mut(column);
    for (i, row) in rows.range.clone().enumerate() {
        let values = [
            state.x[i].0,
            state.x_dot[i].0,
            state.theta[i].0,
            state.theta_dot[i].0,
        ];
        out[row * 4..row * 4 + 4].copy_from_slice(&values.map(f64::from));
    }
}
