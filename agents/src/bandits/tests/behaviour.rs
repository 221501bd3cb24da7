//! Masks, saving, batches, episodes, evaluation, feedback and errors.

use palaestra_envs::{
    sim::{ActView, Selection, Simulator},
    space::{BoxSpace, Column, ColumnData, Columns, DType, Space},
};
use serde_json::{Value, json};

use crate::{
    AgentError, Mode,
    bandits::{
        MEANS,
        testbed::{Bernoulli, Match, context},
    },
};

/// Every policy that needs no privileged information.
const POLICIES: [&str; 12] = [
    "d_ucb",
    "epsilon_greedy",
    "exp3",
    "exp3_ix",
    "fixed",
    "kl_ucb",
    "round_robin",
    "sw_ucb",
    "thompson_beta",
    "thompson_gaussian",
    "ucb1",
    "uniform",
];

fn one_play() -> Bernoulli {
    Bernoulli::new(&[0.3, 0.7, 0.5, 0.6], 1, 40)
}

fn two_plays() -> Bernoulli {
    Bernoulli::new(&[0.3, 0.7, 0.5, 0.6], 2, 40)
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
fn rows_do_not_depend_on_the_batch() {
    for env in [one_play(), two_plays()] {
        for id in POLICIES {
            let many = history(&mut Match::new(&env, id, &Value::Null, 7), 90);
            for rows in [1, 3] {
                let few = history(&mut Match::new(&env, id, &Value::Null, rows), 90);
                assert_eq!(few[..], many[..rows], "{id}");
            }
        }
    }
}

#[test]
fn saved_in_mid_run_a_policy_goes_on_the_same() {
    for env in [one_play(), two_plays()] {
        for id in POLICIES {
            let args = match id {
                "sw_ucb" => json!({ "window": 9 }),
                _ => Value::Null,
            };
            let mut game = Match::new(&env, id, &args, 3);
            history(&mut game, 55);
            let state = game.agent.save().unwrap();
            let rows: Vec<Vec<u8>> = (0..3)
                .map(|r| game.simulator.save_row(r).unwrap())
                .collect();
            let straight = history(&mut game, 60);
            let mut again = Match::new(&env, id, &args, 3);
            again.agent.load(&state).unwrap();
            for (row, bytes) in rows.iter().enumerate() {
                again.simulator.load_row(row, bytes).unwrap();
            }
            assert_eq!(history(&mut again, 60), straight, "{id}");
            assert_eq!(
                again.agent.save().unwrap(),
                game.agent.save().unwrap(),
                "{id}"
            );

            let mut other = Match::new(&env, id, &args, 4);
            assert!(
                matches!(other.agent.load(&state), Err(AgentError::State { .. })),
                "{id}"
            );
            assert!(other.agent.load(&state[..state.len() / 2]).is_err(), "{id}");
        }
    }
}

#[test]
fn saved_state_of_other_arms_is_refused() {
    let state = Match::new(&one_play(), "ucb1", &Value::Null, 2)
        .agent
        .save()
        .unwrap();
    let env = Bernoulli::new(&[0.5; 5], 1, 40);
    let error = Match::new(&env, "ucb1", &Value::Null, 2).agent.load(&state);
    assert!(error.unwrap_err().to_string().contains("other arms"));
}

#[test]
fn an_episode_is_a_new_problem_unless_memory_is_kept() {
    // Arm 2 always pays and the others never do, so that a learner with memory plays it at once.
    let env = Bernoulli::new(&[0.0, 0.0, 1.0], 1, 30);
    for (keep, first) in [(false, 0), (true, 2)] {
        let args = json!({ "keep_across_episodes": keep, "exploration": 0.01 });
        let mut game = Match::new(&env, "ucb1", &args, 2);
        history(&mut game, 30);
        let next = history(&mut game, 3);
        assert_eq!(next[1][0], [first], "{keep}");
    }
}

#[test]
fn evaluation_is_greedy_and_changes_nothing_learned() {
    let env = Bernoulli::new(&[0.05, 0.95, 0.05], 1, 400);
    for id in POLICIES {
        let mut game = Match::new(&env, id, &Value::Null, 2);
        history(&mut game, 300);
        let before = game.agent.save().unwrap();
        game.agent.set_mode(Mode::Evaluate);
        // Beyond the end of the episode: knowledge must outlive it here.
        let shown = history(&mut game, 200);
        if !["fixed", "uniform", "round_robin"].contains(&id) {
            assert!(
                shown[0].iter().all(|arms| arms[..] == [1]),
                "{id}: {shown:?}"
            );
            assert_eq!(game.agent.save().unwrap(), before, "{id}");
        }
    }
}

#[test]
fn masks_are_respected() {
    for plays in [1, 2] {
        let mut env = Bernoulli::new(&[0.9, 0.1, 0.2, 0.3], plays, 40);
        env.mask = vec![0, 1, 0, 1];
        for id in POLICIES {
            // The simulator refuses masked actions.
            let played = history(&mut Match::new(&env, id, &Value::Null, 2), 50);
            let allowed = |arms: &Vec<usize>| arms.iter().all(|arm| [1, 3].contains(arm));
            assert!(played[0].iter().all(allowed), "{id}");
            assert!(played[0].iter().all(|arms| arms.len() == plays), "{id}");
        }
    }
}

#[test]
fn idling_is_for_masks_that_leave_no_arm() {
    let mut env = one_play();
    env.idle = true;
    for id in POLICIES {
        let played = history(&mut Match::new(&env, id, &Value::Null, 1), 60);
        assert!(played[0].iter().all(|arms| arms[0] < 4), "{id}");
    }
    env.mask = vec![0, 0, 0, 0, 1];
    for id in POLICIES {
        let played = history(&mut Match::new(&env, id, &Value::Null, 1), 20);
        assert!(played[0].iter().all(|arms| arms[..] == [4]), "{id}");
    }
}

#[test]
fn a_mask_that_allows_too_little_is_an_error() {
    let mut env = two_plays();
    env.mask = vec![0, 0, 1, 0];
    let mut game = Match::new(&env, "ucb1", &Value::Null, 1);
    let rows = Selection::all(1);
    let (view, actions) = game.simulator.border_mut().act_view(0);
    let error = game.agent.act(&view, &rows, actions).unwrap_err();
    assert!(error.to_string().contains("too few arms"), "{error}");
}

#[test]
fn references_play_what_they_say() {
    let plays = |id: &str, args: Value| {
        let mut game = Match::new(&two_plays(), id, &args, 1);
        history(&mut game, 4).remove(0)
    };
    assert_eq!(
        plays("fixed", json!({ "arms": [3, 1] })),
        vec![vec![1, 3]; 4]
    );
    assert_eq!(
        plays("round_robin", Value::Null),
        [[0, 1], [2, 3], [0, 1], [2, 3]]
    );
    let mut env = one_play();
    env.mask = vec![1, 1, 0, 1];
    let mut game = Match::new(&env, "round_robin", &Value::Null, 1);
    assert_eq!(history(&mut game, 5)[0], [[0], [1], [3], [3], [0]]);
}

/// The means as an environment would tell them, beside buffers to act on.
fn oracle_choice(env: &Bernoulli, means: &[f64]) -> Vec<usize> {
    let mut game = Match::new(env, "uniform", &Value::Null, 1);
    let mut spec = (**game.simulator.spec()).clone();
    let n = means.len();
    let mut field = spec.info[0].clone();
    field.name = MEANS.into();
    spec.info.push(field);
    let mut context = context(&game.simulator);
    context.env = std::sync::Arc::new(spec);
    let registry = crate::registry();
    let entry = registry.get("oracle_greedy").unwrap();
    assert_eq!(
        entry.info_for(&context.env, context.player()).unwrap(),
        [MEANS]
    );
    let mut agent = entry.build(&context, &Value::Null).unwrap();
    let told = Column {
        name: MEANS.into(),
        width: n,
        data: ColumnData::F64(means.to_vec().into()),
    };
    let info = Columns::new(1, vec![told]);
    let (view, actions) = game.simulator.border_mut().act_view(0);
    let view = ActView {
        info: &info,
        ..view
    };
    agent.act(&view, &Selection::all(1), actions).unwrap();
    game.played(0)
}

#[test]
fn the_oracle_plays_the_largest_means_and_skips_zeros_if_it_may() {
    let mut env = one_play();
    assert_eq!(oracle_choice(&env, &[0.2, 0.9, 0.9, 0.1]), [1]);
    assert_eq!(oracle_choice(&env, &[0.0; 4]), [0]);
    env.idle = true;
    assert_eq!(oracle_choice(&env, &[0.0; 4]), [4]);
    let mut env = two_plays();
    assert_eq!(oracle_choice(&env, &[0.2, 0.9, 0.2, 0.2]), [0, 1]);
    assert_eq!(oracle_choice(&env, &[0.0, 0.0, 0.5, 0.0]), [0, 2]);
    env.idle = true;
    assert_eq!(oracle_choice(&env, &[0.0, 0.0, 0.5, 0.0]), [2]);
    assert_eq!(oracle_choice(&env, &[0.0; 4]), [0; 0]);
}

#[test]
fn the_oracle_needs_the_means() {
    let simulator = Match::new(&one_play(), "uniform", &Value::Null, 1).simulator;
    let registry = crate::registry();
    let entry = registry.get("oracle_greedy").unwrap();
    let context = context(&simulator);
    let error = entry.info_for(&context.env, context.player()).unwrap_err();
    assert!(error.to_string().contains("`privileged.means`"), "{error}");
    let error = entry.build(&context, &Value::Null).err().unwrap();
    assert!(error.to_string().contains("`privileged.means`"), "{error}");
}

#[test]
fn payoffs_are_asked_for_only_where_several_arms_are_played() {
    let registry = crate::registry();
    let entry = registry.get("ucb1").unwrap();
    for (env, info) in [(one_play(), 0), (two_plays(), 1)] {
        let spec = palaestra_envs::sim::Environment::spec(&env);
        assert_eq!(entry.info_for(&spec, &spec.players[0]).unwrap().len(), info);
    }
}

#[test]
fn every_policy_plays_cartpole() {
    let env = palaestra_envs::registry()
        .build("cartpole-v1", &Value::Null)
        .unwrap();
    let mut simulator = Simulator::builder(env).rows(4).build().unwrap();
    simulator.reset().unwrap();
    for id in POLICIES {
        let registry = crate::registry();
        let agent = registry
            .get(id)
            .unwrap()
            .build(&context(&simulator), &Value::Null);
        let mut game = Match {
            agent: agent.unwrap(),
            simulator,
        };
        history(&mut game, 60);
        let mut metrics = Vec::new();
        game.agent
            .metrics(&mut |name, value| metrics.push((name.to_owned(), value)));
        assert!(
            metrics.iter().all(|(_, value)| value.is_finite()),
            "{id}: {metrics:?}"
        );
        simulator = game.simulator;
    }
}

#[test]
fn other_action_spaces_are_refused() {
    let simulator = Match::new(&one_play(), "uniform", &Value::Null, 1).simulator;
    let mut context = context(&simulator);
    let mut spec = (*context.env).clone();
    spec.players[0].action = Space::Box(BoxSpace {
        dtype: DType::Float32,
        shape: vec![1],
        low: vec![0.0],
        high: vec![1.0],
    });
    context.env = std::sync::Arc::new(spec);
    for id in POLICIES {
        let built = crate::registry()
            .get(id)
            .unwrap()
            .build(&context, &Value::Null);
        assert!(matches!(built, Err(AgentError::Unsupported { .. })), "{id}");
    }
}

#[test]
fn wrong_arguments_are_named() {
    let simulator = Match::new(&one_play(), "uniform", &Value::Null, 1).simulator;
    let context = context(&simulator);
    for (id, args, message) in [
        (
            "ucb1",
            json!({ "exploration": -1.0 }),
            "`exploration`: -1 is not at least 0",
        ),
        (
            "ucb1",
            json!({ "reward_range": [1.0, 0.0] }),
            "`reward_range`: [1, 0] is no range",
        ),
        (
            "kl_ucb",
            json!({ "c": -0.5 }),
            "`c`: -0.5 is not at least 0",
        ),
        (
            "exp3",
            json!({ "gamma": 1.5 }),
            "`gamma`: 1.5 is not within [0, 1]",
        ),
        ("exp3", json!({ "horizon": 0 }), "`horizon`: 0 is not"),
        ("exp3_ix", json!({ "eta": 0.0 }), "`eta`: 0 is not above 0"),
        (
            "d_ucb",
            json!({ "discount": 1.01 }),
            "`discount`: 1.01 is not above 0 and at most 1",
        ),
        (
            "sw_ucb",
            json!({ "window": 0 }),
            "`window`: 0 rounds are not at least 1",
        ),
        (
            "epsilon_greedy",
            json!({ "epsilon": 2.0 }),
            "`epsilon`: 2 is not within [0, 1]",
        ),
        (
            "fixed",
            json!({ "arms": [4] }),
            "`arms[0]`: 4 is not one of the arms 0..=3",
        ),
        (
            "fixed",
            json!({ "arms": [1, 2] }),
            "`arms`: 2 arms cannot be played at once",
        ),
        (
            "thompson_gaussian",
            json!({ "sigma": -2.0 }),
            "`sigma`: -2 is not at least 0",
        ),
    ] {
        let built = crate::registry().get(id).unwrap().build(&context, &args);
        let error = built.err().unwrap().to_string();
        assert!(error.starts_with(message), "{id}: {error}");
    }
}

#[test]
fn learners_tuned_to_a_horizon_ask_for_it_where_none_is_known() {
    let simulator = Match::new(&one_play(), "uniform", &Value::Null, 2).simulator;
    let mut context = context(&simulator);
    let mut spec = (*context.env).clone();
    spec.max_episode_steps = None;
    context.env = std::sync::Arc::new(spec);
    let registry = crate::registry();
    for id in ["exp3", "exp3_ix", "d_ucb", "sw_ucb"] {
        let entry = registry.get(id).unwrap();
        let error = entry.build(&context, &Value::Null).err().unwrap();
        assert!(
            error.to_string().starts_with("`horizon`: must be given"),
            "{error}"
        );
        assert!(entry.build(&context, &json!({ "horizon": 100 })).is_ok());
        context.total_steps = 200;
        assert!(entry.build(&context, &Value::Null).is_ok());
        context.total_steps = 0;
    }
}
