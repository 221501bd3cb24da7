//! Time limits, repeated actions, the time as an observation.

use serde_json::json;

use super::probe::{act, env, probe, seen, seen_last, started, wrapped};
use crate::{
    error::EnvError,
    sim::{Autoreset, RowReset, Simulator},
};

fn limit(steps: u32) -> serde_json::Value {
    json!({ "kind": "time_limit", "max_episode_steps": steps })
}

fn repeat(times: u32) -> serde_json::Value {
    json!({ "kind": "action_repeat", "times": times })
}

fn flags(simulator: &Simulator, row: usize) -> (bool, bool) {
    let border = simulator.border();
    (border.terminated[row], border.truncated[row])
}

#[test]
fn the_limit_truncates_exactly_its_step() {
    let mut simulator = started(wrapped(probe(9), &[limit(4)]).rows(2));
    for episode in 0..2 {
        for step in 1..=4 {
            simulator.step().unwrap();
            assert_eq!(flags(&simulator, 1), (false, step == 4), "{episode}/{step}");
        }
        assert_eq!(simulator.border().final_elapsed[1], 4);
        assert_eq!(seen_last(&simulator, 1)[0], 4.0);
        assert_eq!(seen(&simulator, 1)[0], 0.0);
    }
}

#[test]
fn a_step_that_terminates_is_not_truncated() {
    let mut simulator = started(wrapped(probe(4), &[limit(4)]));
    for _ in 0..4 {
        simulator.step().unwrap();
    }
    assert_eq!(flags(&simulator, 0), (true, false));
}

#[test]
fn the_lowest_limit_holds() {
    let spec = |configs: &[_]| {
        wrapped(env("cartpole-v1"), configs)
            .build()
            .unwrap()
            .spec()
            .clone()
    };
    assert_eq!(spec(&[limit(600)]).max_episode_steps, Some(500));
    assert_eq!(spec(&[limit(60), limit(70)]).max_episode_steps, Some(60));
    assert_eq!(
        spec(&[limit(60)]).wrappers,
        ["time_limit(max_episode_steps=60)"]
    );
}

#[test]
fn a_repeated_action_adds_up_rewards_and_costs_until_the_episode_ends() {
    let mut simulator = started(wrapped(probe(5), &[repeat(3)]).rows(3).info("cost"));
    assert_eq!(simulator.spec().reward_range, (0.0, 15.0));
    act(&mut simulator, &[1.5, 0.5]);
    // Row 1 stays behind.
    simulator.step_rows(&[0, 2]).unwrap();
    let border = simulator.border();
    assert_eq!(border.player(0).reward, [6.0, 0.0, 6.0], "1 + 2 + 3");
    assert_eq!(border.info.f64(0), [60.0, 0.0, 60.0]);
    assert_eq!(border.elapsed, [3, 0, 3]);
    assert_eq!(seen(&simulator, 0)[..2], [3.0, 1.5]);
    assert_eq!(seen(&simulator, 1)[..2], [0.0, 0.0]);

    // Rows 0 and 2 end after two of three steps, row 1 makes all three.
    simulator.step().unwrap();
    let border = simulator.border();
    assert_eq!(
        border.player(0).reward,
        [9.0, 6.0, 9.0],
        "4 + 5 and 1 + 2 + 3"
    );
    assert_eq!(border.info.f64(0), [90.0, 60.0, 90.0]);
    assert_eq!(border.terminated, [true, false, true]);
    assert_eq!(border.final_elapsed[0], 5);
    assert_eq!(border.player(0).final_return[2], 15.0);
    assert_eq!(border.elapsed, [0, 3, 0]);
    assert_eq!(seen_last(&simulator, 2)[0], 5.0);
}

#[test]
fn the_limit_counts_environment_steps_of_repeated_actions() {
    for configs in [[repeat(3), limit(4)], [limit(4), repeat(3)]] {
        let mut simulator = started(wrapped(probe(9), &configs));
        simulator.step().unwrap();
        assert_eq!(flags(&simulator, 0), (false, false));
        simulator.step().unwrap();
        assert_eq!(flags(&simulator, 0), (false, true));
        assert_eq!(simulator.border().final_elapsed[0], 4);
        assert_eq!(simulator.border().player(0).reward[0], 4.0);
    }
}

#[test]
fn repeats_are_refused_around_other_wrappers_and_among_turns() {
    let sticky = json!({ "kind": "sticky_actions" });
    let error = wrapped(probe(5), &[sticky, repeat(2)]).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "wrapper `action_repeat` does not apply to `probe-v0`: it repeats the environment's own step, so it must \
         come before `sticky_actions(probability=0.25)`"
    );
    let error = wrapped(env("tic_tac_toe-v1"), &[repeat(2)])
        .build()
        .unwrap_err();
    assert!(matches!(
        error,
        EnvError::Incompatible {
            wrapper: "action_repeat",
            ..
        }
    ));
}

#[test]
fn the_time_is_appended_as_a_share_of_the_limit_or_as_it_is() {
    let clock = |normalize| json!({ "kind": "time_aware_observation", "normalize": normalize });
    let mut simulator = started(wrapped(
        env("cartpole-v1"),
        &[limit(3), clock(true), clock(false)],
    ));
    let space = &simulator.spec().players[0].observation;
    assert_eq!(space.width(), 6);
    let tail = |values: Vec<f32>| values[4..].to_vec();
    assert_eq!(tail(seen(&simulator, 0)), [0.0, 0.0]);
    simulator.step().unwrap();
    assert_eq!(tail(seen(&simulator, 0)), [1.0 / 3.0, 1.0]);
    simulator.step().unwrap();
    simulator.step().unwrap();
    assert_eq!(tail(seen_last(&simulator, 0)), [1.0, 3.0]);
    assert_eq!(tail(seen(&simulator, 0)), [0.0, 0.0]);

    let error = wrapped(probe(5), &[clock(true)])
        .build()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("put a `time_limit` before this wrapper"),
        "{error}"
    );
}

#[test]
fn a_reset_that_is_refused_leaves_the_row_waiting_for_another_of_the_same_lane() {
    for mode in [Autoreset::SameStep, Autoreset::Disabled] {
        let mut simulator = started(wrapped(env("cartpole-v1"), &[]).rows(2).autoreset(mode));
        let bad = RowReset {
            options: json!({ "state": [1.0] }),
            ..RowReset::next(1)
        };
        let error = simulator
            .reset_rows(std::slice::from_ref(&bad))
            .unwrap_err();
        assert!(matches!(error, EnvError::Options { row: 1, .. }), "{error}");
        assert!(matches!(
            simulator.step(),
            Err(EnvError::StepAfterEnd { row: 1 })
        ));
        simulator.step_rows(&[0]).unwrap();
        simulator.reset_rows(&[RowReset::next(1)]).unwrap();
        assert_eq!(simulator.lane(1).unwrap().episode, 1);
        simulator.step().unwrap();

        let mut fresh = wrapped(env("cartpole-v1"), &[]).rows(2).build().unwrap();
        assert!(fresh.reset_rows(&[RowReset::next(0), bad]).is_err());
        assert!(matches!(fresh.step(), Err(EnvError::StepBeforeReset)));
        fresh.reset().unwrap();
        assert_eq!(fresh.lane(0).unwrap().episode, 0);
    }
}

#[test]
fn restoring_one_row_does_not_start_the_others() {
    let original = started(wrapped(env("cartpole-v1"), &[]));
    let saved = original.save_row(0).unwrap();
    let mut copy = wrapped(env("cartpole-v1"), &[])
        .rows(2)
        .seed(9)
        .build()
        .unwrap();
    copy.load_row(0, &saved).unwrap();
    assert!(matches!(copy.step(), Err(EnvError::StepBeforeReset)));
    copy.reset_rows(&[RowReset::next(1)]).unwrap();
    assert_eq!(copy.lane(1).unwrap().episode, 0);
    copy.step().unwrap();
}
