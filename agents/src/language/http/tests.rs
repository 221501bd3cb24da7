//! Both ends of the protocol, and what stands between them.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::{Arc, atomic::Ordering},
};

use palaestra_envs::sim::{Selection, Simulator};
use serde_json::{Value, json};

use super::{Desk, Handler, HttpArgs, Server};
use crate::{
    Agent, AgentContext, StepView,
    language::chat::{
        Secret,
        mock::{Act, Endpoint, obedient},
    },
    registry,
};

const GAMES: [(&str, &str); 3] = [
    ("glee_bargaining_text-v1", r#"{"messages": true}"#),
    (
        "glee_negotiation_text-v1",
        r#"{"complete_information": false}"#,
    ),
    (
        "glee_persuasion_text-v1",
        r#"{"myopic": true, "rounds": 3}"#,
    ),
];

/// Runs a server while `body` does something with its address.
fn serving<T>(handler: &Handler<'_>, key: Option<Secret>, body: impl FnOnce(SocketAddr) -> T) -> T {
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), key).unwrap();
    let (address, stop) = (server.address().unwrap(), server.stop());
    std::thread::scope(|scope| {
        scope.spawn(|| server.run(handler));
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(address)));
        stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(address);
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Plays both seats of four games for some steps. Gives the answers that were no moves, and the games that were stopped.
fn play(id: &str, env: &Value, args: HttpArgs, steps: usize) -> [f64; 2] {
    let env = palaestra_envs::registry().build(id, env).unwrap();
    let builder = Simulator::builder(env)
        .rows(4)
        .info("invalid")
        .info("stopped");
    let mut simulator = builder.build().unwrap();
    simulator.reset().unwrap();
    let context = AgentContext {
        env: simulator.spec().clone(),
        players: vec![0, 1],
        rows: 4,
        seed: 1,
        total_steps: 0,
    };
    let mut agent = super::build(&context, &args).unwrap();
    let rows = Selection::all(4);
    let mut counts = [0.0; 2];
    for _ in 0..steps {
        for player in 0..2 {
            let (view, actions) = simulator.border_mut().act_view(player);
            agent.act(&view, &rows, actions).unwrap();
        }
        simulator.step().unwrap();
        for player in 0..2 {
            let border = simulator.border();
            agent
                .observe(&StepView {
                    player,
                    rows: &rows,
                    border,
                })
                .unwrap();
        }
        for (count, name) in counts.iter_mut().zip(["invalid", "stopped"]) {
            let info = &simulator.border().info;
            let told = info.f64(info.index_of(name).unwrap());
            *count += told.iter().filter(|told| !told.is_nan()).sum::<f64>();
        }
    }
    counts
}

/// From a game over HTTP to an agent, and from there to a model: the released code's request says all that is needed.
#[test]
fn games_elsewhere_can_ask_our_agents() {
    let endpoint =
        Endpoint::start(|request| Act::Say(obedient(&request.body, request.number))).unwrap();
    let (agents, envs) = (registry(), palaestra_envs::registry());
    let args =
        json!({"base_url": endpoint.url(), "model": "mock", "response_format": "json_schema"});
    let desk = Desk::new(&envs, agents.get("chat").unwrap(), &args, 7).unwrap();
    let handler = |request| desk.answer(request);
    serving(
        &handler,
        Some(Secret::new(env!("CARGO_PKG_NAME"))),
        |address| {
            for (id, env) in GAMES {
                let args = HttpArgs {
                    url: format!("http://{address}"),
                    key_env: "CARGO_PKG_NAME".into(),
                    ..HttpArgs::default()
                };
                let env = serde_json::from_str(env).unwrap();
                assert_eq!(play(id, &env, args, 12), [0.0, 0.0], "{id}");
            }
        },
    );
    assert_eq!(endpoint.received().len(), 3 * 4 * 12);
    // Without what our games say besides: a chat is enough.
    let request = super::Request {
        messages: json!([{"role": "user", "content": "Do you accept?"}]),
        decision: true,
        game_params: json!({"money_to_divide": 100, "player_id": 2}),
    };
    assert_eq!(desk.answer(request.clone()).unwrap(), "{}");
    let asked = endpoint.received().pop().unwrap().body;
    assert_eq!(asked["messages"], request.messages);
    assert!(asked.get("response_format").is_none());
    // Who gives up says so; the sign that ends a game of ours is not passed on.
    let broke =
        json!({"base_url": endpoint.url(), "model": "mock", "budget": {"run": {"requests": 0}}});
    let broke = Desk::new(&envs, agents.get("chat").unwrap(), &broke, 7).unwrap();
    let given_up = broke.answer(request.clone()).unwrap_err();
    assert!(given_up.contains("gives up: BudgetExhausted"), "{given_up}");
    let random = Desk::new(&envs, agents.get("random").unwrap(), &Value::Null, 7).unwrap();
    assert!(
        random
            .answer(request.clone())
            .unwrap_err()
            .contains("game_params.state")
    );
    let mut lost = request;
    lost.game_params = json!({});
    assert!(desk.answer(lost).unwrap_err().contains("names no game"));
    assert!(Desk::new(&envs, agents.get("ucb1").unwrap(), &Value::Null, 7).is_err());
}

#[test]
fn requests_are_those_of_the_released_code() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = seen.clone();
    let handler = move |request: super::Request| {
        let due = request.game_params["expects"]["schema"].clone();
        log.lock().unwrap().push(request);
        let body = json!({"response_format": {"json_schema": {"schema": due}}});
        Ok(obedient(&body, 1))
    };
    serving(&handler, None, |address| {
        let args = HttpArgs {
            url: format!("http://{address}/"),
            ..HttpArgs::default()
        };
        let env = json!({"delta_bob": 0.8, "complete_information": false, "hidden_horizon": true});
        assert_eq!(play(GAMES[0].0, &env, args, 2), [0.0, 0.0]);
    });
    let mut seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 8);
    seen.sort_by_key(|request| request.game_params["player_id"].as_u64());
    let (alice, bob) = (&seen[0], &seen[7]);
    assert_eq!((alice.decision, bob.decision), (false, true));
    let params = |request: &super::Request| {
        let mut params = request.game_params.clone();
        let map = params.as_object_mut().unwrap();
        assert!(
            map.remove("rules")
                .unwrap()
                .as_str()
                .unwrap()
                .starts_with("You are")
        );
        assert_eq!(map.remove("state").unwrap().as_array().unwrap().len(), 74);
        map.remove("expects");
        params
    };
    let wanted = json!({"money_to_divide": 10000.0, "complete_information": false, "messages_allowed": false,
        "delta": 0.9, "delta_player_1": 0.9, "public_name": "Alice", "player_id": 1});
    assert_eq!(params(alice), wanted);
    assert_eq!(params(bob)["delta_player_2"], 0.8);
    assert!(params(bob).get("delta_player_1").is_none());
    assert_eq!(bob.messages[0]["role"], "system");
}

/// What a server is sent that is no request.
#[test]
fn requests_that_are_none_are_refused() {
    let handler = |_: super::Request| Err("not today".to_owned());
    serving(&handler, Some(Secret::new("k")), |address| {
        let send = |request: &str| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut reply = String::new();
            stream.read_to_string(&mut reply).unwrap();
            reply
        };
        let key = "X-API-Key: k\r\n";
        for (request, status, problem) in [
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), 404, "POST /chat"),
            ("POST /chat HTTP/1.1\r\n\r\n".into(), 401, "X-API-Key"),
            (
                "POST /chat HTTP/1.1\r\nx-api-key: wrong\r\n\r\n".into(),
                401,
                "X-API-Key",
            ),
            (
                format!("POST /chat HTTP/1.1\r\n{key}\r\n"),
                411,
                "Content-Length",
            ),
            (
                format!("POST /chat HTTP/1.1\r\n{key}Content-Length: 99999999\r\n\r\n"),
                413,
                "too large",
            ),
            (
                format!("POST /chat HTTP/1.1\r\n{key}Content-Length: 9\r\n\r\n{{}}"),
                400,
                "breaks off",
            ),
            (
                format!("POST /chat HTTP/1.1\r\n{key}Content-Length: 3\r\n\r\nabc"),
                400,
                "no JSON",
            ),
            (
                format!("POST /chat HTTP/1.1\r\n{key}Content-Length: 2\r\n\r\n[]"),
                400,
                "no JSON object",
            ),
            (
                format!(
                    "POST /chat HTTP/1.1\r\n{key}Origin: http://a.test\r\nContent-Length: 2\r\n\r\n{{}}"
                ),
                403,
                "web pages",
            ),
            (
                format!("POST /chat HTTP/1.1\r\n{key}Content-Length: 2\r\n\r\n{{}}"),
                422,
                "not today",
            ),
            (
                format!("POST /chat HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200)),
                400,
                "too many headers",
            ),
            ("POST /chat".into(), 400, "breaks off"),
        ] {
            let reply = send(&request);
            assert!(
                reply.starts_with(&format!("HTTP/1.1 {status} ")),
                "{request}: {reply}"
            );
            assert!(reply.contains(problem), "{request}: {reply}");
        }
    });
}
