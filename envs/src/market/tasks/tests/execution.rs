//! The tasks of executing an order, and of investing through a day.

use serde_json::{Value, json};

use super::backgrounds;
use crate::conformance::{self, CheckOptions};
use crate::registry;
use crate::sim::Simulator;
use crate::space::Columns;

pub(super) fn conforms(id: &str, args: &Value) {
    let options = CheckOptions {
        episodes: 6,
        steps: 20,
        ..CheckOptions::default()
    };
    let registry = registry();
    let report = conformance::check(registry.get(id).unwrap(), args, &options);
    assert!(report.passed(), "{args}\n{report}");
}

#[test]
fn the_schedule_conforms() {
    for background in backgrounds() {
        let args = json!({
            "slices": 4, "passive": 3, "aggressive": 2, "warm_up": 5, "size": 900, "background": background,
        });
        conforms("mars_execution-v1", &args);
    }
    let mut args = json!({
        "continuous": true, "benchmark": "twap", "side": "sell", "slices": 3, "warm_up": 10, "latency": 40,
        "maker_fee": -20, "taker_fee": 30,
    });
    conforms("mars_execution-v1", &args);
    args["lot"] = json!(0);
    let refused = registry().build("mars_execution-v1", &args).err().unwrap();
    assert!(refused.to_string().starts_with("`lot`"), "{refused}");
}

#[test]
fn the_tasks_of_abides_conform() {
    for background in backgrounds() {
        let args = json!({
            "interval": 3, "window": 20, "first_wake": 4, "parent_size": 60, "side": "sell", "background": background,
        });
        conforms("abides_execution-v1", &args);
        let args = json!({
            "interval": 3, "first_wake": 4, "day": 30, "reward": "sparse", "latency": 20, "background": background,
        });
        conforms("abides_daily_investor-v1", &args);
    }
    let args = json!({ "window": 30 });
    let refused = registry()
        .build("abides_execution-v1", &args)
        .err()
        .unwrap();
    assert!(refused.to_string().starts_with("`window`"), "{refused}");
    let args = json!({ "day": 200 });
    let refused = registry()
        .build("abides_daily_investor-v1", &args)
        .err()
        .unwrap();
    assert!(refused.to_string().starts_with("`day`"), "{refused}");
}

#[test]
fn quantities_at_four_prices_conform() {
    for background in backgrounds() {
        let args = json!({
            "duration": 20, "market_time": 4, "messages_per_step": 20, "warm_up": 5, "side": "buy",
            "background": background,
        });
        conforms("jax_lob_execution-v1", &args);
    }
}

/// Plays one episode in each of `rows` rows; `act` writes the actions. Returns the rewards of each row, step by step, and the
/// shares executed at the end.
pub(super) fn play(
    id: &str,
    args: &Value,
    rows: usize,
    mut act: impl FnMut(usize, &mut Columns),
) -> (Vec<Vec<f32>>, Vec<f64>) {
    let plugin = registry().build(id, args).unwrap();
    let mut builder = Simulator::builder(plugin).rows(rows).seed(11);
    let executes = id != "abides_daily_investor-v1";
    if executes {
        builder = builder.info(super::super::EXECUTED);
    }
    let builder = builder.autoreset(crate::sim::Autoreset::Disabled);
    let mut simulator = builder.build().unwrap();
    simulator.reset().unwrap();
    let mut rewards = vec![Vec::new(); rows];
    let mut executed = vec![0.0; rows];
    for step in 0.. {
        let over: Vec<bool> = simulator.border().terminated.to_vec();
        let running: Vec<usize> = (0..rows).filter(|&row| !over[row] || step == 0).collect();
        if running.is_empty() {
            break;
        }
        act(step, simulator.border_mut().player_mut(0).action_mut());
        simulator.step_rows(&running).unwrap();
        for &row in &running {
            let border = simulator.border();
            rewards[row].push(border.player(0).reward[row]);
            if executes {
                executed[row] = border.info.f64(0)[row];
            }
        }
    }
    (rewards, executed)
}

/// Against the price of L1-P0.9 in the same market, L1-P0.9 has no advantage, and fills what it should.
#[test]
fn the_baseline_compared_with_itself_gains_nothing() {
    for side in ["buy", "sell"] {
        let args = json!({ "benchmark": "twap", "side": side, "price_weight": 100.0 });
        let (rewards, executed) = play("mars_execution-v1", &args, 12, |_, actions| {
            for dials in actions.i32_mut(0).chunks_mut(2) {
                dials.copy_from_slice(&[9, 1]);
            }
        });
        for (rewards, executed) in rewards.iter().zip(&executed) {
            let filled = executed / 24_000.0;
            assert!(filled >= 0.95, "{filled}");
            let beyond = filled - 0.95;
            let fulfilment = 0.95 + beyond - beyond * beyond / 0.1;
            let sum: f32 = rewards.iter().sum();
            assert!((f64::from(sum) - fulfilment).abs() < 1e-2, "{sum} {filled}");
            assert!(rewards.len() <= 20);
        }
    }
}

/// Without an order at the touch, and without crossing, nothing is executed and nothing is paid.
#[test]
fn dials_at_zero_do_nothing() {
    let (rewards, executed) = play("mars_execution-v1", &json!({}), 3, |_, actions| {
        actions.i32_mut(0).fill(0);
    });
    assert!(executed.iter().all(|&shares| shares == 0.0));
    for rewards in rewards {
        assert_eq!(rewards, vec![0.0; 20]);
    }
}

/// Crossing to a deeper level never fills less.
#[test]
fn dials_fill_more_the_farther_they_are_turned() {
    let filled = |passive: i32, level: i32| {
        let (_, executed) = play("mars_execution-v1", &json!({}), 16, |_, actions| {
            for dials in actions.i32_mut(0).chunks_mut(2) {
                dials.copy_from_slice(&[passive, level]);
            }
        });
        executed.iter().sum::<f64>() / 16.0 / 24_000.0
    };
    let (waiting, near, far) = (filled(9, 0), filled(0, 1), filled(0, 5));
    assert!(waiting > 0.2 && waiting <= 1.0, "{waiting}");
    assert!(near > 0.3 && near <= far, "{near} {far}");
    assert!(far > 0.99, "{far}");
}

#[test]
fn a_parent_order_is_executed_or_paid_for() {
    let args = json!({ "interval": 5 });
    let constant = |action: i32| {
        play("abides_execution-v1", &args, 4, |_, actions| {
            actions.i32_mut(0).fill(action);
        })
    };
    let (waiting, executed) = constant(2);
    for (rewards, executed) in waiting.iter().zip(executed) {
        // 1000 cents for each of 1000 shares, as a mean over the parent order.
        assert_eq!(rewards.len(), 120);
        assert_eq!(rewards[..119], [0.0; 119]);
        assert_eq!((rewards[119], executed), (-1000.0, 0.0));
    }
    let (buying, executed) = constant(0);
    for (rewards, executed) in buying.iter().zip(executed) {
        assert_eq!((rewards.len(), executed), (100, 1000.0));
        // No penalty, and a slippage of less than 5 per cent of the price of 1000.00.
        assert!(
            rewards.iter().all(|reward| reward.abs() < 50.0),
            "{rewards:?}"
        );
    }
    // At the touch some of it fills.
    let (_, executed) = constant(1);
    assert!(
        executed
            .iter()
            .all(|&shares| shares > 0.0 && shares <= 1000.0)
    );
}

#[test]
fn who_holds_no_shares_earns_nothing_in_a_day() {
    let args = json!({ "day": 3600 });
    let (rewards, _) = play("abides_daily_investor-v1", &args, 2, |_, actions| {
        actions.i32_mut(0).fill(1);
    });
    for rewards in rewards {
        assert_eq!(rewards, vec![0.0; 55]);
    }
    // Dense rewards add up to the sparse one.
    let sums = ["dense", "sparse"].map(|reward| {
        let args = json!({ "day": 3600, "reward": reward });
        let (rewards, _) = play("abides_daily_investor-v1", &args, 2, |step, actions| {
            actions.i32_mut(0).fill([0, 1, 1, 2][step % 4]);
        });
        rewards
            .iter()
            .map(|rewards| rewards.iter().sum())
            .collect::<Vec<f32>>()
    });
    for (dense, sparse) in sums[0].iter().zip(&sums[1]) {
        assert!(*dense != 0.0 && (dense - sparse).abs() < 1e-4, "{sums:?}");
    }
}

#[test]
fn what_is_left_at_the_end_goes_out_as_a_market_order() {
    let args = json!({ "duration": 200, "market_time": 50 });
    let (rewards, executed) = play("jax_lob_execution-v1", &args, 4, |_, actions| {
        actions.f32_mut(0).fill(0.0);
    });
    for (rewards, executed) in rewards.iter().zip(executed) {
        assert_eq!(executed, 500.0);
        let (last, before) = rewards.split_last().unwrap();
        assert!(before.iter().all(|reward| *reward == 0.0));
        assert!(*last != 0.0);
    }
    // A hundred shares at the far touch in each step are gone after five.
    let (rewards, executed) = play("jax_lob_execution-v1", &args, 4, |_, actions| {
        for quantities in actions.f32_mut(0).chunks_mut(4) {
            quantities.copy_from_slice(&[100.0, 0.0, 0.0, 0.0]);
        }
    });
    assert!(executed.iter().all(|&shares| shares == 500.0));
    assert!(rewards.iter().all(|rewards| rewards.len() == 5));
}
