//! Cart-pole with a real-valued push: the dynamics of [`CartPole`](super::CartPole) under the force `10 a` N for
//! an action `a` in [-1, 1], as the continuous cart-pole of Pineda, Amos, Zhang, Lambert, Calandra, *MBRL-Lib: A
//! Modular Library for Model-based Reinforcement Learning* (2021). Equal to it at a = ±1.
//!
//! Reward 1 on every step, the last included; ends when |x| > 2.4 m or |θ| > 12°, truncated after 200 steps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cartpole::{
    CartPoleSlices, CartPoleState, FORCE, observation_space, observe, render, reset, step_rows,
};
use crate::{
    error::EnvError,
    sim::{BatchEnvironment, BatchRows, Border, EnvSpec},
    space::Space,
};

/// Arguments of [`CartPoleContinuous`]: there are none.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CartPoleContinuousArgs {}

/// The cart-pole with a real-valued push.
#[derive(Debug, Clone)]
pub struct CartPoleContinuous;

impl BatchEnvironment for CartPoleContinuous {
    type State = CartPoleState;

    fn spec(&self) -> EnvSpec {
        EnvSpec {
            max_episode_steps: Some(200),
            reward_range: (1.0, 1.0),
            ..EnvSpec::single(
                "cartpole_continuous-v1",
                "Balance a pole on a cart with a push of any size up to 10 N.",
                observation_space(),
                Space::vector(1, -1.0, 1.0),
            )
        }
    }

    fn reset(&self, state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) -> Result<(), EnvError> {
        reset(state, rows)
    }

    #[inline(always)]
    fn step(&self, mut state: CartPoleSlices<'_>, rows: &mut BatchRows<'_>) {
        let range = rows.range.clone();
        let (actions, reward) = rows.border.players[0].action_and_reward();
        step_rows(
            &mut state,
            &actions.f32(0)[range.clone()],
            |action| FORCE * action,
            &mut reward[range.clone()],
            &mut rows.border.terminated[range],
            [1.0, 1.0],
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
