//! Greedy choice, monotonicity, masks and cycle detection against plain definitions.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::bandits::policy::greedy_choice;
use crate::bandits::{
    ArmConfig, DeterministicPolicy, EvaluationError, Greedy, Instance, InstanceConfig,
    InstanceProblem, Schedule, StartConfig, long_run_mean,
};

/// Payoffs on a coarse grid, so that ties and zeros are common.
fn coarse(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((0u8..5).prop_map(|level| f64::from(level) / 4.0), length)
}

fn arm() -> impl Strategy<Value = ArmConfig> {
    (coarse(1..6), coarse(1..4), 0u16..6).prop_map(|(rested, satiated, season)| {
        let period = 1 + season % rested.len() as u16;
        ArmConfig::StateTable {
            rested,
            satiated,
            period,
        }
    })
}

prop_compose! {
    fn small_instance()(
        arms in prop::collection::vec(arm(), 1..5),
        plays in 0usize..4,
        exact in any::<bool>(),
        start in prop::collection::vec(any::<u8>(), 4),
    ) -> Instance {
        let plays = 1 + plays % arms.len();
        let mut config = InstanceConfig {
            arms, plays, exact, optimal_rate: None, ..InstanceConfig::preset("geo3").unwrap()
        };
        let rested = config.build().unwrap();
        let state = |(arm, pick): (usize, &u8)| {
            let states: Vec<i16> = rested.caps(arm).states().collect();
            states[usize::from(*pick) % states.len()]
        };
        config.start = StartConfig::States(
            start.iter().take(rested.num_arms()).enumerate().map(state).collect()
        );
        config.build().unwrap()
    }
}

/// Cycle detection by remembering every (phase, states).
fn remembered_cycle(instance: &Instance, policy: &impl DeterministicPolicy) -> (f64, u64, u64) {
    let mut seen = BTreeMap::new();
    let (mut tau, mut chosen, mut paid) = (instance.start().to_vec(), Vec::new(), Vec::new());
    loop {
        let round = paid.len();
        let phase = round % policy.period();
        if let Some(first) = seen.insert((phase, tau.clone()), round) {
            let cycle: &[f64] = &paid[first..];
            let mean = cycle.iter().sum::<f64>() / cycle.len() as f64;
            return (mean, cycle.len() as u64, first as u64);
        }
        policy.choose(instance, phase, &tau, &mut chosen);
        paid.push(chosen.iter().map(|&arm| instance.mean(arm, tau[arm])).sum());
        for (arm, tau) in tau.iter_mut().enumerate() {
            let caps = instance.caps(arm);
            *tau = if chosen.contains(&arm) {
                caps.play(*tau)
            } else {
                caps.idle(*tau)
            };
        }
    }
}

/// `μ` in the state reached from `tau` by `rounds` more idle rounds, or the state itself if satiated.
fn beyond(instance: &Instance, arm: usize, tau: i16) -> Vec<f64> {
    let caps = instance.caps(arm);
    let satiated = (tau..0).map(|s| instance.mean(arm, s));
    let mut rested = tau.max(1);
    let mut means: Vec<f64> = satiated.collect();
    for _ in 0..2 * caps.idle {
        means.push(instance.mean(arm, rested));
        rested = caps.idle(rested);
    }
    means
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn greedy_takes_the_best_arms_and_the_lowest_index_on_ties(instance in small_instance()) {
        let tau = instance.start();
        let mut ranked: Vec<usize> = (0..instance.num_arms()).collect();
        // A stable sort keeps the lower index first among equals.
        ranked.sort_by(|&a, &b| instance.mean(b, tau[b]).total_cmp(&instance.mean(a, tau[a])));
        ranked.retain(|&arm| instance.exact() || instance.mean(arm, tau[arm]) > 0.0);
        ranked.truncate(instance.plays());
        let mut chosen = vec![7; 3];
        greedy_choice(&instance, tau, &mut chosen);
        prop_assert_eq!(chosen, ranked);
    }

    #[test]
    fn cycles_equal_those_found_by_remembering_all_states(
        instance in small_instance(),
        rounds in prop::collection::vec(any::<u8>(), 0..6),
    ) {
        let value = long_run_mean(&instance, &Greedy, 1_000_000).unwrap();
        let (mean, length, transient) = remembered_cycle(&instance, &Greedy);
        prop_assert!((value.mean - mean).abs() < 1e-12);
        prop_assert_eq!((value.cycle_length, value.transient_length), (length, transient));

        let arms = instance.num_arms();
        let play = |round: &u8| (0..instance.plays()).map(|i| (usize::from(*round) + i) % arms).collect();
        let mut rounds: Vec<Vec<usize>> = rounds.iter().map(play).collect();
        if rounds.is_empty() && instance.exact() {
            rounds.push(play(&0));
        }
        let schedule = Schedule::new(rounds);
        let value = long_run_mean(&instance, &schedule, 1_000_000).unwrap();
        let (mean, length, transient) = remembered_cycle(&instance, &schedule);
        prop_assert!((value.mean - mean).abs() < 1e-12);
        prop_assert_eq!((value.cycle_length, value.transient_length), (length, transient));
    }

    #[test]
    fn the_minorant_is_the_least_payoff_at_or_beyond_each_state(instance in small_instance()) {
        let minorant = instance.monotone_minorant();
        let mut monotone = true;
        for arm in 0..instance.num_arms() {
            prop_assert_eq!(instance.caps(arm), minorant.caps(arm));
            for tau in instance.caps(arm).states() {
                let least = beyond(&instance, arm, tau).into_iter().fold(1.0, f64::min);
                prop_assert_eq!(minorant.mean(arm, tau), least);
                prop_assert_eq!(minorant.mean_f32(arm, tau), least as f32);
                monotone &= least == instance.mean(arm, tau);
            }
        }
        prop_assert_eq!(instance.is_monotone(), monotone);
        prop_assert!(minorant.is_monotone());
    }

    #[test]
    fn a_mask_marks_what_pays_and_never_forbids_everything(instance in small_instance()) {
        let tau = instance.start();
        let pays: Vec<u8> = (0..instance.num_arms())
            .map(|arm| u8::from(instance.mean(arm, tau[arm]) > 0.0))
            .collect();
        let needed = if instance.exact() { instance.plays() } else { 1 };
        let enough = pays.iter().copied().map(usize::from).sum::<usize>() >= needed;
        let mut mask = vec![9; instance.num_arms()];
        instance.available_row(tau, &mut mask);
        prop_assert_eq!(mask, if enough { pays } else { vec![1; instance.num_arms()] });
    }
}

#[test]
fn presets_are_monotone_where_they_should_be() {
    for (id, monotone) in [
        ("spike5", false),
        ("step2", true),
        ("pb_log10", true),
        ("pb_gamma10", false),
        ("stat3", true),
        ("block244", true),
        ("exp3", true),
        ("lin4", true),
        ("geo3", true),
        ("log3", true),
        ("burst2", true),
        ("sea3", false),
        ("geo5k2", true),
        ("depr10", true),
        ("big50_5", true),
    ] {
        let instance = InstanceConfig::preset(id).unwrap().build().unwrap();
        assert_eq!(instance.is_monotone(), monotone, "{id}");
    }
}

#[test]
fn illegal_choices_and_missing_cycles_are_errors() {
    let stat3 = InstanceConfig::preset("stat3").unwrap().build().unwrap();
    let value = |rounds: &[&[usize]]| {
        let rounds = rounds.iter().map(|round| round.to_vec()).collect();
        long_run_mean(&stat3, &Schedule::new(rounds), 100)
    };
    assert_eq!(value(&[]).unwrap().mean, 0.0);
    assert_eq!(
        value(&[&[1], &[0, 2]]),
        Err(EvaluationError::WrongNumberOfPlays {
            round: 1,
            chosen: 2,
            allowed: "at most 1".into()
        })
    );
    assert_eq!(
        value(&[&[3]]),
        Err(EvaluationError::WrongArm { round: 0, arm: 3 })
    );

    let spike5 = InstanceConfig::preset("spike5").unwrap().build().unwrap();
    let idle = long_run_mean(&spike5, &Schedule::new(vec![]), 100).unwrap_err();
    assert_eq!(
        idle.to_string(),
        "round 0: 0 arms chosen, but the instance allows exactly 1"
    );

    let twice = InstanceConfig {
        plays: 2,
        ..InstanceConfig::preset("stat3").unwrap()
    };
    let twice = twice.build().unwrap();
    let same = Schedule::new(vec![vec![1, 1]]);
    assert_eq!(
        long_run_mean(&twice, &same, 100),
        Err(EvaluationError::WrongArm { round: 0, arm: 1 })
    );

    let slow = InstanceConfig::preset("pb_log10").unwrap().build().unwrap();
    assert_eq!(
        long_run_mean(&slow, &Greedy, 100),
        Err(EvaluationError::NoCycle { max_rounds: 100 })
    );
    let config = InstanceConfig {
        plays: 4,
        ..InstanceConfig::preset("stat3").unwrap()
    };
    let problems = config.build().unwrap_err().problems;
    assert_eq!(problems, [InstanceProblem::Plays { plays: 4, arms: 3 }]);
}
