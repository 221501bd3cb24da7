//! The agent that plays a plan: it earns what the plan promises, round by round.

use palaestra_envs::{
    bandits::{Instance, LsdBandit, LsdBanditArgs, NoiseConfig, total_mean},
    sim::{EnvSpec, RowReset, Simulator},
};
use serde_json::{Value, json};

use crate::{
    AgentError, Mode,
    bandits::{
        planning::{self, PlannerConfig},
        testbed::{Bernoulli, Match, context},
    },
};

fn environment(args: Value) -> LsdBandit {
    let mut args: LsdBanditArgs = serde_json::from_value(args).unwrap();
    args.noise = Some(NoiseConfig::None);
    LsdBandit::new(&args).unwrap()
}

fn play(env: LsdBandit, planner: &Value, rows: usize) -> Match {
    let registry = crate::registry();
    let entry = registry.get("planner").unwrap();
    let mut builder = Simulator::builder(env).rows(rows).info("expected_payoff");
    for name in &entry.info {
        builder = builder.info(name);
    }
    let mut simulator = builder.build().unwrap();
    simulator.reset().unwrap();
    let agent = entry.build(&context(&simulator), planner).unwrap();
    Match { agent, simulator }
}

/// What each of `rounds` rounds is expected to pay in row 0.
fn payoffs(game: &mut Match, rounds: u64) -> Vec<f64> {
    let payoff = |_| {
        game.step();
        let info = &game.simulator.border().info;
        info.f64(info.index_of("expected_payoff").unwrap())[0]
    };
    (0..rounds).map(payoff).collect()
}

fn metric(game: &mut Match, name: &str) -> Option<f64> {
    let mut found = None;
    game.agent.metrics(&mut |metric, value| {
        if metric == name {
            found = Some(value);
        }
    });
    found
}

fn made(planner: &Value, instance: &Instance) -> planning::Plan {
    let config: PlannerConfig = match planner {
        Value::Null => PlannerConfig::default(),
        planner => serde_json::from_value(planner.clone()).unwrap(),
    };
    planning::plan(&config, instance).unwrap()
}

#[test]
fn a_plan_earns_its_rate_in_every_cycle() {
    for (env, planner) in [
        // At most one play, with idle rounds.
        (
            json!({ "preset": "block236" }),
            json!({ "planner": "harmonic" }),
        ),
        (
            json!({ "preset": "burst2" }),
            json!({ "planner": "greedy" }),
        ),
        // Exactly one play, from just played arms.
        (
            json!({ "preset": "spike5" }),
            json!({ "planner": "harmonic" }),
        ),
        (
            json!({ "preset": "step2" }),
            json!({ "planner": "ranking" }),
        ),
        // Several plays.
        (
            json!({ "preset": "geo5k2" }),
            json!({ "planner": "harmonic" }),
        ),
        (
            json!({ "preset": "geo5k2", "exact": true }),
            json!({ "planner": "ranking" }),
        ),
        // States that the player does not see.
        (
            json!({ "preset": "lin4", "hide_state": true }),
            json!({ "planner": "greedy" }),
        ),
    ] {
        let mut env = env;
        env["horizon"] = json!(100_000);
        let env = environment(env);
        let instance = env.instance().clone();
        let plan = made(&planner, &instance);
        let cycle = plan.value.cycle_length.unwrap();
        let mut game = play(env, &planner, 2);
        assert_eq!(metric(&mut game, "planner/rate"), Some(plan.value.rate));
        let burn_in = 400;
        let early: f64 = payoffs(&mut game, burn_in).iter().sum();
        let expected = total_mean(&instance, &*plan.policy, burn_in).unwrap();
        assert!(
            (early - expected).abs() < 1e-9 * burn_in as f64,
            "{planner}: {early} {expected}"
        );
        for _ in 0..3 {
            let mean = payoffs(&mut game, cycle).iter().sum::<f64>() / cycle as f64;
            assert!(
                (mean - plan.value.rate).abs() < 1e-6,
                "{planner}: {mean} {plan:?}"
            );
        }
    }
}

#[test]
fn every_episode_begins_the_plan_anew_also_in_evaluation() {
    let harmonic = json!({ "planner": "harmonic" });
    for mode in [Mode::Train, Mode::Evaluate] {
        let env = environment(json!({ "preset": "block236", "horizon": 13 }));
        let mut game = play(env, &harmonic, 3);
        game.agent.set_mode(mode);
        let first = payoffs(&mut game, 13);
        assert_eq!(payoffs(&mut game, 13), first);
        // In mid-episode it goes on where it was after saving and loading.
        payoffs(&mut game, 5);
        let state = game.agent.save().unwrap();
        game.agent.load(&state).unwrap();
        assert_eq!(payoffs(&mut game, 8), first[5..]);
    }
}

#[test]
fn a_row_in_other_states_and_a_masked_row_are_played_legally() {
    let env = environment(json!({ "preset": "log3", "horizon": 1000 }));
    let rate = env.instance().optimal_rate().unwrap();
    for planner in ["exact", "harmonic", "look_ahead"] {
        let mut game = play(env.clone(), &json!({ "planner": planner }), 2);
        let other = RowReset {
            options: json!({ "state": [-3, 2, -1] }),
            ..RowReset::next(0)
        };
        game.simulator.reset_rows(&[other]).unwrap();
        let mean = payoffs(&mut game, 400).iter().sum::<f64>() / 400.0;
        assert!(mean > 0.9 * rate && mean < 1.02 * rate, "{planner}: {mean}");
    }
    // Blocked arms are masked out, which a good plan does not notice.
    let env = environment(json!({ "preset": "block237", "mask_unavailable": true }));
    let mut game = play(env, &json!({ "planner": "harmonic" }), 2);
    let mean = payoffs(&mut game, 800).iter().sum::<f64>() / 800.0;
    assert!((mean - 0.8625).abs() < 0.002, "{mean}");
}

#[test]
fn the_certified_value_is_a_metric_where_there_is_one() {
    let env = environment(json!({ "preset": "geo3" }));
    let mut game = play(env.clone(), &Value::Null, 1);
    let certified = metric(&mut game, "planner/certified").unwrap();
    assert!((certified - 0.519_35).abs() < 1e-9, "{certified}");
    let mut game = play(env, &json!({ "planner": "ranking" }), 1);
    assert_eq!(metric(&mut game, "planner/certified"), None);
}

#[test]
fn environments_without_a_model_are_refused() {
    let registry = crate::registry();
    let entry = registry.get("planner").unwrap();
    let spec = |spec: &EnvSpec| entry.info_for(spec, &spec.players[0]);
    let bernoulli = Match::new(&Bernoulli::new(&[0.5, 0.5], 1, 10), "ucb1", &Value::Null, 1);
    let lacks_states = spec(bernoulli.simulator.spec());
    assert!(matches!(lacks_states, Err(AgentError::Unsupported { .. })));
    let refused = |simulator: &Simulator, args: &Value| match entry
        .build(&context(simulator), args)
        .err()
        .unwrap()
    {
        AgentError::Unsupported { reason, .. } => reason,
        error => panic!("{error}"),
    };
    let reason = refused(&bernoulli.simulator, &Value::Null);
    assert!(reason.contains("exact model"), "{reason}");

    let game = play(environment(json!({ "preset": "geo5k2" })), &Value::Null, 1);
    let reason = refused(&game.simulator, &json!({ "planner": "rotation" }));
    assert!(reason.contains("one play a round"), "{reason}");
    let error = entry.build(&context(&game.simulator), &json!({ "planner": "bets" }));
    assert!(error.err().unwrap().to_string().contains("best"));
}
