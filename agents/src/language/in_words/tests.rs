//! One policy, two forms of a game: what is seen, chosen, earned and learned is the same.

use palaestra_envs::{registry::Registry, sim::Simulator};
use serde_json::{Value, json};

use super::*;
use crate::{conformance, registry};

const ROWS: usize = 4;

fn environments() -> Registry {
    let mut registry = Registry::default();
    palaestra_envs::language::register(&mut registry);
    registry
}

/// A learner with a network that is built and trained in no time.
fn small() -> Value {
    json!({
        "core": "gru", "encoder": [8], "heads": [8], "rollout": 16, "epochs": 2, "minibatches": 2, "lr": 1e-2,
    })
}

/// A game, with a learner for all seats or, where these differ, for each.
struct Play {
    simulator: Simulator,
    agents: Vec<(Vec<usize>, Box<dyn Agent>)>,
}

impl Play {
    fn new(env: &str, args: &Value) -> Self {
        let builder = Simulator::builder(environments().build(env, args).unwrap());
        let mut simulator = builder.rows(ROWS).seed(8).build().unwrap();
        simulator.reset().unwrap();
        let numbers = numbers(simulator.spec()).map_or(simulator.spec().clone(), |n| n.0);
        let alike = numbers.players[0].action == numbers.players[1].action;
        let seats = if alike {
            vec![vec![0, 1]]
        } else {
            vec![vec![0], vec![1]]
        };
        let agents = seats.into_iter().map(|players| {
            let context = AgentContext {
                env: simulator.spec().clone(),
                players: players.clone(),
                rows: ROWS,
                seed: 21,
                total_steps: 1000,
            };
            let agent = registry().get("ppo").unwrap().build(&context, &small());
            (players, agent.unwrap())
        });
        Self {
            agents: agents.collect(),
            simulator,
        }
    }

    fn step(&mut self) {
        let rows = Selection::all(ROWS);
        for (players, agent) in &mut self.agents {
            for &player in &*players {
                let (view, actions) = self.simulator.border_mut().act_view(player);
                agent.act(&view, &rows, actions).unwrap();
            }
        }
        self.simulator.step().unwrap();
        for (players, agent) in &mut self.agents {
            for &player in &*players {
                let view = StepView {
                    player,
                    rows: &rows,
                    border: self.simulator.border(),
                };
                agent.observe(&view).unwrap();
            }
        }
    }

    /// What players see and get.
    fn seen(&self) -> Vec<f32> {
        let players = self.simulator.border().players.iter();
        players
            .flat_map(|p| [p.observation().f32(0), &p.reward[..]].concat())
            .collect()
    }
}

fn games() -> Vec<(&'static str, Value)> {
    vec![
        (
            "bargaining",
            json!({ "messages": true, "rounds": 6, "walk_away": true }),
        ),
        ("bargaining", json!({ "offers": 7, "money": 1000.0 })),
        ("bargaining", json!({ "config": "published" })),
        ("negotiation", json!({ "messages": true, "rounds": 5 })),
        (
            "negotiation",
            json!({ "config": "published", "offers": 11 }),
        ),
        ("persuasion", json!({ "rounds": 5 })),
        (
            "persuasion",
            json!({ "rounds": 4, "seller_message": "text", "myopic": true }),
        ),
        ("persuasion", json!({ "config": "published" })),
    ]
}

/// Three updates are among the steps, so the parameters would soon tell of any difference.
#[test]
fn a_learner_plays_and_learns_the_same_in_numbers_and_in_words() {
    for (game, args) in games() {
        let mut numbers = Play::new(&format!("glee_{game}-v1"), &args);
        let mut words = Play::new(&format!("glee_{game}_text-v1"), &args);
        for step in 0..60 {
            assert_eq!(words.seen(), numbers.seen(), "{game} {args}, step {step}");
            numbers.step();
            words.step();
        }
        for ((_, words), (_, numbers)) in words.agents.iter_mut().zip(&mut numbers.agents) {
            assert!(
                words.save().unwrap() == numbers.save().unwrap(),
                "{game} {args}"
            );
        }
    }
}

/// What was learned in numbers, by both players in several games at once, plays one seat of one game in words.
#[test]
fn what_was_learned_in_numbers_plays_in_words() {
    let args = json!({ "rounds": 6 });
    let mut school = Play::new("glee_bargaining-v1", &args);
    (0..64).for_each(|_| school.step());
    let learned = school.agents[0].1.save().unwrap();

    let play = |env: &str| {
        let builder = Simulator::builder(environments().build(env, &args).unwrap());
        let mut simulator = builder.seed(2).build().unwrap();
        simulator.reset().unwrap();
        let mut agents: Vec<Box<dyn Agent>> = (0..2)
            .map(|player| {
                let context = AgentContext {
                    env: simulator.spec().clone(),
                    players: vec![player],
                    rows: 1,
                    seed: 3,
                    total_steps: 0,
                };
                let mut agent = registry()
                    .get("ppo")
                    .unwrap()
                    .build(&context, &small())
                    .unwrap();
                agent.adopt(&learned).unwrap();
                agent.set_mode(Mode::Evaluate);
                agent
            })
            .collect();
        let mut moves = Vec::new();
        for _ in 0..30 {
            for (player, agent) in agents.iter_mut().enumerate() {
                let (view, actions) = simulator.border_mut().act_view(player);
                agent.act(&view, &Selection::all(1), actions).unwrap();
            }
            simulator.step().unwrap();
            moves
                .extend((0..2).map(|p| simulator.border().player(p).observation().f32(0).to_vec()));
        }
        moves
    };
    let words = play("glee_bargaining_text-v1");
    assert!(words == play("glee_bargaining-v1"));
    let all = |a: &Vec<f32>| a == &words[0];
    assert!(!words.iter().all(all), "nothing happened");
}

#[test]
fn learners_in_words_pass_the_checks_of_all_agents() {
    let agents = registry();
    for game in ["bargaining", "negotiation", "persuasion"] {
        let build =
            || environments().build(&format!("glee_{game}_text-v1"), &json!({ "rounds": 4 }));
        let mut args = small();
        args["minibatches"] = 3.into();
        let report = conformance::check(agents.get("ppo").unwrap(), &args, build);
        assert!(report.passed(), "{game}: {report:?}");
    }
}

#[test]
fn a_seat_that_does_not_see_the_numbers_is_refused() {
    let plugin = environments().build("glee_bargaining_text-v1", &Value::Null);
    let simulator = Simulator::builder(plugin.unwrap()).build().unwrap();
    let mut env = EnvSpec::clone(simulator.spec());
    env.players[0].observation = palaestra_envs::space::Space::text(10);
    let context = AgentContext {
        env: env.into(),
        players: vec![0],
        rows: 4,
        seed: 0,
        total_steps: 10,
    };
    let refused = registry().get("ppo").unwrap().build(&context, &small());
    let refused = refused
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(refused.contains("`expects`"), "{refused}");
}

#[test]
fn a_seller_who_speaks_and_a_buyer_are_two_agents() {
    let args = json!({ "seller_message": "text" });
    let plugin = environments().build("glee_persuasion_text-v1", &args);
    let simulator = Simulator::builder(plugin.unwrap()).build().unwrap();
    let context = AgentContext {
        env: simulator.spec().clone(),
        players: vec![0, 1],
        rows: 1,
        seed: 0,
        total_steps: 0,
    };
    let refused = registry().get("ppo").unwrap().build(&context, &small());
    let refused = refused
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(refused.contains("for each"), "{refused}");
}
