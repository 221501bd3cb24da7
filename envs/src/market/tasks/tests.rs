//! Tasks behind the border.

use serde_json::{Value, json};

use crate::conformance::{self, CheckOptions};
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
        (json!({ "flow": { "lot": 0 } }), "flow.lot"),
        (
            json!({ "flow": { "start_price": 100 } }),
            "flow.start_price",
        ),
    ] {
        let error = registry().build("market_making-v1", &args).err().unwrap();
        assert!(error.to_string().contains(path), "{error}");
    }
    let simulator = market_making(1, 1, &Value::Null);
    assert_eq!(simulator.spec().max_episode_steps, Some(300));
}
