//! Published plateaus, and all searches against enumeration.

use palaestra_envs::bandits::{ArmConfig, Instance, InstanceConfig, StartConfig};
use proptest::prelude::*;

use super::{BlockOracle, MAX_ORACLE_SIZE, Repeated, best_repeated_block, isi_block, necklaces};
use crate::bandits::planning::PlanError;

fn preset(id: &str) -> Instance {
    InstanceConfig::preset(id).unwrap().build().unwrap()
}

#[test]
fn initial_state_independent_blocks_reach_their_plateaus() {
    for (id, length, rate) in [
        ("spike5", 4, 0.3125),
        ("spike5", 6, 2.5 / 6.0),
        ("spike5", 12, 5.8 / 12.0),
        ("step2", 11, 0.46),
    ] {
        let plan = isi_block(&preset(id), length).unwrap();
        let found = plan.value.rate;
        assert!((found - rate).abs() < 1e-12, "{id} {length}: {found}");
    }
}

#[test]
fn repeated_blocks_are_worth_what_was_published() {
    let spike5 = preset("spike5");
    for (length, rate) in [(3, 1.25 / 3.0), (6, 2.51 / 6.0), (9, 4.56 / 9.0)] {
        let plan = best_repeated_block(&spike5, length).unwrap();
        let found = plan.value.rate;
        assert!((found - rate).abs() < 1e-12, "{length}: {found}");
    }
    let step2 = preset("step2");
    for length in [2, 4, 6, 8, 10] {
        let plan = best_repeated_block(&step2, length).unwrap();
        assert!((plan.value.rate - 0.5).abs() < 1e-12);
    }
    // 0, 1 for ever, and one round more: 0.05 × 6 + 0.95 × 5, or 0.05 × 5 + 0.95 × 5 + 0.06.
    let odd = best_repeated_block(&step2, 11).unwrap();
    assert!((odd.value.rate - 5.06 / 11.0).abs() < 1e-12);
}

#[test]
fn what_is_too_large_is_refused_with_a_way_out() {
    let spike5 = preset("spike5");
    let error = best_repeated_block(&spike5, 12).unwrap_err();
    // (1/12) Σ over the rotations of 5^gcd(r, 12).
    let blocks = (244_140_625 + 15_625 + 2 * 625 + 2 * 125 + 2 * 25 + 4 * 5) / 12;
    assert!(
        matches!(error, PlanError::TooLarge { size, .. } if size == blocks),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .ends_with("looks at states instead of blocks")
    );
    let error = isi_block(&spike5, 40).unwrap_err();
    assert!(matches!(error, PlanError::TooLarge { .. }), "{error}");
    assert!(isi_block(&spike5, 0).is_err() && best_repeated_block(&spike5, 0).is_err());
    let error = isi_block(&preset("big200_10"), 3).unwrap_err();
    assert!(error.to_string().contains("sets of arms"), "{error}");
}

#[test]
fn one_word_of_each_rotation_class_is_visited() {
    let mut words = Vec::new();
    necklaces(2, 4, |word| words.push(word.to_vec()));
    let expected = [
        [0, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 1, 1],
        [0, 1, 0, 1],
        [0, 1, 1, 1],
        [1; 4],
    ];
    assert_eq!(words, expected);
    for (letters, length) in [(3, 6), (2, 9), (1, 5), (4, 1), (5, 6)] {
        let mut count = 0;
        necklaces(letters, length, |_| count += 1);
        assert_eq!(count, super::rotation_classes(letters as u64, length));
    }
}

/// Small instances: up to 3 arms, caps up to 3 on both sides, one or two plays, exactly or at most.
fn instances() -> impl Strategy<Value = Instance> {
    let table = |range| prop::collection::vec(0.0..1.0_f64, range);
    let arm = (table(1..=3), table(1..=3), 1u16..=3).prop_map(|(rested, satiated, period)| {
        let period = period.min(rested.len() as u16);
        ArmConfig::StateTable {
            rested,
            satiated,
            period,
        }
    });
    let arms = prop::collection::vec(arm, 2..=3);
    (arms, 1usize..=2, any::<bool>()).prop_map(|(arms, plays, exact)| {
        let config = InstanceConfig {
            arms,
            plays,
            exact,
            start: StartConfig::JustPlayed,
            horizon: 10,
            ..InstanceConfig::preset("stat3").unwrap()
        };
        InstanceConfig {
            optimal_rate: None,
            ..config
        }
        .build()
        .unwrap()
    })
}

/// All blocks of `length` rounds.
fn all_blocks(choices: &[Vec<usize>], length: usize) -> Vec<Vec<Vec<usize>>> {
    let mut blocks = vec![Vec::new()];
    for _ in 0..length {
        let longer = blocks.iter().flat_map(|block: &Vec<Vec<usize>>| {
            choices
                .iter()
                .map(move |choice| [&block[..], std::slice::from_ref(choice)].concat())
        });
        blocks = longer.collect();
    }
    blocks
}

/// The states of one arm before each round of `block`, from `tau`.
fn walk(instance: &Instance, arm: usize, mut tau: i16, block: &[Vec<usize>]) -> Vec<i16> {
    let caps = instance.caps(arm);
    let step = |choice: &Vec<usize>| {
        let before = tau;
        tau = if choice.contains(&arm) {
            caps.play(tau)
        } else {
            caps.idle(tau)
        };
        before
    };
    block.iter().map(step).collect()
}

/// The score by its definition: a play that is not the first of its arm counts if its state is the same from all
/// states before the block.
fn isi_score(instance: &Instance, block: &[Vec<usize>], from: usize) -> f64 {
    let mut score = 0.0;
    for arm in 0..instance.num_arms() {
        let starts = instance.caps(arm).states();
        let walks: Vec<Vec<i16>> = starts.map(|tau| walk(instance, arm, tau, block)).collect();
        let plays = (0..block.len()).filter(|&round| block[round].contains(&arm));
        for round in plays.skip(1).filter(|&round| round >= from) {
            let state = walks[0][round];
            if walks.iter().all(|walk| walk[round] == state) {
                score += instance.mean(arm, state);
            }
        }
    }
    score
}

fn score_from(instance: &Instance, tau: &[i16], block: &[Vec<usize>], from: usize) -> f64 {
    let arms = (0..instance.num_arms()).map(|arm| {
        let states = walk(instance, arm, tau[arm], block);
        let plays = (from..block.len()).filter(|&round| block[round].contains(&arm));
        plays
            .map(|round| instance.mean(arm, states[round]))
            .sum::<f64>()
    });
    arms.sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_oracle_finds_what_enumeration_finds(
        instance in instances(),
        length in 1usize..=4,
        start in prop::collection::vec(0usize..100, 3),
    ) {
        let oracle = BlockOracle::new(&instance, length, MAX_ORACLE_SIZE).unwrap();
        let mut block = Vec::new();
        let best = |score: &dyn Fn(&[Vec<usize>]) -> f64| {
            let blocks = all_blocks(oracle.choices(), length);
            blocks.iter().map(|block| score(block)).fold(f64::NEG_INFINITY, f64::max)
        };

        let score = oracle.isi(&instance, &mut block);
        let expected = best(&|block| isi_score(&instance, block, 0));
        prop_assert!((score - expected).abs() < 1e-12, "{} not {}", score, expected);
        prop_assert!((isi_score(&instance, &block, 0) - expected).abs() < 1e-12);

        let tau: Vec<i16> = (0..instance.num_arms()).map(|arm| {
            let states: Vec<i16> = instance.caps(arm).states().collect();
            states[start[arm] % states.len()]
        }).collect();
        let score = oracle.from_states(&instance, &tau, &mut block);
        let expected = best(&|block| score_from(&instance, &tau, block, 0));
        prop_assert!((score - expected).abs() < 1e-12, "{} not {}", score, expected);
        prop_assert!((score_from(&instance, &tau, &block, 0) - expected).abs() < 1e-12);
    }

    #[test]
    fn calibrated_blocks_begin_with_their_prefix(
        instance in instances(),
        length in 1usize..=3,
    ) {
        let prefix: Vec<Vec<usize>> = match instance.plays() {
            1 => (0..instance.num_arms()).rev().map(|arm| vec![arm]).collect(),
            _ => vec![vec![0, 1], vec![0, instance.num_arms() - 1]],
        };
        let oracle = BlockOracle::calibrated(&instance, &prefix, length, MAX_ORACLE_SIZE).unwrap();
        let mut block = Vec::new();
        let score = oracle.isi(&instance, &mut block);
        let tails = all_blocks(oracle.choices(), length);
        let blocks = tails.iter().map(|tail| [&prefix[..], &tail[..]].concat());
        let expected = blocks
            .map(|block| isi_score(&instance, &block, prefix.len()))
            .fold(f64::NEG_INFINITY, f64::max);
        prop_assert_eq!(&block[..prefix.len()], &prefix[..]);
        prop_assert!((score - expected).abs() < 1e-12, "{} not {}", score, expected);
        prop_assert!((isi_score(&instance, &block, prefix.len()) - expected).abs() < 1e-12);
    }

    /// One pass from a steady state against the cycle that is really run into, and all blocks, not only one of each
    /// rotation class.
    #[test]
    fn the_best_repeated_block_is_the_best_of_all(instance in instances(), length in 1usize..=4) {
        let plan = best_repeated_block(&instance, length).unwrap();
        let choices = super::oracle::choices("test", &instance).unwrap();
        let mut worth = Repeated::new(&instance);
        let totals = all_blocks(&choices, length);
        let totals = totals.iter().map(|block| worth.total(block.iter().map(|choice| &choice[..])));
        let best = totals.fold(f64::NEG_INFINITY, f64::max) / length as f64;
        prop_assert!((plan.value.rate - best).abs() < 1e-12, "{} not {}", plan.value.rate, best);
    }
}
