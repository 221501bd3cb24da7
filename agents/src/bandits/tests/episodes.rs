//! Episodes that begin and end in every way, and games of two players.

use palaestra_envs::sim::{Autoreset, RowPlugin, RowReset, Selection, Simulator};
use serde_json::{Value, json};

use crate::{
    Agent, AgentContext, StepView,
    bandits::testbed::{Bernoulli, Match, context},
};

/// The arms of the rounds that were really played in row 0, under an autoreset mode.
fn arms(mode: Autoreset, id: &str, keep: bool) -> Vec<usize> {
    let env = Bernoulli::new(&[0.2, 0.9, 0.5], 1, 7);
    let builder = Simulator::builder(RowPlugin::new(env)).seed(5);
    let mut simulator = builder.autoreset(mode).build().unwrap();
    simulator.reset().unwrap();
    let registry = crate::registry();
    let args = json!({ "keep_across_episodes": keep });
    let agent = registry.get(id).unwrap().build(&context(&simulator), &args);
    let mut game = Match {
        agent: agent.unwrap(),
        simulator,
    };
    let mut arms = Vec::new();
    while arms.len() < 60 {
        game.step();
        let ended = game.simulator.border().ended(0);
        if ended || game.simulator.border().elapsed[0] > 0 {
            arms.extend(game.played(0));
        }
        if ended && mode == Autoreset::Disabled {
            game.simulator.reset_rows(&[RowReset::next(0)]).unwrap();
        }
    }
    arms
}

#[test]
fn a_learner_lives_through_the_same_episodes_however_they_are_reset() {
    for keep in [false, true] {
        let same_step = arms(Autoreset::SameStep, "ucb1", keep);
        assert_eq!(arms(Autoreset::NextStep, "ucb1", keep), same_step);
        assert_eq!(arms(Autoreset::Disabled, "ucb1", keep), same_step);
        let forgets = (0..8).all(|episode| same_step[7 * episode..][..3] == [0, 1, 2]);
        assert_eq!(forgets, !keep);
    }
}

/// One agent for all players of a game, for 300 steps; its state at the end.
fn play_all_sides(env: &str, id: &str, rows: usize) -> (Simulator, Box<dyn Agent>) {
    let env = palaestra_envs::registry().build(env, &Value::Null).unwrap();
    let mut simulator = Simulator::builder(env).rows(rows).build().unwrap();
    simulator.reset().unwrap();
    let players: Vec<usize> = (0..simulator.spec().players.len()).collect();
    let context = AgentContext {
        players: players.clone(),
        total_steps: 300 * rows as u64,
        ..context(&simulator)
    };
    let args = match id {
        "uniform" => Value::Null,
        _ => json!({ "keep_across_episodes": true }),
    };
    let mut agent = (crate::registry().get(id).unwrap())
        .build(&context, &args)
        .unwrap();
    let all = Selection::all(rows);
    for _ in 0..300 {
        for &player in &players {
            let (view, actions) = simulator.border_mut().act_view(player);
            agent.act(&view, &all, actions).unwrap();
        }
        simulator.step().unwrap();
        for &player in &players {
            let view = StepView {
                player,
                rows: &all,
                border: simulator.border(),
            };
            agent.observe(&view).unwrap();
        }
    }
    (simulator, agent)
}

#[test]
fn games_of_two_players_are_played_row_by_row() {
    for env in ["repeated_matrix_game-v1", "tic_tac_toe-v1", "kuhn_poker-v1"] {
        for id in ["ucb1", "exp3", "thompson_beta", "uniform"] {
            let (many, _) = play_all_sides(env, id, 5);
            let (few, _) = play_all_sides(env, id, 2);
            for player in 0..2 {
                let (a, b) = (many.border().player(player), few.border().player(player));
                for row in 0..2 {
                    assert!(
                        a.action().row_bits_equal(row, b.action(), row),
                        "{env} {id}"
                    );
                }
            }
        }
    }
}
