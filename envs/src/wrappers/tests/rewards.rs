//! Rewards in other units.

use serde_json::json;

use super::probe::{env, probe, started, wrapped};
use crate::{
    bandits::Instance,
    sim::{Model, Simulator},
};

fn reward(simulator: &Simulator) -> f32 {
    simulator.border().player(0).reward[0]
}

#[test]
fn rewards_are_scaled_and_clipped_in_the_order_of_the_wrappers() {
    let scale = json!({ "kind": "reward_scale", "factor": -0.5 });
    let clip = json!({ "kind": "reward_clip", "low": -1.2, "high": 2.0 });
    // The probe's rewards are 1, 2, 3, ...
    let rewards = |configs: &[_]| -> Vec<f32> {
        let mut simulator = started(wrapped(probe(4), configs));
        let steps = (0..4).map(|_| {
            simulator.step().unwrap();
            reward(&simulator)
        });
        let rewards = steps.collect();
        // Returns are told in the environment's own units.
        assert_eq!(simulator.border().player(0).final_return[0], 10.0);
        rewards
    };
    assert_eq!(
        rewards(std::slice::from_ref(&scale)),
        [-0.5, -1.0, -1.5, -2.0]
    );
    assert_eq!(rewards(std::slice::from_ref(&clip)), [1.0, 2.0, 2.0, 2.0]);
    assert_eq!(
        rewards(&[scale.clone(), clip.clone()]),
        [-0.5, -1.0, -1.2, -1.2]
    );
    assert_eq!(
        rewards(&[clip.clone(), scale.clone()]),
        [-0.5, -1.0, -1.0, -1.0]
    );

    let range = |configs: &[_]| {
        wrapped(probe(4), configs)
            .build()
            .unwrap()
            .spec()
            .reward_range
    };
    assert_eq!(range(std::slice::from_ref(&scale)), (-2.0, 0.0));
    let (low, high) = range(&[scale.clone(), clip.clone()]);
    assert!((low + 1.2).abs() < 1e-6 && high == 0.0, "{low}..={high}");
    assert_eq!(range(&[clip, scale]), (-1.0, 0.0));
}

#[test]
fn one_player_alone_can_be_scaled() {
    let names: Vec<String> = {
        let simulator = Simulator::builder(env("repeated_matrix_game-v1"))
            .build()
            .unwrap();
        simulator
            .spec()
            .players
            .iter()
            .map(|p| p.name.clone())
            .collect()
    };
    let scale = json!({ "kind": "reward_scale", "factor": 3.0, "players": [names[1]] });
    let mut simulator = started(wrapped(env("repeated_matrix_game-v1"), &[scale]));
    assert_eq!(simulator.spec().reward_range, (-3.0, 3.0));
    // Paper beats rock.
    simulator.border_mut().player_mut(0).action_mut().i32_mut(0)[0] = 1;
    simulator.border_mut().player_mut(1).action_mut().i32_mut(0)[0] = 0;
    simulator.step().unwrap();
    let players = &simulator.border().players;
    assert_eq!((players[0].reward[0], players[1].reward[0]), (1.0, -3.0));

    let stranger = json!({ "kind": "reward_scale", "factor": 3.0, "players": ["nobody"] });
    let error = wrapped(env("kuhn_poker-v1"), &[stranger])
        .build()
        .unwrap_err();
    assert!(
        error.to_string().contains("has no player `nobody`"),
        "{error}"
    );
}

#[test]
fn rewards_are_divided_by_the_deviation_of_the_discounted_return() {
    let normalize = json!({ "kind": "normalize_reward", "discount": 0.9 });
    let mut simulator = started(wrapped(probe(3), &[normalize]));
    let (mut discounted, mut returns) = (0.0, Vec::new());
    for step in 0..8 {
        simulator.step().unwrap();
        let raw = f64::from(step % 3 + 1);
        // The third step of each episode terminates, and the return starts anew with that very step.
        let goes_on = f64::from(u8::from(step % 3 != 2));
        discounted = discounted * 0.9 * goes_on + raw;
        returns.push(discounted);
        let n = returns.len() as f64;
        let mean = returns.iter().sum::<f64>() / n;
        let variance = returns.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / n;
        let expected = if returns.len() < 2 {
            raw
        } else {
            raw / (variance + 1e-8).sqrt()
        };
        let found = f64::from(reward(&simulator));
        assert!(
            (found - expected).abs() < 1e-5 * expected,
            "{found} for {expected}"
        );
    }
}

#[test]
fn what_is_known_of_the_problem_is_forgotten_when_it_changes() {
    let known = |wrapper: serde_json::Value| {
        let simulator = wrapped(env("lsd_bandit-v1"), &[wrapper]).build().unwrap();
        let spec = simulator.spec();
        let model = spec.model.as_ref().and_then(Model::get::<Instance>);
        (spec.reference_rate.is_some(), model.is_some())
    };
    assert_eq!(
        known(json!({ "kind": "frame_stack", "frames": 2 })),
        (true, true)
    );
    assert_eq!(
        known(json!({ "kind": "reward_scale", "factor": 2.0 })),
        (false, false)
    );
    assert_eq!(
        known(json!({ "kind": "action_repeat", "times": 2 })),
        (false, false)
    );
}
