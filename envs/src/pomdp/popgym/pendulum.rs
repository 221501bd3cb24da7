//! Pendulum of which the speed is hidden, with or without noise.
//!
//! | | Position Only | Noisy Position Only |
//! |---|---|---|
//! | observation, `float32` Box `[2]` | (cos θ, sin θ) | (cos θ, sin θ) + N(0, σ²), clipped to ±1 |
//! | difficulty sets | T = 200, 150, 100 | σ = 0.1, 0.2, 0.3; T = 200 |
//!
//! The action is a torque within ±2 (a larger one is clipped); the reward is (c + m)/m/T with Gymnasium's reward c and
//! m = 8.1368022; an episode is truncated after T steps. The dynamics and the reset option `state` are those of
//! [`Pendulum`](crate::control::Pendulum) with g = 10.
//!
//! With `parity`, Noisy Position Only is not clipped, as in popjaxrl.
//!
//! *Morad et al., `POPGym`, arXiv 2303.01859; rules from the released code (popgym 1.0.7, and popjaxrl for `parity`).*

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{Difficulty, hidden, within};
use crate::{
    control::pendulum::{self, MAX_SPEED, MAX_TORQUE, PendulumSlices, PendulumState},
    error::EnvError,
    math::{cos, sin},
    pomdp::cells::step_block,
    sim::{BatchEnvironment, BatchRows, Border, EnvSpec},
    space::Space,
    wrappers::random::normals_of,
};

/// Half of the range of Gymnasium's rewards, as the reference has it.
const HALF_RANGE: f64 = 16.273_604_4 / 2.0;

/// Arguments of Position Only Pendulum.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PositionOnlyPendulumArgs {
    /// Sets `steps` to 200, 150, 100.
    pub difficulty: Difficulty,
    /// T, steps of an episode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
}

/// Arguments of Noisy Position Only Pendulum.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NoisyPositionOnlyPendulumArgs {
    /// Sets `sigma` to 0.1, 0.2, 0.3.
    pub difficulty: Difficulty,
    /// Standard deviation of the noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f64>,
    /// T, steps of an episode; 200 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Whether noisy observations are left unclipped.
    pub parity: bool,
}

/// A pendulum of which the speed is hidden.
#[derive(Debug, Clone)]
pub struct PartialPendulum {
    id: &'static str,
    summary: &'static str,
    /// Bound of each element of the observation.
    bound: f32,
    sigma: f32,
    steps: u32,
}

impl PartialPendulum {
    pub(super) const POSITION_ID: &str = "position_only_pendulum-v0";
    pub(super) const POSITION_SUMMARY: &str =
        "Swing a rod up of which the position is seen, not the speed (POPGym).";
    pub(super) const NOISY_ID: &str = "noisy_position_only_pendulum-v0";
    pub(super) const NOISY_SUMMARY: &str =
        "Swing a rod up of which a noisy position is seen, not the speed (POPGym).";

    /// The pendulum of which the position is seen.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible number of steps.
    pub fn position_only(args: &PositionOnlyPendulumArgs) -> Result<Self, EnvError> {
        let steps = args.steps.unwrap_or(args.difficulty.pick([200, 150, 100]));
        Ok(Self {
            id: Self::POSITION_ID,
            summary: Self::POSITION_SUMMARY,
            bound: 1.0,
            sigma: 0.0,
            steps: within("steps", steps, 1..=u32::MAX)?,
        })
    }

    /// The pendulum of which a noisy position is seen.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible number of steps or size of noise.
    pub fn noisy_position_only(args: &NoisyPositionOnlyPendulumArgs) -> Result<Self, EnvError> {
        let sigma = args.sigma.unwrap_or(args.difficulty.pick([0.1, 0.2, 0.3]));
        Ok(Self {
            id: Self::NOISY_ID,
            summary: Self::NOISY_SUMMARY,
            bound: if args.parity { f32::INFINITY } else { 1.0 },
            sigma: within("sigma", sigma, 0.0..=1e6)? as f32,
            steps: within("steps", args.steps.unwrap_or(200), 1..=u32::MAX)?,
        })
    }
}

impl BatchEnvironment for PartialPendulum {
    type State = PendulumState;

    fn spec(&self) -> EnvSpec {
        use std::f64::consts::PI;
        let steps = f64::from(self.steps);
        let torque = f64::from(MAX_TORQUE);
        let worst = -(PI * PI + 0.1 * MAX_SPEED * MAX_SPEED + 0.001 * torque * torque);
        let score = |c: f64| f64::from(((c + HALF_RANGE) / HALF_RANGE / steps) as f32);
        let bound = f64::from(self.bound);
        let mut spec = EnvSpec {
            max_episode_steps: Some(self.steps),
            // A little beyond the worst, which is computed in other steps of rounding.
            reward_range: (score(worst - 1e-6), score(0.0)),
            info: vec![hidden(
                "state",
                2,
                f64::NEG_INFINITY,
                f64::INFINITY,
                "Angle, not wrapped, and angular velocity.",
            )],
            ..EnvSpec::single(
                self.id,
                self.summary,
                Space::vector(2, -bound, bound),
                Space::vector(1, -torque, torque),
            )
        };
        spec.players[0].lenient_bounds = true;
        spec
    }

    fn reset(&self, state: PendulumSlices<'_>, rows: &mut BatchRows<'_>) -> Result<(), EnvError> {
        pendulum::reset(state, rows)
    }

    #[inline(always)]
    fn step(&self, state: PendulumSlices<'_>, rows: &mut BatchRows<'_>) {
        let steps = f64::from(self.steps);
        pendulum::step_rows(state, rows, 10.0, |c| (c + HALF_RANGE) / HALF_RANGE / steps);
    }

    #[inline(always)]
    fn observe(&self, state: PendulumSlices<'_>, rows: &mut BatchRows<'_>) {
        let (range, lanes, stream) = (rows.range.clone(), rows.lanes, rows.stream);
        let Border {
            players,
            elapsed,
            info,
            ..
        } = &mut *rows.border;
        if let Some(column) = info.index_of("privileged.state") {
            let out = &mut info.f64_mut(column).as_chunks_mut().0[range.clone()];
            for (i, out) in out.iter_mut().enumerate() {
                *out = [state.theta[i].0, state.theta_dot[i].0];
            }
        }
        let out = players[0].env_observation_mut().f32_mut(0);
        let out = &mut out.as_chunks_mut().0[range.clone()];
        for (out, theta) in out.iter_mut().zip(&*state.theta) {
            *out = [cos(theta.0) as f32, sin(theta.0) as f32];
        }
        if self.sigma > 0.0 {
            for (row, out) in range.zip(out) {
                let [a, b, ..] = normals_of(step_block(lanes, stream, row, elapsed[row]));
                let noisy = |x: f32, z: f32| (x + self.sigma * z).clamp(-self.bound, self.bound);
                *out = [noisy(out[0], a), noisy(out[1], b)];
            }
        }
    }

    fn render(&self, border: &Border, row: usize) -> Option<String> {
        let [cos, sin]: [f32; 2] = *border.players[0]
            .env_observation()
            .f32(0)
            .as_chunks()
            .0
            .get(row)?;
        Some(pendulum::draw(f64::from(cos), f64::from(sin), ""))
    }
}
