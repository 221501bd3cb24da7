//! Cart-pole, after Barto, Sutton, Anderson, *Neuronlike Adaptive Elements That Can Solve Difficult Learning
//! Control Problems* (1983), with the constants and conventions of Gymnasium's `CartPole-v1`.
//!
//! State `(x, ẋ, θ, θ̇)` in single precision, as in Gymnasium's vectorised version; explicit Euler steps of
//! 0.02 s. Ends when |x| > 2.4 m or |θ| > 12°; reward 1 on every step, the last included.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::start::{ANY, Bounds, start_state};
use crate::{
    error::EnvError,
    math::{sin_cos_f32, sin_cos_quarter_f32},
    sim::{BatchEnvironment, BatchRows, Border, EnvSpec},
    space::Space,
    state_columns,
    stream::unit_f32,
};

const GRAVITY: f32 = 9.8;
const CART_MASS: f32 = 1.0;
const POLE_MASS: f32 = 0.1;
const TOTAL_MASS: f32 = CART_MASS + POLE_MASS;
/// Half the pole's length, m.
const LENGTH: f32 = 0.5;
/// Size of a push, N.
pub(crate) const FORCE: f32 = 10.0;
/// Seconds between two states.
const TAU: f32 = 0.02;
const X_LIMIT: f32 = 2.4;
const THETA_LIMIT: f32 = 12.0 * 2.0 * std::f32::consts::PI / 360.0;
/// Bounds of the observation: twice the limits beyond which an episode ends.
pub(crate) const OBSERVATION_BOUND: [f64; 4] = [
    2.0 * X_LIMIT as f64,
    f64::INFINITY,
    2.0 * THETA_LIMIT as f64,
    f64::INFINITY,
];
/// States that an episode may be asked to start from.
const START_BOUNDS: [Bounds; 4] = [
    (-OBSERVATION_BOUND[0], OBSERVATION_BOUND[0]),
    ANY,
    (-OBSERVATION_BOUND[2], OBSERVATION_BOUND[2]),
    ANY,
];

state_columns! {
    /// State of the cart-pole.
    pub struct CartPoleState / CartPoleSlices {
        /// Position of the cart, m.
        x: X(f32),
        /// Velocity of the cart, m/s.
        x_dot: XDot(f32),
        /// Angle of the pole from upright, rad.
        theta: Theta(f32),
        /// Angular velocity of the pole, rad/s.
        theta_dot: ThetaDot(f32),
    }
}

/// Arguments of [`CartPole`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CartPoleArgs {
    /// Reward 0 on every step and -1 on the one that ends the episode, as in Sutton and Barto's book.
    pub sutton_barto_reward: bool,
}

/// The push-left-or-right cart-pole.
#[derive(Debug, Clone)]
pub struct CartPole {
    /// Rewards of a step that goes on and of one that terminates.
    reward: [f32; 2],
}

impl CartPole {
    /// The environment with its arguments.
    pub fn new(args: &CartPoleArgs) -> Self {
        Self {
            reward: if args.sutton_barto_reward {
                [0.0, -1.0]
            } else {
                [1.0, 1.0]
            },
        }
    }
}

/// One Euler step; `force` in N, `|theta| <= π/4`. Returns the next state.
///
/// Gymnasium's formulas with their constant factors collected, which leaves one division.
#[inline(always)]
pub(crate) fn euler(
    x: f32,
    x_dot: f32,
    theta: f32,
    theta_dot: f32,
    force: f32,
) -> (f32, f32, f32, f32) {
    const PER_MASS: f32 = 1.0 / TOTAL_MASS;
    const COUPLING: f32 = POLE_MASS * LENGTH / TOTAL_MASS;
    const INERTIA: f32 = LENGTH * 4.0 / 3.0;
    let (sin, cos) = sin_cos_quarter_f32(theta);
    let temp = force * PER_MASS + COUPLING * (theta_dot * theta_dot) * sin;
    let theta_acc = (GRAVITY * sin - cos * temp) / (INERTIA - COUPLING * (cos * cos));
    let x_acc = temp - COUPLING * (theta_acc * cos);
    (
        x + TAU * x_dot,
        x_dot + TAU * x_acc,
        theta + TAU * theta_dot,
        theta_dot + TAU * theta_acc,
    )
}

/// Whether the cart has left the track or the pole has fallen.
#[inline(always)]
pub(crate) fn is_over(x: f32, theta: f32) -> bool {
    (x.abs() > X_LIMIT) | (theta.abs() > THETA_LIMIT)
}

/// Steps every row of equally long slices; `force` turns an action into N.
#[inline(always)]
pub(super) fn step_rows<A: Copy>(
    state: &mut CartPoleSlices<'_>,
    actions: &[A],
    force: impl Fn(A) -> f32,
    reward: &mut [f32],
    terminated: &mut [bool],
    rewards: [f32; 2],
) {
    let n = actions.len();
    // Equal lengths known to the compiler: no bounds checks, and the loop vectorises.
    let (x, x_dot) = (&mut state.x[..n], &mut state.x_dot[..n]);
    let (theta, theta_dot) = (&mut state.theta[..n], &mut state.theta_dot[..n]);
    let (reward, terminated) = (&mut reward[..n], &mut terminated[..n]);
    for i in 0..n {
        let push = force(actions[i]);
        let (a, b, c, d) = euler(x[i].0, x_dot[i].0, theta[i].0, theta_dot[i].0, push);
        (x[i].0, x_dot[i].0, theta[i].0, theta_dot[i].0) = (a, b, c, d);
        terminated[i] = is_over(a, c);
    }
    let [going_on, ending] = rewards;
    reward.fill(going_on);
    if ending != going_on {
        for (reward, &terminated) in reward.iter_mut().zip(&*terminated) {
            *reward = if terminated { ending } else { going_on };
        }
    }
}

/// [`step_rows`] with the actions 0, a push to the left, and 1, to the right.
#[inline(always)]
pub(crate) fn push_rows(
    state: &mut CartPoleSlices<'_>,
    actions: &[i32],
    reward: &mut [f32],
    terminated: &mut [bool],
    rewards: [f32; 2],
) {
    let force = |action| (2 * action - 1) as f32 * FORCE;
    step_rows(state, actions, force, reward, terminated, rewards);
}

/// Bounds of the observation.
pub(super) fn observation_space() -> Space {
    let low = OBSERVATION_BOUND.iter().map(|high| -high).collect();
    Space::bounded(low, OBSERVATION_BOUND.to_vec())
}

/// Starts an episode in each row of the run.
#[inline(always)]
pub(crate) fn reset(state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) -> Result<(), EnvError> {
    if !rows.options.is_empty() {
        return reset_with_options(state, rows);
    }
    let n = rows.range.len();
    let (x, x_dot) = (&mut state.x[..n], &mut state.x_dot[..n]);
    let (theta, theta_dot) = (&mut state.theta[..n], &mut state.theta_dot[..n]);
    for i in 0..n {
        (x[i].0, x_dot[i].0, theta[i].0, theta_dot[i].0) =
            random_start(rows.random_block(rows.range.start + i, 0)).into();
    }
    Ok(())
}

/// As [`reset`], where some row has options.
#[cold]
fn reset_with_options(state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) -> Result<(), EnvError> {
    for (i, row) in rows.range.clone().enumerate() {
        (
            state.x[i].0,
            state.x_dot[i].0,
            state.theta[i].0,
            state.theta_dot[i].0,
        ) = start_state(rows.options, row, &START_BOUNDS)?
            .map_or_else(
                || random_start(rows.random_block(row, 0)),
                |start| start.map(|v| v as f32),
            )
            .into();
    }
    Ok(())
}

/// A state near the upright: each element uniform in [-0.05, 0.05).
#[inline(always)]
pub(crate) fn random_start(words: [u32; 4]) -> [f32; 4] {
    words.map(|w| 0.1 * unit_f32(w) - 0.05)
}

/// Writes the state.
#[inline(always)]
pub(super) fn observe(state: &CartPoleSlices<'_>, rows: &mut BatchRows<'_>) {
    let out = rows.border.players[0].env_observation_mut().f32_mut(0);
    write_observations(state, &mut out.as_chunks_mut().0[rows.range.clone()]);
}

/// Writes the state of equally many rows, `[rows, 4]`.
#[inline(always)]
pub(super) fn write_observations(state: &CartPoleSlices<'_>, out: &mut [[f32; 4]]) {
    let n = out.len();
    let (x, x_dot) = (&state.x[..n], &state.x_dot[..n]);
    let (theta, theta_dot) = (&state.theta[..n], &state.theta_dot[..n]);
    for (i, out) in out.iter_mut().enumerate() {
        *out = [x[i].0, x_dot[i].0, theta[i].0, theta_dot[i].0];
    }
}

/// A picture of one row in text, from its observation.
pub(super) fn render(border: &Border, row: usize) -> String {
    let observation = &border.players[0].env_observation().f32(0)[row * 4..row * 4 + 4];
    draw(observation[0], observation[2])
}

impl BatchEnvironment for CartPole {
    type State = CartPoleState;

    fn spec(&self) -> EnvSpec {
        EnvSpec {
            max_episode_steps: Some(500),
            reward_range: (f64::from(self.reward[1]), f64::from(self.reward[0])),
            ..EnvSpec::single(
                "cartpole-v1",
                "Balance a pole on a cart by pushing it left or right.",
                observation_space(),
                Space::discrete(2),
            )
        }
    }

    #[inline(always)]
    fn reset(&self, state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) -> Result<(), EnvError> {
        reset(state, rows)
    }

    #[inline(always)]
    fn step(&self, mut state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) {
        let range = rows.range.clone();
        let (actions, reward) = rows.border.players[0].action_and_reward();
        push_rows(
            &mut state,
            &actions.i32(0)[range.clone()],
            &mut reward[range.clone()],
            &mut rows.border.terminated[range],
            self.reward,
        );
    }

    #[inline(always)]
    fn observe(&self, state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) {
        observe(&state, rows);
    }

    fn render(&self, border: &Border, row: usize) -> Option<String> {
        Some(render(border, row))
    }
}

/// The cart on its track and the direction of the pole, in text.
pub(crate) fn draw(x: f32, theta: f32) -> String {
    const WIDTH: usize = 49;
    let column = |x: f32| ((x / X_LIMIT * 0.5 + 0.5) * (WIDTH - 1) as f32).round();
    let at = |x: f32| (column(x).max(0.0) as usize).min(WIDTH - 1);
    let (sin, _) = sin_cos_f32(theta);
    let line = |column: usize, mark: &str| format!("{}{mark}", " ".repeat(column));
    let glyph = if sin > 0.03 {
        "/"
    } else if sin < -0.03 {
        "\\"
    } else {
        "|"
    };
    let pole: Vec<String> = (1..=3)
        .rev()
        .map(|h| line(at(x + sin * 0.4 * h as f32), glyph))
        .collect();
    let mut track = ['─'; WIDTH];
    track[at(x)] = '▆';
    let degrees = theta.to_degrees();
    format!(
        "{}\n{}\nx = {x:+.3} m   θ = {degrees:+.2}°",
        pole.join("\n"),
        track.iter().collect::<String>()
    )
}
