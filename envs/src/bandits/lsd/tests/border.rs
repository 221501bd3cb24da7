//! Spaces, arguments, reset options, hidden states and the picture in text.

use serde_json::{Value, json};

use super::{builder, info, observation, telling};
use crate::{
    EnvError,
    bandits::{InstanceConfig, LsdBanditArgs, StartConfig},
    registry,
    sim::{Autoreset, RowReset, Simulator},
    space::Space,
};

fn action_space(args: Value) -> Space {
    builder(args).build().unwrap().spec().players[0]
        .action
        .clone()
}

fn play(simulator: &mut Simulator, arm: i32) {
    let actions = simulator.border_mut().player_mut(0).action_mut().i32_mut(0);
    actions.fill(arm);
    simulator.step().unwrap();
}

fn refusal(args: Value) -> (String, String) {
    match registry().build("lsd_bandit-v1", &args).err() {
        Some(EnvError::Argument { path, message, .. }) => (path, message),
        other => panic!("{args}: {other:?}"),
    }
}

#[test]
fn the_default_is_spike5_as_published() {
    let simulator = builder(Value::Null).build().unwrap();
    let spec = simulator.spec();
    assert_eq!(spec.max_episode_steps, Some(3600));
    assert_eq!(spec.reward_range, (0.0, 1.0));
    assert_eq!(spec.reference_rate, Some(4.56 / 9.0));
    assert!(spec.stochastic);
    let player = &spec.players[0];
    assert_eq!(player.action, Space::discrete(5));
    assert!(!player.action_mask);
    // Ten delays are nine idle states; the arms do not tell one play in a row from two.
    assert_eq!(
        player.observation,
        Space::bounded(vec![-1.0; 5], vec![9.0; 5])
    );
    let names: Vec<&str> = spec.info.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, super::INFO);
}

#[test]
fn the_action_space_says_how_many_arms_are_played() {
    assert_eq!(
        action_space(json!({ "preset": "geo3" })),
        Space::discrete(4)
    );
    assert_eq!(
        action_space(json!({ "preset": "geo3", "exact": true })),
        Space::discrete(3)
    );
    let subset = |min_ones| Space::MultiBinary {
        n: 3,
        min_ones,
        max_ones: 2,
    };
    assert_eq!(
        action_space(json!({ "preset": "geo3", "plays": 2 })),
        subset(0)
    );
    assert_eq!(
        action_space(json!({ "preset": "geo3", "plays": 2, "exact": true })),
        subset(2)
    );
}

#[test]
fn rewards_and_chance_follow_from_the_noise() {
    let spec = |args| builder(args).build().unwrap().spec().clone();
    let noisy = spec(json!({ "preset": "geo5k2", "noise": { "gaussian": { "sigma": 0.1 } } }));
    assert_eq!(noisy.reward_range, (f64::NEG_INFINITY, f64::INFINITY));
    assert!(noisy.stochastic);
    let exact = spec(json!({ "preset": "geo5k2", "noise": "none" }));
    assert_eq!(exact.reward_range, (0.0, 2.0));
    assert!(!exact.stochastic);
    // Means of 0 and 1 leave nothing to chance.
    assert!(!spec(json!({ "preset": "depr10" })).stochastic);
}

#[test]
fn overrides_apply_to_named_and_to_given_instances() {
    let instance = InstanceConfig::preset("geo3").unwrap();
    let start = StartConfig::States(vec![1, -2, 3]);
    for named in [true, false] {
        let args = LsdBanditArgs {
            preset: named.then(|| "geo3".into()),
            instance: (!named).then(|| instance.clone()),
            horizon: Some(77),
            start: Some(start.clone()),
            ..LsdBanditArgs::default()
        };
        let config = args.config().unwrap();
        assert_eq!((config.horizon, &config.start), (77, &start));
        assert_eq!(config.optimal_rate, instance.optimal_rate);
        assert_eq!(config.arms, instance.arms);
        // Another rule of play has another optimum, unless it is given.
        let exact = LsdBanditArgs {
            exact: Some(true),
            ..args
        };
        assert_eq!(exact.config().unwrap().optimal_rate, None);
        let told = LsdBanditArgs {
            optimal_rate: Some(0.625),
            ..exact
        };
        assert_eq!(told.config().unwrap().optimal_rate, Some(0.625));
    }
}

#[test]
fn arguments_survive_json() {
    let args: LsdBanditArgs = serde_json::from_value(json!({
        "instance": { "arms": [{ "family": "constant", "mean": 0.5 }], "horizon": 9 },
        "noise": { "gaussian": { "sigma": 0.5 } }, "start": { "states": [1] }, "hide_state": true,
    }))
    .unwrap();
    let text = serde_json::to_value(&args).unwrap();
    assert_eq!(serde_json::from_value::<LsdBanditArgs>(text).unwrap(), args);
    assert_eq!(
        serde_json::to_value(LsdBanditArgs::default()).unwrap(),
        json!({ "hide_state": false, "mask_unavailable": false })
    );
}

#[test]
fn wrong_arguments_are_refused_with_what_is_wrong() {
    let one_arm = json!({ "arms": [{ "family": "constant", "mean": 1.5 }], "horizon": 0 });
    let (path, message) = refusal(json!({ "preset": "geo3", "instance": one_arm }));
    assert_eq!(path, "instance");
    assert!(message.contains("not both"), "{message}");
    let (path, message) = refusal(json!({ "instance": one_arm }));
    assert_eq!(path, "instance");
    for problem in ["horizon: must", "arms[0].mean: must"] {
        assert!(message.contains(problem), "{message}");
    }
    let (path, message) = refusal(json!({ "preset": "spike6" }));
    assert_eq!(path, "preset");
    assert!(message.contains("spike5, step2"), "{message}");
    let (_, message) = refusal(json!({ "preset": "geo3", "plays": 4 }));
    assert!(message.contains("plays: must lie in 1..=3"), "{message}");
    let (_, message) = refusal(json!({ "preset": "geo3", "start": { "states": [1, 2] } }));
    assert!(message.contains("start.states"), "{message}");
    let (_, message) = refusal(json!({ "preset": "geo3", "optimal_rate": 1.5 }));
    assert!(message.contains("optimal_rate"), "{message}");
    let (_, message) = refusal(json!({ "preset": "geo3", "hide": true }));
    assert!(message.contains("unknown field `hide`"), "{message}");
    let (path, _) = refusal(json!({ "preset": "geo3", "noise": { "gaussian": { "sigma": "x" } } }));
    assert!(path.starts_with("noise"), "{path}");
}

#[test]
fn hidden_states_are_told_to_nobody_but_the_privileged() {
    let mut simulator = telling(json!({ "preset": "burst2", "hide_state": true }), 2, 0);
    let space = &simulator.spec().players[0].observation;
    assert_eq!(*space, Space::vector(1, 0.0, 1.0));
    simulator.reset().unwrap();
    assert_eq!(info(simulator.border(), "privileged.state", 1), [10.0; 2]);
    play(&mut simulator, 1);
    assert_eq!(observation(simulator.border(), 1), [0.0]);
    assert_eq!(
        info(simulator.border(), "privileged.state", 1),
        [10.0, -1.0]
    );
}

#[test]
fn an_episode_lasts_the_horizon_exactly() {
    for horizon in [1, 2, 9] {
        let mut simulator = builder(json!({ "horizon": horizon }))
            .autoreset(Autoreset::Disabled)
            .build()
            .unwrap();
        simulator.reset().unwrap();
        for round in 1..=horizon {
            play(&mut simulator, 0);
            let border = simulator.border();
            assert_eq!(border.truncated, [round == horizon]);
            assert_eq!(border.terminated, [false]);
        }
        assert!(matches!(
            simulator.step(),
            Err(EnvError::StepAfterEnd { .. })
        ));
    }
}

#[test]
fn blocked_arms_are_masked_and_refused() {
    let args = json!({ "preset": "block236", "mask_unavailable": true });
    let mut simulator = builder(args).build().unwrap();
    simulator.reset().unwrap();
    let mask = |simulator: &Simulator| simulator.border().player(0).mask_row(0).to_vec();
    assert_eq!(mask(&simulator), [1, 1, 1, 1]);
    play(&mut simulator, 2);
    assert_eq!(mask(&simulator), [1, 1, 0, 1]);
    play(&mut simulator, 1);
    play(&mut simulator, 0);
    // All three are blocked; only idling is left.
    assert_eq!(mask(&simulator), [0, 0, 0, 1]);
    assert!(matches!(
        simulator.step(),
        Err(EnvError::MaskedAction { action: 0, .. })
    ));
    play(&mut simulator, 3);
    assert_eq!(mask(&simulator), [1, 1, 0, 1]);
}

#[test]
fn a_reset_can_name_the_states() {
    let mut simulator = telling(json!({ "preset": "geo3" }), 2, 0);
    simulator.reset().unwrap();
    let with = |options: Value| RowReset {
        options,
        ..RowReset::next(1)
    };
    simulator
        .reset_rows(&[with(json!({ "state": [-4, 1, 12.0] }))])
        .unwrap();
    assert_eq!(observation(simulator.border(), 1), [-4.0, 1.0, 12.0]);
    assert_eq!(observation(simulator.border(), 0), [12.0; 3]);
    play(&mut simulator, 0);
    assert_eq!(observation(simulator.border(), 1), [-4.0, 2.0, 12.0]);

    for (options, problem) in [
        (json!({ "state": [1, 2] }), "2 states for 3 arms"),
        (json!({ "state": [0, 1, 1] }), "0 is not a state of arm 0"),
        (json!({ "state": [1, 13, 1] }), "13 is not a state of arm 1"),
        (json!({ "state": [1, 1, 1.5] }), "whole numbers"),
        (json!({ "state": [1, 1, 1e9] }), "whole numbers"),
        (json!({ "tau": [1, 1, 1] }), "unknown option `tau`"),
        (json!([1, 1, 1]), "expected an object"),
    ] {
        let error = simulator.reset_rows(&[with(options)]).unwrap_err();
        assert!(matches!(error, EnvError::Options { row: 1, .. }));
        assert!(error.to_string().contains(problem), "{error}");
    }
}

/// What a transition paid is told with it, and forgotten by a reset that does not follow from it.
#[test]
fn payoffs_are_told_with_the_last_step_and_not_after_a_reset() {
    let args = json!({ "preset": "stat3", "noise": "none", "horizon": 2 });
    let mut simulator = telling(args.clone(), 1, 0);
    let nothing = |simulator: &Simulator| {
        let border = simulator.border();
        info(border, "payoffs", 0).iter().all(|x| x.is_nan())
            && info(border, "expected_payoff", 0) == [0.0]
    };
    simulator.reset().unwrap();
    assert!(nothing(&simulator));
    play(&mut simulator, 0);
    play(&mut simulator, 0);
    assert_eq!(simulator.border().truncated, [true]);
    assert_eq!(info(simulator.border(), "payoffs", 0)[0], 0.5);
    play(&mut simulator, 0);
    simulator.reset().unwrap();
    assert!(nothing(&simulator));

    let mut simulator = INFO_OF_PAYOFFS
        .into_iter()
        .fold(builder(args).autoreset(Autoreset::NextStep), |b, name| {
            b.info(name)
        })
        .build()
        .unwrap();
    simulator.reset().unwrap();
    play(&mut simulator, 0);
    play(&mut simulator, 0);
    assert!(!nothing(&simulator));
    play(&mut simulator, 0);
    assert!(nothing(&simulator), "the step that resets pays nothing");
}

const INFO_OF_PAYOFFS: [&str; 2] = ["payoffs", "expected_payoff"];

#[test]
fn a_row_can_be_drawn() {
    let args = json!({ "preset": "block236", "noise": "none" });
    let mut simulator = builder(args).build().unwrap();
    simulator.reset().unwrap();
    let picture = simulator.render(0).unwrap().unwrap();
    assert!(picture.starts_with("round 0 of 1000\n"), "{picture}");
    play(&mut simulator, 1);
    let expected = "\
round 1 of 1000, payoff 0.800
  arm 0  τ     +1  μ 1.000 ████████████████████
● arm 1  τ     -1  μ 0.000 ░░░░░░░░░░░░░░░░░░░░
  arm 2  τ     +5  μ 0.600 ████████████░░░░░░░░";
    assert_eq!(simulator.render(0).unwrap().unwrap(), expected);
}
