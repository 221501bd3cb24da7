//! Exact values: greedy cycles, published totals, repeated blocks, and schedules that reach the known optima.

use crate::bandits::presets::PRESETS;
use crate::bandits::{Greedy, Instance, InstanceConfig, Schedule, long_run_mean, total_mean};

const MAX_ROUNDS: u64 = 1_000_000;

/// Stands for a round without a play in a block.
const IDLE: usize = usize::MAX;

fn instance(id: &str) -> Instance {
    InstanceConfig::preset(id).unwrap().build().unwrap()
}

fn greedy_cycle(instance: &Instance) -> (f64, u64) {
    let value = long_run_mean(instance, &Greedy, MAX_ROUNDS).unwrap();
    (value.mean, value.cycle_length)
}

fn block_value(instance: &Instance, block: &[usize]) -> f64 {
    let round = |&arm: &usize| if arm == IDLE { vec![] } else { vec![arm] };
    let schedule = Schedule::new(block.iter().map(round).collect());
    long_run_mean(instance, &schedule, MAX_ROUNDS).unwrap().mean
}

fn assert_close(value: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (value - expected).abs() <= tolerance,
        "{what}: {value} is not {expected} ± {tolerance}"
    );
}

#[test]
fn greedy_reaches_its_listed_long_run_values() {
    for (id, mean, cycle_length) in [
        ("stat3", 0.5, 1),
        ("block244", 0.725, 4),
        ("block236", 0.775, 8),
        ("block237", 0.8625, 8),
        ("exp3", 0.591_866_666_7, 3),
        ("lin4", 0.808_333_333_3, 6),
        ("geo3", 0.645, 2),
        ("log3", 0.637_404_42, 8),
        ("burst2", 0.453_677_845_4, 3),
        ("sea3", 0.5625, 10),
        ("geo5k2", 1.309_666_666_7, 6),
        ("spike5", 0.151_666_666_7, 6),
        ("step2", 0.06, 1),
        ("depr10", 1.0, 10),
    ] {
        let (value, length) = greedy_cycle(&instance(id));
        assert_close(value, mean, 1e-9, id);
        assert_eq!(length, cycle_length, "{id}");
    }
    let two_plays = InstanceConfig {
        plays: 2,
        ..InstanceConfig::preset("stat3").unwrap()
    };
    let (value, _) = greedy_cycle(&two_plays.build().unwrap());
    assert_close(value, 0.9, 1e-9, "stat3 with two plays");
}

/// Listed to 8 decimals.
#[test]
fn greedy_long_run_values_of_the_recovering_instances() {
    let (value, length) = greedy_cycle(&instance("pb_log10"));
    assert_close(value, 0.485_517_03, 5e-9, "pb_log10");
    assert_eq!(length, 208);
    let (value, length) = greedy_cycle(&instance("pb_gamma10"));
    assert_close(value, 0.147_206_48, 5e-9, "pb_gamma10");
    assert_eq!(length, 44);
}

#[test]
fn greedy_totals_over_the_published_horizons() {
    for (id, total, tolerance) in [
        ("spike5", 548.39, 0.01),
        ("step2", 198.0, 1e-9),
        ("pb_log10", 484.752_897, 5e-7),
        ("pb_gamma10", 146.138_311, 5e-7),
    ] {
        let instance = instance(id);
        let value = total_mean(&instance, &Greedy, u64::from(instance.horizon())).unwrap();
        assert_close(value, total, tolerance, id);
    }
}

/// Means of 5000 rounds after the rested start has worn off in 500, listed to 4 decimals.
#[test]
fn greedy_means_of_the_large_instances() {
    for (id, mean) in [("big50_5", 4.2730), ("big200_10", 9.1240)] {
        let instance = instance(id);
        let total = |rounds| total_mean(&instance, &Greedy, rounds).unwrap();
        assert_close((total(5500) - total(500)) / 5000.0, mean, 5e-5, id);
    }
}

/// Each preset with a known optimum reaches it by an explicit schedule, here with the rounds of one cycle.
#[test]
fn known_optimal_rates_are_reached_by_a_schedule() {
    let optimal: [(&str, &[usize]); 13] = [
        ("spike5", &[2, 1, 0, 0, 1, 0, 0, 1, 0]),
        ("step2", &[0, 1]),
        ("stat3", &[0]),
        ("block244", &[0, 1, 0, 2]),
        ("block236", &[0, 1, 0, 2, 0, 1, 0, IDLE]),
        ("block237", &[0, 1, 0, 2, 0, 1, 0, IDLE]),
        ("exp3", &[0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 2]),
        ("lin4", &[1, 0, 2, 0, 1, 3, 0, 2, 1, 0, 3, 0, 1, 2, 0, 3]),
        ("geo3", &[0, 1, 2]),
        ("log3", &[2, 1, 2, 1, 2, 0]),
        ("burst2", &[1, 1, 1, 1, 0, 1]),
        ("sea3", &[1, 2, 0, 2, 0, 2, 1, 2, 1, 0, 1, 0, 1, 2]),
        ("depr10", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ];
    for (id, block) in optimal {
        let instance = instance(id);
        let rate = instance.optimal_rate().unwrap();
        assert_close(block_value(&instance, block), rate, 1e-9, id);
    }
    let pairs = [[0, 3], [1, 4], [2, 3], [0, 4], [1, 3], [2, 4]];
    let pairs = Schedule::new(pairs.iter().map(|pair| pair.to_vec()).collect());
    let geo5k2 = instance("geo5k2");
    let value = long_run_mean(&geo5k2, &pairs, MAX_ROUNDS).unwrap();
    assert_close(value.mean, geo5k2.optimal_rate().unwrap(), 1e-9, "geo5k2");

    let known = |id: &str| id == "geo5k2" || optimal.iter().any(|(other, _)| *other == id);
    for preset in &PRESETS {
        let rate = instance(preset.id).optimal_rate();
        assert_eq!(rate.is_some(), known(preset.id), "{}", preset.id);
    }
}

/// No block of this length, repeated, is better; by enumeration.
fn best_repeated_block(instance: &Instance, length: u32) -> f64 {
    let arms = instance.num_arms();
    let mut block = vec![0; length as usize];
    (0..arms.pow(length))
        .map(|mut code| {
            for arm in &mut block {
                *arm = code % arms;
                code /= arms;
            }
            block_value(instance, &block)
        })
        .fold(0.0, f64::max)
}

#[test]
fn best_repeated_blocks_of_the_published_instances() {
    let spike5 = instance("spike5");
    assert_close(
        best_repeated_block(&spike5, 3),
        1.25 / 3.0,
        1e-9,
        "spike5, 3",
    );
    assert_close(
        best_repeated_block(&spike5, 6),
        2.51 / 6.0,
        1e-9,
        "spike5, 6",
    );
    // 5⁹ blocks are too many to enumerate: the value of the best one, which is the optimum over all policies.
    let nine = block_value(&spike5, &[2, 1, 0, 3, 1, 0, 3, 1, 4]);
    assert_close(nine, 0.506_666_666_7, 1e-9, "spike5, 9");

    let step2 = instance("step2");
    for length in [2, 4, 6, 8, 10] {
        assert_close(
            best_repeated_block(&step2, length),
            0.5,
            1e-9,
            "step2, even",
        );
    }
}

/// Blocks with the most repeated plays that pay, so independent of the state in which they begin.
#[test]
fn plateaus_of_repeated_state_independent_blocks() {
    let spike5 = instance("spike5");
    assert_close(
        block_value(&spike5, &[1, 0, 0, 1]),
        0.3125,
        1e-9,
        "spike5, 4",
    );
    let six = block_value(&spike5, &[1, 0, 0, 1, 0, 0]);
    assert_close(six, 0.416_666_666_7, 1e-9, "spike5, 6");
    let twelve = block_value(&spike5, &[1, 2, 0, 1, 0, 0, 1, 0, 0, 1, 2, 0]);
    assert_close(twelve, 0.483_333_333_3, 1e-9, "spike5, 12");
    let step2 = instance("step2");
    let eleven = block_value(&step2, &[1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    assert_close(eleven, 0.46, 1e-9, "step2, 11");
}
