//! Golden numbers (`tests/golden/market`), and simulations in the environment.

use std::sync::Arc;

use palaestra_envs::sim::{Selection, Simulator};
use serde_json::{Value, json};

use super::*;
use crate::{Agent, AgentContext};

const CLOSED_FORMS: &str = include_str!("../../../tests/golden/market/avellaneda_stoikov.json");

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn rows(value: &Value) -> impl Iterator<Item = Vec<Option<f64>>> {
    let row = |row: &Value| row.as_array().unwrap().iter().map(Value::as_f64).collect();
    value.as_array().unwrap().iter().map(row)
}

fn assert_close(found: Option<f64>, expected: Option<f64>) {
    match (found, expected) {
        (Some(found), Some(expected)) => {
            assert!(
                (found - expected).abs() <= 1e-10,
                "{found} instead of {expected}"
            );
        }
        (found, expected) => assert_eq!(found, expected),
    }
}

#[test]
fn the_quotes_of_avellaneda_and_stoikov_are_the_golden_ones() {
    let golden = parse(CLOSED_FORMS);
    let mut compared = 0;
    for row in rows(&golden["avellaneda_stoikov"]) {
        let [gamma, t, q, reservation, spread, bid, ask] = row[..] else {
            panic!()
        };
        let dealer = AvellanedaStoikov {
            risk_aversion: gamma.unwrap(),
            volatility: 2.0,
            fill_exponent: 1.5,
            duration: 1.0,
        };
        let (t, q) = (t.unwrap(), q.unwrap());
        let quotes = dealer.quotes(100.0, q, t);
        assert_close(Some(dealer.reservation_price(100.0, q, t)), reservation);
        assert_close(Some(dealer.spread(t)), spread);
        assert_close(Some(quotes.0), bid);
        assert_close(Some(quotes.1), ask);
        compared += 1;
    }
    assert_eq!(compared, 45);
}

fn published() -> CarteaJaimungal {
    CarteaJaimungal {
        fill_exponent: 1.5,
        running_penalty: 0.01,
        terminal_penalty: 0.001,
        buy_rate: 50.0,
        sell_rate: 50.0,
        max_inventory: 3,
    }
}

#[test]
fn the_values_and_depths_of_cartea_and_jaimungal_are_the_golden_ones() {
    let golden = parse(CLOSED_FORMS);
    let solution = published().solve(0.1, 10).unwrap();
    let mut compared = 0;
    for table in golden["cartea_jaimungal"]["tables"].as_array().unwrap() {
        let steps_left = ((1.0 - table["t"].as_f64().unwrap()) * 10.0).round() as u32;
        for row in rows(&table["rows"]) {
            let q = row[0].unwrap() as i32;
            let (bid, ask) = solution.depths(steps_left, q);
            assert_close(solution.value(steps_left, q), row[1]);
            assert_close(bid, row[2]);
            assert_close(ask, row[3]);
            compared += 1;
        }
    }
    assert_eq!(compared, 21);
    assert_eq!(solution.value(11, 0), None);
    assert_eq!(solution.depths(0, 4), (None, None));
    let wrong = CarteaJaimungal {
        max_inventory: 0,
        ..published()
    };
    assert_eq!(wrong.solve(0.1, 10).unwrap_err().name, "max_inventory");
}

/// A problem so long that the weights themselves would overflow.
#[test]
fn long_problems_do_not_overflow() {
    let solution = published().solve(1.0, 1000).unwrap();
    let (early, later) = (solution.depths(1000, 1), solution.depths(900, 1));
    assert_close(early.0, later.0);
    assert_close(early.1, later.1);
    assert!(solution.value(1000, 0).unwrap().is_finite());
}

/// Mean and standard deviation.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    (mean, (squares / n).sqrt())
}

/// Profits and final inventories of `rows` episodes.
fn play(agent: &str, args: &Value, rows: usize) -> (Vec<f64>, Vec<f64>) {
    let env = palaestra_envs::registry()
        .build("inventory_market_making-v1", &Value::Null)
        .unwrap();
    let builder = Simulator::builder(env).rows(rows).seed(7).info("inventory");
    let mut simulator = builder.build().unwrap();
    simulator.reset().unwrap();
    let context = AgentContext {
        env: Arc::clone(simulator.spec()),
        players: vec![0],
        rows,
        seed: 0,
        total_steps: 0,
    };
    let registry = crate::registry();
    let mut agent = registry.get(agent).unwrap().build(&context, args).unwrap();
    let all = Selection::all(rows);
    for _ in 0..200 {
        let (view, actions) = simulator.border_mut().act_view(0);
        agent.act(&view, &all, actions).unwrap();
        simulator.step().unwrap();
    }
    let border = simulator.border();
    assert!(border.terminated.iter().all(|&terminated| terminated));
    let last = border.players[0].final_observation.f32(0);
    let inventories = last.chunks_exact(4).map(|row| f64::from(row[1])).collect();
    (border.players[0].final_return.to_vec(), inventories)
}

#[test]
fn simulated_profits_and_inventories_are_the_golden_ones() {
    const ROWS: usize = 10_000;
    let golden = parse(CLOSED_FORMS);
    let experiments = golden["monte_carlo_20000"].as_array().unwrap();
    assert_eq!(experiments.len(), 6);
    for expected in experiments {
        let number = |name: &str| expected[name].as_f64().unwrap();
        let half = 0.5 * number("spread");
        let (profit, inventory) = if expected["strategy"] == "inventory" {
            play(
                "avellaneda_stoikov",
                &json!({ "risk_aversion": number("gamma") }),
                ROWS,
            )
        } else {
            play("constant", &json!({ "action": [half, half] }), ROWS)
        };
        for (values, name) in [(profit, "profit"), (inventory, "q")] {
            let (mean, deviation) = moments(&values);
            let golden_deviation = number(&format!("{name}_std"));
            // Both sides are simulated: 20,000 paths there.
            let error = golden_deviation * (1.0 / 20_000.0 + 1.0 / ROWS as f64).sqrt();
            let golden_mean = number(&format!("{name}_mean"));
            assert!(
                (mean - golden_mean).abs() < 3.0 * error,
                "{name} {mean}: {expected}"
            );
            assert!(
                (deviation / golden_deviation - 1.0).abs() < 0.05,
                "{name} {deviation}: {expected}"
            );
        }
    }
}

/// An agent and a simulator of an environment, with the info that the agent needs.
fn table(
    env: &str,
    env_args: &Value,
    id: &str,
    args: &Value,
    rows: usize,
) -> (Simulator, Box<dyn Agent>) {
    let plugin = palaestra_envs::registry().build(env, env_args).unwrap();
    let registry = crate::registry();
    let entry = registry.get(id).unwrap();
    let bare = palaestra_envs::registry().build(env, env_args).unwrap();
    let spec = Arc::clone(Simulator::builder(bare).build().unwrap().spec());
    let mut builder = Simulator::builder(plugin).rows(rows).seed(5);
    for name in entry.info_for(&spec, &spec.players[0]).unwrap() {
        builder = builder.info(&name);
    }
    let mut simulator = builder.build().unwrap();
    simulator.reset().unwrap();
    let context = AgentContext {
        env: Arc::clone(simulator.spec()),
        players: vec![0],
        rows,
        seed: 0,
        total_steps: 0,
    };
    let agent = entry.build(&context, args).unwrap();
    (simulator, agent)
}

/// For each row until its first episode ends: the info fields before the last step, and the return.
fn first_episodes(
    (mut simulator, mut agent): (Simulator, Box<dyn Agent>),
    rows: usize,
) -> Vec<(Vec<f64>, f64)> {
    let all = Selection::all(rows);
    let mut found: Vec<Option<(Vec<f64>, f64)>> = vec![None; rows];
    let mut told = vec![Vec::new(); rows];
    while found.iter().any(Option::is_none) {
        let (view, actions) = simulator.border_mut().act_view(0);
        for (row, told) in told.iter_mut().enumerate() {
            *told = (0..view.info.fields().len())
                .map(|column| view.info.f64(column)[row])
                .collect();
        }
        agent.act(&view, &all, actions).unwrap();
        simulator.step().unwrap();
        let border = simulator.border();
        for row in 0..rows {
            if border.terminated[row] && found[row].is_none() {
                let paid = border.players[0].final_return[row];
                found[row] = Some((told[row].clone(), paid));
            }
        }
    }
    found.into_iter().flatten().collect()
}

/// In the markets that it is made for, a schedule is behind its line by no more than a step's worth, and so fulfils its target.
#[test]
fn twap_fulfils_its_target_evenly() {
    for (env, args, slack) in [
        (
            "jax_lob_execution-v1",
            json!({ "duration": 600, "size": 5000, "max_quantity": 1000 }),
            0.1,
        ),
        // Forty seconds and some eight decisions from there and back: what is on its way is not sent again.
        (
            "jax_lob_execution-v1",
            json!({ "duration": 600, "size": 5000, "max_quantity": 1000, "latency": 20_000 }),
            0.1,
        ),
        ("abides_execution-v1", json!({ "interval": 4 }), 0.1),
        ("mars_execution-v1", json!({}), 0.11),
    ] {
        let size = args["size"].as_f64().unwrap_or(match env {
            "mars_execution-v1" => 24_000.0,
            _ => 1000.0,
        });
        // One level of the book is less than a slice of this order: without any that wait, it falls behind.
        let ratios: &[f64] = match env {
            "mars_execution-v1" => &[0.9],
            // What waits at the touch comes back late.
            _ if args.get("latency").is_some() => &[0.0],
            _ => &[0.9, 0.0],
        };
        for &passive in ratios {
            let agent_args = json!({ "passive_ratio": passive });
            let played = first_episodes(table(env, &args, "twap", &agent_args, 6), 6);
            for (told, _) in &played {
                let [executed, elapsed, ..] = told[..] else {
                    panic!()
                };
                // Never far behind the line, which only orders at the touch may be ahead of.
                assert!(
                    executed >= size * (elapsed - slack),
                    "{env} {passive} {told:?}"
                );
                if passive < 0.1 {
                    assert!(executed <= size * (elapsed + slack), "{env} {told:?}");
                }
            }
        }
    }
}

/// A participant's trades are the share of all trades that it was told to make.
#[test]
fn pov_keeps_its_share_of_the_volume() {
    for (env, args) in [
        (
            "jax_lob_execution-v1",
            json!({ "duration": 600, "market_time": 0, "size": 1_000_000, "max_quantity": 10_000 }),
        ),
        (
            "abides_execution-v1",
            json!({ "interval": 2, "parent_size": 100_000, "order_size": 5 }),
        ),
    ] {
        for share in [0.05, 0.2] {
            if env.starts_with("abides") && share > 0.1 {
                // A child order is too small for it there.
                continue;
            }
            let agent_args = json!({ "share": share });
            let played = first_episodes(table(env, &args, "pov", &agent_args, 4), 4);
            for (told, _) in &played {
                let [executed, _, volume, _] = told[..] else {
                    panic!()
                };
                let found = executed / (executed + volume);
                assert!(
                    (found - share).abs() < 0.1 * share,
                    "{env} {share}: {found}"
                );
            }
        }
    }
}

#[test]
fn pov_refuses_a_market_with_a_schedule_of_its_own() {
    let plugin = palaestra_envs::registry()
        .build("mars_execution-v1", &Value::Null)
        .unwrap();
    let simulator = Simulator::builder(plugin).build().unwrap();
    let context = AgentContext {
        env: Arc::clone(simulator.spec()),
        players: vec![0],
        rows: 1,
        seed: 0,
        total_steps: 0,
    };
    let registry = crate::registry();
    let refused = registry
        .get("pov")
        .unwrap()
        .build(&context, &Value::Null)
        .err()
        .unwrap();
    assert!(refused.to_string().contains("schedule"), "{refused}");
    for (id, args, key) in [
        ("pov", json!({ "share": 1.0 }), "share"),
        ("twap", json!({ "passive_ratio": -0.1 }), "passive_ratio"),
        (
            "fixed_spread",
            json!({ "half_spread": -1.0 }),
            "half_spread",
        ),
    ] {
        let refused = registry
            .get(id)
            .unwrap()
            .build(&context, &args)
            .err()
            .unwrap();
        assert!(refused.to_string().contains(key), "{refused}");
    }
}

/// Where a spread is fixed, quotes stand that far from the mid-price, or at the touch if it is farther.
#[test]
fn a_fixed_spread_is_kept_in_a_model_and_in_a_book() {
    let args = json!({ "half_spread": 6.0 });
    let (mut simulator, mut agent) =
        table("market_making-v1", &Value::Null, "fixed_spread", &args, 8);
    let all = Selection::all(8);
    for _ in 0..50 {
        let (view, actions) = simulator.border_mut().act_view(0);
        agent.act(&view, &all, actions).unwrap();
        let spread = view.info.f64(view.info.index_of("spread").unwrap());
        for (row, spread) in spread.iter().enumerate() {
            let behind = (6.0 - spread / 2.0).round().clamp(0.0, 9.0) as i32;
            assert_eq!(actions.i32(0)[2 * row..2 * row + 2], [behind; 2]);
        }
        simulator.step().unwrap();
    }
    let (mut simulator, mut agent) = table(
        "inventory_market_making-v1",
        &Value::Null,
        "fixed_spread",
        &args,
        8,
    );
    let (view, actions) = simulator.border_mut().act_view(0);
    agent.act(&view, &all, actions).unwrap();
    assert!(actions.f32(0).iter().all(|depth| *depth == 6.0));
}

/// In a book, too, the dealer of Avellaneda and Stoikov holds less than one that does not look at what it holds.
#[test]
fn a_dealer_in_a_book_keeps_its_inventory_smaller() {
    let held = |id: &str, args: &Value| {
        let played = first_episodes(table("market_making-v1", &Value::Null, id, args, 64), 64);
        let squares: f64 = played.iter().map(|(told, _)| told[0] * told[0]).sum();
        (squares / 64.0).sqrt()
    };
    let args = json!({ "risk_aversion": 0.05, "volatility": 0.3, "fill_exponent": 2.0 });
    let (aware, blind) = (
        held("avellaneda_stoikov", &args),
        held("fixed_spread", &json!({ "half_spread": 0.5 })),
    );
    assert!(aware > 0.0, "it trades");
    assert!(aware < 0.7 * blind, "{aware} {blind}");
}

/// Cartea and Jaimungal's dealer earns more under its own criterion than dealers of the same problem with other aversions.
#[test]
fn the_optimal_dealer_is_better_than_its_neighbours() {
    let score = |running_penalty: f64| {
        let args = json!({ "running_penalty": running_penalty, "terminal_penalty": 0.0 });
        let (profit, _) = play("cartea_jaimungal", &args, 4000);
        moments(&profit)
    };
    let ((loose, loose_risk), (tight, tight_risk)) = (score(0.0), score(2.0));
    // Without a penalty the mean profit is the greatest there is, A T / (e k) on each side; a penalty buys a smaller risk.
    let bound = 2.0 * 140.0 / (std::f64::consts::E * 1.5);
    assert!(
        (loose - bound).abs() < 4.0 * loose_risk / 4000f64.sqrt() + 0.5,
        "{loose}"
    );
    assert!(tight < loose && tight_risk < 0.75 * loose_risk);
}

#[test]
fn dealers_refuse_other_problems_and_arguments() {
    let env = palaestra_envs::registry()
        .build("cartpole-v1", &Value::Null)
        .unwrap();
    let simulator = Simulator::builder(env).build().unwrap();
    let context = AgentContext {
        env: Arc::clone(simulator.spec()),
        players: vec![0],
        rows: 1,
        seed: 0,
        total_steps: 0,
    };
    let registry = crate::registry();
    for id in ["avellaneda_stoikov", "cartea_jaimungal"] {
        let built = registry.get(id).unwrap().build(&context, &Value::Null);
        assert!(
            built
                .err()
                .unwrap()
                .to_string()
                .contains("inventory_market_making-v1")
        );
    }
    let args = json!({ "risk_aversion": 0.0 });
    let built = registry
        .get("avellaneda_stoikov")
        .unwrap()
        .build(&context, &args);
    assert_eq!(
        built.err().unwrap().to_string(),
        "`risk_aversion`: must be positive and finite, not 0"
    );
}
