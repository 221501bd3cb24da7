//! bsuite's memory chain: remember a few bits shown at the start until one of them is asked for.
//!
//! | | |
//! |---|---|
//! | observation | `float32` Box `[2 + bits]`: 1 − t/T; the number of the bit asked for before the last step, else 0; ±1 for each bit at the start, then 0 |
//! | action | `Discrete(2)`: the bit |
//! | reward | 0, and in the last step 1 for the bit asked for, −1 for the other |
//! | end | termination after T = `length` steps |
//!
//! The published sweeps are `length` over 1–10, 12, 14, 17, 20, 25, 30, 40, …, 100 with one bit (`memory_len`), and
//! `bits` over 1–10, 12, 14, 17, 20, 25, 30, 40 with `length` 2 (`memory_size`).
//!
//! Difference from the reference: an observation is a vector, not a matrix of one row.
//!
//! *Osband et al., Behaviour Suite for Reinforcement Learning, ICLR 2020, arXiv 1908.03568; rules from the released
//! code.*

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{hidden, within};
use crate::{
    error::EnvError,
    sim::{BatchEnvironment, BatchRows, Border, EnvSpec, no_options},
    space::Space,
    state_columns,
};

/// Identifier.
pub(super) const ID: &str = "memory_chain-v0";
/// In one sentence.
pub(super) const SUMMARY: &str =
    "Remember bits shown at the start until one of them is asked for (bsuite).";

state_columns! {
    /// State of the memory chain.
    pub struct MemoryChainState / MemoryChainSlices {
        /// The bits.
        context: Context(u64),
        /// Which bit will be asked for.
        query: Query(u32),
    }
}

/// Arguments of [`MemoryChain`].
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryChainArgs {
    /// T, steps of an episode.
    pub length: u32,
    /// Number of bits, 1 to 64.
    pub bits: usize,
}

impl Default for MemoryChainArgs {
    fn default() -> Self {
        Self {
            length: 10,
            bits: 1,
        }
    }
}

/// The memory chain.
#[derive(Debug, Clone)]
pub struct MemoryChain {
    length: u32,
    bits: usize,
}

impl MemoryChain {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible length or number of bits.
    pub fn new(args: &MemoryChainArgs) -> Result<Self, EnvError> {
        Ok(Self {
            length: within("length", args.length, 1..=u32::MAX)?,
            bits: within("bits", args.bits, 1..=64)?,
        })
    }
}

/// The bit asked for.
#[inline(always)]
fn answer(context: Context, query: Query) -> i32 {
    (context.0 >> (query.0 % 64) & 1) as i32
}

impl BatchEnvironment for MemoryChain {
    type State = MemoryChainState;

    fn spec(&self) -> EnvSpec {
        let bits = self.bits;
        let low = [vec![0.0, 0.0], vec![-1.0; bits]].concat();
        let high = [vec![1.0, bits as f64 - 1.0], vec![1.0; bits]].concat();
        EnvSpec {
            max_episode_steps: Some(self.length),
            reward_range: (-1.0, 1.0),
            info: vec![hidden(
                "answer",
                1,
                0.0,
                1.0,
                "The bit that will be asked for.",
            )],
            ..EnvSpec::single(ID, SUMMARY, Space::bounded(low, high), Space::discrete(2))
        }
    }

    fn reset(
        &self,
        state: MemoryChainSlices<'_>,
        rows: &mut BatchRows<'_>,
    ) -> Result<(), EnvError> {
        for (i, row) in rows.range.clone().enumerate() {
            if !rows.options.is_empty() {
                no_options(rows.options.row(row))
                    .map_err(|message| EnvError::Options { row, message })?;
            }
            let [a, b, query, _] = rows.random_block(row, 0);
            state.context[i].0 = u64::from(a) | u64::from(b) << 32;
            // Of 2³² numbers each bit is meant by the same share, to a part in 2²⁶.
            state.query[i].0 = ((u64::from(query) * self.bits as u64) >> 32) as u32;
        }
        Ok(())
    }

    #[inline(always)]
    fn step(&self, state: MemoryChainSlices<'_>, rows: &mut BatchRows<'_>) {
        let border = &mut *rows.border;
        let (actions, reward) = border.players[0].action_and_reward();
        let actions = actions.i32(0);
        for (i, row) in rows.range.clone().enumerate() {
            let last = border.elapsed[row] + 1 >= self.length;
            let right = actions[row] == answer(state.context[i], state.query[i]);
            let pay = if right { 1.0 } else { -1.0 };
            reward[row] = if last { pay } else { 0.0 };
            border.terminated[row] = last;
        }
    }

    #[inline(always)]
    fn observe(&self, state: MemoryChainSlices<'_>, rows: &mut BatchRows<'_>) {
        let Border {
            players,
            elapsed,
            info,
            ..
        } = &mut *rows.border;
        let width = self.bits + 2;
        let out = players[0].env_observation_mut().f32_mut(0);
        let out = &mut out[rows.range.start * width..rows.range.end * width];
        for (i, out) in out.chunks_exact_mut(width).enumerate() {
            let time = elapsed[rows.range.start + i];
            out[0] = (1.0 - f64::from(time) / f64::from(self.length)) as f32;
            let asked = time + 1 == self.length;
            out[1] = if asked { state.query[i].0 as f32 } else { 0.0 };
            for (bit, out) in out[2..].iter_mut().enumerate() {
                let sign = if state.context[i].0 >> bit & 1 == 1 {
                    1.0
                } else {
                    -1.0
                };
                *out = if time == 0 { sign } else { 0.0 };
            }
        }
        if let Some(column) = info.index_of("privileged.answer") {
            let out = &mut info.f64_mut(column)[rows.range.clone()];
            for (i, out) in out.iter_mut().enumerate() {
                *out = f64::from(answer(state.context[i], state.query[i]));
            }
        }
    }

    fn render(&self, border: &Border, row: usize) -> Option<String> {
        let width = self.bits + 2;
        let seen = border.players[0].env_observation().f32(0);
        let seen = seen.get(row * width..(row + 1) * width)?;
        let bits = seen[2..].iter().map(|&bit| match bit {
            x if x > 0.0 => '1',
            x if x < 0.0 => '0',
            _ => '·',
        });
        let bits: String = bits.collect();
        let time = border.elapsed[row];
        let mut text = format!("step {time} of {}: bits {bits}", self.length);
        if time + 1 == self.length {
            let _ = write!(text, ", bit {} is asked for", seen[1]);
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        conformance::{CheckOptions, check},
        registry,
        sim::Simulator,
    };

    /// Plays 200 episodes, answering what `answer` makes of the first and the last observation.
    fn mean(length: u32, bits: usize, answer: impl Fn(&[f32], &[f32]) -> i32) -> f64 {
        let env = registry()
            .build(
                "memory_chain-v0",
                &json!({ "length": length, "bits": bits }),
            )
            .unwrap();
        let mut simulator = Simulator::builder(env).rows(200).build().unwrap();
        simulator.reset().unwrap();
        let width = bits + 2;
        let seen =
            |simulator: &Simulator| simulator.border().player(0).observation().f32(0).to_vec();
        let first = seen(&simulator);
        for step in 0..length {
            assert!(!simulator.border().terminated.contains(&true) || step == 0);
            let last = seen(&simulator);
            let rows = first.chunks(width).zip(last.chunks(width));
            let actions: Vec<i32> = rows.map(|(first, last)| answer(first, last)).collect();
            let player = simulator.border_mut().player_mut(0);
            player.action_mut().i32_mut(0).copy_from_slice(&actions);
            simulator.step().unwrap();
            assert_eq!(
                simulator
                    .border()
                    .player(0)
                    .reward
                    .iter()
                    .any(|&r| r != 0.0),
                step + 1 == length
            );
        }
        assert!(simulator.border().terminated.iter().all(|&t| t));
        simulator
            .border()
            .player(0)
            .final_return
            .iter()
            .sum::<f64>()
            / 200.0
    }

    #[test]
    fn who_remembers_the_first_observation_always_wins() {
        for (length, bits) in [(1, 1), (2, 1), (2, 40), (100, 1), (7, 64)] {
            let perfect = mean(length, bits, |first, last| {
                i32::from(first[2 + last[1] as usize] > 0.0)
            });
            assert_eq!(perfect, 1.0);
            let constant = mean(length, bits, |_, _| 0);
            assert!(constant.abs() < 4.0 / 200f64.sqrt(), "{constant}");
        }
    }

    #[test]
    fn it_conforms() {
        let options = CheckOptions {
            episodes: 60,
            max_steps: 10_000,
            ..CheckOptions::default()
        };
        for args in [
            json!({}),
            json!({ "length": 1 }),
            json!({ "length": 2, "bits": 40 }),
        ] {
            let registry = registry();
            let report = check(registry.get("memory_chain").unwrap(), &args, &options);
            assert!(report.passed(), "{report}");
        }
    }
}
