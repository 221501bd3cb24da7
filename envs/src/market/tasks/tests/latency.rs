//! Players so far from the exchange that they decide again, and again, before they hear what has become of their messages.

use serde_json::{Value, json};

use super::execution::{conforms, play};
use super::market_making;
use crate::registry;
use crate::sim::Simulator;

#[test]
fn tasks_conform_at_any_latency() {
    for (id, args) in [
        (
            "market_making-v1",
            json!({ "steps": 25, "warm_up": 5, "latency": 2300, "interval": 0.5 }),
        ),
        (
            "mars_execution-v1",
            json!({
                "slices": 5, "passive": 3, "aggressive": 2, "warm_up": 5, "size": 900, "latency": 4500,
                "benchmark": "twap",
            }),
        ),
        (
            "abides_execution-v1",
            json!({ "interval": 3, "window": 40, "first_wake": 4, "parent_size": 60, "latency": 9000 }),
        ),
        (
            "abides_daily_investor-v1",
            json!({ "interval": 3, "first_wake": 4, "day": 60, "latency": 9000 }),
        ),
        (
            "jax_lob_execution-v1",
            json!({ "duration": 40, "market_time": 8, "messages_per_step": 20, "warm_up": 5, "latency": 3000 }),
        ),
    ] {
        conforms(id, &args);
    }
    let refused = registry()
        .build("jax_lob_execution-v1", &json!({ "latency": -1 }))
        .err();
    let refused = refused.unwrap().to_string();
    assert!(refused.starts_with("`latency`"), "{refused}");
}

/// A market maker with an inventory column.
fn maker(rows: usize, args: &Value) -> Simulator {
    let plugin = registry().build("market_making-v1", args).unwrap();
    let builder = Simulator::builder(plugin).rows(rows).seed(3);
    let mut simulator = builder.info("inventory").build().unwrap();
    simulator.reset().unwrap();
    simulator
}

#[test]
fn quotes_on_their_way_count_against_the_inventory() {
    let args = json!({
        "steps": 150, "latency": 3000, "max_inventory": 250,
        "background": { "zero_intelligence": { "market_rate": 3.0 } },
    });
    let mut simulator = maker(16, &args);
    let mut most: f64 = 0.0;
    for step in 0..140 {
        let actions = simulator.border_mut().player_mut(0).action_mut();
        for (i, offset) in actions.i32_mut(0).iter_mut().enumerate() {
            // The touch of a side moves, and with it the quote.
            *offset = ((step + i) / 3 % 2) as i32;
        }
        simulator.step().unwrap();
        let held = simulator.border().info.f64(0);
        most = held.iter().fold(most, |most, held| most.max(held.abs()));
        assert!(most <= 250.0, "{most}");
    }
    assert!(most >= 200.0, "{most}");
}

#[test]
fn a_quote_on_its_way_is_not_sent_again() {
    // A book that stands still, and messages that arrive ten decisions later.
    let background = json!({
        "zero_intelligence": { "limit_rate": 1e-6, "market_rate": 0, "cancel_rate": 0 },
    });
    let args = json!({ "latency": 5000, "background": background });
    let mut simulator = market_making(1, 1, &args);
    for step in 0..40 {
        let actions = simulator.border_mut().player_mut(0).action_mut();
        actions.i32_mut(0).fill(i32::from(step >= 25));
        simulator.step().unwrap();
        let picture = simulator.render(0).unwrap().unwrap();
        let own = picture.matches("own 100").count();
        assert_eq!(own, if step < 9 { 0 } else { 2 }, "{step}\n{picture}");
        assert_eq!(picture.matches("own").count(), own, "{step}\n{picture}");
    }
}

/// Orders of a size that does not divide the whole would execute more than it while several are on their way.
#[test]
fn no_task_executes_more_than_its_order() {
    let args = json!({ "interval": 5, "order_size": 70, "latency": 20_000 });
    let (_, executed) = play("abides_execution-v1", &args, 4, |_, actions| {
        actions.i32_mut(0).fill(0);
    });
    assert_eq!(executed, [1000.0; 4]);
    let args = json!({ "duration": 300, "market_time": 120, "latency": 15_000 });
    for quantity in [0.0, 70.0] {
        let (_, executed) = play("jax_lob_execution-v1", &args, 4, |_, actions| {
            for quantities in actions.f32_mut(0).chunks_mut(4) {
                quantities.copy_from_slice(&[quantity, 0.0, quantity, 0.0]);
            }
        });
        assert_eq!(executed, [500.0; 4], "{quantity}");
    }
    // Two stages pass before a message of the schedule arrives.
    for level in [1, 5] {
        let args = json!({ "latency": 15_000, "slices": 20, "passive": 10, "aggressive": 5, "size": 3000 });
        let (_, executed) = play("mars_execution-v1", &args, 8, |_, actions| {
            for dials in actions.i32_mut(0).chunks_mut(2) {
                dials.copy_from_slice(&[9, level]);
            }
        });
        for executed in executed {
            assert!((2000.0..=3000.0).contains(&executed), "{level}: {executed}");
        }
    }
}

/// With a short latency the schedule fills what it fills without: shares cross the spread as soon as they are back from the touch.
#[test]
fn the_schedule_crosses_once_its_shares_are_back() {
    let filled = |latency: f64| {
        let args = json!({ "latency": latency });
        let (_, executed) = play("mars_execution-v1", &args, 12, |_, actions| {
            for dials in actions.i32_mut(0).chunks_mut(2) {
                dials.copy_from_slice(&[10, 5]);
            }
        });
        assert!(executed.iter().all(|&shares| shares <= 24_000.0));
        executed.iter().sum::<f64>() / 12.0 / 24_000.0
    };
    let (near, far) = (filled(0.0), filled(50.0));
    assert!(near > 0.99 && far > 0.99, "{near} {far}");
}
