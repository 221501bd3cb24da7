//! Multiarmed Bandit: find the machine that pays most often, within an episode.
//!
//! | | |
//! |---|---|
//! | observation | `Discrete(2)`: whether the last play paid |
//! | action | `Discrete(arms)` |
//! | reward | +1/T if the arm pays, −1/T if not; each arm pays with a probability of its own, drawn from U(0, 1) in each episode |
//! | end | truncation after T = `steps` steps |
//!
//! *Morad et al., `POPGym`, arXiv 2303.01859; rules from the released code (popgym 1.0.7).*

use std::fmt::Write;

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{Difficulty, hidden, within};
use crate::{
    error::EnvError,
    pomdp::cells::{CellGame, Turn},
    sim::EnvSpec,
    space::Space,
    stream::{Stream, unit_f32},
};

/// Identifier.
pub(super) const ID: &str = "multiarmed_bandit-v0";
/// In one sentence.
pub(super) const SUMMARY: &str = "Find the arm that pays most often, within an episode (POPGym).";

/// Arguments of [`MultiarmedBandit`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MultiarmedBanditArgs {
    /// Sets `arms` to 10, 20, 30 and `steps` to 200, 400, 600.
    pub difficulty: Difficulty,
    /// Number of arms, 1 to 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arms: Option<usize>,
    /// Steps of an episode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
}

/// The episodic bandit. Cells: each arm's probability to pay, then whether the last play paid.
#[derive(Debug, Clone)]
pub struct MultiarmedBandit {
    arms: usize,
    steps: u32,
}

impl MultiarmedBandit {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible number of arms or steps.
    pub fn new(args: &MultiarmedBanditArgs) -> Result<Self, EnvError> {
        let (arms, steps) = args.difficulty.pick([(10, 200), (20, 400), (30, 600)]);
        Ok(Self {
            arms: within("arms", args.arms.unwrap_or(arms), 1..=10_000)?,
            steps: within("steps", args.steps.unwrap_or(steps), 1..=u32::MAX)?,
        })
    }
}

impl CellGame for MultiarmedBandit {
    type Cell = f32;

    fn spec(&self) -> EnvSpec {
        let scale = 1.0 / f64::from(self.steps);
        let payouts = hidden(
            "payouts",
            self.arms,
            0.0,
            1.0,
            "Probability of each arm to pay.",
        );
        EnvSpec {
            max_episode_steps: Some(self.steps),
            reward_range: (-scale, scale),
            info: vec![payouts],
            ..EnvSpec::single(ID, SUMMARY, Space::discrete(2), Space::discrete(self.arms))
        }
    }

    fn cells(&self) -> usize {
        self.arms + 1
    }

    fn start(&self, cells: &mut [f32], rng: &mut Stream) {
        let (payouts, paid) = cells.split_at_mut(self.arms);
        payouts.iter_mut().for_each(|p| *p = rng.random());
        paid[0] = 0.0;
    }

    #[inline(always)]
    fn step(&self, cells: &mut [f32], turn: &Turn<'_>) -> (f32, bool) {
        let pays = unit_f32(turn.random()[0]) < cells[turn.action[0] as usize];
        cells[self.arms] = f32::from(u8::from(pays));
        let scale = (1.0 / f64::from(self.steps)) as f32;
        (if pays { scale } else { -scale }, false)
    }

    #[inline(always)]
    fn observe(&self, cells: &[f32], _: usize, out: &mut [i32]) {
        out[0] = i32::from(cells[self.arms] > 0.0);
    }

    fn tell(&self, cells: &[f32], _: usize, _: usize, out: &mut [f64]) {
        for (out, &p) in out.iter_mut().zip(cells) {
            *out = f64::from(p);
        }
    }

    fn valid(&self, cells: &[f32]) -> bool {
        cells.iter().all(|p| (0.0..=1.0).contains(p))
    }

    fn render(&self, cells: &[f32], time: usize) -> String {
        let paid = if cells[self.arms] > 0.0 {
            ", the last play paid"
        } else {
            ""
        };
        let mut text = format!("play {time} of {}{paid}", self.steps);
        for (arm, p) in cells[..self.arms].iter().enumerate() {
            let _ = write!(
                text,
                "\narm {arm:<3} {p:.3} {}",
                "█".repeat((p * 20.0) as usize)
            );
        }
        text
    }
}
