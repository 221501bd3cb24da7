//! Several trials as one episode.

use serde_json::json;

use super::probe::{config, env, leaf, probe, seen, seen_last, started, wrapped};
use crate::{
    conformance::{CheckOptions, check_plugin},
    error::EnvError,
    registry,
    sim::{Plugin, Simulator},
    stream::Stream,
};

/// Elements of info field `name` in row 0.
fn told(simulator: &Simulator, name: &str) -> Vec<f64> {
    let info = &simulator.border().info;
    let column = info.index_of(name).unwrap();
    info.f64(column)[..info.width(column)].to_vec()
}

#[test]
fn an_episode_ends_with_its_last_trial() {
    let configs = [json!({ "kind": "trials", "trials": 3, "layout": "dict" })];
    let builder = wrapped(probe(2), &configs).rows(2);
    let builder = builder.info("trial_return").info("privileged.trial");
    let mut simulator = started(builder.info("cost"));
    assert_eq!(
        simulator.spec().wrappers,
        ["trials(trials=3, start=same, layout=dict)"]
    );
    let flags = |s: &Simulator, last: bool| {
        let player = s.border().player(0);
        let columns = if last {
            &player.final_observation
        } else {
            player.observation()
        };
        let at = |name: &str| columns.i32(columns.index_of(name).unwrap())[0];
        (at("trial_ended"), at("start"))
    };
    let first = seen(&simulator, 0);
    assert_eq!(flags(&simulator, false), (0, 1));
    let mut curve = [0.0; 3];
    for step in 1..=6u32 {
        simulator.step().unwrap();
        let border = simulator.border();
        assert_eq!(border.terminated[0], step == 6);
        assert!(!border.truncated[0]);
        let in_trial = (step - 1) % 2 + 1;
        assert_eq!(border.player(0).reward[0], in_trial as f32);
        assert_eq!(told(&simulator, "cost"), [10.0 * f64::from(in_trial)]);
        for (sum, x) in curve.iter_mut().zip(told(&simulator, "trial_return")) {
            *sum += if x.is_nan() { 0.0 } else { x };
        }
        let over = step % 2 == 0;
        if step == 6 {
            assert_eq!(border.player(0).final_return[0], 9.0);
            assert_eq!(border.final_elapsed[0], 6);
            assert_eq!(flags(&simulator, true), (1, 0));
            assert_eq!(
                seen_last(&simulator, 0)[0],
                2.0,
                "the environment's last observation"
            );
            assert_eq!(flags(&simulator, false), (0, 1));
            assert_ne!(seen(&simulator, 0), first);
            assert_eq!(told(&simulator, "privileged.trial"), [0.0]);
        } else {
            assert_eq!(flags(&simulator, false), (i32::from(over), 0));
            assert_eq!(told(&simulator, "privileged.trial"), [f64::from(step / 2)]);
            if over {
                assert_eq!(seen(&simulator, 0), first, "every trial begins alike");
            }
        }
    }
    assert_eq!(curve, [3.0; 3]);
    let space = &simulator.spec().players[0].observation;
    assert_eq!(leaf(space, 5), &crate::space::Space::discrete(2));
}

#[test]
fn the_first_trial_is_the_episode_without_trials_and_limits_end_trials() {
    let limit = json!({ "kind": "time_limit", "max_episode_steps": 7 });
    let noise = json!({ "kind": "observation_noise", "sigma": 0.1 });
    let trials = json!({ "kind": "trials", "trials": 2, "start": "new" });
    let inside = [limit, noise];
    let mut plain = started(wrapped(env("pendulum-v1"), &inside).seed(3));
    let both = [inside.to_vec(), vec![trials]].concat();
    let mut nested = started(wrapped(env("pendulum-v1"), &both).seed(3));
    assert_eq!(nested.spec().max_episode_steps, Some(14));
    let mut second = Vec::new();
    for step in 1..=14 {
        if step <= 7 {
            assert_eq!(seen(&plain, 0), seen(&nested, 0)[..3], "step {step}");
            plain.step().unwrap();
        }
        nested.step().unwrap();
        if step == 7 {
            assert!(plain.border().truncated[0]);
            assert_eq!(seen(&nested, 0)[3..], [1.0, 0.0]);
            assert_ne!(
                seen(&nested, 0)[..3],
                seen(&plain, 0),
                "nor is it the next episode"
            );
            second = seen(&nested, 0);
        }
        assert_eq!(nested.border().terminated[0], step == 14);
        assert!(!nested.border().truncated[0]);
    }
    assert_eq!(nested.border().elapsed[0], 0);
    assert_ne!(seen(&nested, 0)[..3], second[..3]);
}

/// What a reset draws is the same in each trial, and chance afterwards is not, for all three ways to write an
/// environment.
#[test]
fn trials_share_their_start_and_not_their_luck() {
    for (id, secret) in [
        ("multiarmed_bandit-v0", "privileged.payouts"),
        ("tiger-v1", "privileged.state"),
    ] {
        let limit = json!({ "kind": "time_limit", "max_episode_steps": 40 });
        let trials = json!({ "kind": "trials", "trials": 4 });
        let mut simulator = started(wrapped(env(id), &[limit, trials]).info(secret));
        let start = told(&simulator, secret);
        let mut lucks: Vec<Vec<Vec<f32>>> = vec![Vec::new(); 4];
        for step in 0..160 {
            if step % 40 == 0 {
                assert_eq!(told(&simulator, secret), start, "{id} at {step}");
            }
            // Pull the first arm; listen.
            simulator.step().unwrap();
            if step % 40 < 39 {
                lucks[step / 40].push(seen(&simulator, 0));
            }
        }
        assert!(simulator.border().terminated[0]);
        for i in 1..4 {
            assert_ne!(lucks[0], lucks[i], "{id}");
        }
    }
}

/// The meta cart-pole put together from parts: trials of a position-only cart-pole under an orthogonal map of each
/// episode.
#[test]
fn a_map_of_each_episode_stays_for_all_its_trials() {
    let trials = json!({ "kind": "trials", "trials": 3, "layout": "plain" });
    let project = json!({
        "kind": "project_observation", "dimensions": 4, "distribution": "orthogonal", "each_episode": true,
    });
    let rows = 4;
    let builder = wrapped(env("position_only_cartpole-v0"), &[trials, project]).rows(rows);
    let builder = builder.info("privileged.trial").info("privileged.state");
    let mut simulator = started(builder);
    let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
    let mut first: Vec<Vec<f32>> = (0..rows).map(|row| seen(&simulator, row)).collect();
    assert!((0..rows).all(|i| (0..i).all(|j| first[i] != first[j])));
    let (mut episodes, mut trial) = (0, 0.0);
    while episodes < 3 {
        for p in &mut simulator.border_mut().players {
            p.action_mut().i32_mut(0).fill(1);
        }
        simulator.step().unwrap();
        for row in 0..rows {
            let now = seen(&simulator, row);
            let info = &simulator.border().info;
            let states = info.f64(info.index_of("privileged.state").unwrap());
            let state = &states[row * 4..row * 4 + 4];
            // Columns of length √2: four rows for two inputs.
            let length = norm(&now.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
            let expected = 2.0 * norm(&[state[0], state[2]]);
            assert!(
                (length - expected).abs() < 1e-5 * expected.max(1e-3),
                "{length} {expected}"
            );
            if simulator.border().terminated[row] {
                assert_ne!(now, first[row], "a new map and start");
                first[row] = now;
                episodes += u32::from(row == 0);
            } else if row == 0 && told(&simulator, "privileged.trial")[0] > trial {
                assert_eq!(now, first[0]);
            }
        }
        trial = told(&simulator, "privileged.trial")[0];
    }
}

#[test]
fn trials_of_any_environment_conform() {
    let options = CheckOptions {
        episodes: 20,
        max_steps: 4000,
        ..CheckOptions::default()
    };
    for (id, configs) in [
        (
            "cartpole-v1",
            vec![json!({ "kind": "trials", "trials": 3 })],
        ),
        (
            "tic_tac_toe-v1",
            vec![json!({ "kind": "trials", "trials": 2, "layout": "plain" })],
        ),
        (
            "kuhn_poker-v1",
            vec![json!({ "kind": "trials", "trials": 3, "start": "new", "layout": "dict" })],
        ),
        (
            "t_maze-v1",
            vec![
                json!({ "kind": "normalize_reward" }),
                json!({ "kind": "trials", "trials": 2 }),
                json!({ "kind": "previous_action" }),
            ],
        ),
        (
            "mountain_car_continuous-v0",
            vec![
                json!({ "kind": "time_limit", "max_episode_steps": 20 }),
                json!({ "kind": "action_repeat", "times": 2 }),
                json!({ "kind": "normalize_observation" }),
                json!({ "kind": "trials", "trials": 3 }),
                json!({ "kind": "project_action", "dimensions": 3, "each_episode": true }),
            ],
        ),
    ] {
        let factory = || {
            let mut plugins = vec![registry().build(id, &json!({}))?];
            for json in &configs {
                plugins.push(config(json).plugin()?);
            }
            Ok(Box::new(plugins) as Box<dyn Plugin>)
        };
        let report = check_plugin(factory, &options);
        assert!(report.passed(), "{id}: {report}");
    }
}

#[test]
fn options_of_a_reset_hold_for_all_trials() {
    let limit = json!({ "kind": "time_limit", "max_episode_steps": 3 });
    let trials = json!({ "kind": "trials", "trials": 2, "start": "new", "layout": "plain" });
    let mut simulator = started(wrapped(env("pendulum-v1"), &[limit, trials]));
    let reset = crate::sim::RowReset {
        options: json!({ "state": [0.5, 0.25] }),
        ..crate::sim::RowReset::next(0)
    };
    simulator.reset_rows(&[reset]).unwrap();
    let start = seen(&simulator, 0);
    (0..3).for_each(|_| simulator.step().unwrap());
    assert_eq!(seen(&simulator, 0), start);
    (0..3).for_each(|_| simulator.step().unwrap());
    assert!(simulator.border().terminated[0]);
    assert_ne!(
        seen(&simulator, 0),
        start,
        "the next episode has no options"
    );
    let wrong = crate::sim::RowReset {
        options: json!({ "stat": 1 }),
        ..crate::sim::RowReset::next(0)
    };
    assert!(matches!(
        simulator.reset_rows(&[wrong]),
        Err(EnvError::Options { row: 0, .. })
    ));
}

#[test]
fn trials_within_trials_and_damaged_states_are_refused() {
    let trials = json!({ "kind": "trials", "trials": 2 });
    let error = wrapped(probe(2), &[trials.clone(), trials.clone()]).build();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("its episodes consist of trials already"),
        "{error}"
    );
    let error = config(&json!({ "kind": "trials", "trials": 0 }))
        .plugin()
        .err();
    assert_eq!(
        error.unwrap().to_string(),
        "`trials`: must lie in 1..=10000, found 0"
    );
    let mut simulator = started(wrapped(probe(2), &[trials]));
    let saved = simulator.save_row(0).unwrap();
    let mut rng = Stream::new(1, 0, "test");
    for _ in 0..2000 {
        let mut bytes = saved.clone();
        let at = rand::RngExt::random_range(&mut rng, 0..bytes.len());
        bytes[at] = rand::RngExt::random(&mut rng);
        if simulator.load_row(0, &bytes).is_ok() {
            let _ = simulator.step();
        }
    }
}
