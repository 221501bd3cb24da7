//! Indices by hand, what each kind learns from, and blocks that grow.

use palaestra_envs::bandits::LsdBanditArgs;
use serde_json::json;

use super::{BlockUcb, BlockUcbArgs, CalibratedCombUcb1Args, CombUcb1Args, IsiCombUcb1Args};
use crate::{
    AgentContext,
    bandits::{
        Arms,
        setup::LearnerArgs,
        testbed::{Match, Trial, context},
    },
};

fn context_of(preset: &str) -> AgentContext {
    let env = LsdBanditArgs {
        preset: Some(preset.into()),
        ..LsdBanditArgs::default()
    };
    context(&Match::lsd(&env, "uniform", &json!(null), 1).simulator)
}

fn rule<A: LearnerArgs<Rule = BlockUcb>>(preset: &str, args: &A) -> BlockUcb {
    let context = context_of(preset);
    let arms = Arms::new("test", &context).unwrap();
    args.rule(&context, &arms).unwrap()
}

fn block(length: usize) -> BlockUcbArgs {
    BlockUcbArgs {
        block: Some(length),
        ..BlockUcbArgs::default()
    }
}

/// The arm with the largest index.
fn chosen(trial: &mut Trial<'_, BlockUcb>, t: u64) -> usize {
    let index = trial.indices(t);
    index.iter().position(|x| *x == 1.0).unwrap()
}

/// Plays and means of the pairs that were played.
fn known(trial: &Trial<'_, BlockUcb>) -> Vec<(usize, f64, f64)> {
    let pairs = trial.memory.averages.arms(0).enumerate();
    pairs
        .filter(|(_, (n, _))| *n > 0.0)
        .map(|(i, (n, m))| (i, n, m))
        .collect()
}

#[test]
fn indices_are_those_of_the_code() {
    let rule = rule("spike5", &IsiCombUcb1Args(block(4)));
    // 4 sqrt(1.5 ln 20) = 4 sqrt(4.493_598_410_330_986)
    assert!(
        (rule.index(4.0, 9.0, 0.0, 0.0) - 4.0 * 4.493_598_410_330_986_f64.sqrt()).abs() < 1e-12
    );
    // 0.25 + sqrt(1.5 ln 9 / 4), ln 9 = 2.197_224_577_336_219_6
    let expected = 0.25 + (0.375 * 2.197_224_577_336_219_6_f64).sqrt();
    assert!((rule.index(4.0, 9.0, 4.0, 0.25) - expected).abs() < 1e-15);
}

#[test]
fn first_plays_teach_an_isi_block_nothing() {
    let rule = rule("step2", &IsiCombUcb1Args(block(3)));
    let mut trial = Trial::new(&rule, 2);
    // Three states each: −1, 1, 2. Nothing is known, and all repeated plays count alike.
    trial.states = vec![-1.0, -1.0];
    let first = chosen(&mut trial, 1);
    trial.learn(&[(first, 1.0)]);
    assert_eq!(known(&trial), []);
    trial.states = if first == 0 {
        vec![-1.0, 1.0]
    } else {
        vec![1.0, -1.0]
    };
    assert_eq!(chosen(&mut trial, 2), first);
    trial.learn(&[(first, 0.5)]);
    assert_eq!(known(&trial), [(3 * first, 1.0, 0.5)]);
    assert_eq!(chosen(&mut trial, 3), first);
    trial.learn(&[(first, 0.0)]);
    assert_eq!(known(&trial), [(3 * first, 2.0, 0.25)]);
    assert_eq!(trial.memory.position, [0]);
    assert_eq!(trial.memory.touched, [0, 0]);
}

/// Arm 0 of `step2` has one idle state; the learner counts on unless it may use that.
#[test]
fn idle_rounds_are_counted_beyond_the_caps() {
    for (use_caps, cell) in [(false, 2), (true, 1)] {
        let args = BlockUcbArgs {
            use_caps,
            ..block(3)
        };
        let rule = rule("step2", &CombUcb1Args(args));
        let mut trial = Trial::new(&rule, 2);
        trial.states = vec![-1.0, -1.0];
        trial.indices(1);
        trial.learn(&[(1, 0.0)]);
        trial.states = vec![1.0, -1.0];
        trial.indices(2);
        trial.learn(&[(1, 0.0)]);
        // Idle for two rounds now.
        trial.indices(3);
        trial.learn(&[(0, 1.0)]);
        assert_eq!(known(&trial)[0], (cell, 1.0, 1.0), "{use_caps}");
    }
}

#[test]
fn calibration_comes_first_and_teaches_nothing() {
    let args = CalibratedCombUcb1Args {
        order: Some(vec![1, 0]),
        block: Some(1),
        ..CalibratedCombUcb1Args::default()
    };
    let rule = rule("step2", &args);
    let mut trial = Trial::new(&rule, 2);
    trial.states = vec![-1.0, -1.0];
    for (t, arm, states) in [(1, 1, [1.0, -1.0]), (2, 0, [-1.0, 1.0])] {
        assert_eq!(chosen(&mut trial, t), arm);
        trial.learn(&[(arm, 1.0)]);
        assert_eq!(known(&trial), []);
        trial.states = states.to_vec();
    }
    let arm = chosen(&mut trial, 3);
    trial.learn(&[(arm, 1.0)]);
    assert_eq!(known(&trial).len(), 1);
    // Two arms at a time, filled up from the front where exactly two must be played.
    let mut context = context_of("geo5k2");
    let arms = Arms::new("test", &context).unwrap();
    let rule = args_of_five().rule(&context, &arms).unwrap();
    assert_eq!(rule.epochs[0].prefix, 3);
    context = context_of("spike5");
    let arms = Arms::new("test", &context).unwrap();
    assert_eq!(
        args_of_five().rule(&context, &arms).unwrap().epochs[0].prefix,
        5
    );
}

fn args_of_five() -> CalibratedCombUcb1Args {
    CalibratedCombUcb1Args {
        order: Some(vec![4, 3, 2, 1, 0]),
        block: Some(2),
        ..CalibratedCombUcb1Args::default()
    }
}

#[test]
fn the_default_block_grows_with_the_horizon_as_far_as_it_can_be_found() {
    let lengths = |preset: &str, horizon: u64| {
        let args = BlockUcbArgs {
            horizon: Some(horizon),
            ..BlockUcbArgs::default()
        };
        let of = |rule: BlockUcb| rule.epochs[0].oracle.length();
        let comb = of(rule(preset, &CombUcb1Args(args.clone())));
        (comb, of(rule(preset, &IsiCombUcb1Args(args))))
    };
    // (2 · 32)^(1/3) = 4 but for rounding, (2 · 63)^(1/3) = 5.01
    assert_eq!(lengths("step2", 63), (5, 6));
    // (5 · 3600)^(1/3) = 26, which is too long for five arms.
    let (comb, isi) = lengths("spike5", 3600);
    assert_eq!(comb, isi);
    assert!((6..12).contains(&comb), "{comb}");
}

#[test]
fn without_a_horizon_blocks_grow_and_the_learner_starts_afresh() {
    let args = BlockUcbArgs {
        keep_across_episodes: true,
        ..BlockUcbArgs::default()
    };
    let rule = rule("step2", &CombUcb1Args(args));
    assert!(rule.doubling);
    // (2 · 64)^(1/3) = 5.04, (2 · 128)^(1/3) = 6.35, (2 · 256)^(1/3) = 8 but for rounding, (2 · 512)^(1/3) = 10.08
    let lengths: Vec<usize> = rule.epochs.iter().map(|e| e.oracle.length()).collect();
    assert_eq!(lengths[..2], [5, 6]);
    assert_eq!(lengths[3], 10);
    assert!(lengths.is_sorted());
    let mut trial = Trial::new(&rule, 2);
    trial.states = vec![-1.0, -1.0];
    // 13 blocks of 5 rounds are the first 64 and one more.
    for t in 1..=65 {
        assert_eq!(trial.memory.epoch, [0]);
        let arm = chosen(&mut trial, t);
        trial.learn(&[(arm, 0.0)]);
    }
    assert_eq!((trial.memory.epoch[0], trial.memory.rounds[0]), (1, 0));
    assert_eq!(known(&trial), []);
}
