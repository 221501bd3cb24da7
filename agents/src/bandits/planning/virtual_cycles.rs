//! The virtual-cycles planner: a schedule for any number of arms, with a proven share of the optimum.
//!
//! ```text
//! solve the relaxation; for each arm: a distribution over columns (and over never being played)
//! for each arm: one column and one phase, drawn at random or fixed by conditional expectations
//! round t: an arm wants to play where its own column has a play; of these the k with the largest score play
//! ```
//!
//! While an arm waits its true state can only be more rested than the one its column pretends (*dominance*), so on a
//! monotone instance it pays at least what its column promises. The expected sum of the `k` largest promises is `G`
//! ([`guarantee`]), at least `γ_k` of the relaxation's bound ([`gamma`](super::gamma)): 0.632 for one play, 0.729 for two, near 1
//! for many. Random phases alone can be poor in single draws; the default fixes them, deterministically, with a value
//! of at least `G`.
//!
//! Where the promise needs care:
//!
//! * **Not monotone:** the plan is made on the monotone minorant of the instance, and the promise is that of the
//!   minorant; or, if so told, on the instance itself, without a promise.
//! * **Exactly `k` plays:** rounds with too few candidates must be filled up. That does no harm only if there are `k`
//!   arms that pay the same in all states; otherwise nothing is promised.
//! * **Not rested at the start:** the promise holds for the long run, from at most two of the longest cycles on.
//!
//! Source: our own reconstruction, with our own proof, of what Foussoul, Goyal, Papadigenopoulos, Zeevi, *Last Switch
//! Dependent Bandits with Monotone Payoff Functions*, ICML 2023 (arXiv 2306.00338), announce in their abstract: a
//! higher-dimensional relaxation, and mirroring the evolution of virtual states. It is not the paper's algorithm as
//! printed, which was not compared. For recharging arms and one play, `1 − 1/e` is also the factor of
//! Papadigenopoulos, Caramanis, Shakkottai, NeurIPS 2022 (arXiv 2205.14790), from its abstract.

use palaestra_envs::{bandits::Instance, stream::Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::derandomise::derandomise;
use super::virtual_policy::{MAX_PERIOD, Score, VirtualPolicy, draw, is_stateless};
use super::{Plan, PlanError, Relaxation, guarantee};

const PLANNER: &str = "virtual_cycles";

/// How columns and phases are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phases {
    /// One arm after another, by conditional expectations.
    #[default]
    Derandomised,
    /// At random, once.
    Random {
        /// Of the draws.
        seed: u64,
    },
}

/// Which payoffs the plan is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Those of the instance if it is monotone, else those of its monotone minorant.
    #[default]
    Monotone,
    /// Those of the instance. If it is not monotone, nothing is promised.
    AsGiven,
}

/// How [`virtual_cycles`] plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VirtualCyclesConfig {
    /// What decides between arms that want to play.
    pub score: Score,
    /// How columns and phases are found.
    pub phases: Phases,
    /// Which payoffs the plan is made for.
    pub basis: Basis,
    /// Rounds over which conditional expectations are averaged if the cycles have no shorter common period.
    pub max_window: u32,
    /// Rounds after which the search for the cycle of the finished policy is given up, and a mean of rounds taken
    /// instead.
    pub max_rounds: u64,
}

impl Default for VirtualCyclesConfig {
    fn default() -> Self {
        Self {
            score: Score::default(),
            phases: Phases::default(),
            basis: Basis::default(),
            max_window: 20_000,
            max_rounds: 100_000,
        }
    }
}

/// Plans `instance` with virtual cycles.
///
/// # Errors
/// [`PlanError::Unsuitable`] if a mean payoff is negative or not finite, or if `max_window` or `max_rounds` is 0.
pub fn virtual_cycles(
    instance: &Instance,
    config: &VirtualCyclesConfig,
) -> Result<Plan, PlanError> {
    check(instance, config)?;
    let mut notes = Vec::new();
    let (basis, promise) = promise_basis(instance, config.basis, &mut notes);
    let relaxation = Relaxation::new(&basis);
    let (cycles, max_period) = match config.phases {
        Phases::Derandomised => {
            let window = u64::from(config.max_window);
            (derandomise(&basis, &relaxation, window), window)
        }
        Phases::Random { seed } => {
            let rng = &mut Stream::new(seed, 0, "bandit.virtual_cycles");
            (draw(&relaxation, rng), MAX_PERIOD)
        }
    };
    let certified = guarantee(&basis, &relaxation);
    let policy = VirtualPolicy::new(basis, config.score, cycles, max_period);
    let certified = promise.then(|| match config.phases {
        Phases::Derandomised => certified.min(promised_mean(&policy)),
        // In expectation over the draws. Nothing is promised while the cycles begin anew.
        Phases::Random { .. } if !policy.is_whole() => {
            let lost = 2.0 * policy.longest() as f64 / policy.rounds() as f64;
            certified * (1.0 - lost.min(1.0))
        }
        Phases::Random { .. } => certified,
    });
    let vertices = relaxation.hulls().iter().map(|h| h.vertices().len() as u64);
    let (rounds, size) = (config.max_rounds, vertices.sum());
    let policy = Box::new(policy);
    let mut plan = Plan::evaluated_within(rounds, PLANNER, instance, policy, size, notes)?;
    plan.value.certified = certified;
    Ok(plan)
}

fn check(instance: &Instance, config: &VirtualCyclesConfig) -> Result<(), PlanError> {
    let unsuitable = |reason: String| {
        let planner = PLANNER;
        Err(PlanError::Unsuitable { planner, reason })
    };
    if config.max_window == 0 || config.max_rounds == 0 {
        return unsuitable("`max_window` and `max_rounds` must be at least 1".into());
    }
    for arm in 0..instance.num_arms() {
        let mut states = instance.caps(arm).states();
        let wrong = states.find(|&s| !(0.0..f64::INFINITY).contains(&instance.mean(arm, s)));
        if let Some(state) = wrong {
            let mean = instance.mean(arm, state);
            return unsuitable(format!(
                "arm {arm} pays {mean} in state {state}; payoffs must be finite and at least 0"
            ));
        }
    }
    Ok(())
}

/// The payoffs that [`virtual_cycles`] plans for, and whether [`guarantee`] is promised for them; adds to `notes` why
/// that may not be what a user expects.
pub fn promise_basis(
    instance: &Instance,
    basis: Basis,
    notes: &mut Vec<String>,
) -> (Instance, bool) {
    let monotone = instance.is_monotone();
    let stateless = (0..instance.num_arms()).filter(|&arm| is_stateless(instance, arm));
    let filled = !instance.exact() || stateless.count() >= instance.plays();
    if !filled {
        notes.push(
            "Exactly k plays are required and fewer than k arms pay the same in all states: filling up rounds with \
             other arms breaks the promise, so no bound is claimed."
                .into(),
        );
    }
    match basis {
        _ if monotone => (instance.clone(), filled),
        Basis::Monotone => {
            notes.push(
                "The payoffs are not monotone: the plan and its bound are those of the monotone minorant.".into(),
            );
            (instance.monotone_minorant(), filled)
        }
        Basis::AsGiven => {
            notes.push("The payoffs are not monotone: no bound is claimed.".into());
            (instance.clone(), false)
        }
    }
}

/// The mean payoff a round that the cycles of `policy` promise for ever. Where they are cut off after a period, the
/// rounds until all have begun again count nothing.
fn promised_mean(policy: &VirtualPolicy) -> f64 {
    let rounds = policy.rounds();
    let lost = if policy.is_whole() {
        0
    } else {
        2 * policy.longest()
    };
    let total: f64 = (lost..rounds)
        .map(|round| policy.virtual_value(round))
        .sum();
    total / rounds as f64
}

#[cfg(test)]
mod tests {
    use super::super::testbed::{MONOTONE, Shape, preset, random_instance};
    use super::super::{exact, gamma, graph::MAX_EDGES};
    use super::*;

    fn plan(id: &str, config: VirtualCyclesConfig) -> Plan {
        virtual_cycles(&preset(id), &config).unwrap()
    }

    #[test]
    fn derandomised_plans_of_golden_instances_have_the_known_value() {
        for (id, rate) in [
            ("block244", 0.725),
            ("block236", 0.733_333_333_3),
            ("geo3", 0.598_868_75),
            ("geo5k2", 1.331),
            ("depr10", 1.0),
        ] {
            let plan = plan(id, VirtualCyclesConfig::default());
            assert!((plan.value.rate - rate).abs() < 1e-8, "{id}: {plan:?}");
        }
    }

    #[test]
    fn derandomised_plans_keep_their_promise_on_monotone_golden_instances() {
        for id in MONOTONE {
            let instance = preset(id);
            let relaxation = Relaxation::new(&instance);
            for score in [Score::Virtual, Score::Actual] {
                let config = VirtualCyclesConfig {
                    score,
                    ..VirtualCyclesConfig::default()
                };
                let plan = plan(id, config);
                let promised = guarantee(&instance, &relaxation);
                assert!(plan.value.rate >= promised - 1e-9, "{id}: {plan:?}");
                assert!(plan.value.rate <= relaxation.value() + 1e-9);
                let certified = plan.value.certified.unwrap();
                assert!(certified <= promised + 1e-12 && certified <= plan.value.rate + 1e-9);
                // The window of `big` instances cuts cycles off.
                assert!(certified > 0.99 * promised, "{id}: {certified} {promised}");
            }
        }
    }

    #[test]
    fn spike5_needs_the_virtual_score() {
        // Arm 1 pays only at delay 3. From a rested start it does not pay when its turn first comes: passed over for
        // an arm that pays more now, it never comes back into step.
        let rested = preset("spike5").with_start(&[9; 5]);
        for (score, rate) in [(Score::Virtual, 0.506_666_666_7), (Score::Actual, 0.24)] {
            let config = VirtualCyclesConfig {
                score,
                basis: Basis::AsGiven,
                ..VirtualCyclesConfig::default()
            };
            let plan = virtual_cycles(&rested, &config).unwrap();
            assert!((plan.value.rate - rate).abs() < 1e-9, "{plan:?}");
            assert_eq!(plan.value.certified, None);
        }
        let config = VirtualCyclesConfig {
            basis: Basis::AsGiven,
            ..VirtualCyclesConfig::default()
        };
        let plan = plan("spike5", config);
        assert!((plan.value.rate - 0.506_666_666_7).abs() < 1e-9, "{plan:?}");
    }

    #[test]
    fn what_is_not_monotone_is_planned_on_its_minorant() {
        for seed in 0..100 {
            let shape = Shape {
                monotone: false,
                wraps: seed % 2 == 0,
                exact: false,
            };
            let instance = random_instance(seed, shape, 3, 4);
            let plan = virtual_cycles(&instance, &VirtualCyclesConfig::default()).unwrap();
            let certified = plan.value.certified.unwrap();
            assert!(certified <= plan.value.rate + 1e-9, "seed {seed}: {plan:?}");
            let bound = Relaxation::new(&instance.monotone_minorant()).value();
            assert!(certified >= gamma(instance.plays()) * bound - 1e-9);
            assert_eq!(plan.notes.is_empty(), instance.is_monotone());
            let optimum = exact(&instance, MAX_EDGES).unwrap().value.rate;
            assert!(plan.value.rate <= optimum + 1e-9);
        }
        assert!(plan("sea3", VirtualCyclesConfig::default()).notes[0].contains("minorant"));
    }

    #[test]
    fn exactly_k_plays_are_legal_and_promise_only_with_enough_harmless_arms() {
        // One harmless arm and one play.
        assert!(
            plan("step2", VirtualCyclesConfig::default())
                .value
                .certified
                .is_some()
        );
        let plan = plan("pb_log10", VirtualCyclesConfig::default());
        assert!(plan.value.certified.is_none() && plan.notes[0].contains("no bound"));
        for seed in 0..100 {
            let shape = Shape {
                exact: true,
                ..Shape::MONOTONE
            };
            let instance = random_instance(seed, shape, 4, 4);
            let plan = virtual_cycles(&instance, &VirtualCyclesConfig::default()).unwrap();
            let certified = plan.value.certified.unwrap_or(0.0);
            assert!(certified <= plan.value.rate + 1e-9, "seed {seed}: {plan:?}");
        }
    }

    #[test]
    fn random_plans_are_those_of_their_seed() {
        let random = |seed| {
            let phases = Phases::Random { seed };
            let config = VirtualCyclesConfig {
                phases,
                ..VirtualCyclesConfig::default()
            };
            plan("geo3", config).value
        };
        assert_eq!(random(1), random(1));
        let rates: Vec<f64> = (0..200).map(|seed| random(seed).rate).collect();
        let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
        let most = rates.iter().copied().fold(0.0, f64::max);
        // Common lengths make single draws very unequal.
        assert!((least - 0.404).abs() < 5e-4, "{least}");
        assert!((most - 0.599).abs() < 5e-4, "{most}");
    }

    #[test]
    fn payoffs_below_zero_are_refused() {
        let instance = preset("geo3").with_means(|_, tau| f64::from(tau));
        let error = virtual_cycles(&instance, &VirtualCyclesConfig::default()).unwrap_err();
        assert!(error.to_string().contains("arm 0 pays -4"), "{error}");
    }
}
