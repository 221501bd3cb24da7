//! The published instances `spike5` and `step2`, on which every stationary learner loses to uniform play.

use palaestra_envs::bandits::LsdBanditArgs;
use serde_json::{Value, json};

use crate::bandits::testbed::Match;

fn play(preset: &str, id: &str, args: &Value, rows: usize) -> Match {
    let env = LsdBanditArgs {
        preset: Some(preset.into()),
        ..LsdBanditArgs::default()
    };
    Match::lsd(&env, id, args, rows)
}

/// Sum of the expected payoffs of one episode: without noise in payoffs, as the oracle's plays do not depend on
/// them.
#[test]
fn the_oracle_earns_its_exact_value() {
    for (preset, exact) in [("spike5", 548.39), ("step2", 198.00)] {
        let mut game = play(preset, "oracle_greedy", &Value::Null, 1);
        let mut total = 0.0;
        for _ in 0..game.simulator.spec().max_episode_steps.unwrap() {
            game.step();
            let info = &game.simulator.border().info;
            total += info.f64(info.index_of("expected_payoff").unwrap())[0];
        }
        assert!((total - exact).abs() < 0.01, "{preset}: {total}");
    }
}

/// Mean totals over 20 seeds by an independent implementation, and standard deviations of a total: ours over 64
/// rows must agree within 3 standard errors of both.
#[test]
fn learners_earn_what_an_independent_implementation_does() {
    const ROWS: usize = 64;
    let none = Value::Null;
    let discounted = json!({ "discount": 0.99, "xi": 0.5 });
    for (preset, id, args, mean, deviation) in [
        ("spike5", "ucb1", &none, 560.0, 23.0),
        ("spike5", "thompson_beta", &none, 551.0, 26.0),
        ("spike5", "epsilon_greedy", &none, 534.0, 30.0),
        ("spike5", "d_ucb", &discounted, 517.0, 23.0),
        ("spike5", "exp3", &none, 548.0, 23.0),
        ("spike5", "uniform", &none, 617.0, 22.0),
        ("step2", "ucb1", &none, 490.0, 13.0),
        ("step2", "thompson_beta", &none, 323.0, 36.0),
        ("step2", "epsilon_greedy", &none, 335.0, 18.0),
        ("step2", "d_ucb", &discounted, 822.0, 9.0),
        ("step2", "exp3", &none, 496.0, 22.0),
        ("step2", "uniform", &none, 922.0, 18.0),
    ] {
        let mut game = play(preset, id, args, ROWS);
        let mut total = 0.0;
        for _ in 0..game.simulator.spec().max_episode_steps.unwrap() {
            total += game.step().iter().map(|r| f64::from(*r)).sum::<f64>();
        }
        let ours = total / ROWS as f64;
        let error = deviation * (1.0_f64 / 20.0 + 1.0 / ROWS as f64).sqrt();
        assert!(
            (ours - mean).abs() < 3.0 * error,
            "{preset} {id}: {ours}, not {mean}"
        );
    }
}
