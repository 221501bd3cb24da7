//! Sets of tasks.

use rand::RngExt;
use serde_json::{Value, json};

use super::{TaskGroup, TaskSet, TaskSetArgs};
use crate::{
    conformance::{CheckOptions, check},
    error::EnvError,
    registry::{parse_args, registry},
    sim::{Border, Simulator},
    space::Space,
    stream::Stream,
};

fn set(args: &Value) -> Result<TaskSet, EnvError> {
    let registry = registry();
    let args: TaskSetArgs = parse_args(args)?;
    TaskSet::new(&args, |id, args| registry.build(id, args))
}

fn started(args: &Value, rows: usize, seed: u64) -> Simulator {
    let mut builder = Simulator::builder(set(args).unwrap()).rows(rows).seed(seed);
    for name in ["privileged.task", "privileged.trial", "trial_return"] {
        builder = builder.info(name);
    }
    let mut simulator = builder.build().unwrap();
    simulator.reset().unwrap();
    simulator
}

fn seen(border: &Border, row: usize) -> Vec<f32> {
    let columns = border.player(0).observation();
    let width = columns.width(0);
    columns.f32(0)[row * width..(row + 1) * width].to_vec()
}

fn told(border: &Border, name: &str, row: usize) -> Vec<f64> {
    let column = border.info.index_of(name).unwrap();
    let width = border.info.width(column);
    border.info.f64(column)[row * width..(row + 1) * width].to_vec()
}

#[test]
fn every_form_conforms() {
    let registry = registry();
    let options = CheckOptions {
        episodes: 10,
        max_steps: 6000,
        ..CheckOptions::default()
    };
    for args in [
        json!({ "trials": 2 }),
        json!({ "set": "held_out", "trials": 1, "distribution": "orthogonal", "maps": 3, "start": "new" }),
        json!({ "border": "padded", "trials": 2, "set": "all", "context": false }),
        json!({ "border": "padded", "trials": 2, "normalize": false,
                "tasks": [{ "env": "multiarmed_bandit-v0", "vary": { "arms": [2, 5], "steps": [7, 4] } }] }),
        json!({ "border": "padded", "trials": 1,
                "tasks": [{ "env": "repeat_previous-v0", "vary": { "k": [1, 4] } }] }),
        json!({ "trials": 2, "tasks": [{ "env": "acrobot-v1", "wrappers": [
                    { "kind": "time_limit", "max_episode_steps": 30 }] }, { "env": "tiger-v1" }] }),
    ] {
        let report = check(registry.get("task_set-v1").unwrap(), &args, &options);
        assert!(report.passed(), "{args}: {report}");
    }
}

/// With the paper's widths: 32 + 8 + 1 + 1 + 1.
#[test]
fn the_border_is_as_declared() {
    let simulator = started(&json!({ "set": "all" }), 40, 1);
    let spec = simulator.spec();
    assert_eq!(spec.players[0].observation.width(), 43);
    assert_eq!(spec.players[0].action, Space::vector(8, -1.0, 1.0));
    assert_eq!(spec.max_episode_steps, Some(8 * 999));
    let border = simulator.border();
    let mut played = [0; 3];
    for row in 0..40 {
        played[told(border, "privileged.task", row)[0] as usize] += 1;
        let now = seen(border, row);
        assert!(now[32..42].iter().all(|&x| x == 0.0));
        assert_eq!(now[42], 1.0);
    }
    assert!(played.iter().all(|&n| n > 4), "{played:?}");
}

/// The maps stay for an episode, and the start too.
#[test]
fn trials_of_an_episode_share_task_and_maps() {
    let args = json!({ "trials": 3, "normalize": false, "set": "all" });
    let rows = 6;
    let mut simulator = started(&args, rows, 4);
    let mut first: Vec<Vec<f32>> = (0..rows).map(|row| seen(simulator.border(), row)).collect();
    let mut task: Vec<Vec<f64>> = (0..rows)
        .map(|row| told(simulator.border(), "privileged.task", row))
        .collect();
    let mut rng = Stream::new(8, 0, "test");
    let (mut trials, mut episodes) = (0, 0);
    for _ in 0..3000 {
        let action = simulator.border_mut().player_mut(0).action_mut().f32_mut(0);
        action
            .iter_mut()
            .for_each(|x| *x = rng.random_range(-1.0..=1.0));
        let chosen = action.to_vec();
        simulator.step().unwrap();
        let border = simulator.border();
        for row in 0..rows {
            let now = seen(border, row);
            if border.terminated[row] {
                assert_ne!(now[..32], first[row][..32]);
                first[row] = now;
                task[row] = told(border, "privileged.task", row);
                episodes += 1;
                continue;
            }
            assert_eq!(told(border, "privileged.task", row), task[row]);
            assert_eq!(now[32..40], chosen[row * 8..row * 8 + 8]);
            assert_eq!(now[40], border.player(0).reward[row]);
            assert_eq!(now[42], 0.0);
            if now[41] == 1.0 {
                assert_eq!(now[..32], first[row][..32]);
                trials += 1;
            }
        }
    }
    assert!(trials > 20 && episodes > 10, "{trials} {episodes}");
}

/// Different first observations of 200 episodes; the bandit's is always the same but for the map.
fn maps_seen(args: &Value) -> Vec<Vec<u32>> {
    let simulator = started(args, 200, 2);
    let first = |row| seen(simulator.border(), row).into_iter().map(f32::to_bits);
    let mut all: Vec<Vec<u32>> = (0..200).map(|row| first(row).collect()).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn maps_can_be_finitely_many_and_held_out_ones_are_others() {
    let bandits = |set: &str, maps: Value| {
        let task = |held_out: bool| json!({ "env": "multiarmed_bandit-v0", "held_out": held_out });
        json!({ "tasks": [task(false), task(true)], "set": set, "maps": maps, "context": false })
    };
    let train = maps_seen(&bandits("train", json!(3)));
    let held_out = maps_seen(&bandits("held_out", json!(3)));
    assert_eq!((train.len(), held_out.len()), (3, 3));
    assert!(train.iter().all(|map| !held_out.contains(map)));
    assert_eq!(maps_seen(&bandits("train", Value::Null)).len(), 200);
    assert_eq!(train, maps_seen(&bandits("train", json!(3))));
}

#[test]
fn sets_are_split_by_marks_or_by_seed_and_are_disjoint() {
    let names = |args: &Value, group: TaskGroup| -> Vec<String> {
        let mut args = args.clone();
        args["set"] = json!(group);
        set(&args).unwrap().names().map(str::to_owned).collect()
    };
    let marked = json!({});
    assert_eq!(
        names(&marked, TaskGroup::Train),
        ["pendulum-v1", "cartpole_continuous-v1"]
    );
    assert_eq!(
        names(&marked, TaskGroup::HeldOut),
        ["mountain_car_continuous-v0"]
    );
    let by_seed = |seed: u64| {
        json!({ "held_out_share": 0.25, "split_seed": seed, "border": "padded",
                "tasks": [{ "env": "repeat_previous-v0", "args": { "parity": true },
                            "vary": { "k": [1, 2, 3, 4], "decks": [1, 2] } }] })
    };
    let held_out = |seed| names(&by_seed(seed), TaskGroup::HeldOut);
    let all = names(&by_seed(0), TaskGroup::All);
    assert_eq!(all.len(), 8);
    assert_eq!(all[1], "repeat_previous-v0 decks=1 k=2");
    for seed in 0..5 {
        let (train, test) = (names(&by_seed(seed), TaskGroup::Train), held_out(seed));
        assert_eq!((train.len(), test.len()), (6, 2));
        let mut joined = [train, test].concat();
        joined.sort();
        assert_eq!(joined, all);
    }
    assert!((1..5).any(|seed| held_out(seed) != held_out(0)));
}

/// Bandits of 3 and 5 arms and a third of the same: choices that a task lacks are masked out.
#[test]
fn padded_choices_are_masked() {
    let args = json!({ "border": "padded", "trials": 2, "normalize": false,
                       "tasks": [{ "env": "multiarmed_bandit-v0", "vary": { "arms": [3, 5], "steps": [6] } }] });
    let mut simulator = started(&args, 30, 3);
    assert_eq!(simulator.spec().players[0].action, Space::discrete(5));
    // Two bits, five actions, reward, two flags.
    assert_eq!(simulator.spec().players[0].observation.width(), 10);
    for _ in 0..30 {
        for row in 0..30 {
            let border = simulator.border();
            let task = told(border, "privileged.task", row)[0];
            let mask = border.player(0).mask_row(row);
            assert_eq!(mask, if task == 0.0 { [1, 1, 1, 0, 0] } else { [1; 5] });
        }
        simulator.step().unwrap();
    }
    simulator
        .border_mut()
        .player_mut(0)
        .action_mut()
        .i32_mut(0)
        .fill(4);
    assert!(matches!(
        simulator.step(),
        Err(EnvError::MaskedAction { action: 4, .. })
    ));
}

/// A vector stands for a choice by its largest element, and for a real action by its first ones.
#[test]
fn padded_vectors_reach_each_task() {
    let args = json!({ "border": "padded", "trials": 1, "normalize": false, "context": false,
                       "tasks": [{ "env": "mountain_car-v0" }, { "env": "pendulum-v1" }] });
    let mut simulator = started(&args, 16, 3);
    let player = &simulator.spec().players[0];
    assert_eq!((player.action.width(), player.observation.width()), (3, 3));
    let before: Vec<Vec<f32>> = (0..16).map(|row| seen(simulator.border(), row)).collect();
    let action = simulator.border_mut().player_mut(0).action_mut().f32_mut(0);
    for row in action.chunks_exact_mut(3) {
        row.copy_from_slice(&[0.5, 0.2, 0.9]);
    }
    simulator.step().unwrap();
    let (mut cars, mut rods) = (0, 0);
    for (row, before) in before.iter().enumerate() {
        let now = seen(simulator.border(), row);
        if told(simulator.border(), "privileged.task", row)[0] == 0.0 {
            // Action 2, full throttle to the right; the third element is padding.
            let speed = 0.001 - 0.0025 * (3.0 * before[0]).cos();
            assert!((now[1] - speed).abs() < 1e-6 && now[2] == 0.0, "{now:?}");
            cars += 1;
        } else {
            // Half of the torque of 2.
            let speed = before[2] + (15.0 * before[1] + 3.0) * 0.05;
            assert!((now[2] - speed.clamp(-8.0, 8.0)).abs() < 1e-4, "{now:?}");
            rods += 1;
        }
    }
    assert!(cars > 2 && rods > 2);
}

/// Explores the arms in the first trial, pulls the best in all others: what was learned stays true.
#[test]
fn who_remembers_earlier_trials_does_better_in_later_ones() {
    let args = json!({ "border": "padded", "trials": 4, "normalize": false,
                       "tasks": [{ "env": "multiarmed_bandit-v0", "args": { "arms": 10, "steps": 100 } }] });
    let rows = 200;
    let mut simulator = started(&args, rows, 5);
    let mut sums = vec![[0.0f32; 10]; rows];
    let mut curve = [0.0; 4];
    for time in 0..400usize {
        let arms: Vec<usize> = (0..rows)
            .map(|row| {
                let best = |a: &usize, b: &usize| sums[row][*a].total_cmp(&sums[row][*b]);
                if time < 100 {
                    time % 10
                } else {
                    (0..10).max_by(best).unwrap()
                }
            })
            .collect();
        let action = simulator.border_mut().player_mut(0).action_mut().i32_mut(0);
        (action.iter_mut().zip(&arms)).for_each(|(a, arm)| *a = *arm as i32);
        simulator.step().unwrap();
        let border = simulator.border();
        for (row, arm) in arms.into_iter().enumerate() {
            sums[row][arm] += if time < 100 {
                border.player(0).reward[row]
            } else {
                0.0
            };
            for (sum, x) in curve.iter_mut().zip(told(border, "trial_return", row)) {
                *sum += if x.is_nan() { 0.0 } else { x / rows as f64 };
            }
        }
    }
    assert!(simulator.border().terminated.iter().all(|&ended| ended));
    assert!(curve[0].abs() < 0.1, "{curve:?}");
    assert!(curve[1..].iter().all(|&later| later > 0.7), "{curve:?}");
}

#[test]
fn impossible_sets_are_refused() {
    for (args, message) in [
        (
            json!({ "tasks": [] }),
            "`tasks`: a set has 1 to 1000 tasks, found 0",
        ),
        (
            json!({ "tasks": [{ "env": "pendulm-v1" }] }),
            "`tasks.0.env`: there is no environment `pendulm-v1`; did you mean",
        ),
        (
            json!({ "tasks": [{ "env": "pendulum-v1", "args": { "h": 1 } }] }),
            "`tasks.0.args.h`: unknown field `h`",
        ),
        (
            json!({ "tasks": [{ "env": "pendulum-v1", "args": 3 }] }),
            "`tasks.0.args`: expected a table of arguments, found 3",
        ),
        (
            json!({ "tasks": [{ "env": "repeat_previous-v0", "vary": { "k": [1, 52] } }] }),
            "`tasks.0.args.k`: must lie in 1..=51",
        ),
        (
            json!({ "tasks": [{ "env": "repeat_previous-v0", "vary": { "k": [] } }] }),
            "`tasks.0.vary.k`: has no values",
        ),
        (
            json!({ "tasks": [{ "env": "repeat_previous-v0", "vary": { "k": vec![1; 2000] } }] }),
            "a set has at most 1000 tasks",
        ),
        (
            json!({ "tasks": [{ "env": "tic_tac_toe-v1" }] }),
            "`tasks.0`: `tic_tac_toe-v1` has several players",
        ),
        (
            json!({ "tasks": [{ "env": "battleship-v0" }] }),
            "the actions of `battleship-v0` are neither",
        ),
        (
            json!({ "tasks": [{ "env": "pendulum-v1", "held_out": true }] }),
            "`set`: all tasks are held out",
        ),
        (
            json!({ "tasks": [{ "env": "pendulum-v1" }], "set": "held_out" }),
            "`set`: no task is held out",
        ),
        (
            json!({ "held_out_share": 0.5 }),
            "`held_out_share`: tasks are marked",
        ),
        (
            json!({ "held_out_share": 1.0 }),
            "`held_out_share`: must be at least 0 and less than 1",
        ),
        (json!({ "trials": 0 }), "`trials`: must lie in"),
        (
            json!({ "observation_dimensions": 0 }),
            "`observation_dimensions`: must lie in",
        ),
        (json!({ "maps": 0 }), "`maps`: must lie in"),
    ] {
        let error = set(&args).expect_err(message).to_string();
        assert!(error.contains(message), "{args}: {error}");
    }
}
