//! The same seed gives the same trajectories in any batch, over any number of shards.

use serde_json::{Value, json};

use crate::{pomdp::popgym::NAMES, registry, sim::Simulator, space::Columns, stream::Stream};

/// What the first 6 rows see and earn in 150 steps of random actions, each row's from a stream of its own.
fn run(id: &str, args: &Value, rows: usize, shards: usize) -> (Vec<Columns>, Vec<u32>) {
    let env = registry().build(id, args).unwrap();
    let builder = Simulator::builder(env).rows(rows).shards(shards).seed(4);
    let mut simulator = builder.build().unwrap();
    simulator.reset().unwrap();
    let action = simulator.spec().players[0].action.clone();
    let streams = (0..rows as u64).map(|row| Stream::new(9, row, "test.actions"));
    let mut streams: Vec<Stream> = streams.collect();
    let (mut seen, mut earned) = (Vec::new(), Vec::new());
    for _ in 0..150 {
        let actions = simulator.border_mut().player_mut(0).action_mut();
        for (row, stream) in streams.iter_mut().enumerate() {
            action.sample_row(actions, row, &[], stream).unwrap();
        }
        simulator.step().unwrap();
        let player = simulator.border().player(0);
        let mut first = player.observation().with_rows(6);
        (0..6).for_each(|row| first.copy_row(row, player.observation(), row));
        seen.push(first);
        earned.extend(player.reward[..6].iter().map(|r| r.to_bits()));
    }
    (seen, earned)
}

fn does_not_depend_on_the_batch(id: &str, args: &Value) {
    let reference = run(id, args, 6, 1);
    // Once more the same, for what differs from run to run.
    for (rows, shards) in [(6, 1), (6, 2), (6, 3), (70, 1), (70, 4)] {
        let other = run(id, args, rows, shards);
        assert_eq!(reference.1, other.1, "{id}, {rows} rows, {shards} shards");
        for (a, b) in reference.0.iter().zip(&other.0) {
            assert!((0..6).all(|row| a.row_bits_equal(row, b, row)), "{id}");
        }
    }
}

#[test]
fn rows_do_not_depend_on_batch_size_or_shards() {
    for (_, id) in NAMES {
        for args in [json!({}), json!({ "difficulty": "hard" })] {
            does_not_depend_on_the_batch(id, &args);
        }
    }
}

/// The rest of the family: memory tasks and classic problems.
#[test]
fn nor_do_those_of_the_other_partially_observable_tasks() {
    let registry = registry();
    let others = registry.iter().filter(|entry| {
        entry.family == "pomdp" && NAMES.iter().all(|(_, popgym)| *popgym != entry.id)
    });
    let ids: Vec<&str> = others.map(|entry| entry.id.as_str()).collect();
    assert!(ids.len() >= 11, "{ids:?}");
    for id in ids {
        does_not_depend_on_the_batch(id, &Value::Null);
    }
}
