use palaestra_envs::bandits::{InstanceConfig, total_mean};

use super::*;

/// Play rates of the relaxation's optimum.
const EXP3: [f64; 3] = [25.0 / 42.0, 1.0 / 3.0, 1.0 / 14.0];
const LIN4: [f64; 4] = [1.0 / 3.0, 0.25, 0.2, 1.0 / 6.0];
const BLOCK244: [f64; 3] = [0.5, 0.25, 0.25];

fn preset(id: &str) -> Instance {
    InstanceConfig::preset(id).unwrap().build().unwrap()
}

fn exactly(id: &str) -> Instance {
    let mut config = InstanceConfig::preset(id).unwrap();
    config.exact = true;
    config.build().unwrap()
}

#[test]
fn exact_expected_values_are_the_known_ones() {
    for (id, rates, interleaved, independent) in [
        ("exp3", &EXP3[..], 0.600_058_118_8, 0.547_743_634_3),
        ("lin4", &LIN4, 0.766_138_888_9, 0.573_542_931_0),
    ] {
        let instance = preset(id);
        let value = interleaved_value(&instance, rates).unwrap();
        assert!((value - interleaved).abs() < 1e-10, "{id}: {value}");
        let value = independent_value(&instance, rates);
        assert!((value - independent).abs() < 1e-10, "{id}: {value}");
    }
    assert_eq!(interleaved_value(&preset("geo3"), &[0.2, 0.3, 0.5]), None);
}

/// One draw alone does not converge to it: rational rates give a periodic schedule.
#[test]
fn interleaved_schedules_earn_their_expected_value_on_average() {
    for (id, rates) in [("exp3", &EXP3[..]), ("lin4", &LIN4)] {
        let instance = preset(id);
        let mut total = 0.0;
        for lane in 0..200 {
            let mut rng = Stream::new(5, lane, "test");
            let rounds = interleave(rates, 5000, &mut rng);
            let rounds = rounds.into_iter().map(|arm| arm.into_iter().collect());
            let schedule = Schedule::new(rounds.collect());
            total += total_mean(&instance, &schedule, 5000).unwrap() / 5000.0;
        }
        let expected = interleaved_value(&instance, rates).unwrap();
        assert!(
            (total / 200.0 - expected).abs() < 0.002,
            "{id}: {}",
            total / 200.0
        );
    }
}

#[test]
fn independent_schedules_earn_their_expected_value_on_arms_of_every_kind() {
    let rates = |n: usize| vec![0.9 / n as f64; n];
    for id in ["geo3", "sea3", "burst2", "exp3", "block236"] {
        let instance = preset(id);
        let rates = rates(instance.num_arms());
        let plan = independent(&instance, &rates, 60_000, 3).unwrap();
        let expected = plan.value.certified.unwrap();
        // Payoffs lie in 0..=1; rounds are correlated over a few delays only.
        assert!((plan.value.rate - expected).abs() < 0.01, "{id}: {plan:?}");
    }
}

#[test]
fn the_rotation_earns_the_known_values() {
    // burst2: rates of its columns 0.72 (5, 1) + 0.28 (5, 2) and (1, 4).
    let burst2 = [0.72 / 6.0 + 0.28 * 2.0 / 7.0, 0.8];
    for (id, rates, known) in [("exp3", &EXP3[..], 0.5976), ("burst2", &burst2, 0.4789)] {
        let plan = rotation(&preset(id), rates).unwrap();
        assert!((plan.value.rate - known).abs() < 1e-4, "{id}: {plan:?}");
    }
}

#[test]
fn periodic_rates_give_short_schedules() {
    assert_eq!(common_period(&EXP3, 4000), Some(42));
    assert_eq!(common_period(&LIN4, 4000), Some(60));
    assert_eq!(common_period(&[0.5_f64.sqrt()], 4000), None);
    let instance = preset("exp3");
    let plan = interleaved(&instance, &EXP3, 32, 4000, 1).unwrap();
    assert_eq!(plan.value.cycle_length.map(|length| 42 % length), Some(0));
    let expected = interleaved_value(&instance, &EXP3);
    assert_eq!(plan.value.certified, expected);
    assert!(Some(plan.value.rate) >= expected, "{plan:?}");
    let again = interleaved(&instance, &EXP3, 32, 4000, 1).unwrap();
    assert_eq!(plan.value, again.value);
}

#[test]
fn every_arm_comes_at_its_rate() {
    let mut rng = Stream::new(9, 0, "test");
    let rounds = interleave(&LIN4, 60_000, &mut rng);
    for (arm, rate) in LIN4.iter().enumerate() {
        let plays = rounds.iter().filter(|played| **played == Some(arm)).count();
        assert!(
            (plays as f64 - rate * 60_000.0).abs() <= 4.0,
            "{arm}: {plays}"
        );
    }
    let idle = rounds.iter().filter(|played| played.is_none()).count();
    assert!((idle as f64 - 0.05 * 60_000.0).abs() <= 4.0, "{idle}");
}

#[test]
fn users_are_told_where_rounding_is_not_safe() {
    let blocking = preset("block244");
    let value = interleaved_value(&blocking, &BLOCK244).unwrap();
    assert!((value - 0.6125).abs() < 1e-12, "{value}");
    let plans = |instance: &Instance, rates: &[f64]| {
        [
            independent(instance, rates, 500, 1).unwrap(),
            interleaved(instance, rates, 4, 500, 1).unwrap(),
            rotation(instance, rates).unwrap(),
        ]
    };
    let warns = |plan: &Plan| plan.notes.iter().any(|note| note.contains("concave"));
    assert!(plans(&blocking, &BLOCK244).iter().all(warns));
    assert!(!plans(&preset("exp3"), &EXP3).iter().any(warns));
    // Where exactly one arm must be played, the dummy's rounds are filled and the expectation is another.
    for plan in plans(&exactly("lin4"), &LIN4) {
        assert_eq!(plan.value.certified, None, "{plan:?}");
        assert!(
            plan.notes.iter().any(|note| note.contains("exactly 1")),
            "{plan:?}"
        );
    }
    for plan in plans(&exactly("exp3"), &EXP3) {
        assert_eq!(plan.value.certified.is_some(), plan.planner != "rotation");
    }
}

#[test]
fn what_is_no_rate_is_refused() {
    let one = preset("exp3");
    for rates in [
        &[0.5, 0.5][..],
        &[0.5, 0.5, 0.5],
        &[-0.1, 0.5, 0.5],
        &[f64::NAN, 0.1, 0.1],
    ] {
        assert!(
            matches!(rotation(&one, rates), Err(PlanError::Unsuitable { .. })),
            "{rates:?}"
        );
    }
    let error = rotation(&preset("geo5k2"), &[0.2; 5]).unwrap_err();
    assert!(error.to_string().contains("one play a round"), "{error}");
    let error = interleaved(&one, &EXP3, 1 << 20, 1 << 20, 0).unwrap_err();
    assert!(matches!(error, PlanError::TooLarge { .. }), "{error}");
    assert!(independent(&one, &EXP3, usize::MAX, 0).is_err());
}
