//! Look-ahead: the first choice of the best next `H` rounds, chosen anew every round.
//!
//! `H = 1` is greedy play. More look-ahead need not be better: rounds beyond the horizon count nothing, so that it may
//! spend what it should keep. Ties go to the choice with the larger payoff now, then to fewer and lower arms; other
//! rules can postpone a payoff for ever.

use std::cell::RefCell;

use palaestra_envs::bandits::{DeterministicPolicy, Instance};

use super::actions::{choices, num_choices};
use super::{Plan, PlanError};

/// Totals that differ by less are a tie: they are sums of the same payoffs in another order.
const NOISE: f64 = 1e-12;

thread_local! {
    /// States of the rounds ahead, for all policies of a thread: a choice allocates nothing.
    static ROWS: RefCell<Vec<i16>> = const { RefCell::new(Vec::new()) };
}

/// Sequences of choices that [`LookAhead::new`] accepts by default.
pub const MAX_SEQUENCES: u64 = 1_000_000;

/// The policy that looks `H` rounds ahead. Every choice searches all sequences of `H` choices.
#[derive(Debug, Clone, PartialEq)]
pub struct LookAhead {
    depth: u32,
    /// [`NOISE`].
    noise: f64,
    choices: Vec<Vec<usize>>,
}

impl LookAhead {
    /// Looks `depth ≥ 1` rounds ahead in instances with the arms and plays of `instance`.
    ///
    /// # Errors
    /// [`PlanError::Unsuitable`] for `depth` 0; [`PlanError::TooLarge`] if there are more than `max_sequences`
    /// sequences of `depth` choices.
    pub fn new(instance: &Instance, depth: u32, max_sequences: u64) -> Result<Self, PlanError> {
        if depth == 0 {
            return Err(PlanError::Unsuitable {
                planner: "look_ahead",
                reason: "it must look at least 1 round ahead".into(),
            });
        }
        let sequences = num_choices(instance).saturating_pow(depth);
        if sequences > max_sequences {
            return Err(PlanError::TooLarge {
                planner: "look_ahead",
                what: "sequences of choices",
                size: sequences,
                limit: max_sequences,
                help: "look fewer rounds ahead, or plan with `exact` or virtual cycles",
            });
        }
        Ok(Self {
            depth,
            noise: NOISE,
            choices: choices(instance),
        })
    }

    /// The largest payoff of the next `rows.len() / N` rounds from `tau`; `rows` is scratch for the states.
    fn best(&self, instance: &Instance, tau: &[i16], rows: &mut [i16]) -> f64 {
        if rows.is_empty() {
            return 0.0;
        }
        let totals = (self.choices.iter()).map(|choice| self.total(instance, tau, choice, rows).1);
        totals.fold(f64::NEG_INFINITY, f64::max)
    }

    /// The payoff of `choice` now, and with the best that can follow.
    fn total(
        &self,
        instance: &Instance,
        tau: &[i16],
        choice: &[usize],
        rows: &mut [i16],
    ) -> (f64, f64) {
        let now: f64 = choice.iter().map(|&arm| instance.mean(arm, tau[arm])).sum();
        let (row, deeper) = rows.split_at_mut(tau.len());
        if deeper.is_empty() {
            return (now, now);
        }
        row.copy_from_slice(tau);
        instance.play_row(row, |arm| choice.contains(&arm), |_, _| ());
        (now, now + self.best(instance, row, deeper))
    }
}

impl DeterministicPolicy for LookAhead {
    fn choose(&self, instance: &Instance, _phase: usize, tau: &[i16], chosen: &mut Vec<usize>) {
        let first = ROWS.with_borrow_mut(|rows| {
            rows.clear();
            rows.resize(tau.len() * self.depth as usize, 0);
            let (mut first, mut best, mut paid) = (0, f64::NEG_INFINITY, f64::NEG_INFINITY);
            for (index, choice) in self.choices.iter().enumerate() {
                let (now, total) = self.total(instance, tau, choice, rows);
                let better = total > best + self.noise;
                let pays_sooner = total >= best - self.noise && now > paid + self.noise;
                if better || pays_sooner {
                    (first, paid) = (index, now);
                }
                best = best.max(total);
            }
            first
        });
        chosen.clear();
        chosen.extend_from_slice(&self.choices[first]);
    }
}

/// The policy that looks `depth` rounds ahead, and its value: that of the cycle that it runs into within `max_rounds`
/// rounds, else the mean of a run.
///
/// # Errors
/// As [`LookAhead::new`].
pub fn look_ahead(instance: &Instance, depth: u32, max_rounds: u64) -> Result<Plan, PlanError> {
    let policy = LookAhead::new(instance, depth, MAX_SEQUENCES)?;
    let size = (policy.choices.len() as u64).saturating_pow(depth);
    let policy = Box::new(policy);
    Plan::evaluated_within(max_rounds, "look_ahead", instance, policy, size, Vec::new())
}

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::{Greedy, long_run_mean, total_mean};

    use super::super::testbed::{Shape, preset, random_instance};
    use super::super::{finite_horizon, graph::MAX_EDGES};
    use super::*;

    #[test]
    fn looking_farther_is_not_always_better() {
        for (id, depth, rate, tolerance) in [
            ("geo3", 1, 0.645, 1e-9),
            ("geo3", 2, 0.6991, 1e-9),
            ("geo3", 3, 0.693_225, 1e-9),
            ("geo3", 4, 0.7, 1e-9),
            ("geo3", 6, 0.6991, 1e-9),
            ("burst2", 1, 0.453_678, 5e-7),
            ("burst2", 2, 0.490_987, 5e-7),
            ("burst2", 6, 0.484_724, 5e-7),
        ] {
            let plan = look_ahead(&preset(id), depth, 10_000).unwrap();
            assert!(
                (plan.value.rate - rate).abs() < tolerance,
                "{id}, {depth}: {plan:?}"
            );
        }
    }

    #[test]
    fn rounding_would_decide_ties_otherwise() {
        // Six rounds ahead on geo3, several sequences are worth the same. Without a tolerance the order in which they
        // were added decides, and another policy comes out.
        let instance = preset("geo3");
        let mut policy = LookAhead::new(&instance, 6, MAX_SEQUENCES).unwrap();
        policy.noise = 0.0;
        let value = long_run_mean(&instance, &policy, 10_000).unwrap();
        assert!((value.mean - 0.693_225).abs() < 1e-9);
    }

    #[test]
    fn ties_are_not_postponed() {
        let plan = look_ahead(&preset("block236"), 8, 1000).unwrap();
        assert!(plan.value.rate > 0.7, "{plan:?}");
    }

    #[test]
    fn one_round_ahead_is_greedy_and_all_rounds_ahead_is_optimal() {
        for seed in 0..60 {
            let shape = Shape {
                monotone: false,
                wraps: seed % 2 == 0,
                exact: seed % 4 < 2,
            };
            let instance = random_instance(seed, shape, 3, 4);
            let one = LookAhead::new(&instance, 1, MAX_SEQUENCES).unwrap();
            let mut tau = instance.start().to_vec();
            for _ in 0..30 {
                let (mut ahead, mut greedy) = (Vec::new(), Vec::new());
                one.choose(&instance, 0, &tau, &mut ahead);
                Greedy.choose(&instance, 0, &tau, &mut greedy);
                greedy.sort_unstable();
                assert_eq!(ahead, greedy);
                instance.play_row(&mut tau, |arm| ahead.contains(&arm), |_, _| ());
            }
            // Four rounds planned with four, three, two, one left.
            let mut earned = 0.0;
            let mut tau = instance.start().to_vec();
            for left in (1..=4).rev() {
                let there = instance.with_start(&tau);
                let policy = LookAhead::new(&there, left, MAX_SEQUENCES).unwrap();
                earned += total_mean(&there, &policy, 1).unwrap();
                let mut chosen = Vec::new();
                policy.choose(&there, 0, &tau, &mut chosen);
                instance.play_row(&mut tau, |arm| chosen.contains(&arm), |_, _| ());
            }
            let best = finite_horizon(&instance, 4, MAX_EDGES).unwrap();
            assert!((earned - best).abs() < 1e-9, "seed {seed}");
        }
    }

    #[test]
    fn too_many_sequences_are_refused() {
        let instance = preset("big50_5");
        assert!(matches!(
            LookAhead::new(&instance, 2, MAX_SEQUENCES),
            Err(PlanError::TooLarge { .. })
        ));
        assert!(matches!(
            look_ahead(&instance, 0, 10),
            Err(PlanError::Unsuitable { .. })
        ));
    }
}
