//! Learners for arms that recover or tire: published totals, learning, saving, masks, evaluation and errors.

use palaestra_envs::{
    bandits::{LsdBandit, LsdBanditArgs},
    sim::Plugin,
};
use serde_json::{Value, json};

use crate::{
    AgentError, Mode,
    bandits::testbed::{Bernoulli, Match, context},
};

fn preset(id: &str) -> LsdBanditArgs {
    LsdBanditArgs {
        preset: Some(id.into()),
        ..LsdBanditArgs::default()
    }
}

/// Mean total reward of an episode over `rows` rows.
fn mean_total(env: &LsdBanditArgs, id: &str, args: &Value, rows: usize) -> f64 {
    Match::lsd(env, id, args, rows)
        .episode()
        .iter()
        .sum::<f64>()
        / rows as f64
}

/// Ranges around the means over 10 seeds of an independent implementation of the published experiments.
#[test]
fn block_learners_earn_what_was_published() {
    for (env, id, args, low, high) in [
        (
            "spike5",
            "isi_comb_ucb1",
            json!({ "block": 4 }),
            1040.0,
            1120.0,
        ),
        ("spike5", "comb_ucb1", json!({ "block": 3 }), 480.0, 620.0),
        ("spike5", "ucb1", Value::Null, 520.0, 600.0),
        (
            "step2",
            "isi_comb_ucb1",
            json!({ "block": 11 }),
            1240.0,
            1340.0,
        ),
        ("step2", "comb_ucb1", json!({ "block": 10 }), 1350.0, 1460.0),
        ("step2", "ucb1", Value::Null, 460.0, 520.0),
    ] {
        let total = mean_total(&preset(env), id, &args, 10);
        assert!((low..=high).contains(&total), "{env} {id}: {total}");
        if (env, id) == ("spike5", "isi_comb_ucb1") {
            assert!(total >= 1.7 * 548.39, "{total} against oracle greedy");
        }
    }
}

/// The released run of one seed earned 464 and 757; ours have means 473 and 744 and standard deviations 20 and 12, so
/// that three of these include them.
#[test]
fn calibrated_blocks_earn_what_was_published() {
    for (order, published, deviation) in [
        ([0, 1, 2, 3, 4], 464.0, 20.0),
        ([4, 3, 2, 1, 0], 757.0, 12.0),
    ] {
        let args = json!({ "block": 3, "order": order });
        let total = mean_total(&preset("spike5"), "calibrated_comb_ucb1", &args, 10);
        let allowed = 3.0 * f64::sqrt(1.1) * deviation;
        assert!((total - published).abs() < allowed, "{order:?}: {total}");
    }
}

/// 16 rows; measured means stand behind each line. The standard error of each is below 1.5% of the reference.
#[test]
fn learners_earn_more_than_references_that_ignore_states() {
    let none = Value::Null;
    for (env, id, args, reference, factor) in [
        ("block244", "ucb_greedy", &none, "uniform", 2.1), // 716 against 310
        ("block244", "ucb_greedy", &none, "ucb1", 2.2),    // 716 against 292
        ("block236", "ucb_z", &none, "uniform", 1.6),      // 652 against 371
        ("block236", "ucb_z", &none, "ucb1", 1.5),         // 652 against 398
        ("step2", "ranking_learner", &none, "uniform", 1.6), // 1535 against 915
        ("geo5k2", "ranking_learner", &none, "ucb1", 1.15), // 1110 against 905
        ("pb_log10", "rgp_ucb", &none, "uniform", 1.75),   // 440 against 238
        ("pb_log10", "rgp_ucb", &none, "ucb1", 1.13),      // 440 against 378
        ("pb_log10", "rgp_ts", &none, "ucb1", 1.2),        // 469 against 378
        ("log3", "rgp_ts", &json!({ "lookahead": 2 }), "ucb1", 1.35), // 627 against 432
        (
            "pb_gamma10",
            "rgp_ucb",
            &json!({ "lookahead": 4 }),
            "rgp_ucb",
            1.07,
        ), // 164 against 147
        ("geo5k2", "rgp_ucb", &none, "uniform", 1.15),     // 1261 against 1043
        ("spike5", "state_aware", &none, "uniform", 2.2),  // 1492 against 608
        ("geo5k2", "state_aware", &none, "uniform", 1.1),  // 1215 against 1043
        ("geo5k2", "comb_ucb1", &none, "uniform", 1.1),    // 1210 against 1043
        ("lin4", "isi_comb_ucb1", &none, "ucb1", 1.15),    // 640 against 508
        (
            "step2",
            "comb_ucb1",
            &json!({ "block": 10, "use_caps": true }),
            "uniform",
            1.65,
        ), // 1596
    ] {
        let total = mean_total(&preset(env), id, args, 16);
        let other = mean_total(&preset(env), reference, &none, 16);
        assert!(
            total > factor * other,
            "{env} {id}: {total} against {other} of {reference}"
        );
    }
}

/// With the arms' means known well, the myopic learner earns nearly what oracle greedy does: 716 against 720.
#[test]
fn ucb_greedy_approaches_oracle_greedy_on_blocking_arms() {
    for mask_unavailable in [false, true] {
        let env = LsdBanditArgs {
            mask_unavailable,
            ..preset("block244")
        };
        let total = mean_total(&env, "ucb_greedy", &Value::Null, 16);
        let greedy = mean_total(&env, "oracle_greedy", &Value::Null, 16);
        assert!(total > 0.96 * greedy, "{total} against {greedy}");
    }
}

#[test]
fn every_index_policy_learns_the_states_of_arms() {
    let uniform = mean_total(&preset("block236"), "uniform", &Value::Null, 16);
    for policy in POLICIES {
        let args = json!({ "policy": { "id": policy } });
        let total = mean_total(&preset("block236"), "state_aware", &args, 16);
        assert!(total > 1.1 * uniform, "{policy}: {total} against {uniform}");
    }
}

/// What `state_aware` can run.
const POLICIES: [&str; 9] = [
    "ucb1",
    "kl_ucb",
    "thompson_beta",
    "thompson_gaussian",
    "d_ucb",
    "sw_ucb",
    "epsilon_greedy",
    "exp3",
    "exp3_ix",
];

/// Every learner of this kind with the arguments that change what it does; those that plan ahead play one arm a round.
fn learners(plays: usize) -> Vec<(&'static str, Value)> {
    let mut learners = vec![
        ("isi_comb_ucb1", Value::Null),
        ("comb_ucb1", Value::Null),
        ("comb_ucb1", json!({ "use_caps": true, "block": 3 })),
        ("calibrated_comb_ucb1", json!({ "block": 2 })),
        // Nothing tells the horizon: blocks grow.
        ("isi_comb_ucb1", json!({ "keep_across_episodes": true })),
        ("ucb_greedy", Value::Null),
        ("ranking_learner", Value::Null),
        ("ucb_z", Value::Null),
        ("rgp_ucb", Value::Null),
        ("rgp_ts", Value::Null),
        (
            "state_aware",
            json!({ "policy": { "id": "thompson_beta" } }),
        ),
    ];
    if plays == 1 {
        learners.push(("rgp_ucb", json!({ "lookahead": 3 })));
        learners.push(("rgp_ts", json!({ "lookahead": 3 })));
    }
    learners
}

/// One play exactly, at most one, several; states that saturate, tire and come round again.
fn environments() -> Vec<(usize, LsdBanditArgs)> {
    let mut several = preset("log3");
    (several.plays, several.exact) = (Some(2), Some(true));
    let mut masked = preset("block244");
    masked.mask_unavailable = true;
    let mut hidden = preset("sea3");
    hidden.hide_state = true;
    let mut short = preset("geo5k2");
    short.horizon = Some(40);
    vec![
        (1, preset("spike5")),
        (2, several),
        (1, masked),
        (1, hidden),
        (2, short),
    ]
}

/// What each row played in each of `rounds` rounds.
fn history(game: &mut Match, rounds: usize) -> Vec<Vec<Vec<usize>>> {
    let rows = game.simulator.rows();
    let mut history = vec![Vec::new(); rows];
    for _ in 0..rounds {
        game.step();
        (0..rows).for_each(|row| history[row].push(game.played(row)));
    }
    history
}

#[test]
fn they_pass_what_every_agent_should() {
    let registry = crate::registry();
    for (plays, env) in environments() {
        for (id, args) in learners(plays) {
            let make = || Ok(Box::new(LsdBandit::new(&env)?) as Box<dyn Plugin>);
            let report = crate::conformance::check(registry.get(id).unwrap(), &args, make);
            assert_eq!(report.checks.len(), 3, "{id} {args}: {report:?}");
            assert!(report.passed(), "{id} {args}: {report:?}");
        }
    }
}

#[test]
fn rows_do_not_depend_on_the_batch() {
    for (plays, env) in environments() {
        for (id, args) in learners(plays) {
            let many = history(&mut Match::lsd(&env, id, &args, 4), 90);
            let few = history(&mut Match::lsd(&env, id, &args, 1), 90);
            assert_eq!(few[..], many[..1], "{id} {args}");
        }
    }
}

#[test]
fn saved_in_mid_run_they_go_on_the_same() {
    for (plays, env) in environments() {
        for (id, args) in learners(plays) {
            let mut game = Match::lsd(&env, id, &args, 2);
            history(&mut game, 71);
            let state = game.agent.save().unwrap();
            let rows: Vec<_> = (0..2)
                .map(|row| game.simulator.save_row(row).unwrap())
                .collect();
            let straight = history(&mut game, 80);
            let mut again = Match::lsd(&env, id, &args, 2);
            again.agent.load(&state).unwrap();
            assert_eq!(again.agent.save().unwrap(), state, "{id} {args}");
            for (row, bytes) in rows.iter().enumerate() {
                again.simulator.load_row(row, bytes).unwrap();
            }
            assert_eq!(history(&mut again, 80), straight, "{id} {args}");
            assert_eq!(
                again.agent.save().unwrap(),
                game.agent.save().unwrap(),
                "{id} {args}"
            );
        }
    }
}

#[test]
fn a_new_episode_is_a_new_problem_unless_memory_is_kept() {
    let env = LsdBanditArgs {
        horizon: Some(40),
        noise: Some(palaestra_envs::bandits::NoiseConfig::None),
        ..preset("spike5")
    };
    // Payoffs do not vary and these draw nothing at random, so that equal problems are played equally.
    for (id, args) in learners(1)
        .into_iter()
        .filter(|learner| !["rgp_ts", "state_aware"].contains(&learner.0))
    {
        let keeps = args.get("keep_across_episodes").is_some();
        let played = history(&mut Match::lsd(&env, id, &args, 1), 80).remove(0);
        assert_eq!(played[..40] == played[40..], !keeps, "{id} {args}");
    }
}

#[test]
fn evaluation_leaves_memory_as_it_is() {
    for (plays, env) in environments() {
        for (id, args) in learners(plays) {
            let mut game = Match::lsd(&env, id, &args, 2);
            history(&mut game, 65);
            let before = game.agent.save().unwrap();
            game.agent.set_mode(Mode::Evaluate);
            history(&mut game, 50);
            assert_eq!(game.agent.save().unwrap(), before, "{id} {args}");
        }
    }
}

/// Learned for one episode of `step2`, then shown without exploring, for one more: alternating pays 0.5 a round.
#[test]
fn what_was_learned_is_shown_in_evaluation() {
    for (id, args, least) in [
        ("comb_ucb1", json!({ "block": 4 }), 0.45),
        ("isi_comb_ucb1", json!({ "block": 4 }), 0.45),
        ("calibrated_comb_ucb1", json!({ "block": 4 }), 0.45),
        ("ranking_learner", Value::Null, 0.45),
        ("rgp_ucb", json!({ "lookahead": 4 }), 0.45),
    ] {
        let mut game = Match::lsd(&preset("step2"), id, &args, 4);
        history(&mut game, 3000);
        game.agent.set_mode(Mode::Evaluate);
        let mut total = 0.0;
        for _ in 0..200 {
            total += game
                .step()
                .iter()
                .map(|reward| f64::from(*reward))
                .sum::<f64>();
        }
        assert!(total / 800.0 > least, "{id}: {}", total / 800.0);
    }
}

#[test]
fn arms_of_unknown_recovery_are_refused_with_a_way_out() {
    let game = Match::new(&Bernoulli::new(&[0.5; 3], 1, 9), "uniform", &Value::Null, 1);
    let context = context(&game.simulator);
    for (id, args) in learners(1) {
        let built = crate::registry().get(id).unwrap().build(&context, &args);
        if id == "ranking_learner" {
            assert!(built.is_ok(), "it needs no states");
            continue;
        }
        let error = built.err().unwrap();
        assert!(
            matches!(error, AgentError::Unsupported { .. }),
            "{id}: {error}"
        );
        let text = error.to_string();
        assert!(
            text.contains("`lsd_bandit-v1`") && text.contains("`ucb1`"),
            "{text}"
        );
    }
}

#[test]
fn what_they_cannot_do_is_said() {
    let game = |env: &LsdBanditArgs| Match::lsd(env, "uniform", &Value::Null, 1).simulator;
    let one = context(&game(&preset("spike5")));
    let two = context(&game(&preset("geo5k2")));
    let many = context(&game(&preset("big200_10")));
    for (context, id, args, message) in [
        (
            &two,
            "rgp_ucb",
            json!({ "lookahead": 2 }),
            "only with one play a round, and here are 2; set `lookahead` to 1",
        ),
        (
            &one,
            "rgp_ts",
            json!({ "lookahead": 0 }),
            "`lookahead`: 0 is not in 1..=64",
        ),
        (
            &one,
            "rgp_ucb",
            json!({ "length_scale": 0.0 }),
            "`length_scale`: 0 is not above 0",
        ),
        (
            &one,
            "rgp_ucb",
            json!({ "noise_variance": -1.0 }),
            "`noise_variance`: -1 is not above 0",
        ),
        (
            &one,
            "rgp_ucb",
            json!({ "max_nodes": 0 }),
            "`max_nodes`: 0 is not at least 1",
        ),
        (
            &one,
            "isi_comb_ucb1",
            json!({ "block": 1 }),
            "`block`: 1 rounds are not at least 2",
        ),
        (
            &one,
            "comb_ucb1",
            json!({ "block": 30 }),
            "`block`: block_oracle: ",
        ),
        (
            &many,
            "comb_ucb1",
            Value::Null,
            "sets of arms are above the limit",
        ),
        (
            &one,
            "comb_ucb1",
            json!({ "exploration": -1.0 }),
            "`exploration`: -1 is not at least 0",
        ),
        (
            &one,
            "calibrated_comb_ucb1",
            json!({ "order": [0, 1, 2, 2, 4] }),
            "`order`: must name each of the arms 0..=4 once",
        ),
        (
            &one,
            "ucb_greedy",
            json!({ "exploration": -1.0 }),
            "`exploration`: -1 is not at least 0",
        ),
        (
            &one,
            "ucb_z",
            json!({ "variance": -1.0 }),
            "`variance`: -1 is not at least 0",
        ),
        (
            &one,
            "ranking_learner",
            json!({ "confidence": 0.0 }),
            "`confidence`: 0 is not above 0",
        ),
        (
            &one,
            "state_aware",
            json!({ "policy": { "id": "ucb1", "exploration": -1.0 } }),
            "`policy.exploration`: -1 is not at least 0",
        ),
        (
            &one,
            "state_aware",
            json!({ "policy": { "id": "ucb1", "exploratoin": 1.0 } }),
            "unknown field `exploratoin`",
        ),
    ] {
        let built = crate::registry().get(id).unwrap().build(context, &args);
        let error = built.err().unwrap().to_string();
        assert!(error.contains(message), "{id}: {error}");
    }
}
