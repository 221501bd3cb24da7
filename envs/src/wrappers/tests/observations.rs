//! What agents see.

use serde_json::{Value, json};

use super::probe::{act, choose, config, env, leaf, probe, seen, seen_last, started, wrapped};
use crate::{
    sim::{Autoreset, RowReset, Simulator},
    space::{BoxSpace, Space},
    stream::Stream,
};

fn noise(sigma: f64) -> Value {
    json!({ "kind": "observation_noise", "sigma": sigma })
}

/// Mean and variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (
        mean,
        values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n,
    )
}

#[test]
fn noise_has_its_size_on_real_elements_and_none_on_others() {
    let rows = 5000;
    let mut simulator = started(wrapped(probe(3), &[noise(0.5)]).rows(rows));
    let mut all = Vec::new();
    for step in 0..4 {
        let columns = simulator.border().player(0).observation();
        // After the third step the row was reset.
        let time = f64::from(step % 3);
        let first = columns.f32(0).iter().step_by(3);
        all.extend(first.map(|&x| f64::from(x) - time));
        all.extend(columns.f64(1).iter().map(|x| x - 1e6 - time));
        assert!(columns.i32(2).iter().all(|&x| f64::from(x) == time - 1.0));
        assert!(columns.u8(4).chunks(2).all(|x| x == [time as u8, 255]));
        simulator.step().unwrap();
    }
    let (mean, variance) = moments(&all);
    let n = all.len() as f64;
    // Five standard errors.
    assert!(mean.abs() < 5.0 * 0.5 / n.sqrt(), "mean {mean}");
    assert!(
        (variance - 0.25).abs() < 5.0 * 0.25 * (2.0 / n).sqrt(),
        "variance {variance}"
    );

    let space = &simulator.spec().players[0].observation;
    let Space::Box(BoxSpace { low, .. }) = leaf(space, 0) else {
        panic!()
    };
    assert_eq!(low, &[f64::NEG_INFINITY; 3]);
    assert_eq!(leaf(space, 2), &Space::Discrete { n: 4, start: -1 });
    assert!(simulator.spec().stochastic);
}

#[test]
fn noise_is_fresh_at_each_time_and_in_each_layer_and_row() {
    let mut simulator = started(wrapped(env("cartpole-v1"), &[noise(1.0), noise(1.0)]).rows(2));
    let mut draws = Vec::new();
    for _ in 0..20 {
        draws.extend(seen(&simulator, 0));
        draws.extend(seen(&simulator, 1));
        act_left(&mut simulator);
        simulator.step().unwrap();
    }
    let mut sorted = draws.clone();
    sorted.sort_by(f32::total_cmp);
    sorted.dedup();
    assert_eq!(sorted.len(), draws.len());
    // Two layers of variance 1 each; the states themselves are small.
    let (_, variance) = moments(&draws.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
    assert!((1.2..3.2).contains(&variance), "variance {variance}");
}

fn act_left(simulator: &mut Simulator) {
    simulator
        .border_mut()
        .player_mut(0)
        .action_mut()
        .i32_mut(0)
        .fill(0);
}

#[test]
fn pictures_show_the_state_and_not_the_wrapped_observation() {
    let plain = started(wrapped(env("cartpole-v1"), &[]));
    let noisy = started(wrapped(env("cartpole-v1"), &[noise(5.0)]));
    assert_eq!(plain.render(0).unwrap(), noisy.render(0).unwrap());
}

#[test]
fn wrappers_of_real_elements_refuse_observations_without_any() {
    for wrapper in [noise(1.0), json!({ "kind": "normalize_observation" })] {
        let error = wrapped(env("kuhn_poker-v1"), &[wrapper])
            .build()
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with("its observation has no real elements"),
            "{error}"
        );
    }
}

#[test]
fn statistics_count_each_observation_once_and_know_no_other_row() {
    let normalize = json!({ "kind": "normalize_observation" });
    for mode in [
        Autoreset::SameStep,
        Autoreset::NextStep,
        Autoreset::Disabled,
    ] {
        let build = || {
            wrapped(probe(3), std::slice::from_ref(&normalize))
                .rows(3)
                .autoreset(mode)
        };
        let mut simulator = started(build());
        // Observed so far in row 1: the step, and what is expected for the present one.
        let mut steps = vec![0.0f64];
        for round in 0..9 {
            match mode {
                Autoreset::Disabled if simulator.border().ended(1) => {
                    simulator.reset_rows(&[RowReset::next(1)]).unwrap();
                    steps.push(0.0);
                }
                Autoreset::NextStep if simulator.border().ended(1) => {
                    simulator.step_rows(&[1]).unwrap();
                    steps.push(0.0);
                }
                _ => {
                    simulator.step_rows(&[1]).unwrap();
                    let step = simulator.border().elapsed[1];
                    if mode == Autoreset::SameStep && step == 0 {
                        steps.push(3.0);
                    }
                    steps.push(f64::from(step));
                }
            }
            let (mean, variance) = moments(&steps);
            let last = steps[steps.len() - 1];
            let expected = (last - mean) / (variance + 1e-8).sqrt();
            let found = f64::from(seen(&simulator, 1)[0]);
            assert!(
                (found - expected).abs() < 1e-5,
                "{mode:?} {round}: {found} for {expected}"
            );
            // The same deviations around a million, in double precision.
            let double = simulator.border().player(0).observation().f64(1)[1];
            assert!((double - expected).abs() < 1e-5, "{double} for {expected}");
            // Integers stay.
            assert_eq!(
                simulator.border().player(0).observation().i32(2)[1],
                last as i32 - 1
            );
        }
    }
}

#[test]
fn frozen_statistics_are_those_given_or_loaded() {
    let frozen = json!({
        "kind": "normalize_observation", "frozen": true, "clip": 1.5,
        "mean": [1.0, 0.0, 0.0, 1e6], "variance": [4.0, 1.0, 1.0, 1.0],
    });
    let mut simulator = started(wrapped(probe(9), &[frozen]));
    assert!((seen(&simulator, 0)[0] + 0.5).abs() < 1e-6);
    for step in 1..6 {
        simulator.step().unwrap();
        let expected = ((step as f32 - 1.0) / 2.0).min(1.5);
        assert!((seen(&simulator, 0)[0] - expected).abs() < 1e-6);
    }
    let Space::Box(b) = leaf(&simulator.spec().players[0].observation, 0) else {
        panic!()
    };
    assert_eq!((b.low[0], b.high[2]), (-1.5, 1.5));

    let mut training = started(wrapped(
        probe(3),
        &[json!({ "kind": "normalize_observation" })],
    ));
    for _ in 0..3 {
        training.step().unwrap();
    }
    // The second episode has begun; before it, 0, 1, 2, 3 were seen: mean 1.5, variance 1.25.
    let loaded = json!({ "kind": "normalize_observation", "frozen": true });
    let mut evaluation = wrapped(probe(3), &[loaded]).build().unwrap();
    evaluation
        .load_carried(0, &training.save_carried(0).unwrap())
        .unwrap();
    evaluation.reset().unwrap();
    for step in 0..3 {
        let expected = (step as f32 - 1.5) / 1.25f32.sqrt();
        assert!((seen(&evaluation, 0)[0] - expected).abs() < 1e-5);
        evaluation.step().unwrap();
    }

    let short = json!({ "kind": "normalize_observation", "frozen": true, "mean": [1.0] });
    let error = wrapped(probe(3), &[short]).build().unwrap_err().to_string();
    assert!(error.contains("must have 4 elements"), "{error}");
}

#[test]
fn distractors_are_standard_normal_and_leave_the_rest_alone() {
    let distract = json!({ "kind": "distractors", "dimensions": 3 });
    let mut plain = started(wrapped(env("pendulum-v1"), &[]).rows(2000));
    let mut simulator = started(wrapped(env("pendulum-v1"), &[distract]).rows(2000));
    let mut draws: Vec<f64> = Vec::new();
    for _ in 0..5 {
        let rows = simulator
            .border()
            .player(0)
            .observation()
            .f32(0)
            .chunks_exact(6);
        let expected = plain
            .border()
            .player(0)
            .observation()
            .f32(0)
            .chunks_exact(3);
        for (row, expected) in rows.zip(expected) {
            assert_eq!(&row[..3], expected);
            draws.extend(row[3..].iter().map(|&x| f64::from(x)));
        }
        plain.step().unwrap();
        simulator.step().unwrap();
    }
    let n = draws.len() as f64;
    let (mean, variance) = moments(&draws);
    assert!(mean.abs() < 5.0 / n.sqrt(), "mean {mean}");
    assert!(
        (variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
        "variance {variance}"
    );
    let distinct: std::collections::BTreeSet<u64> = draws.iter().map(|x| x.to_bits()).collect();
    // Single-precision draws may meet by chance, but hardly ever do.
    assert!(distinct.len() as f64 > 0.99 * n);
}

#[test]
fn projected_observations_are_one_linear_map_of_the_flat_ones() {
    let project =
        |seed: u64| json!({ "kind": "project_observation", "dimensions": 2000, "seed": seed });
    let plain = started(wrapped(env("cartpole-v1"), &[]).rows(3).seed(1));
    let simulator = started(wrapped(env("cartpole-v1"), &[project(3)]).rows(3).seed(1));
    let norm = |v: &[f32]| v.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    for row in 0..3 {
        // E|W o|² = m |o|² / d, and its relative deviation is √(2/m); five of them.
        let (small, large) = (seen(&plain, row), seen(&simulator, row));
        let ratio = norm(&large) / norm(&small) / (2000.0 / 4.0);
        assert!(
            (ratio - 1.0).abs() < 5.0 * (2.0f64 / 2000.0).sqrt(),
            "{ratio}"
        );
    }
    let other = started(wrapped(env("cartpole-v1"), &[project(4)]).rows(3).seed(1));
    assert_ne!(seen(&other, 0), seen(&simulator, 0));

    // Integers are mapped as one-hots: equal observations to equal vectors, in every row and run.
    let game = |seed| {
        let project = json!({ "kind": "project_observation", "dimensions": 4 });
        started(
            wrapped(env("repeated_matrix_game-v1"), &[project])
                .rows(2)
                .seed(seed),
        )
    };
    assert_eq!(seen(&game(1), 0), seen(&game(2), 1));
}

#[test]
fn final_observations_pass_through_all_wrappers() {
    let configs = [
        json!({ "kind": "frame_stack", "frames": 2 }),
        json!({ "kind": "previous_action" }),
        json!({ "kind": "time_aware_observation", "normalize": false }),
        json!({ "kind": "normalize_observation", "frozen": true }),
    ];
    let mut simulator = started(wrapped(probe(3), &configs));
    act(&mut simulator, &[-1.0, 0.25]);
    for _ in 0..3 {
        simulator.step().unwrap();
    }
    let last = seen_last(&simulator, 0);
    let close = |found: &[f32], expected: &[f32]| {
        assert!(
            found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-4),
            "{found:?}"
        );
    };
    // Two frames of `real` first; action, flag and time last.
    close(&last[..2], &[2.0, -1.0]);
    close(&last[3..5], &[3.0, -1.0]);
    close(&last[last.len() - 4..], &[-1.0, 0.25, 0.0, 3.0]);
    let first = seen(&simulator, 0);
    close(&first[..2], &[0.0, 0.0]);
    close(&first[first.len() - 4..], &[0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn the_order_of_wrappers_is_the_order_of_nesting() {
    let stack = json!({ "kind": "frame_stack", "frames": 2 });
    let time = json!({ "kind": "time_aware_observation", "normalize": false });
    let inside = started(wrapped(env("cartpole-v1"), &[time.clone(), stack.clone()]));
    let outside = started(wrapped(env("cartpole-v1"), &[stack.clone(), time.clone()]));
    assert_eq!(seen(&inside, 0).len(), 10);
    assert_eq!(seen(&outside, 0).len(), 9);
    let Space::Box(b) = &inside.spec().players[0].observation else {
        panic!()
    };
    assert_eq!(b.shape, [2, 5]);
    assert_eq!(inside.spec().wrappers[1], "frame_stack(frames=2)");
}

/// A wrapper that draws nothing from the environment's streams leaves the episodes as they were.
#[test]
fn wrappers_leave_the_environment_its_own_randomness() {
    let mut plain = started(wrapped(env("cartpole-v1"), &[]).rows(3).seed(8));
    let sticky = json!({ "kind": "sticky_actions", "probability": 0.0 });
    let wrappers = [sticky, noise(0.0)];
    let mut simulator = started(wrapped(env("cartpole-v1"), &wrappers).rows(3).seed(8));
    let mut agent = Stream::new(0, 0, "test");
    for _ in 0..100 {
        for row in 0..3 {
            choose(&mut plain, row, &mut agent.clone());
            choose(&mut simulator, row, &mut agent);
        }
        plain.step().unwrap();
        simulator.step().unwrap();
        assert_eq!(
            plain.border().player(0).observation(),
            simulator.border().player(0).observation()
        );
    }
}

#[test]
fn the_informed_see_what_is_hidden() {
    let tiger = |level: &str| {
        let wrapper = config(&json!({ "kind": "full_information", "level": level }));
        let builder = Simulator::builder(env("tiger-v1")).wrap(wrapper.plugin().unwrap());
        started(builder.rows(50).seed(3))
    };
    let (mut full, mut both) = (tiger("full"), tiger("both"));
    assert!(both.spec().model.is_some());
    for step in 0..3 {
        let hidden: Vec<f64> = {
            let info = &both.border().info;
            info.f64(info.index_of("privileged.state").unwrap())
                .to_vec()
        };
        assert!(hidden.contains(&0.0) && hidden.contains(&1.0));
        let shown = full.border().player(0).observation().f32(0);
        assert!(shown.iter().zip(&hidden).all(|(x, s)| f64::from(*x) == *s));
        // One-hot of two observations and of none yet, then the state.
        for (row, s) in both
            .border()
            .player(0)
            .observation()
            .f32(0)
            .chunks(4)
            .zip(&hidden)
        {
            assert_eq!(f64::from(row[3]), *s);
            assert_eq!(row[..3].iter().sum::<f32>(), 1.0);
            assert_eq!(row[2] == 1.0, step == 0);
        }
        full.step().unwrap();
        both.step().unwrap();
    }
    let wrapper = config(&json!({ "kind": "full_information" }));
    let refused = Simulator::builder(env("cartpole-v1")).wrap(wrapper.plugin().unwrap());
    let refused = refused.build().err().unwrap().to_string();
    assert!(refused.contains("no hidden state"), "{refused}");
}
