//! SW-UCB: upper confidence bounds over a sliding window, for payoffs that change.
//!
//! Garivier, Moulines, *On Upper-Confidence Bound Policies for Switching Bandit Problems*, ALT 2011, section 2.2.
//!
//! Difference: the window defaults to `4 sqrt(T ln T)`, the paper's choice without knowledge of the number of changes.

use palaestra_envs::{math::ln, stream::Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, LearnerSettings, Memory, Play, Round, Rule, Table,
    setup::{LearnerArgs, check, horizon},
};
use crate::{AgentContext, AgentError};

/// `m_i + sqrt(ξ ln(min(t, w)) / n_i)` with plays and means of the last `w` rounds; arms not played in them come
/// first.
#[derive(Debug, Clone, PartialEq)]
pub struct SwUcb {
    /// `w`, at least 1.
    pub window: usize,
    /// `ξ`.
    pub xi: f64,
    /// `k`: the most plays of a round.
    pub plays: usize,
}

impl Rule for SwUcb {
    type Memory = Window;

    fn memory(&self, seats: usize, arms: usize) -> Window {
        Window::new(seats, arms, self.window, self.plays)
    }

    fn indices(&self, memory: &mut Window, round: &mut Round<'_>, index: &mut [f64]) {
        let (n, sum) = (memory.plays.row(round.seat), memory.sum.row(round.seat));
        let (unplayed, bonus) = if round.greedy {
            (f64::MIN, 0.0)
        } else {
            let rounds = round.t.min(self.window as u64) as f64;
            (f64::INFINITY, self.xi * ln(rounds))
        };
        for (index, (n, sum)) in index.iter_mut().zip(n.iter().zip(sum)) {
            *index = if *n > 0.0 {
                sum / n + (bonus / n).sqrt()
            } else {
                unplayed
            };
        }
    }

    fn learn(&self, memory: &mut Window, seat: usize, plays: &[Play], _rng: &mut Stream) {
        memory.push(seat, plays);
    }
}

/// The plays of the last rounds, in a ring, and their sums.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    rounds: usize,
    per_round: usize,
    /// Plays `n_i` and sums of payoffs within the window.
    plays: Table,
    sum: Table,
    /// Arm and payoff of every play in the ring, `[seats, rounds, per_round]`.
    arm: Vec<u32>,
    payoff: Vec<f64>,
    /// Where in the ring the next round goes, `[seats]`.
    next: Vec<u32>,
}

/// Stands for no play.
const NONE: u32 = u32::MAX;

impl Window {
    fn new(seats: usize, arms: usize, rounds: usize, per_round: usize) -> Self {
        let slots = seats * rounds * per_round;
        Self {
            rounds,
            per_round,
            plays: Table::new(seats, arms),
            sum: Table::new(seats, arms),
            arm: vec![NONE; slots],
            payoff: vec![0.0; slots],
            next: vec![0; seats],
        }
    }

    /// The oldest round leaves, `plays` enter.
    fn push(&mut self, seat: usize, plays: &[Play]) {
        let (n, sum) = (self.plays.row_mut(seat), self.sum.row_mut(seat));
        let ring = seat * self.rounds * self.per_round;
        let position = self.next[seat] as usize % self.rounds;
        let first = ring + position * self.per_round;
        for slot in first..first + self.per_round {
            let play = plays.get(slot - first);
            let arm = play.map_or(NONE, |play| play.arm as u32);
            let payoff = play.map_or(0.0, |play| play.payoff);
            let old = std::mem::replace(&mut self.arm[slot], arm) as usize;
            let left = std::mem::replace(&mut self.payoff[slot], payoff);
            if old < n.len() {
                n[old] -= 1.0;
                sum[old] -= left;
            }
            if let Some(play) = play {
                n[play.arm] += 1.0;
                sum[play.arm] += play.payoff;
            }
        }
        self.next[seat] = (position as u32 + 1) % self.rounds as u32;
        if self.next[seat] == 0 {
            // Once around: add up afresh, so that rounding errors of the differences never pile up.
            sum.fill(0.0);
            let slots = ring..ring + self.rounds * self.per_round;
            for (arm, payoff) in self.arm[slots.clone()].iter().zip(&self.payoff[slots]) {
                if let Some(sum) = sum.get_mut(*arm as usize) {
                    *sum += payoff;
                }
            }
        }
    }
}

impl Memory for Window {
    fn lengths(&self) -> Vec<usize> {
        let own = vec![
            self.rounds,
            self.per_round,
            self.arm.len(),
            self.payoff.len(),
            self.next.len(),
        ];
        [self.plays.lengths(), self.sum.lengths(), own].concat()
    }

    fn forget(&mut self, seat: usize) {
        let slots = self.rounds * self.per_round;
        self.plays.forget(seat);
        self.sum.forget(seat);
        self.arm[seat * slots..(seat + 1) * slots].fill(NONE);
        self.next[seat] = 0;
    }
}

/// Arguments of `sw_ucb`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SwUcbArgs {
    /// Rounds `w` of the window, at least 1. Default `4 sqrt(T ln T)`.
    pub window: Option<u32>,
    /// `ξ` in the bonus `sqrt(ξ ln(min(t, w)) / n_i)`, at least 0. Default 0.6.
    pub xi: f64,
    /// Rounds `T` that the default of `window` is for. Default: the length of an episode or of the run,
    /// whichever is shorter; that of the run if nothing is forgotten.
    pub horizon: Option<u64>,
    /// Rewards that count as 0 and as 1. Default: the environment's range if finite, else 0 and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl Default for SwUcbArgs {
    fn default() -> Self {
        Self {
            window: None,
            xi: 0.6,
            horizon: None,
            reward_range: None,
            keep_across_episodes: false,
        }
    }
}

impl LearnerArgs for SwUcbArgs {
    type Rule = SwUcb;
    const ID: &'static str = "sw_ucb";
    const SUMMARY: &'static str = "SW-UCB: UCB over the last rounds only.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<SwUcb, AgentError> {
        let window = if let Some(window) = self.window {
            window as usize
        } else {
            let t = horizon(context, self.horizon, self.keep_across_episodes)?;
            // A longer window than the horizon forgets nothing more.
            (4.0 * (t * ln(t)).sqrt()).min(t).max(1.0) as usize
        };
        let slots = (window as u64)
            .saturating_mul(arms.plays() as u64)
            .saturating_mul(context.seats() as u64);
        if window == 0 || slots > MAX_SLOTS {
            let message = format!(
                "{window} rounds are not at least 1 and at most {} (for {} rows)",
                MAX_SLOTS / (arms.plays() * context.seats()).max(1) as u64,
                context.rows
            );
            return Err(AgentError::argument("window", message));
        }
        Ok(SwUcb {
            window,
            xi: check("xi", self.xi, 0.0.., "at least 0")?,
            plays: arms.plays(),
        })
    }
}

/// Most plays to remember in all windows together: 3 GiB.
const MAX_SLOTS: u64 = 1 << 28;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bandits::testbed::Trial;

    #[test]
    fn the_index_knows_only_the_window() {
        let rule = SwUcb {
            window: 3,
            xi: 0.6,
            plays: 1,
        };
        let mut trial = Trial::new(&rule, 3);
        for play in [(2, 1.0), (0, 1.0), (0, 0.0), (1, 1.0)] {
            trial.learn(&[play]);
        }
        // The play of arm 2 has left. Round 5: ln min(5, 3).
        let index = trial.indices(5);
        let bonus = |n: f64| (0.6 * 3_f64.ln() / n).sqrt();
        assert!((index[0] - (0.5 + bonus(2.0))).abs() < 1e-15);
        assert!((index[1] - (1.0 + bonus(1.0))).abs() < 1e-15);
        assert_eq!(index[2], f64::INFINITY);
        trial.memory.forget(0);
        assert_eq!(trial.indices(1), [f64::INFINITY; 3]);
    }

    proptest! {
        /// Plays exactly, sums to 1e-12, against adding up the last rounds.
        #[test]
        fn the_window_holds_the_last_rounds(
            rounds in prop::collection::vec(prop::collection::vec((0usize..3, -1.0..2.0f64), 0..3), 1..80),
            window in 1usize..20,
        ) {
            let rule = SwUcb { window, xi: 0.6, plays: 2 };
            let mut trial = Trial::new(&rule, 3);
            for t in 0..rounds.len() {
                trial.learn(&rounds[t]);
                let last = rounds[..=t].iter().rev().take(window).flatten();
                for arm in 0..3 {
                    let own: Vec<f64> = last.clone().filter(|play| play.0 == arm).map(|play| play.1).collect();
                    prop_assert_eq!(trial.memory.plays.row(0)[arm], own.len() as f64);
                    prop_assert!((trial.memory.sum.row(0)[arm] - own.iter().sum::<f64>()).abs() < 1e-12);
                }
            }
        }
    }
}
