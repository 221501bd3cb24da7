//! Deterministic policies with full information: oracle-greedy play and periodic schedules.

use super::instance::Instance;

/// A policy whose choice depends only on the states and on the round modulo a period.
///
/// Every such policy runs into a cycle, so that its long-run value is exact ([`super::long_run_mean`]).
pub trait DeterministicPolicy {
    /// Number of phases it distinguishes, at least 1; round `t` (from 0) has phase `t mod period`.
    fn period(&self) -> usize {
        1
    }

    /// Replaces `chosen` by the arms to play in phase `phase` and states `tau` (one for each arm).
    fn choose(&self, instance: &Instance, phase: usize, tau: &[i16], chosen: &mut Vec<usize>);
}

/// Oracle greedy: the arms that pay most now, see [`greedy_choice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Greedy;

impl DeterministicPolicy for Greedy {
    fn choose(&self, instance: &Instance, _phase: usize, tau: &[i16], chosen: &mut Vec<usize>) {
        greedy_choice(instance, tau, chosen);
    }
}

/// Replaces `chosen` by the `k` arms with the largest mean payoff in states `tau`, best first, ties to the lowest
/// index. Unless the instance asks for exactly `k` plays, arms that pay 0 are left out.
///
/// Allocates nothing once `chosen` has room for `k` arms.
pub fn greedy_choice(instance: &Instance, tau: &[i16], chosen: &mut Vec<usize>) {
    chosen.clear();
    let plays = instance.plays();
    for (arm, &state) in tau.iter().enumerate() {
        let mean = instance.mean(arm, state);
        if mean <= 0.0 && !instance.exact() {
            continue;
        }
        // Behind all that pay as much: an earlier arm wins a tie.
        let better = |other: &usize| instance.mean(*other, tau[*other]) >= mean;
        let rank = chosen.partition_point(better);
        if rank < plays {
            chosen.truncate(plays - 1);
            chosen.insert(rank, arm);
        }
    }
}

/// A fixed list of rounds, repeated for ever, whatever the states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    rounds: Vec<Vec<usize>>,
}

impl Schedule {
    /// The arms to play in each round of the period. An empty list stands for one idle round.
    pub fn new(mut rounds: Vec<Vec<usize>>) -> Self {
        if rounds.is_empty() {
            rounds.push(Vec::new());
        }
        Self { rounds }
    }

    /// One play a round: a block of arms, repeated.
    ///
    /// ```
    /// use palaestra_envs::bandits::{InstanceConfig, Schedule, long_run_mean};
    ///
    /// let step2 = InstanceConfig::preset("step2").unwrap().build().unwrap();
    /// let alternating = long_run_mean(&step2, &Schedule::of_block(&[0, 1]), 1000).unwrap();
    /// assert_eq!(alternating.mean, 0.5);
    /// ```
    pub fn of_block(arms: &[usize]) -> Self {
        Self::new(arms.iter().map(|&arm| vec![arm]).collect())
    }
}

impl DeterministicPolicy for Schedule {
    fn period(&self) -> usize {
        self.rounds.len()
    }

    fn choose(&self, _instance: &Instance, phase: usize, _tau: &[i16], chosen: &mut Vec<usize>) {
        chosen.clear();
        chosen.extend_from_slice(&self.rounds[phase]);
    }
}
