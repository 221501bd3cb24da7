//! Check 8, at the door: what leaves the process for a seat does not depend on what that seat may not know.

use std::sync::Arc;

use palaestra_envs::sim::{Autoreset, Selection, Simulator};
use serde_json::{Value, json};

use super::{ChatArgs, Format, Table, Virtual, build_with, http};
use crate::{
    AgentContext,
    language::{
        chat::mock::{Act, Endpoint, obedient},
        http::{self as protocol, HttpArgs},
    },
};

/// How a seat is asked.
#[derive(Debug, Clone, Copy)]
enum Door {
    /// Chat completions.
    Chat,
    /// The released code's protocol.
    Http,
}

/// The bodies of the first requests of a game of which every offer is rejected, and every thing not bought.
fn sent(door: Door, (id, args): (&str, &Value), requests: usize) -> Vec<Value> {
    let endpoint = Endpoint::start(move |request| {
        let body = &request.body;
        match door {
            Door::Chat => Act::Say(obedient(body, 1)),
            Door::Http => {
                let schema = &body["game_params"]["expects"]["schema"];
                let as_chat = json!({"response_format": {"json_schema": {"schema": schema}}});
                Act::Body(json!({"response": obedient(&as_chat, 1)}))
            }
        }
    })
    .unwrap();
    let env = palaestra_envs::registry().build(id, args).unwrap();
    let mut simulator = Simulator::builder(env)
        .seed(3)
        .autoreset(Autoreset::Disabled)
        .build()
        .unwrap();
    simulator.reset().unwrap();
    let context = AgentContext {
        env: simulator.spec().clone(),
        players: vec![0, 1],
        rows: 1,
        seed: 5,
        total_steps: 1000,
    };
    let agent = match door {
        Door::Chat => {
            let args = ChatArgs {
                base_url: endpoint.url(),
                model: "mock".into(),
                response_format: Format::JsonSchema,
                send_seed: true,
                ..ChatArgs::default()
            };
            build_with(&context, args, http(), Arc::new(Virtual::default()))
        }
        Door::Http => protocol::build(
            &context,
            &HttpArgs {
                url: endpoint.url(),
                ..HttpArgs::default()
            },
        ),
    };
    let mut table = Table {
        agent: agent.unwrap(),
        simulator,
        rows: Selection::all(1),
    };
    for _ in 0..requests {
        table.step().unwrap();
    }
    let received = endpoint.received();
    assert_eq!(received.len(), requests, "one seat is asked in each step");
    received.into_iter().map(|request| request.body).collect()
}

/// Demands that `seat` is sent the same in both games, and the other seat not.
fn hides(id: &str, games: [Value; 2], seat: usize, turns: &[usize]) {
    for door in [Door::Chat, Door::Http] {
        let requests = 2 * turns.len();
        let [one, other] = games
            .each_ref()
            .map(|args| sent(door, (id, args), requests));
        let of = |seat: usize| {
            let pairs = one.iter().zip(&other).zip(turns.iter().cycle());
            pairs.filter(move |(_, turn)| **turn == seat)
        };
        for ((a, b), _) in of(seat) {
            assert_eq!(a, b, "{door:?} {id}, seat {seat}, {games:?}");
        }
        assert!(of(1 - seat).all(|((a, b), _)| a != b), "{door:?} {id}");
    }
}

/// Who is asked in two rounds of a game of offers.
const OFFERS: [usize; 4] = [0, 1, 1, 0];

#[test]
fn requests_hide_the_rivals_type() {
    for seat in [0, 1] {
        for walk_away in [false, true] {
            let game = |rival: f64| {
                let delta = if seat == 0 {
                    [0.9, rival]
                } else {
                    [rival, 0.9]
                };
                json!({"delta_alice": delta[0], "delta_bob": delta[1], "complete_information": false,
                       "messages": true, "walk_away": walk_away})
            };
            let games = [game(0.8), game(0.95)];
            hides("glee_bargaining_text-v1", games, seat, &OFFERS);
            let game = |rival: f64| {
                let value = if seat == 0 {
                    [0.8, rival]
                } else {
                    [rival, 1.2]
                };
                json!({"seller_value": value[0], "buyer_value": value[1], "complete_information": false,
                       "messages": true, "walk_away": walk_away})
            };
            let games = [game(1.0), game(0.9)];
            hides("glee_negotiation_text-v1", games, seat, &OFFERS);
        }
    }
}

#[test]
fn requests_hide_the_buyers_values() {
    for message in ["text", "binary"] {
        let game = |high: f64| json!({"value_high": high, "seller_knows_values": false, "seller_message": message, "rounds": 4});
        hides(
            "glee_persuasion_text-v1",
            [game(1.5), game(3.0)],
            0,
            &[0, 1],
        );
    }
}
