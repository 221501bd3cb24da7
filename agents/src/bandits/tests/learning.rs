//! Every learner does better than chance on an easy problem.

use serde_json::{Value, json};

use crate::bandits::testbed::{Bernoulli, Match};

const ROWS: usize = 16;

/// Mean total reward of a row over `rounds` rounds.
fn mean_total(env: &Bernoulli, id: &str, args: &Value) -> f64 {
    let mut game = Match::new(env, id, args, ROWS);
    let mut total = 0.0;
    for _ in 0..env.horizon {
        total += game.step().iter().map(|r| f64::from(*r)).sum::<f64>();
    }
    total / ROWS as f64
}

const LEARNERS: [&str; 9] = [
    "ucb1",
    "kl_ucb",
    "thompson_beta",
    "thompson_gaussian",
    "exp3",
    "exp3_ix",
    "d_ucb",
    "sw_ucb",
    "epsilon_greedy",
];

/// Three arms with means 0.8, 0.5, 0.2: the uniform policy loses 0.3 a round against the best arm. Standard errors
/// are below 6, a tenth of the margin asked for.
#[test]
fn learners_regret_less_than_the_uniform_policy() {
    let env = Bernoulli::new(&[0.2, 0.8, 0.5], 1, 600);
    let best = 0.8 * 600.0;
    let uniform = best - mean_total(&env, "uniform", &Value::Null);
    assert!((uniform - 180.0).abs() < 20.0, "{uniform}");
    for id in LEARNERS {
        let regret = best - mean_total(&env, id, &Value::Null);
        assert!(regret < uniform - 60.0, "{id}: {regret} against {uniform}");
    }
    for id in ["ucb1", "kl_ucb", "thompson_beta", "epsilon_greedy"] {
        let regret = best - mean_total(&env, id, &Value::Null);
        assert!(regret < 0.4 * uniform, "{id}: {regret} against {uniform}");
    }
    let falling = best - mean_total(&env, "epsilon_greedy", &json!({ "decay": 5.0 }));
    assert!(falling < 0.4 * uniform, "{falling}");
}

/// Two of five arms: the best pair pays 1.5 a round, a uniform one 0.88.
#[test]
fn learners_of_several_plays_regret_less_than_the_uniform_policy() {
    let env = Bernoulli::new(&[0.2, 0.8, 0.4, 0.7, 0.1], 2, 600);
    let best = 1.5 * 600.0;
    let uniform = best - mean_total(&env, "uniform", &Value::Null);
    assert!((uniform - 372.0).abs() < 30.0, "{uniform}");
    for id in LEARNERS {
        let regret = best - mean_total(&env, id, &Value::Null);
        assert!(regret < uniform - 100.0, "{id}: {regret} against {uniform}");
    }
}
