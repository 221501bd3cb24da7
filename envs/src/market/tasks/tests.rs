//! Tasks behind the border.

mod execution;
mod latency;
mod sessions;

use serde_json::{Value, json};

use crate::conformance::{self, CheckOptions};
use crate::error::EnvError;
use crate::registry;
use crate::sim::Simulator;

fn market_making(rows: usize, shards: usize, args: &Value) -> Simulator {
    let plugin = registry().build("market_making-v1", args).unwrap();
    let builder = Simulator::builder(plugin).rows(rows).shards(shards).seed(7);
    let mut simulator = builder.build().unwrap();
    simulator.reset().unwrap();
    simulator
}

#[test]
fn market_making_conforms() {
    let registry = registry();
    let options = CheckOptions {
        episodes: 12,
        steps: 30,
        ..CheckOptions::default()
    };
    let entry = registry.get("market_making-v1").unwrap();
    for args in [
        json!({ "steps": 25, "warm_up": 5.0 }),
        json!({ "steps": 25, "warm_up": 5.0, "latency": 300.0, "interval": 0.5 }),
    ] {
        let report = conformance::check(entry, &args, &options);
        assert!(report.passed(), "{report}");
    }
}

/// A few backgrounds of every kind, the traders of the population wide awake.
fn backgrounds() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/market");
    let population = json!({ "population": {
        "noise": [50, {}],
        "value": [20, { "pause": 2e9 }],
        "momentum": [3, { "pause": 1e9, "short": 2, "long": 4 }],
        "market_makers": [2, { "pause": 3e9 }],
    } });
    let recording = json!({ "replay": {
        "file": format!("{folder}/lobster_message_10.csv"),
        "book": format!("{folder}/lobster_orderbook_10.csv"),
        "window": 12,
    } });
    let hawkes = json!({ "hawkes": { "start_orders": 20 } });
    let after = |first: &Value, then: &Value| json!({ "hand_over": { "first": first, "then": then, "after": 12 } });
    let buyer = json!({ "execution": { "size": 900, "until": 40, "every": 2 } });
    vec![
        json!({ "zero_intelligence": { "market_rate": 1.0 } }),
        json!({ "both": { "first": buyer, "second": after(&hawkes, &population) } }),
        after(&recording, &population),
        after(&population, &hawkes),
        after(&hawkes, &json!({ "zero_intelligence": {} })),
        hawkes,
        population,
        recording,
    ]
}

#[test]
fn market_making_conforms_whoever_trades() {
    let registry = registry();
    let entry = registry.get("market_making-v1").unwrap();
    let options = CheckOptions {
        episodes: 6,
        steps: 20,
        ..CheckOptions::default()
    };
    for background in backgrounds() {
        let args = json!({ "steps": 20, "warm_up": 5.0, "background": background });
        let report = conformance::check(entry, &args, &options);
        assert!(report.passed(), "{background}\n{report}");
    }
}

/// A market that was saved between any two steps goes on as it would have, to the last byte of its state.
#[test]
fn a_market_restored_in_the_middle_gives_the_same_bytes() {
    for background in backgrounds() {
        let args = json!({ "steps": 40, "warm_up": 5.0, "background": background });
        for middle in [0, 1, 9, 20] {
            let mut original = market_making(2, 1, &args);
            let mut restored = market_making(2, 1, &args);
            hash(&mut original, 2, middle);
            // Row 1 of one becomes row 0 of the other, which has gone elsewhere meanwhile.
            hash(&mut restored, 2, 3);
            restored
                .load_row(0, &original.save_row(1).unwrap())
                .unwrap();
            for step in 0..15 {
                for (simulator, row) in [(&mut original, 1), (&mut restored, 0)] {
                    let player = simulator.border_mut().player_mut(0);
                    let actions = player.action_mut().i32_mut(0);
                    actions.fill(0);
                    actions[2 * row..2 * row + 2].copy_from_slice(&[step % 4, step % 3]);
                    simulator.step().unwrap();
                }
                let (here, there) = (original.save_row(1).unwrap(), restored.save_row(0).unwrap());
                assert!(here == there, "{background}: {middle}, {step}");
            }
        }
    }
}

/// Two million orders a second, none of which is ever cancelled.
#[test]
fn a_market_without_room_for_an_order_is_told() {
    let flood = json!({ "zero_intelligence": { "limit_rate": 1e6, "market_rate": 1.0, "cancel_rate": 0.0 } });
    let args = json!({ "warm_up": 0.0, "interval": 1.0, "background": flood });
    let mut simulator = market_making(2, 2, &args);
    let error = simulator.step().unwrap_err();
    assert!(
        matches!(
            error,
            EnvError::BookFull {
                row: 0 | 1,
                refused: 1..,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error.to_string().contains("the order book is full"),
        "{error}"
    );
    // The same before the players join.
    let args = json!({ "warm_up": 1.0, "interval": 1.0, "background": args["background"] });
    let plugin = registry().build("market_making-v1", &args).unwrap();
    let mut simulator = Simulator::builder(plugin).rows(1).build().unwrap();
    assert!(matches!(
        simulator.reset(),
        Err(EnvError::BookFull { row: 0, .. })
    ));
}

#[test]
fn quotes_at_the_touch_trade_and_each_row_has_a_market_of_its_own() {
    let mut simulator = market_making(8, 1, &json!({ "steps": 50 }));
    let mut inventories = vec![0.0; 8];
    for _ in 0..50 {
        let player = simulator.border_mut().player_mut(0);
        player.action_mut().i32_mut(0).fill(0);
        simulator.step().unwrap();
        let observation = simulator.border().player(0).observation().f32(0);
        if !simulator.border().terminated[0] {
            inventories = observation.chunks(10).map(|row| row[0]).collect();
        }
    }
    assert!(simulator.border().terminated.iter().all(|ended| *ended));
    assert!(inventories.iter().any(|held| *held != 0.0));
    let returns = &simulator.border().player(0).final_return;
    assert!((1..8).all(|row| returns[row] != returns[row - 1]));
}

/// Everything that comes out of `steps` steps with actions that depend on row and step.
fn hash(simulator: &mut Simulator, rows: usize, steps: usize) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for step in 0..steps {
        let border = simulator.border_mut();
        for (i, action) in border
            .player_mut(0)
            .action_mut()
            .i32_mut(0)
            .iter_mut()
            .enumerate()
        {
            *action = ((i / 2 * 7 + i % 2 + step * 3) % 10) as i32;
        }
        simulator.step().unwrap();
        let player = simulator.border().player(0);
        let rewards = player.reward.iter().take(rows);
        for value in player.observation().f32(0).iter().chain(rewards) {
            hash = (hash ^ u64::from(value.to_bits())).wrapping_mul(0x100_0000_01b3);
        }
    }
    hash
}

#[test]
fn shards_do_not_change_a_market() {
    let (rows, steps) = if cfg!(debug_assertions) {
        (64, 20)
    } else {
        (1024, 100)
    };
    // About a hundred messages in each row and step.
    let args = json!({ "interval": 5.0 });
    let one = hash(&mut market_making(rows, 1, &args), rows, steps);
    let two = hash(&mut market_making(rows, 2, &args), rows, steps);
    assert_eq!(one, two);
}

#[test]
fn wrong_arguments_are_named() {
    for (args, path) in [
        (json!({ "steps": 0 }), "steps"),
        (json!({ "interval": -1.0 }), "interval"),
        (
            json!({ "background": { "zero_intelligence": { "lot": 0 } } }),
            "background.zero_intelligence.lot",
        ),
        (
            json!({ "background": { "zero_intelligence": { "start_price": 100 } } }),
            "background.zero_intelligence.start_price",
        ),
    ] {
        let error = registry().build("market_making-v1", &args).err().unwrap();
        assert!(error.to_string().contains(path), "{error}");
    }
    let simulator = market_making(1, 1, &Value::Null);
    assert_eq!(simulator.spec().max_episode_steps, Some(300));
}
