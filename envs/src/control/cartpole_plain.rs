//! Cart-pole without the simulator: the loop over plain arrays that one would write by hand.
//!
//! It is the yardstick for what the simulator costs. The kernel, the start states, the observations and the way
//! of drawing random pushes are those of [`CartPole`](super::CartPole) in a
//! [`Simulator`](crate::sim::Simulator), but the columns are `Vec`s, and nothing is checked, kept for later or
//! open to plugins.

use std::ops::Range;

use multiversion::multiversion;

use super::cartpole::{
    CartPole, CartPoleArgs, CartPoleSlices, Theta, ThetaDot, X, XDot, push_rows, random_start,
    write_observations,
};
use crate::{sim::BatchEnvironment, stream::StreamKey};

/// Rows that go through a step together, so that their columns stay in a core's cache.
const BLOCK: usize = 4096;

/// A batch of cart-poles in plain arrays, each started anew when its episode ends.
///
/// ```
/// use palaestra_envs::control::CartPolePlainLoop;
///
/// let checksum = CartPolePlainLoop::new(64, 7).run(100);
/// assert_eq!(checksum, CartPolePlainLoop::new(64, 7).run(100));
/// ```
#[derive(Debug)]
pub struct CartPolePlainLoop {
    x: Vec<X>,
    x_dot: Vec<XDot>,
    theta: Vec<Theta>,
    theta_dot: Vec<ThetaDot>,
    action: Vec<i32>,
    observation: Vec<[f32; 4]>,
    reward: Vec<f32>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    elapsed: Vec<u32>,
    limit: u32,
    /// Where the pushes come from, and the next block of it.
    pushes: (StreamKey, u64),
    keys: Vec<StreamKey>,
    episodes: Vec<u64>,
}

impl CartPolePlainLoop {
    /// `rows` cart-poles at the start of their first episode. Row `r` starts its episodes as row `r` of a
    /// simulator with the same `seed` does.
    pub fn new(rows: usize, seed: u64) -> Self {
        let key = |row| StreamKey::new(seed, row, "env.dynamics");
        let spec = CartPole::new(&CartPoleArgs::default()).spec();
        let mut poles = Self {
            x: vec![X::default(); rows],
            x_dot: vec![XDot::default(); rows],
            theta: vec![Theta::default(); rows],
            theta_dot: vec![ThetaDot::default(); rows],
            action: vec![0; rows],
            observation: vec![[0.0; 4]; rows],
            reward: vec![0.0; rows],
            terminated: vec![false; rows],
            truncated: vec![false; rows],
            elapsed: vec![0; rows],
            limit: spec.max_episode_steps.unwrap_or(u32::MAX),
            pushes: (StreamKey::new(seed, 0, "policy.sample"), 0),
            keys: (0..rows as u64).map(key).collect(),
            episodes: vec![0; rows],
        };
        for row in 0..rows {
            poles.start(row);
        }
        poles
    }

    /// Makes `steps` steps of all rows with random pushes. Returns the sum of the last step's rewards and
    /// observations, so that no work can be left out.
    pub fn run(&mut self, steps: u64) -> f64 {
        let rows = self.action.len();
        for _ in 0..steps {
            let (key, next_block) = &mut self.pushes;
            key.coin_flips(0, next_block, &mut self.action);
            for start in (0..rows).step_by(BLOCK) {
                self.step(start..(start + BLOCK).min(rows));
            }
        }
        let values = self.reward.iter().chain(self.observation.as_flattened());
        values.map(|&v| f64::from(v)).sum()
    }

    /// Starts row `row`'s running episode.
    fn start(&mut self, row: usize) {
        let start = random_start(self.keys[row].block(self.episodes[row], 0));
        (
            self.x[row].0,
            self.x_dot[row].0,
            self.theta[row].0,
            self.theta_dot[row].0,
        ) = start.into();
        self.observation[row] = start;
        self.elapsed[row] = 0;
    }

    /// One step of the rows of `range`.
    fn step(&mut self, range: Range<usize>) {
        let mut state = CartPoleSlices {
            x: &mut self.x[range.clone()],
            x_dot: &mut self.x_dot[range.clone()],
            theta: &mut self.theta[range.clone()],
            theta_dot: &mut self.theta_dot[range.clone()],
        };
        let actions = &self.action[range.clone()];
        let terminated = &mut self.terminated[range.clone()];
        let reward = &mut self.reward[range.clone()];
        let observation = &mut self.observation[range.clone()];
        push_and_observe(&mut state, actions, reward, terminated, observation);
        let truncated = &mut self.truncated[range.clone()];
        let elapsed = &mut self.elapsed[range.clone()];
        for ((elapsed, truncated), terminated) in elapsed.iter_mut().zip(truncated).zip(terminated)
        {
            *elapsed += 1;
            *truncated = (*elapsed >= self.limit) & !*terminated;
        }
        for row in range {
            if self.terminated[row] | self.truncated[row] {
                self.episodes[row] += 1;
                self.start(row);
            }
        }
    }
}

/// The kernels of the simulator, compiled for wider vectors too as they are there.
#[multiversion(targets("x86_64+avx2"))]
fn push_and_observe(
    state: &mut CartPoleSlices<'_>,
    actions: &[i32],
    reward: &mut [f32],
    terminated: &mut [bool],
    observation: &mut [[f32; 4]],
) {
    push_rows(state, actions, reward, terminated, [1.0, 1.0]);
    write_observations(state, observation);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{registry, sim::Simulator};

    #[test]
    fn the_plain_loop_and_the_simulator_make_the_same_steps() {
        const ROWS: usize = 300;
        const STEPS: u64 = 60;
        let env = registry()
            .build("cartpole-v1", &serde_json::Value::Null)
            .unwrap();
        let mut simulator = Simulator::builder(env).rows(ROWS).seed(4).build().unwrap();
        simulator.reset().unwrap();
        let (pushes, mut next_block) = (StreamKey::new(4, 0, "policy.sample"), 0);
        for _ in 0..STEPS {
            let actions = simulator.border_mut().player_mut(0).action_mut();
            pushes.coin_flips(0, &mut next_block, actions.i32_mut(0));
            simulator.step().unwrap();
        }
        let player = simulator.border().player(0);
        let values = player.reward.iter().chain(player.observation().f32(0));
        let sum: f64 = values.map(|&v| f64::from(v)).sum();
        assert_eq!(CartPolePlainLoop::new(ROWS, 4).run(STEPS), sum);
    }
}
