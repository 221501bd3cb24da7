//! CombUCB1 and its relatives: blocks of plays chosen as a whole by upper confidence bounds.
//!
//! Laforgue, Clerici, Cesa-Bianchi, Gilad-Bachrach, *A Last Switch Dependent Analysis of Satiation and Seasonality in
//! Bandits*, AISTATS 2022 (arXiv 2110.11819); formulas and constants from its released code. Every pair of an arm and
//! its state (in the paper: its delay) is a base arm with the index `m + sqrt(1.5 ln t / n)`, or `d sqrt(1.5 ln(N d))`
//! before its first play. A block of `d` rounds with the largest sum of indices is found, played as a whole, and
//! learned from:
//!
//! * `isi_comb_ucb1` (ISI: initial-state-independent): first plays in a block count 0 and teach nothing.
//! * `comb_ucb1`: first plays count the index of the state that they are really made in.
//! * `calibrated_comb_ucb1`: every block begins with all arms in a fixed order, which teaches nothing, so that all states
//!   are the same in every block.
//!
//! Differences: the best block is found exactly ([`BlockOracle`]), where the released code rounds a linear program;
//! indices are computed with the round at which the block begins, where the code renews an index when its pair is
//! played; arms that tire (`C > 1`), several plays a round and idling are supported. As in the code, longer delays than
//! the length of a block count as that length, and shorter ones are told apart even where the arm's payoff is known to
//! stay the same from some delay on; with the argument `use_caps` they are not, and there is less to learn.
//!
//! Our own derivation: with `d = (N T)^(1/3)` the regret against the optimum is of order `(N T)^(2/3)`, up to logarithms.
//! That is the default, as far as the oracle can find such long blocks quickly. Where `T` is not known, the learner
//! starts afresh with longer blocks after 64, 128, 256, … rounds (the doubling trick).
//!
//! In evaluation it plays the first round of the block with the largest sum of means from the present states, in every
//! round.

mod args;
#[cfg(test)]
mod tests;

pub use args::{BlockUcbArgs, CalibratedCombUcb1Args, CombUcb1Args, IsiCombUcb1Args};

use palaestra_envs::{bandits::Instance, math::ln, stream::Stream};
use serde::{Deserialize, Serialize};

use super::{Averages, Memory, Play, Round, Rule, Table, cells::Cells, planning::BlockOracle};

/// Rounds of the first epoch where the horizon is not known; each further one is twice as long.
const FIRST_EPOCH: u64 = 64;

/// How a block is scored and learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// First plays count nothing.
    Isi,
    /// First plays count in their true states.
    Comb,
    /// A fixed order of all arms comes first.
    Calibrated,
}

/// The learner; see the [module](self).
#[derive(Debug, Clone)]
pub struct BlockUcb {
    kind: Kind,
    /// `c` in `sqrt(c ln t / n)`.
    exploration: f64,
    /// `D` of each arm as the environment has it, and whether its states come round again from there, `[N]`.
    rested: Vec<(i16, bool)>,
    plays: usize,
    /// One for each epoch; the last one stands for all that follow.
    epochs: Vec<Epoch>,
    /// Whether epochs end.
    doubling: bool,
}

#[derive(Debug, Clone)]
struct Epoch {
    /// The arms as the learner takes them to be: with the states that it tells apart.
    structure: Instance,
    cells: Cells,
    oracle: BlockOracle,
    /// Without the prefix, for evaluation; only where there is one.
    free: Option<BlockOracle>,
    prefix: usize,
}

impl Epoch {
    /// The unit of exploration `d`: rounds of the part of a block that is chosen.
    fn chosen(&self) -> usize {
        self.oracle.length() - self.prefix
    }
}

/// Where each seat stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockMemory {
    /// Plays and means of the pairs of an arm and a state.
    averages: Averages,
    /// States before the last choice, `[seats, N]`.
    states: Table,
    /// Rounds that each arm has been idle as far as is known, `[seats, N]`.
    idle: Vec<u16>,
    /// Arms of the present block, `[seats, rounds, k]`, padded with [`NONE`].
    block: Vec<u32>,
    /// 1 for each arm that was played in the present block, `[seats, N]`.
    touched: Vec<u8>,
    /// Rounds of the present block that were played, `[seats]`.
    position: Vec<u32>,
    /// Number of the epoch and its rounds so far, `[seats]`.
    epoch: Vec<u32>,
    rounds: Vec<u64>,
}

/// Stands for no arm.
const NONE: u32 = u32::MAX;

impl Memory for BlockMemory {
    fn lengths(&self) -> Vec<usize> {
        let own = vec![self.block.len(), self.touched.len(), self.position.len()];
        [self.averages.lengths(), self.states.lengths(), own].concat()
    }

    fn forget(&mut self, seat: usize) {
        let (seats, arms) = (
            self.position.len(),
            self.touched.len() / self.position.len(),
        );
        let slots = self.block.len() / seats;
        self.averages.forget(seat);
        self.block[seat * slots..(seat + 1) * slots].fill(NONE);
        self.touched[seat * arms..(seat + 1) * arms].fill(0);
        self.idle[seat * arms..(seat + 1) * arms].fill(0);
        (self.position[seat], self.epoch[seat], self.rounds[seat]) = (0, 0, 0);
    }
}

impl Epoch {
    /// A table of `index(n, m)` of every pair of an arm and a state.
    fn table(&self, averages: &Averages, seat: usize, index: impl Fn(f64, f64) -> f64) -> Instance {
        let of_cells: Vec<f64> = averages.arms(seat).map(|(n, m)| index(n, m)).collect();
        (self.structure).with_means(|arm, state| of_cells[self.cells.cell(arm, state)])
    }
}

impl BlockUcb {
    fn epoch(&self, memory: &BlockMemory, seat: usize) -> &Epoch {
        &self.epochs[(memory.epoch[seat] as usize).min(self.epochs.len() - 1)]
    }

    fn arms(&self) -> usize {
        self.rested.len()
    }

    /// The state of `arm` as the learner tells states apart: where the environment no longer counts idle rounds, it
    /// does so itself.
    fn state(&self, epoch: &Epoch, arm: usize, told: f64, idle: u16) -> i16 {
        let (cap, wraps) = self.rested[arm];
        let told = told as i16;
        let counted = if told == cap && !wraps {
            told.max(idle as i16)
        } else {
            told
        };
        let caps = epoch.cells.caps(arm);
        counted.clamp(-caps.played, caps.idle)
    }

    /// [`Self::state`] of all arms.
    fn states(&self, memory: &BlockMemory, seat: usize, told: &[f64]) -> Vec<i16> {
        let epoch = self.epoch(memory, seat);
        let idle = &memory.idle[seat * self.arms()..(seat + 1) * self.arms()];
        let arms = told.iter().zip(idle).enumerate();
        arms.map(|(arm, (&told, &idle))| self.state(epoch, arm, told, idle))
            .collect()
    }

    /// Rounds of the longest block.
    fn longest(&self) -> usize {
        let lengths = self.epochs.iter().map(|epoch| epoch.oracle.length());
        lengths.max().unwrap_or(1)
    }

    /// Pairs of an arm and a state in the epoch that tells most apart.
    fn most_pairs(&self) -> usize {
        let counts = self.epochs.iter().map(|epoch| epoch.cells.count());
        counts.max().unwrap_or(0)
    }

    /// The index in round `t` of a pair with `n` plays of mean `m`, for blocks of `d` rounds.
    fn index(&self, d: f64, t: f64, n: f64, m: f64) -> f64 {
        if n > 0.0 {
            m + (self.exploration * ln(t) / n).sqrt()
        } else {
            d * (self.exploration * ln(self.arms() as f64 * d)).sqrt()
        }
    }

    /// Chooses the next block by its indices.
    fn plan(&self, memory: &mut BlockMemory, seat: usize, told: &[f64]) {
        let epoch = self.epoch(memory, seat);
        let t = (memory.rounds[seat] + 1) as f64;
        let d = epoch.chosen() as f64;
        let table = epoch.table(&memory.averages, seat, |n, m| self.index(d, t, n, m));
        let mut block = Vec::new();
        match self.kind {
            Kind::Isi => epoch.oracle.isi(&table, &mut block),
            Kind::Comb | Kind::Calibrated => {
                let tau = self.states(memory, seat, told);
                epoch.oracle.from_states(&table, &tau, &mut block)
            }
        };
        let plays = self.plays;
        let slots = memory.block.len() / memory.position.len();
        let own = &mut memory.block[seat * slots..(seat + 1) * slots];
        own.fill(NONE);
        for (slots, arms) in own.chunks_exact_mut(plays).zip(&block) {
            for (slot, &arm) in slots.iter_mut().zip(arms) {
                *slot = arm as u32;
            }
        }
    }
}

impl Rule for BlockUcb {
    type Memory = BlockMemory;
    const NEEDS_STATES: bool = true;

    fn memory(&self, seats: usize, arms: usize) -> BlockMemory {
        BlockMemory {
            averages: Averages::new(seats, self.most_pairs()),
            states: Table::new(seats, arms),
            block: vec![NONE; seats * self.longest() * self.plays],
            touched: vec![0; seats * arms],
            idle: vec![0; seats * arms],
            position: vec![0; seats],
            epoch: vec![0; seats],
            rounds: vec![0; seats],
        }
    }

    fn indices(&self, memory: &mut BlockMemory, round: &mut Round<'_>, index: &mut [f64]) {
        let seat = round.seat;
        index.fill(f64::NEG_INFINITY);
        if round.greedy {
            let epoch = self.epoch(memory, seat);
            let oracle = epoch.free.as_ref().unwrap_or(&epoch.oracle);
            let table = epoch.table(&memory.averages, seat, |_, mean| mean);
            let tau = self.states(memory, seat, round.states);
            let mut block = Vec::new();
            oracle.from_states(&table, &tau, &mut block);
            for &arm in block.iter().take(1).flatten() {
                index[arm] = 1.0;
            }
            return;
        }
        memory.states.row_mut(seat).copy_from_slice(round.states);
        if memory.position[seat] == 0 {
            self.plan(memory, seat, round.states);
        }
        let plays = self.plays;
        let slots = memory.block.len() / memory.position.len();
        let first = seat * slots + memory.position[seat] as usize * plays;
        for &arm in &memory.block[first..first + plays] {
            if arm != NONE {
                index[arm as usize] = 1.0;
            }
        }
    }

    fn learn(&self, memory: &mut BlockMemory, seat: usize, plays: &[Play], _rng: &mut Stream) {
        let epoch = self.epoch(memory, seat);
        let arms = self.arms();
        let position = memory.position[seat] as usize;
        for &Play { arm, payoff } in plays {
            let touched = &mut memory.touched[seat * arms + arm];
            let counts = match self.kind {
                Kind::Isi => *touched != 0,
                Kind::Comb => true,
                Kind::Calibrated => position >= epoch.prefix,
            };
            *touched = 1;
            if counts {
                let told = memory.states.row(seat)[arm];
                let state = self.state(epoch, arm, told, memory.idle[seat * arms + arm]);
                let cell = epoch.cells.cell(arm, state);
                memory.averages.add(seat, cell, payoff);
            }
        }
        let idle = &mut memory.idle[seat * arms..(seat + 1) * arms];
        for (arm, (idle, &told)) in idle.iter_mut().zip(memory.states.row(seat)).enumerate() {
            *idle = self.state(epoch, arm, told, *idle).max(0) as u16 + 1;
        }
        for play in plays {
            idle[play.arm] = 0;
        }
        memory.rounds[seat] += 1;
        memory.position[seat] += 1;
        if memory.position[seat] as usize == epoch.oracle.length() {
            memory.position[seat] = 0;
            memory.touched[seat * arms..(seat + 1) * arms].fill(0);
            let end = FIRST_EPOCH.saturating_mul(1 << memory.epoch[seat].min(50));
            if self.doubling && memory.rounds[seat] >= end {
                let next = memory.epoch[seat] + 1;
                memory.forget(seat);
                memory.epoch[seat] = next;
            }
        }
    }
}
