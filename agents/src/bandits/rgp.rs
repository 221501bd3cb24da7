//! RGP-UCB and RGP-TS: Gaussian processes over rest times, looking one or several rounds ahead.
//!
//! Pike-Burke, Grünewälder, *Recovering Bandits*, NeurIPS 2019 (arXiv 1910.14354); formulas from the paper's released
//! code. The payoff of each arm is a draw of a Gaussian process over the covariate `z`, its number of idle rounds, with
//! mean 0 and covariance `v exp(−(z − z')² / 2 l²)`. `K` arms, `Z` covariates, look-ahead `d`:
//!
//! * `rgp_ucb`, `d = 1`: posterior mean plus `sqrt(2 ln(K Z t²))` standard deviations.
//! * `rgp_ucb`, `d > 1`: the sequence of `d` arms with the largest posterior mean of its sum plus
//!   `sqrt(2 ln((t + d − 1)² K^d Z))` standard deviations of it, covariances of plays of one arm included. It is played
//!   as a whole.
//! * `rgp_ts`: the same with one sample of each arm's posterior instead.
//!
//! Differences:
//!
//! * The posterior is kept on the states of the arms, by one rank-one update for each play: it is exact and costs the
//!   same in every round.
//! * The best sequence is found by depth-first branch and bound, where the code enumerates, or (Thompson sampling)
//!   expands the most promising beginning first; all bounds are by the largest value that a later round can add.
//! * No arm is played at first for its own sake: a prior standard deviation of 1 has the same effect.
//! * Our own extension: `n > 1` plays in a row count as the covariate `1 − n`, for arms that tire; where the environment
//!   allows it, a sequence may contain idle rounds, worth 0; with look-ahead 1, several plays take the largest indices.

mod args;
mod posterior;
mod search;
#[cfg(test)]
mod tests;

pub(super) use args::noise_variance;
pub use args::{RgpTsArgs, RgpUcbArgs};
pub use posterior::Posterior;

use palaestra_envs::{math::ln, stream::Stream};
use serde::{Deserialize, Serialize};

use super::{Memory, Play, Round, Rule, Table, cells::Cells, sampling::normal_pair};
use search::Search;

/// How uncertainty leads to exploration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exploration {
    /// Upper confidence bounds.
    Ucb,
    /// A sample of the posterior.
    Thompson,
}

/// The learner; see the [module](self).
#[derive(Debug, Clone)]
pub struct Rgp {
    exploration: Exploration,
    /// Factor on the widths of confidence bounds.
    confidence: f64,
    lookahead: usize,
    /// Beginnings of sequences that are looked at before the best sequence so far is taken.
    max_nodes: u64,
    prior: Prior,
    cells: Cells,
    /// Whether no round may be idle.
    exact: bool,
}

/// The Gaussian process that payoffs are drawn from, on the scale of `reward_range`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// `l`, in rounds.
    pub length_scale: f64,
    /// `v`: variance of a payoff's mean before any play.
    pub variance: f64,
    /// Variance of a payoff around its mean.
    pub noise_variance: f64,
}

/// What each seat knows and plans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RgpMemory {
    posterior: Posterior,
    /// States before the last choice, `[seats, N]`.
    states: Table,
    /// The sequence that is being played, `[seats, d]`: an arm, or [`IDLE`].
    plan: Vec<u32>,
    /// Rounds of it that were played, `[seats]`.
    position: Vec<u32>,
}

/// Stands for a round without a play.
const IDLE: u32 = u32::MAX;

impl Memory for RgpMemory {
    fn lengths(&self) -> Vec<usize> {
        let own = vec![self.plan.len(), self.position.len()];
        [self.posterior.lengths(), self.states.lengths(), own].concat()
    }

    fn forget(&mut self, seat: usize) {
        self.posterior.forget(seat);
        self.position[seat] = 0;
    }
}

impl Rgp {
    /// `Z`.
    fn covariates(&self) -> f64 {
        self.cells.most_states() as f64
    }

    /// Standard deviations that a confidence bound of the sum of `d` payoffs adds in round `t`.
    fn width(&self, t: u64) -> f64 {
        let (arms, d) = (self.cells.arms() as f64, self.lookahead as f64);
        let t = t as f64 + d - 1.0;
        let union = 2.0 * ln(t) + d * ln(arms) + ln(self.covariates());
        self.confidence * (2.0 * union).max(0.0).sqrt()
    }

    /// One index for each arm, in its present state.
    fn indices_now(&self, posterior: &Posterior, round: &mut Round<'_>, index: &mut [f64]) {
        let sample = self.exploration == Exploration::Thompson && !round.greedy;
        if sample {
            for pair in index.chunks_mut(2) {
                let deviates = normal_pair(round.rng);
                pair.copy_from_slice(&deviates[..pair.len()]);
            }
        }
        let width = match self.exploration {
            Exploration::Ucb if !round.greedy => self.width(round.t),
            _ => 0.0,
        };
        for (arm, index) in index.iter_mut().enumerate() {
            let cell = self.cells.told(arm, round.states[arm]);
            let (mean, sd) = posterior.marginal(round.seat, arm, cell);
            let deviate = if sample { *index } else { width };
            *index = mean + deviate * sd;
        }
    }

    /// The best sequence from the present states.
    fn sequence(&self, posterior: &Posterior, round: &mut Round<'_>) -> Vec<u32> {
        let states: Vec<i16> = round.states.iter().map(|&state| state as i16).collect();
        let mut search = Search::new(self, &states);
        match self.exploration {
            _ if round.greedy => search.expect(posterior, round.seat),
            Exploration::Ucb => {
                search.expect(posterior, round.seat);
                search.bound(posterior, round.seat, self.width(round.t));
            }
            Exploration::Thompson => search.sample(posterior, round.seat, round.rng),
        }
        search.run()
    }
}

impl Rule for Rgp {
    type Memory = RgpMemory;
    const NEEDS_STATES: bool = true;

    fn memory(&self, seats: usize, arms: usize) -> RgpMemory {
        RgpMemory {
            posterior: Posterior::new(seats, &self.cells, self.prior),
            states: Table::new(seats, arms),
            plan: vec![IDLE; seats * self.lookahead],
            position: vec![0; seats],
        }
    }

    fn indices(&self, memory: &mut RgpMemory, round: &mut Round<'_>, index: &mut [f64]) {
        let seat = round.seat;
        if !round.greedy {
            memory.states.row_mut(seat).copy_from_slice(round.states);
        }
        if self.lookahead == 1 {
            return self.indices_now(&memory.posterior, round, index);
        }
        let arm = if round.greedy {
            self.sequence(&memory.posterior, round)[0]
        } else {
            let own = seat * self.lookahead..(seat + 1) * self.lookahead;
            let position = memory.position[seat] as usize;
            if position == 0 {
                let sequence = self.sequence(&memory.posterior, round);
                memory.plan[own.clone()].copy_from_slice(&sequence);
            }
            memory.plan[own][position]
        };
        index.fill(f64::NEG_INFINITY);
        if arm != IDLE {
            index[arm as usize] = 1.0;
        }
    }

    fn learn(&self, memory: &mut RgpMemory, seat: usize, plays: &[Play], _rng: &mut Stream) {
        for &Play { arm, payoff } in plays {
            let cell = self.cells.told(arm, memory.states.row(seat)[arm]);
            memory.posterior.learn(seat, arm, cell, payoff);
        }
        memory.position[seat] = (memory.position[seat] + 1) % self.lookahead as u32;
    }
}
