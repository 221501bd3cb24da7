//! A compiled instance: the dense payoff table and the kernels that step rows of states.
//!
//! The table of an arm is one row `μ(−C) … μ(−1), _, μ(1) … μ(D)`. The entry of the impossible state 0 is kept (as
//! 0), so that a look-up is one addition and no branch. An `f32` copy serves the simulation, the `f64` table serves
//! planners and regret.

use super::arm::ArmTable;
use super::config::InstanceConfig;
use super::noise::NoiseConfig;
use super::state::{self, ArmCaps};

/// Two payoffs closer than this count as equal when monotonicity is tested: rounding errors of the formulas.
const MONOTONE_TOLERANCE: f64 = 1e-12;

/// A compiled LSD bandit instance; immutable, to be shared by all rows of a batch.
///
/// States of one row are an `[i16; N]` slice, one state for each arm, in the order of the arms.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    plays: usize,
    exact: bool,
    noise: NoiseConfig,
    horizon: u32,
    optimal_rate: Option<f64>,
    start: Vec<i16>,
    /// `−C_i`, `D_i` and `D_i − P_i + 1` as columns, so that a row of states steps in vector instructions.
    floors: Vec<i16>,
    caps: Vec<i16>,
    wrapped: Vec<i16>,
    /// Where the entry of state 0 of each arm stands in the payoff tables.
    zeros: Vec<u32>,
    payoffs: Vec<f64>,
    payoffs_f32: Vec<f32>,
}

impl Instance {
    pub(super) fn from_tables(
        config: &InstanceConfig,
        tables: &[ArmTable],
        start: Vec<i16>,
    ) -> Self {
        let mut payoffs = Vec::new();
        let mut zeros = Vec::with_capacity(tables.len());
        for table in tables {
            payoffs.extend(table.satiated.iter().rev());
            zeros.push(payoffs.len() as u32);
            payoffs.push(0.0);
            payoffs.extend(&table.rested);
        }
        let caps: Vec<ArmCaps> = tables.iter().map(ArmTable::caps).collect();
        Self {
            plays: config.plays,
            exact: config.exact,
            noise: config.noise,
            horizon: config.horizon,
            optimal_rate: config.optimal_rate,
            start,
            floors: caps.iter().map(|c| -c.played).collect(),
            caps: caps.iter().map(|c| c.idle).collect(),
            wrapped: caps.iter().map(|c| c.wrapped()).collect(),
            zeros,
            payoffs_f32: payoffs.iter().map(|&p| p as f32).collect(),
            payoffs,
        }
    }

    /// `N`: number of arms.
    #[inline]
    pub fn num_arms(&self) -> usize {
        self.zeros.len()
    }

    /// `k`: plays a round.
    #[inline]
    pub fn plays(&self) -> usize {
        self.plays
    }

    /// Whether exactly `k` arms must be played; otherwise at most `k`.
    pub fn exact(&self) -> bool {
        self.exact
    }

    /// Payoff noise.
    #[inline]
    pub fn noise(&self) -> NoiseConfig {
        self.noise
    }

    /// Rounds of an episode.
    pub fn horizon(&self) -> u32 {
        self.horizon
    }

    /// The known optimal long-run mean payoff a round, if the config names one.
    pub fn optimal_rate(&self) -> Option<f64> {
        self.optimal_rate
    }

    /// States before the first round, one for each arm.
    pub fn start(&self) -> &[i16] {
        &self.start
    }

    /// Caps and period of an arm.
    ///
    /// # Panics
    /// If `arm >= num_arms()`.
    pub fn caps(&self, arm: usize) -> ArmCaps {
        ArmCaps {
            played: -self.floors[arm],
            idle: self.caps[arm],
            period: self.caps[arm] - self.wrapped[arm] + 1,
        }
    }

    /// `μ_arm(tau)`: mean payoff of a play in state `tau`, in `[0, 1]`.
    ///
    /// # Panics
    /// If `arm >= num_arms()`. `tau` must be a state of the arm, else the value is that of another entry.
    #[inline]
    pub fn mean(&self, arm: usize, tau: i16) -> f64 {
        self.payoffs[self.index(arm, tau)]
    }

    /// [`Self::mean`] in single precision, for simulation.
    #[inline]
    pub fn mean_f32(&self, arm: usize, tau: i16) -> f32 {
        self.payoffs_f32[self.index(arm, tau)]
    }

    #[inline]
    fn index(&self, arm: usize, tau: i16) -> usize {
        debug_assert!(
            self.caps(arm).contains(tau),
            "{tau} is no state of arm {arm}"
        );
        self.zeros[arm].wrapping_add_signed(i32::from(tau)) as usize
    }

    /// Moves one row of states by a round in which nobody plays.
    #[inline]
    pub fn idle_row(&self, tau: &mut [i16]) {
        debug_assert_eq!(tau.len(), self.num_arms());
        for ((tau, &cap), &wrapped) in tau.iter_mut().zip(&self.caps).zip(&self.wrapped) {
            *tau = state::idle(*tau, cap, wrapped);
        }
    }

    /// Moves one row of states by a round in which `arm` alone is played; returns the mean payoff of that play.
    ///
    /// # Panics
    /// If `arm >= num_arms()` or `tau` is shorter than `num_arms()`.
    #[inline]
    pub fn play_one(&self, tau: &mut [i16], arm: usize) -> f32 {
        let before = tau[arm];
        let mean = self.mean_f32(arm, before);
        self.idle_row(tau);
        tau[arm] = (before.min(0) - 1).max(self.floors[arm]);
        mean
    }

    /// Moves one row of states by a round in which the arms with `played(arm)` are played.
    ///
    /// `pay(arm, mean)` is called for each play, in the order of the arms, with the mean payoff of the state before
    /// the transition. Allocates nothing; does not check the number of plays.
    #[inline]
    pub fn play_row(
        &self,
        tau: &mut [i16],
        played: impl Fn(usize) -> bool,
        mut pay: impl FnMut(usize, f32),
    ) {
        debug_assert_eq!(tau.len(), self.num_arms());
        let layout = self.floors.iter().zip(&self.caps).zip(&self.wrapped);
        for (arm, (tau, ((&floor, &cap), &wrapped))) in tau.iter_mut().zip(layout).enumerate() {
            let plays = played(arm);
            if plays {
                pay(arm, self.mean_f32(arm, *tau));
            }
            *tau = state::step(*tau, plays, floor, cap, wrapped);
        }
    }

    /// Writes 1 for each arm that would pay something now and 0 for each that would not (a blocked arm).
    ///
    /// If fewer arms than a legal choice needs would pay, all are marked 1: a mask never forbids everything.
    /// `mask` has one entry for each arm.
    pub fn available_row(&self, tau: &[i16], mask: &mut [u8]) {
        let mut available = 0;
        for (arm, (mask, &tau)) in mask.iter_mut().zip(tau).enumerate() {
            *mask = u8::from(self.mean_f32(arm, tau) > 0.0);
            available += usize::from(*mask);
        }
        let needed = if self.exact { self.plays } else { 1 };
        if available < needed {
            mask.fill(1);
        }
    }

    /// The same arms with other starting states, one for each arm and each a state of its arm.
    ///
    /// # Panics
    /// If `states` has another length.
    #[must_use]
    pub fn with_start(&self, states: &[i16]) -> Self {
        assert_eq!(states.len(), self.num_arms(), "one state for each arm");
        Self {
            start: states.to_vec(),
            ..self.clone()
        }
    }

    /// The same arms with other payoffs: `mean(arm, tau)` for every state. For planning on estimates, so payoffs may
    /// lie outside `[0, 1]`; the optimal rate is forgotten.
    #[must_use]
    pub fn with_means(&self, mut mean: impl FnMut(usize, i16) -> f64) -> Self {
        let mut payoffs = self.payoffs.clone();
        for arm in 0..self.num_arms() {
            for tau in self.caps(arm).states() {
                payoffs[self.index(arm, tau)] = mean(arm, tau);
            }
        }
        Self {
            payoffs_f32: payoffs.iter().map(|&p| p as f32).collect(),
            payoffs,
            optimal_rate: None,
            ..self.clone()
        }
    }

    /// Whether every arm's payoff is non-decreasing in the order `… −2, −1, 1, 2, …` of its states (with wrap: over
    /// the whole periodic tail). More plays in a row then never pay more and longer rest never pays less.
    pub fn is_monotone(&self) -> bool {
        let minorant = self.monotone_minorant();
        (self.payoffs.iter().zip(&minorant.payoffs))
            .all(|(payoff, least)| payoff - least <= MONOTONE_TOLERANCE)
    }

    /// The largest monotone instance below this one: each payoff becomes the least payoff of all states at or
    /// beyond its own. A plan for it earns at least as much here.
    #[must_use]
    pub fn monotone_minorant(&self) -> Self {
        let mut payoffs = self.payoffs.clone();
        for arm in 0..self.num_arms() {
            let caps = self.caps(arm);
            // The states wrapped()..=D come round again from each of them.
            let tail = caps.wrapped()..=caps.idle;
            let mut least = tail.map(|s| self.mean(arm, s)).fold(1.0, f64::min);
            for s in (-caps.played..=caps.idle).rev().filter(|s| *s != 0) {
                least = least.min(self.mean(arm, s));
                payoffs[self.index(arm, s)] = least;
            }
        }
        Self {
            payoffs_f32: payoffs.iter().map(|&p| p as f32).collect(),
            payoffs,
            optimal_rate: None,
            ..self.clone()
        }
    }
}
