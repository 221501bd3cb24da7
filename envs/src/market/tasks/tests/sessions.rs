//! Call auctions and halts within environments.

use serde_json::{Value, json};

use super::backgrounds;
use super::execution::conforms;
use crate::market::host::MarketView;
use crate::registry;
use crate::sim::{Autoreset, Simulator};

#[test]
fn tasks_conform_through_the_phases_of_a_day() {
    let sessions =
        json!({ "auctions": [[0, 8], [20, 24]], "halts": [[8, 9], [14, 16]], "close": 26 });
    // Every task among one kind of traders, and one task among the others.
    for (i, background) in backgrounds().into_iter().enumerate() {
        let tasks = [
            ("market_making-v1", json!({ "steps": 25, "warm_up": 5 })),
            (
                "mars_execution-v1",
                json!({ "slices": 4, "passive": 3, "aggressive": 2, "warm_up": 5, "size": 900, "latency": 700 }),
            ),
            (
                "abides_execution-v1",
                json!({ "interval": 1, "window": 22, "first_wake": 4, "parent_size": 60 }),
            ),
            (
                "abides_daily_investor-v1",
                json!({ "interval": 1, "first_wake": 4, "day": 40 }),
            ),
            (
                "jax_lob_execution-v1",
                json!({ "duration": 22, "market_time": 4, "messages_per_step": 20, "warm_up": 5 }),
            ),
        ];
        let chosen = tasks.into_iter().enumerate();
        for (_, (id, mut args)) in chosen.filter(|(task, _)| i == 0 || i % 5 == *task) {
            args["sessions"] = sessions.clone();
            args["background"] = background.clone();
            conforms(id, &args);
        }
    }
}

/// One row of an environment, with an info field beside the phase.
fn open(id: &str, args: &Value, field: Option<&str>) -> Simulator {
    let plugin = registry().build(id, args).unwrap();
    let mut builder = Simulator::builder(plugin).rows(16).seed(9).info("phase");
    if let Some(field) = field {
        builder = builder.info(field);
    }
    let mut simulator = builder.autoreset(Autoreset::Disabled).build().unwrap();
    simulator.reset().unwrap();
    simulator
}

/// Plays `action` until the auction that ends at 60 s is over, by decisions 5 s apart from 30 s on, and returns what the info field
/// says of each row after it. Until then it says 0.
fn through_the_opening(id: &str, args: &mut Value, field: &str, action: &[i32]) -> Vec<f64> {
    args["sessions"] = json!({ "auctions": [[0, 60]] });
    let mut simulator = open(id, args, Some(field));
    let info = &simulator.border().info;
    let [phase, told] = ["phase", field].map(|name| info.index_of(name).unwrap());
    for step in 1..=6 {
        assert!(
            simulator
                .border()
                .info
                .f64(phase)
                .iter()
                .all(|&phase| phase == 1.0)
        );
        let actions = simulator.border_mut().player_mut(0).action_mut();
        for out in actions.i32_mut(0).chunks_mut(action.len()) {
            out.copy_from_slice(action);
        }
        simulator.step().unwrap();
        let told = simulator.border().info.f64(told);
        if step < 6 {
            assert!(told.iter().all(|&shares| shares == 0.0), "{step} {told:?}");
        }
    }
    let info = &simulator.border().info;
    assert!(info.f64(phase).iter().all(|&phase| phase == 2.0));
    info.f64(told).to_vec()
}

#[test]
fn an_opening_auction_clears_with_the_orders_of_players_in_it() {
    // What the schedule crosses the spread with takes part: as much as is due, though it comes in three parts.
    let mut args =
        json!({ "warm_up": 30, "passive": 5, "aggressive": 5, "slices": 30, "size": 3000 });
    let executed = through_the_opening("mars_execution-v1", &mut args, "executed", &[0, 1]);
    assert_eq!(executed, [300.0; 16]);
    // A market order takes part.
    let background = json!({ "zero_intelligence": {} });
    let mut args = json!({ "first_wake": 30, "interval": 5, "background": background });
    let executed = through_the_opening("abides_execution-v1", &mut args, "executed", &[0]);
    assert_eq!(executed, [10.0; 16]);
    // A quote a tick from where the price was known to be trades if the auction finds a price beyond it.
    let mut args = json!({ "warm_up": 30, "interval": 5 });
    let held = through_the_opening("market_making-v1", &mut args, "inventory", &[0, 0]);
    assert!(held.iter().any(|&shares| shares > 0.0), "{held:?}");
    assert!(held.iter().any(|&shares| shares < 0.0), "{held:?}");
    assert!(held.iter().all(|&shares| shares.abs() <= 100.0), "{held:?}");
}

#[test]
fn a_quote_in_an_auction_stays_beside_those_of_others() {
    // One order on each level, and nobody else comes.
    let background = json!({ "zero_intelligence": { "limit_rate": 1e-9, "market_rate": 0.0, "cancel_rate": 0.0 } });
    let sessions = json!({ "auctions": [[20, 200]] });
    let args =
        json!({ "warm_up": 5, "interval": 10, "background": background, "sessions": sessions });
    let mut simulator = open("market_making-v1", &args, None);
    let mut messages = Vec::new();
    // Behind the touch in continuous trading, at it in the auction.
    for offset in [3, 3, 3, 0, 0, 0, 0] {
        let actions = simulator.border_mut().player_mut(0).action_mut();
        actions.i32_mut(0).fill(offset);
        simulator.step().unwrap();
        let view: MarketView = simulator.view(0).unwrap().unwrap();
        messages.push(view.messages);
    }
    let sent: Vec<u64> = messages.windows(2).map(|m| m[1] - m[0]).collect();
    assert_eq!(sent, [0, 0, 4, 0, 0, 0], "two quotes are replaced once");
}

#[test]
fn the_flow_trades_in_an_auction() {
    // The market maker keeps away: what the flow would cross the spread with meets in the auction.
    let args = json!({
        "warm_up": 50, "interval": 10, "max_inventory": 1, "sessions": { "auctions": [[0, 60]] },
    });
    let mut simulator = open("market_making-v1", &args, None);
    simulator.step().unwrap();
    let observed = simulator.border().player(0).observation().f32(0);
    assert!(observed.chunks(10).all(|row| row[9] > 0.0), "{observed:?}");
}

#[test]
fn a_day_ends_when_the_market_closes() {
    let args = json!({
        "interval": 10, "first_wake": 0, "day": 3600, "sessions": { "halts": [[20, 40]], "close": 95 },
        "background": { "zero_intelligence": {} },
    });
    let mut simulator = open("abides_daily_investor-v1", &args, None);
    assert_eq!(simulator.spec().max_episode_steps, Some(10));
    let mut phases = Vec::new();
    for _ in 0..10 {
        simulator.step().unwrap();
        phases.push(simulator.border().info.f64(0)[0]);
    }
    assert!(simulator.border().terminated.iter().all(|over| *over));
    let expected = [2.0, 3.0, 3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.0];
    assert_eq!(phases, expected);
}

#[test]
fn a_player_does_not_join_a_market_that_is_over() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/market");
    let recording = json!({ "file": format!("{folder}/lobster_message_10.csv"), "window": 20 });
    for (args, most) in [
        (json!({ "warm_up": 30, "sessions": { "close": 30 } }), "30:"),
        (
            json!({ "warm_up": 30, "background": { "replay": recording } }),
            "19.",
        ),
    ] {
        let error = registry()
            .build("market_making-v1", &args)
            .err()
            .unwrap()
            .to_string();
        let said = error.contains("warm_up") && error.contains(&format!("below {most}"));
        assert!(said, "{error}");
    }
}

#[test]
fn wrong_sessions_are_named() {
    for id in [
        "market_making-v1",
        "mars_execution-v1",
        "abides_execution-v1",
        "abides_daily_investor-v1",
        "jax_lob_execution-v1",
    ] {
        for (sessions, path) in [
            (
                json!({ "auctions": [[0, 60], [50, 70]] }),
                "sessions.auctions[1]",
            ),
            (json!({ "lunch": [[0, 60]] }), "lunch"),
        ] {
            let args = json!({ "sessions": sessions });
            let error = registry().build(id, &args).err().unwrap().to_string();
            assert!(error.contains(path), "{error}");
        }
    }
}
