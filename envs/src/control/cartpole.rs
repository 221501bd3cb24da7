//! Cart-pole, after Barto, Sutton, Anderson, *Neuronlike Adaptive Elements That Can Solve Difficult Learning
//! Control Problems* (1983), with the constants and conventions of Gymnasium's `CartPole-v1`.
//!
//! State `(x, ẋ, θ, θ̇)` in single precision, as in Gymnasium's vectorised version; explicit Euler steps of
//! 0.02 s. Ends when |x| > 2.4 m or |θ| > 12°; reward 1 on every step, the last included.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::start::{ANY, start_state};
use crate::{
    error::EnvError,
    math::sin_cos_f32,
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
const POLE_MASS_LENGTH: f32 = POLE_MASS * LENGTH;
/// Size of a push, N.
pub(super) const FORCE: f32 = 10.0;
/// Seconds between two states.
const TAU: f32 = 0.02;
const X_LIMIT: f32 = 2.4;
const THETA_LIMIT: f32 = 12.0 * 2.0 * std::f32::consts::PI / 360.0;

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

/// One Euler step; `force` in N. Returns the next state.
#[inline(always)]
fn euler(x: f32, x_dot: f32, theta: f32, theta_dot: f32, force: f32) -> (f32, f32, f32, f32) {
    let (sin, cos) = sin_cos_f32(theta);
    let temp = (force + POLE_MASS_LENGTH * theta_dot * theta_dot * sin) / TOTAL_MASS;
    let theta_acc =
        (GRAVITY * sin - cos * temp) / (LENGTH * (4.0 / 3.0 - POLE_MASS * cos * cos / TOTAL_MASS));
    let x_acc = temp - POLE_MASS_LENGTH * theta_acc * cos / TOTAL_MASS;
    (
        x + TAU * x_dot,
        x_dot + TAU * x_acc,
        theta + TAU * theta_dot,
        theta_dot + TAU * theta_acc,
    )
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
        let end = (a.abs() > X_LIMIT) | (c.abs() > THETA_LIMIT);
        terminated[i] = end;
        reward[i] = if end { rewards[1] } else { rewards[0] };
    }
}

/// Bounds of the observation: twice the limits beyond which an episode ends.
pub(super) fn observation_space() -> Space {
    let (x, theta) = (f64::from(X_LIMIT), f64::from(THETA_LIMIT));
    let high = vec![2.0 * x, f64::INFINITY, 2.0 * theta, f64::INFINITY];
    Space::bounded(high.iter().map(|h| -h).collect(), high)
}

/// Starts an episode in each row of the run.
pub(super) fn reset(state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) -> Result<(), EnvError> {
    let (x, theta) = (2.0 * f64::from(X_LIMIT), 2.0 * f64::from(THETA_LIMIT));
    let bounds = [(-x, x), ANY, (-theta, theta), ANY];
    for (i, row) in rows.range.clone().enumerate() {
        (
            state.x[i].0,
            state.x_dot[i].0,
            state.theta[i].0,
            state.theta_dot[i].0,
        ) = match start_state(rows.options, row, &bounds)? {
            Some(start) => start.map(|v| v as f32),
            None => rows.random_block(row, 0).map(|w| 0.1 * unit_f32(w) - 0.05),
        }
        .into();
    }
    Ok(())
}

/// Writes the state.
pub(super) fn observe(state: &CartPoleSlices<'_>, rows: &mut BatchRows<'_>) {
    let out = rows.border.players[0].env_observation_mut().f32_mut(0);
    let out = &mut out[rows.range.start * 4..rows.range.end * 4];
    for (i, o) in out.chunks_exact_mut(4).enumerate() {
        o.copy_from_slice(&[
            state.x[i].0,
            state.x_dot[i].0,
            state.theta[i].0,
            state.theta_dot[i].0,
        ]);
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

    fn reset(&self, state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) -> Result<(), EnvError> {
        reset(state, rows)
    }

    fn step(&self, mut state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) {
        let range = rows.range.clone();
        let (actions, reward) = rows.border.players[0].action_and_reward();
        step_rows(
            &mut state,
            &actions.i32(0)[range.clone()],
            |action| (2 * action - 1) as f32 * FORCE,
            &mut reward[range.clone()],
            &mut rows.border.terminated[range],
            self.reward,
        );
    }

    fn observe(&self, state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) {
        observe(&state, rows);
    }

    fn render(&self, border: &Border, row: usize) -> Option<String> {
        Some(render(border, row))
    }
}

/// The cart on its track and the direction of the pole, in text.
fn draw(x: f32, theta: f32) -> String {
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
