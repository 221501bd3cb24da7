//! What reaches the environment.

use serde_json::{Value, json};

use super::probe::{act, choose, env, probe, probe_with, seen, started, wrapped};
use crate::{
    error::EnvError,
    sim::Simulator,
    space::{BoxSpace, DType, Space},
    stream::Stream,
};

/// The first element of the action that reached the probe in row `row`.
fn reached(simulator: &Simulator, row: usize) -> f32 {
    seen(simulator, row)[1]
}

fn sticky(probability: f64) -> Value {
    json!({ "kind": "sticky_actions", "probability": probability })
}

#[test]
fn with_certainty_the_first_action_of_an_episode_sticks() {
    let mut simulator = started(wrapped(probe(3), &[sticky(1.0)]));
    for episode in 0..3 {
        for step in 0..2 {
            let chosen = 0.1 * (10 * episode + step) as f32 - 1.0;
            act(&mut simulator, &[chosen, 0.0]);
            simulator.step().unwrap();
            let first = 0.1 * (10 * episode) as f32 - 1.0;
            assert_eq!(reached(&simulator, 0), first, "{episode}/{step}");
            // What the agent wrote stays.
            assert_eq!(simulator.border().player(0).action().f32(0)[0], chosen);
        }
        simulator.step().unwrap();
    }
}

#[test]
fn actions_stick_as_often_as_asked() {
    let rows = 4000;
    let mut simulator = started(wrapped(probe(50), &[sticky(0.25)]).rows(rows));
    let (mut stuck, mut steps) = (0u32, 0u32);
    let mut before = vec![0.0; rows];
    for step in 0..20 {
        act(&mut simulator, &[step as f32 / 20.0, 0.0]);
        simulator.step().unwrap();
        for (row, before) in before.iter_mut().enumerate() {
            let now = reached(&simulator, row);
            if step > 0 {
                stuck += u32::from(now == *before);
                steps += 1;
            }
            *before = now;
        }
    }
    let (share, n) = (f64::from(stuck) / f64::from(steps), f64::from(steps));
    // Five standard errors.
    assert!(
        (share - 0.25).abs() < 5.0 * (0.25 * 0.75 / n).sqrt(),
        "{share}"
    );
}

#[test]
fn forbidden_actions_do_not_stick() {
    // Every cell is marked once, so repeating a move is always forbidden.
    let mut simulator = started(wrapped(env("tic_tac_toe-v1"), &[sticky(1.0)]).rows(20));
    let mut agent = Stream::new(1, 0, "test");
    for _ in 0..50 {
        for row in 0..20 {
            choose(&mut simulator, row, &mut agent);
        }
        simulator.step().unwrap();
        for p in &simulator.border().players {
            for row in (0..20).filter(|&row| p.acted[row]) {
                assert_eq!(p.env_action().i32(0)[row], p.action().i32(0)[row]);
            }
        }
    }
}

#[test]
fn noisy_actions_stay_within_bounds_and_choices_are_replaced_now_and_then() {
    let rows = 20_000;
    let noise = json!({ "kind": "action_noise", "sigma": 0.5 });
    let mut simulator = started(wrapped(probe(50), &[noise]).rows(rows));
    act(&mut simulator, &[0.0, 0.5]);
    simulator.step().unwrap();
    let mut variance = 0.0;
    for row in 0..rows {
        let x = f64::from(reached(&simulator, row));
        assert!(x.abs() <= 2.0);
        variance += x * x / rows as f64;
    }
    // Clipping at four deviations is not felt. Five standard errors.
    assert!(
        (variance - 0.25).abs() < 5.0 * 0.25 * (2.0 / rows as f64).sqrt(),
        "{variance}"
    );
    let second = simulator
        .border()
        .player(0)
        .env_action()
        .f32(0)
        .iter()
        .skip(1)
        .step_by(2);
    let at_bound = second.filter(|x| **x == 0.0 || **x == 1.0).count() as f64 / rows as f64;
    // P(|z| > 1) = 0.3173, within five standard errors.
    assert!(
        (at_bound - 0.3173).abs() < 5.0 * (0.3173 * 0.6827 / rows as f64).sqrt(),
        "{at_bound}"
    );

    let noise = json!({ "kind": "action_noise", "epsilon": 0.3 });
    let choices = Space::Discrete { n: 4, start: -2 };
    let mut simulator = started(wrapped(probe_with(9, choices), &[noise]).rows(rows));
    simulator
        .border_mut()
        .player_mut(0)
        .action_mut()
        .i32_mut(0)
        .fill(1);
    simulator.step().unwrap();
    let taken = simulator.border().player(0).env_action().i32(0);
    for choice in -2..2 {
        let share = taken.iter().filter(|&&x| x == choice).count() as f64 / rows as f64;
        let expected = 0.3 / 4.0 + if choice == 1 { 0.7 } else { 0.0 };
        let error = 5.0 * (expected * (1.0 - expected) / rows as f64).sqrt();
        assert!(
            (share - expected).abs() < error,
            "{choice}: {share} for {expected}"
        );
    }
}

#[test]
fn replaced_choices_are_allowed_by_the_mask() {
    let noise = json!({ "kind": "action_noise", "epsilon": 1.0 });
    let mut simulator = started(wrapped(env("tic_tac_toe-v1"), &[noise]).rows(20));
    let mut agent = Stream::new(1, 0, "test");
    for _ in 0..40 {
        for row in 0..20 {
            choose(&mut simulator, row, &mut agent);
        }
        let masks: Vec<_> = simulator
            .border()
            .players
            .iter()
            .map(|p| p.action_mask.clone())
            .collect();
        simulator.step().unwrap();
        for (p, mask) in simulator.border().players.iter().zip(&masks) {
            for row in (0..20).filter(|&row| p.acted[row]) {
                let cell = p.env_action().i32(0)[row] as usize;
                assert_eq!(mask[row * p.mask_width + cell], 1);
            }
        }
    }
}

#[test]
fn noise_of_the_wrong_kind_is_refused_with_the_right_one() {
    let sigma = json!({ "kind": "action_noise", "sigma": 0.5 });
    let error = wrapped(env("cartpole-v1"), &[sigma])
        .build()
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("no real elements for `sigma`; set `epsilon`"),
        "{error}"
    );
    let epsilon = json!({ "kind": "action_noise", "epsilon": 0.5 });
    let error = wrapped(env("pendulum-v1"), &[epsilon])
        .build()
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("no integers or bits for `epsilon`; set `sigma`"),
        "{error}"
    );
}

#[test]
fn clipped_actions_reach_the_environment_within_its_bounds() {
    let clip = json!({ "kind": "clip_action" });
    let mut simulator = started(wrapped(probe(9), std::slice::from_ref(&clip)));
    for (chosen, expected) in [(5.0, 2.0), (f32::NEG_INFINITY, -2.0), (1.5, 1.5)] {
        act(&mut simulator, &[chosen, chosen]);
        simulator.step().unwrap();
        assert_eq!(reached(&simulator, 0), expected);
        assert_eq!(
            simulator.border().player(0).env_action().f32(0)[1],
            chosen.clamp(0.0, 1.0)
        );
    }
    act(&mut simulator, &[f32::NAN, 0.0]);
    assert!(matches!(
        simulator.step(),
        Err(EnvError::InvalidAction { row: 0, .. })
    ));
    let error = wrapped(env("cartpole-v1"), &[clip]).build().unwrap_err();
    assert!(matches!(
        error,
        EnvError::Incompatible {
            wrapper: "clip_action",
            ..
        }
    ));
}

#[test]
fn rescaled_actions_are_mapped_affinely_and_unbounded_ones_refused() {
    let rescale = json!({ "kind": "rescale_action", "low": 0, "high": 4 });
    let mut simulator = started(wrapped(probe(9), std::slice::from_ref(&rescale)));
    for (chosen, expected) in [(0.0, -2.0), (4.0, 2.0), (3.0, 1.0)] {
        act(&mut simulator, &[chosen, 1.0]);
        simulator.step().unwrap();
        assert_eq!(reached(&simulator, 0), expected);
        assert_eq!(simulator.border().player(0).env_action().f32(0)[1], 0.25);
    }
    act(&mut simulator, &[4.1, 0.0]);
    assert!(matches!(
        simulator.step(),
        Err(EnvError::InvalidAction { .. })
    ));

    // The pendulum takes any torque and clips it itself: that stays so, in the agent's units.
    let lenient = json!({ "kind": "rescale_action" });
    let mut pendulum = started(wrapped(env("pendulum-v1"), &[lenient]));
    act(&mut pendulum, &[1.5]);
    pendulum.step().unwrap();
    assert_eq!(pendulum.border().player(0).env_action().f32(0), [3.0]);

    let double = Space::Box(BoxSpace {
        dtype: DType::Float64,
        shape: vec![1],
        low: vec![0.0],
        high: vec![f64::INFINITY],
    });
    let error = wrapped(probe_with(3, double), &[rescale])
        .build()
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("its actions have no finite bounds"),
        "{error}"
    );
}

#[test]
fn projected_actions_are_a_linear_map_within_the_bounds() {
    let project = |d: usize| json!({ "kind": "project_action", "dimensions": d, "seed": 2 });
    let mut simulator = started(wrapped(probe(1000), &[project(3)]));
    assert_eq!(
        simulator.spec().players[0].action,
        Space::vector(3, -1.0, 1.0)
    );
    // Before clipping the map is linear: f(a) + f(b) = f(a + b) around the middle of the bounds.
    let mut taken = |action: [f32; 3]| {
        act(&mut simulator, &action);
        simulator.step().unwrap();
        let inner = simulator.border().player(0).env_action().f32(0);
        [inner[0] / 2.0, (inner[1] - 0.5) * 2.0]
    };
    let (a, b) = (taken([0.2, -0.1, 0.0]), taken([0.1, 0.3, -0.2]));
    let both = taken([0.3, 0.2, -0.2]);
    for i in 0..2 {
        assert!((a[i] + b[i] - both[i]).abs() < 1e-6, "{a:?} {b:?} {both:?}");
    }
    assert!(a[0] != 0.0 && a[1] != 0.0);
    // E|W a|² = |a|² / d · outputs: with a of all ones and many draws, each output has variance 1.
    let mut squares = 0.0;
    for seed in 0..400 {
        let config = json!({ "kind": "project_action", "dimensions": 16, "seed": seed });
        let mut simulator = started(wrapped(probe(9), &[config]));
        act(&mut simulator, &[0.25; 16]);
        simulator.step().unwrap();
        squares += f64::from(reached(&simulator, 0) / 2.0).powi(2) / 400.0;
    }
    // Variance 1/16 each; clipping at four deviations is not felt. Five standard errors.
    assert!(
        (squares * 16.0 - 1.0).abs() < 5.0 * (2.0f64 / 400.0).sqrt(),
        "{squares}"
    );
}

#[test]
fn action_wrappers_nest_from_the_outside_in() {
    let clip = json!({ "kind": "clip_action" });
    let rescale = json!({ "kind": "rescale_action" });
    // The agent's 7 is clipped to 1, which is rescaled to the upper bound.
    let mut simulator = started(wrapped(probe(9), &[rescale, clip]));
    act(&mut simulator, &[7.0, -7.0]);
    simulator.step().unwrap();
    assert_eq!(simulator.border().player(0).env_action().f32(0), [2.0, 0.0]);
    assert_eq!(simulator.border().player(0).action().f32(0), [7.0, -7.0]);
}
