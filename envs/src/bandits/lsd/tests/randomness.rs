//! Whose luck a payoff is: common random numbers, batch sizes, shards, episodes.

use serde_json::{Value, json};

use super::{act_randomly, action_streams, builder, info, telling};
use crate::sim::{Lane, RowReset, Simulator};

/// Plays the same arms in every round and row; returns each row's payoffs of arm `watched` by round.
fn payoffs_of(
    simulator: &mut Simulator,
    arms: &[usize],
    watched: usize,
    rounds: usize,
) -> Vec<f64> {
    simulator.reset().unwrap();
    let mut seen = Vec::new();
    for _ in 0..rounds {
        let width = simulator.spec().players[0].action.width();
        let bits = simulator.border_mut().player_mut(0).action_mut().u8_mut(0);
        for row in bits.chunks_exact_mut(width) {
            row.fill(0);
            arms.iter().for_each(|&arm| row[arm] = 1);
        }
        simulator.step().unwrap();
        let border = simulator.border();
        seen.extend((0..border.rows()).map(|row| info(border, "payoffs", row)[watched]));
    }
    seen
}

/// An arm whose mean does not depend on the past pays the same in a round, whatever was and is played beside it.
#[test]
fn policies_on_one_seed_share_their_luck() {
    for noise in [json!("bernoulli"), json!({ "gaussian": { "sigma": 0.5 } })] {
        let args = json!({ "preset": "stat3", "plays": 2, "noise": noise, "horizon": 20 });
        let [a, b, other] = [(0, 1, 8), (1, 2, 8), (1, 2, 9)].map(|(first, second, seed)| {
            payoffs_of(&mut telling(args.clone(), 5, seed), &[first, second], 1, 50)
        });
        assert_eq!(a, b);
        assert_ne!(a, other);
        assert!(a.iter().any(|x| *x != a[0]));
    }
}

/// A run of random actions: rewards, observations and the expected payoffs of the first `kept` rows, by step.
fn run(
    args: &Value,
    rows: usize,
    shards: usize,
    kept: usize,
) -> Vec<(Vec<u32>, Vec<u32>, Vec<u64>)> {
    let mut simulator = builder(args.clone())
        .rows(rows)
        .shards(shards)
        .seed(4)
        .info("expected_payoff")
        .build()
        .unwrap();
    simulator.reset().unwrap();
    let mut streams = action_streams(rows);
    let mut log = Vec::new();
    for _ in 0..60 {
        act_randomly(&mut simulator, &mut streams);
        simulator.step().unwrap();
        let player = simulator.border().player(0);
        let width = player.observation().width(0);
        log.push((
            player.reward[..kept].iter().map(|x| x.to_bits()).collect(),
            player.observation().f32(0)[..kept * width]
                .iter()
                .map(|x| x.to_bits())
                .collect(),
            simulator.border().info.f64(0)[..kept]
                .iter()
                .map(|x| x.to_bits())
                .collect(),
        ));
    }
    log
}

#[test]
fn rows_do_not_depend_on_batch_size_or_shards() {
    for args in [
        json!({ "preset": "spike5", "horizon": 25 }),
        json!({ "preset": "geo5k2", "horizon": 17, "noise": { "gaussian": { "sigma": 0.1 } } }),
    ] {
        let reference = run(&args, 1024, 1, 7);
        assert_eq!(run(&args, 7, 1, 7), reference);
        assert_eq!(run(&args, 7, 2, 7), reference);
        assert_eq!(run(&args, 1024, 2, 7), reference);
        assert_eq!(run(&args, 1, 1, 1), run(&args, 1024, 1, 1));
    }
}

#[test]
fn an_episode_of_a_lane_is_the_same_in_any_row() {
    let args = json!({ "preset": "spike5", "horizon": 30 });
    let lane = Lane {
        seed: 12,
        lane: 3,
        episode: 2,
    };
    let episode = |rows: usize, row: usize| {
        let mut simulator = builder(args.clone()).rows(rows).seed(77).build().unwrap();
        simulator.reset().unwrap();
        let reset = RowReset {
            row,
            lane: Some(lane),
            options: Value::Null,
        };
        simulator.reset_rows(&[reset]).unwrap();
        let play = |round: i32, simulator: &mut Simulator| {
            let actions = simulator.border_mut().player_mut(0).action_mut().i32_mut(0);
            actions.fill(round % 5);
            simulator.step().unwrap();
            simulator.border().player(0).reward[row].to_bits()
        };
        (0..30)
            .map(|round| play(round, &mut simulator))
            .collect::<Vec<u32>>()
    };
    assert_eq!(episode(1, 0), episode(4, 2));
}

#[test]
fn episodes_of_a_row_differ_in_their_luck() {
    let mut simulator = telling(
        json!({ "preset": "stat3", "plays": 2, "horizon": 40 }),
        1,
        3,
    );
    let seen = payoffs_of(&mut simulator, &[0, 1], 0, 80);
    assert_ne!(seen[..40], seen[40..]);
}

/// Saved in the middle of an episode, a row goes on in another row of another simulator as it would have here.
#[test]
fn a_saved_row_goes_on_alike() {
    let args = json!({ "preset": "geo5k2", "horizon": 30 });
    let mut here = telling(args.clone(), 1, 6);
    here.reset().unwrap();
    let mut streams = action_streams(1);
    for _ in 0..13 {
        act_randomly(&mut here, &mut streams);
        here.step().unwrap();
    }
    let saved = here.save_row(0).unwrap();
    let mut there = telling(args, 3, 1);
    there.reset().unwrap();
    there.load_row(2, &saved).unwrap();
    for _ in 0..40 {
        act_randomly(&mut here, &mut streams);
        let action = here.border().player(0).action().clone();
        let actions = there.border_mut().player_mut(0).action_mut();
        (0..3).for_each(|row| actions.copy_row(row, &action, 0));
        here.step().unwrap();
        there.step().unwrap();
        let (a, b) = (here.border(), there.border());
        assert_eq!(
            a.player(0).reward[0].to_bits(),
            b.player(0).reward[2].to_bits()
        );
        assert!(
            a.player(0)
                .observation()
                .row_bits_equal(0, b.player(0).observation(), 2)
        );
        assert!(a.info.row_bits_equal(0, &b.info, 2));
    }

    // Saved states of an instance with other caps are refused.
    let five_arms = json!({ "instance": { "plays": 2, "horizon": 30, "arms": vec![json!({ "family": "constant", "mean": 0.5 }); 5] } });
    let mut other = telling(five_arms, 1, 0);
    let error = other.load_row(0, &saved).unwrap_err().to_string();
    assert!(error.contains("is not a state of arm"), "{error}");
}
