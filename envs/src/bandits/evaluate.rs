//! Exact value of a deterministic policy: its mean payoff over the cycle that it runs into, or over a horizon.

use super::instance::Instance;
use super::policy::DeterministicPolicy;

/// The long-run behaviour of a deterministic policy from the starting states of an instance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CycleValue {
    /// `ρ`: mean payoff a round over the cycle.
    pub mean: f64,
    /// Rounds of the cycle, at least 1.
    pub cycle_length: u64,
    /// Rounds before the cycle is entered.
    pub transient_length: u64,
}

/// Why a policy has no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// The policy chose too many or (with exactly `k` plays) too few arms.
    #[error("round {round}: {chosen} arms chosen, but the instance allows {allowed}")]
    WrongNumberOfPlays {
        /// Round of the walk, from 0.
        round: u64,
        /// Number of arms chosen.
        chosen: usize,
        /// In words: `exactly k` or `at most k`.
        allowed: String,
    },
    /// The policy chose an arm that does not exist, or one twice.
    #[error("round {round}: arm {arm} does not exist or was chosen twice")]
    WrongArm {
        /// Round of the walk, from 0.
        round: u64,
        /// Arm as chosen.
        arm: usize,
    },
    /// No state was met twice within the allowed number of rounds.
    #[error("no cycle found within {max_rounds} rounds")]
    NoCycle {
        /// The limit given.
        max_rounds: u64,
    },
}

/// Mean payoff a round of `policy` for ever, from the starting states of `instance`, by cycle detection.
///
/// Brent's algorithm (*An improved Monte Carlo factorization algorithm*, BIT 1980) on the pair (phase, states):
/// memory for two rows, time a few times transient plus cycle.
///
/// # Errors
/// If the policy makes an illegal choice, or if no cycle shows within `max_rounds` rounds.
pub fn long_run_mean(
    instance: &Instance,
    policy: &(impl DeterministicPolicy + ?Sized),
    max_rounds: u64,
) -> Result<CycleValue, EvaluationError> {
    let start = Walk::new(instance, policy);

    // The cycle length: the hare runs until it meets the tortoise, which jumps to it at powers of two.
    let (mut tortoise, mut hare) = (start.clone(), start.clone());
    let (mut power, mut cycle_length) = (1, 1);
    hare.step()?;
    while !hare.meets(&tortoise) {
        if power == cycle_length {
            tortoise.clone_from(&hare);
            power *= 2;
            cycle_length = 0;
        }
        if hare.round >= max_rounds {
            return Err(EvaluationError::NoCycle { max_rounds });
        }
        hare.step()?;
        cycle_length += 1;
    }

    // The transient: two walks one cycle apart meet where the cycle begins.
    let (mut behind, mut ahead) = (start.clone(), start);
    for _ in 0..cycle_length {
        ahead.step()?;
    }
    while !ahead.meets(&behind) {
        behind.step()?;
        ahead.step()?;
    }
    let transient_length = behind.round;

    let mut total = 0.0;
    for _ in 0..cycle_length {
        total += behind.step()?;
    }
    Ok(CycleValue {
        mean: total / cycle_length as f64,
        cycle_length,
        transient_length,
    })
}

/// Total mean payoff of `policy` in the first `rounds` rounds from the starting states of `instance`.
///
/// # Errors
/// If the policy makes an illegal choice.
pub fn total_mean(
    instance: &Instance,
    policy: &(impl DeterministicPolicy + ?Sized),
    rounds: u64,
) -> Result<f64, EvaluationError> {
    let mut walk = Walk::new(instance, policy);
    let mut total = 0.0;
    for _ in 0..rounds {
        total += walk.step()?;
    }
    Ok(total)
}

/// One noiseless run of a policy.
struct Walk<'a, P: ?Sized> {
    instance: &'a Instance,
    policy: &'a P,
    tau: Vec<i16>,
    round: u64,
    chosen: Vec<usize>,
}

impl<P: ?Sized> Clone for Walk<'_, P> {
    fn clone(&self) -> Self {
        Self {
            tau: self.tau.clone(),
            chosen: self.chosen.clone(),
            ..*self
        }
    }
}

impl<'a, P: DeterministicPolicy + ?Sized> Walk<'a, P> {
    fn new(instance: &'a Instance, policy: &'a P) -> Self {
        Self {
            instance,
            policy,
            tau: instance.start().to_vec(),
            round: 0,
            chosen: Vec::new(),
        }
    }

    fn phase(&self) -> usize {
        (self.round % self.policy.period().max(1) as u64) as usize
    }

    fn meets(&self, other: &Self) -> bool {
        self.phase() == other.phase() && self.tau == other.tau
    }

    /// Plays one round; returns its mean payoff.
    fn step(&mut self) -> Result<f64, EvaluationError> {
        let phase = self.phase();
        self.policy
            .choose(self.instance, phase, &self.tau, &mut self.chosen);
        self.check()?;
        let paid = (self.chosen.iter())
            .map(|&arm| self.instance.mean(arm, self.tau[arm]))
            .sum();
        let chosen = &self.chosen;
        (self.instance).play_row(&mut self.tau, |arm| chosen.contains(&arm), |_, _| ());
        self.round += 1;
        Ok(paid)
    }

    fn check(&self) -> Result<(), EvaluationError> {
        let (chosen, plays) = (self.chosen.len(), self.instance.plays());
        let exact = self.instance.exact();
        if chosen > plays || (exact && chosen < plays) {
            let allowed = if exact { "exactly" } else { "at most" };
            return Err(EvaluationError::WrongNumberOfPlays {
                round: self.round,
                chosen,
                allowed: format!("{allowed} {plays}"),
            });
        }
        let wrong = (self.chosen.iter().enumerate())
            .find(|&(i, arm)| *arm >= self.instance.num_arms() || self.chosen[..i].contains(arm));
        match wrong {
            Some((_, &arm)) => Err(EvaluationError::WrongArm {
                round: self.round,
                arm,
            }),
            None => Ok(()),
        }
    }
}
