//! Meta cart-pole: the position-only cart-pole under a random projection, played for several trials in an episode.
//!
//! An episode draws a linear map W (2 → 4) whose rows are orthogonal to each other and have length √2, and one start
//! state, from which every trial begins. A trial ends when the pole falls or the cart leaves the track, or after
//! `trial_steps` steps. So an agent with memory can find out in the first trials what its later ones need.
//!
//! | | |
//! |---|---|
//! | observation | `float32` Box `[7]`: (x, θ) W (4), last action (0 at the start), whether a trial has just ended, whether the episode has just begun |
//! | action | `Discrete(2)`: push left, right |
//! | reward | 1/`trial_steps` on every step, so that the return is at most the number of trials |
//! | end | termination after `trials` trials |
//!
//! The first observation after a trial is that of the next one's start. popjaxrl calls this
//! `NoisyStatelessMetaCartPole`, but its noise is zero.
//!
//! Difference from the reference: the declared bounds of the observation hold (it declares ±1).
//!
//! *Lu et al., Structured State Space Models for In-Context Reinforcement Learning, `NeurIPS` 2023, arXiv 2303.03982;
//! rules from the released code (popjaxrl).*

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{hidden, within};
use crate::{
    control::cartpole::{FORCE, OBSERVATION_BOUND, euler, is_over, random_start},
    error::EnvError,
    math::sqrt,
    sim::{BatchEnvironment, BatchRows, Border, EnvSpec, no_options},
    space::Space,
    state_columns,
    wrappers::random::normals_of,
};

/// Identifier.
pub(super) const ID: &str = "meta_cartpole-v0";
/// In one sentence.
pub(super) const SUMMARY: &str = "Balance a pole whose position is seen through a new random projection in each episode, for several trials.";

state_columns! {
    /// State of the meta cart-pole.
    pub struct MetaCartPoleState / MetaCartPoleSlices {
        /// Position, velocity, angle, angular velocity.
        pole: Pole([f32; 4]),
        /// The state in which every trial begins.
        start: TrialStart([f32; 4]),
        /// W: what x adds to the observation, then what θ adds.
        projection: Projection([f32; 8]),
        /// Steps made in the running trial.
        trial_time: TrialTime(u32),
        /// Trials that have ended.
        trials: Trials(u32),
    }
}

/// Arguments of [`MetaCartPole`].
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MetaCartPoleArgs {
    /// Trials of an episode, 1 to 10,000.
    pub trials: u32,
    /// Most steps of a trial, 1 to 10,000.
    pub trial_steps: u32,
}

impl Default for MetaCartPoleArgs {
    fn default() -> Self {
        Self {
            trials: 16,
            trial_steps: 200,
        }
    }
}

/// The meta cart-pole.
#[derive(Debug, Clone)]
pub struct MetaCartPole {
    trials: u32,
    trial_steps: u32,
}

impl MetaCartPole {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible number of trials or steps.
    pub fn new(args: &MetaCartPoleArgs) -> Result<Self, EnvError> {
        Ok(Self {
            trials: within("trials", args.trials, 1..=10_000)?,
            trial_steps: within("trial_steps", args.trial_steps, 1..=10_000)?,
        })
    }
}

/// Two vectors of length √2, orthogonal to each other, uniformly distributed: normal ones, after Gram and Schmidt.
fn random_projection(normals: [[f32; 4]; 2]) -> [f32; 8] {
    let dot = |a: &[f64; 4], b: &[f64; 4]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let unit = |v: [f64; 4]| {
        let length = sqrt(dot(&v, &v)).max(f64::MIN_POSITIVE);
        v.map(|x| x / length)
    };
    let [a, b] = normals.map(|v| v.map(f64::from));
    let a = unit(a);
    let along = dot(&a, &b);
    let b = unit(std::array::from_fn(|i| b[i] - along * a[i]));
    std::array::from_fn(|i| (sqrt(2.0) * if i < 4 { a[i] } else { b[i - 4] }) as f32)
}

impl BatchEnvironment for MetaCartPole {
    type State = MetaCartPoleState;

    fn spec(&self) -> EnvSpec {
        let scale = 1.0 / f64::from(self.trial_steps);
        let [x, _, theta, _] = OBSERVATION_BOUND;
        let most = sqrt(2.0 * (x * x + theta * theta));
        let infinity = f64::INFINITY;
        EnvSpec {
            max_episode_steps: Some(self.trials * self.trial_steps),
            reward_range: (scale, scale),
            info: vec![
                hidden(
                    "state",
                    4,
                    -infinity,
                    infinity,
                    "Position, velocity, angle, angular velocity.",
                ),
                hidden(
                    "trials",
                    1,
                    0.0,
                    f64::from(self.trials),
                    "Trials that have ended.",
                ),
            ],
            ..EnvSpec::single(
                ID,
                SUMMARY,
                Space::bounded(
                    vec![-most, -most, -most, -most, 0.0, 0.0, 0.0],
                    vec![most, most, most, most, 1.0, 1.0, 1.0],
                ),
                Space::discrete(2),
            )
        }
    }

    fn reset(
        &self,
        state: MetaCartPoleSlices<'_>,
        rows: &mut BatchRows<'_>,
    ) -> Result<(), EnvError> {
        for (i, row) in rows.range.clone().enumerate() {
            if !rows.options.is_empty() {
                no_options(rows.options.row(row))
                    .map_err(|message| EnvError::Options { row, message })?;
            }
            let start = random_start(rows.random_block(row, 0));
            let normals = [1, 2].map(|block| normals_of(rows.random_block(row, block)));
            (state.pole[i].0, state.start[i].0) = (start, start);
            state.projection[i].0 = random_projection(normals);
            (state.trial_time[i].0, state.trials[i].0) = (0, 0);
        }
        Ok(())
    }

    #[inline(always)]
    fn step(&self, state: MetaCartPoleSlices<'_>, rows: &mut BatchRows<'_>) {
        let border = &mut *rows.border;
        let (actions, reward) = border.players[0].action_and_reward();
        let actions = actions.i32(0);
        reward[rows.range.clone()].fill((1.0 / f64::from(self.trial_steps)) as f32);
        for (i, row) in rows.range.clone().enumerate() {
            let [x, x_dot, theta, theta_dot] = state.pole[i].0;
            let force = (2 * actions[row] - 1) as f32 * FORCE;
            let next = <[f32; 4]>::from(euler(x, x_dot, theta, theta_dot, force));
            let time = state.trial_time[i].0 + 1;
            let ended = is_over(next[0], next[2]) | (time >= self.trial_steps);
            state.pole[i].0 = if ended { state.start[i].0 } else { next };
            state.trial_time[i].0 = if ended { 0 } else { time };
            state.trials[i].0 += u32::from(ended);
            border.terminated[row] = state.trials[i].0 >= self.trials;
        }
    }

    #[inline(always)]
    fn observe(&self, state: MetaCartPoleSlices<'_>, rows: &mut BatchRows<'_>) {
        let range = rows.range.clone();
        let Border {
            players,
            elapsed,
            info,
            ..
        } = &mut *rows.border;
        // The last action, as the environment took it.
        for (i, row) in range.clone().enumerate() {
            let [x, _, theta, _] = state.pole[i].0;
            let w = &state.projection[i].0;
            let begins = elapsed[row] == 0;
            let action = players[0].env_action().i32(0)[row];
            let flag = |up: bool| f32::from(u8::from(up));
            let seen: [f32; 7] = [
                x * w[0] + theta * w[4],
                x * w[1] + theta * w[5],
                x * w[2] + theta * w[6],
                x * w[3] + theta * w[7],
                if begins { 0.0 } else { action as f32 },
                flag(state.trial_time[i].0 == 0 && !begins),
                flag(begins),
            ];
            let out = players[0].env_observation_mut().f32_mut(0);
            out[row * 7..(row + 1) * 7].copy_from_slice(&seen);
        }
        if let Some(column) = info.index_of("privileged.state") {
            let out = &mut info.f64_mut(column).as_chunks_mut().0[range.clone()];
            for (out, pole) in out.iter_mut().zip(&*state.pole) {
                *out = pole.0.map(f64::from);
            }
        }
        if let Some(column) = info.index_of("privileged.trials") {
            let out = &mut info.f64_mut(column)[range];
            for (out, trials) in out.iter_mut().zip(&*state.trials) {
                *out = f64::from(trials.0);
            }
        }
    }

    fn render(&self, border: &Border, row: usize) -> Option<String> {
        let seen: &[f32; 7] = border.players[0]
            .env_observation()
            .f32(0)
            .as_chunks()
            .0
            .get(row)?;
        let shown = seen[..4].iter().map(|x| format!("{x:+.3}"));
        let shown: Vec<String> = shown.collect();
        let trial = if seen[5] > 0.0 { ", a new trial" } else { "" };
        Some(format!(
            "step {}: seen {}{trial}",
            border.elapsed[row],
            shown.join(" ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        conformance::{CheckOptions, check},
        registry,
        sim::Simulator,
        stream::Stream,
    };
    use rand::RngExt;

    #[test]
    fn projections_have_orthogonal_rows_of_length_root_two() {
        let mut rng = Stream::new(1, 0, "test");
        let mut sum = [0.0; 8];
        for _ in 0..2000 {
            let normals = [0, 1].map(|_| normals_of(std::array::from_fn(|_| rng.random())));
            let w = random_projection(normals).map(f64::from);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            assert!((dot(&w[..4], &w[..4]) - 2.0).abs() < 1e-6);
            assert!((dot(&w[4..], &w[4..]) - 2.0).abs() < 1e-6);
            assert!(dot(&w[..4], &w[4..]).abs() < 1e-6);
            (0..8).for_each(|i| sum[i] += w[i]);
        }
        // Each element has mean 0 and variance 1/2.
        assert!(
            sum.iter().all(|s| s.abs() < 5.0 * (2000.0f64 / 2.0).sqrt()),
            "{sum:?}"
        );
    }

    #[test]
    fn trials_share_start_and_projection_and_episodes_do_not() {
        const TRIALS: u32 = 5;
        let env = registry()
            .build("meta_cartpole-v0", &json!({ "trials": TRIALS }))
            .unwrap();
        let builder = Simulator::builder(env).rows(3).seed(2);
        let builder = builder.info("privileged.trials").info("privileged.state");
        let mut simulator = builder.build().unwrap();
        simulator.reset().unwrap();
        let mut rng = Stream::new(3, 0, "test");
        let seen =
            |simulator: &Simulator| simulator.border().player(0).observation().f32(0)[..7].to_vec();
        let mut first = seen(&simulator);
        let (mut episodes, mut trials, mut steps) = (0, 0.0, 0);
        assert_eq!(first[4..], [0.0, 0.0, 1.0]);
        while episodes < 3 {
            let action = rng.random_range(0..2);
            let player = simulator.border_mut().player_mut(0);
            player.action_mut().i32_mut(0).fill(action);
            simulator.step().unwrap();
            steps += 1;
            let border = simulator.border();
            assert_eq!(border.player(0).reward[0], 1.0 / 200.0);
            let now = seen(&simulator);
            if border.terminated[0] {
                let last = &border.player(0).final_observation.f32(0)[..7];
                assert_eq!(last[..4], first[..4]);
                assert_eq!(last[4..], [action as f32, 1.0, 0.0]);
                assert_eq!(now[4..], [0.0, 0.0, 1.0]);
                assert_ne!(now[..4], first[..4], "a new projection and start");
                let expected = f64::from(steps) / 200.0;
                assert!((border.player(0).final_return[0] - expected).abs() < 1e-6);
                first = now;
                (episodes, trials, steps) = (episodes + 1, 0.0, 0);
                continue;
            }
            assert_eq!(now[4], action as f32);
            assert_eq!(now[6], 0.0);
            if now[5] > 0.0 {
                trials += 1.0;
                assert_eq!(now[..4], first[..4], "every trial begins alike");
            }
            let column = border.info.index_of("privileged.trials").unwrap();
            assert_eq!(border.info.f64(column)[0], trials);
        }
        assert!(!simulator.border().truncated[0]);
    }

    /// A player that knows the state, pushing to where the pole is falling, lasts for all trials.
    #[test]
    fn a_player_that_knows_the_state_reaches_the_number_of_trials() {
        let env = registry()
            .build("meta_cartpole-v0", &json!({ "trials": 3 }))
            .unwrap();
        let builder = Simulator::builder(env).rows(20).info("privileged.state");
        let mut simulator = builder.build().unwrap();
        simulator.reset().unwrap();
        for _ in 0..600 {
            let states = simulator.border().info.f64(0).to_vec();
            let actions = simulator.border_mut().player_mut(0).action_mut().i32_mut(0);
            for (action, s) in actions.iter_mut().zip(states.chunks(4)) {
                let lean = 0.1 * s[0] + 0.3 * s[1] + 10.0 * s[2] + 2.0 * s[3];
                *action = i32::from(lean > 0.0);
            }
            simulator.step().unwrap();
        }
        let border = simulator.border();
        assert!(border.terminated.iter().all(|&ended| ended));
        assert!(
            border
                .player(0)
                .final_return
                .iter()
                .all(|r| (r - 3.0).abs() < 1e-5)
        );
    }

    #[test]
    fn it_conforms() {
        let options = CheckOptions {
            episodes: 30,
            max_steps: 10_000,
            ..CheckOptions::default()
        };
        for args in [json!({}), json!({ "trials": 2, "trial_steps": 10 })] {
            let registry = registry();
            let report = check(registry.get("meta_cartpole").unwrap(), &args, &options);
            assert!(report.passed(), "{report}");
        }
    }
}
