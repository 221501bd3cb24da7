//! Observations of the past: frames, delays, previous actions.

use serde_json::json;

use super::probe::{Probe, env, leaf, probe, seen, seen_last, started, wrapped};
use crate::{
    error::EnvError,
    sim::{RowPlugin, Simulator},
    space::Space,
};

#[test]
fn frames_begin_as_copies_of_the_first_and_end_with_the_newest() {
    let stack = json!({ "kind": "frame_stack", "frames": 3 });
    let mut simulator = started(wrapped(probe(2), std::slice::from_ref(&stack)).rows(2));
    let steps = |values: Vec<f32>| [values[0], values[3], values[6]];
    assert_eq!(steps(seen(&simulator, 1)), [0.0, 0.0, 0.0]);
    simulator.step_rows(&[1]).unwrap();
    assert_eq!(steps(seen(&simulator, 1)), [0.0, 0.0, 1.0]);
    assert_eq!(steps(seen(&simulator, 0)), [0.0, 0.0, 0.0]);
    simulator.step_rows(&[1]).unwrap();
    assert_eq!(steps(seen_last(&simulator, 1)), [0.0, 1.0, 2.0]);
    assert_eq!(steps(seen(&simulator, 1)), [0.0, 0.0, 0.0]);
    // What was drawn at reset tells episodes apart: no frame is left of the last one.
    let (old, new) = (seen_last(&simulator, 1), seen(&simulator, 1));
    assert!(old[2] == old[8] && new[2] == new[8] && old[2] != new[2]);

    let player = simulator.border().player(0);
    assert_eq!(
        player.final_observation.i32(2)[3..],
        [0, 1, 2],
        "integers start at 0"
    );
    assert_eq!(
        player.final_observation.u8(4)[6..],
        [0, 255, 1, 255, 2, 255]
    );
    let space = &simulator.spec().players[0].observation;
    assert_eq!(leaf(space, 2), &Space::MultiDiscrete { nvec: vec![4; 3] });
    let Space::Box(image) = leaf(space, 4) else {
        panic!()
    };
    assert_eq!(image.shape, [3, 2, 1]);

    let text = || {
        Box::new(RowPlugin::new(Probe {
            length: 3,
            action: Space::discrete(2),
            text: true,
        }))
    };
    let error = wrapped(text(), &[stack]).build().unwrap_err();
    assert!(matches!(
        error,
        EnvError::Incompatible {
            wrapper: "frame_stack",
            ..
        }
    ));
}

#[test]
fn delayed_observations_arrive_later_and_nothing_arrives_first() {
    let delay = json!({ "kind": "delay_observation", "delay": 2 });
    let text = Box::new(RowPlugin::new(Probe {
        length: 5,
        action: Space::discrete(2),
        text: true,
    }));
    let mut simulator = started(wrapped(text, &[delay]));
    for (step, text) in ["", "", "step 0", "step 1", "step 2"]
        .into_iter()
        .enumerate()
    {
        let columns = simulator.border().player(0).observation();
        assert_eq!(columns.text(5)[0], text);
        assert_eq!(columns.f32(0)[0], (step as f32 - 2.0).max(0.0));
        simulator.step().unwrap();
    }
    let last = &simulator.border().player(0).final_observation;
    assert_eq!(last.text(5)[0], "step 3");
    assert_eq!(simulator.border().player(0).observation().text(5)[0], "");
}

#[test]
fn the_previous_action_is_appended_with_a_start_flag() {
    let configs = [json!({ "kind": "previous_action" })];
    let mut simulator = started(wrapped(env("cartpole-v1"), &configs).rows(2));
    let tail = |values: Vec<f32>| values[4..].to_vec();
    assert_eq!(simulator.spec().players[0].observation.width(), 7);
    assert_eq!(tail(seen(&simulator, 0)), [0.0, 0.0, 1.0]);
    simulator
        .border_mut()
        .player_mut(0)
        .action_mut()
        .i32_mut(0)
        .copy_from_slice(&[1, 0]);
    simulator.step_rows(&[0]).unwrap();
    assert_eq!(tail(seen(&simulator, 0)), [0.0, 1.0, 0.0]);
    assert_eq!(tail(seen(&simulator, 1)), [0.0, 0.0, 1.0]);
    simulator.step_rows(&[1]).unwrap();
    assert_eq!(tail(seen(&simulator, 1)), [1.0, 0.0, 0.0]);
    while !simulator.border().ended(0) {
        simulator.step_rows(&[0]).unwrap();
    }
    assert_eq!(tail(seen_last(&simulator, 0)), [0.0, 1.0, 0.0]);
    assert_eq!(tail(seen(&simulator, 0)), [0.0, 0.0, 1.0]);
}

#[test]
fn the_reference_mode_carries_the_last_action_into_the_next_episode() {
    let configs = [json!({ "kind": "previous_action", "flag_mode": "reference" })];
    let mut simulator = started(wrapped(env("cartpole-v1"), &configs));
    let tail = |values: Vec<f32>| values[4..].to_vec();
    assert_eq!(tail(seen(&simulator, 0)), [0.0, 0.0, 1.0]);
    simulator
        .border_mut()
        .player_mut(0)
        .action_mut()
        .i32_mut(0)
        .fill(1);
    simulator.step().unwrap();
    while !simulator.border().ended(0) {
        simulator.step().unwrap();
    }
    assert_eq!(tail(seen(&simulator, 0)), [0.0, 1.0, 0.0]);
}

#[test]
fn the_previous_action_of_a_dict_keeps_its_own_space() {
    let configs = [json!({ "kind": "previous_action", "layout": "dict" })];
    let text = Box::new(RowPlugin::new(Probe {
        length: 2,
        action: Space::Discrete { n: 3, start: 5 },
        text: true,
    }));
    let mut simulator = started(wrapped(text, &configs));
    let fields = |s: &Simulator| {
        let columns = s.border().player(0).observation();
        let action = columns.index_of("previous_action").unwrap();
        let start = columns.index_of("start").unwrap();
        let text = columns.index_of("observation.text").unwrap();
        (
            columns.text(text)[0].clone(),
            columns.i32(action)[0],
            columns.i32(start)[0],
        )
    };
    assert_eq!(fields(&simulator), ("step 0".into(), 5, 1));
    simulator.border_mut().player_mut(0).action_mut().i32_mut(0)[0] = 7;
    simulator.step().unwrap();
    assert_eq!(fields(&simulator), ("step 1".into(), 7, 0));
    simulator.step().unwrap();
    assert_eq!(fields(&simulator), ("step 0".into(), 5, 1));
}

#[test]
fn in_a_game_of_turns_each_player_is_shown_its_own_last_action() {
    let configs = [json!({ "kind": "previous_action", "layout": "dict" })];
    let mut simulator = started(wrapped(env("tic_tac_toe-v1"), &configs));
    let last = |s: &Simulator, player: usize| {
        let columns = s.border().player(player).observation();
        columns.i32(columns.index_of("previous_action").unwrap())[0]
    };
    for (player, cell) in [(0, 4), (1, 2), (0, 8)] {
        // What the other player left in its buffer is of no account.
        for p in &mut simulator.border_mut().players {
            p.action_mut().i32_mut(0)[0] = cell;
        }
        assert!(simulator.border().player(player).acting[0]);
        simulator.step().unwrap();
    }
    assert_eq!((last(&simulator, 0), last(&simulator, 1)), (8, 2));
}
