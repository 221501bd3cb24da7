//! `palaestra play`: people in the terminal, through pipes, and at the endpoints of the page.

use std::{
    io::{Read as _, Write as _},
    process::{Output, Stdio},
};

use palaestra_agents::language::chat::mock::{Act, Endpoint};
use serde_json::{Value, json};

use super::{
    play_support::{Game, Served, http},
    support::{Bench, repository},
};

/// Everything that could move a page or a terminal, and a line that looks like the game's.
pub(super) const HOSTILE: &str = "<script>window.hacked=1</script><img src=x onerror=\"window.hacked=1\"></pre>\
    \u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}desrever\u{2066}\u{200b}\nRound 9. It is for you to propose.\n";

/// A rival who is hostile in as many words as it is allowed.
pub(super) fn hostile() -> Endpoint {
    Endpoint::start(|request| {
        let due = &request.body["response_format"]["json_schema"]["schema"]["properties"];
        let long = HOSTILE.to_owned() + &"A".repeat(2000 - HOSTILE.chars().count());
        Act::Say(if due.get("decision").is_some() {
            json!({ "decision": "accept" }).to_string()
        } else {
            json!({ "alice_gain": 60, "bob_gain": 40, "message": long }).to_string()
        })
    })
    .unwrap()
}

/// An experiment of `play` against a hostile Alice.
pub(super) fn against_hostile(endpoint: &Endpoint) -> String {
    format!(
        "schema = 1\nexperiment = {{ name = \"hostile\", seeds = [0], total_env_steps = 0 }}\n\
         env = {{ id = \"glee_bargaining_text-v1\", args = {{ money = 100, rounds = 4, messages = true }} }}\n\
         eval = {{ episodes = 1 }}\n\
         [[agents]]\nid = \"chat\"\nplayers = [\"alice\"]\n\
         args = {{ base_url = \"{}\", model = \"mock\", response_format = \"json_schema\" }}\n\
         [[agents]]\nid = \"human\"\nplayers = [\"bob\"]\n",
        endpoint.url()
    )
}

/// Plays with everything that is typed sent at once.
fn typed(bench: &Bench, args: &[&str], text: &str) -> Output {
    let mut command = bench.command(args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that has ended already reads no more.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    child.wait_with_output().unwrap()
}

fn shown(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_person_plays_each_family_through_pipes() {
    let bench = Bench::new();
    for (game, text) in [
        // A proposal after three wrong entries, its answer, and a decision.
        (
            Game::bargaining("alice"),
            "abc\n120\n\n75.50\nA fair start?\nmaybe\nr\n50\n\n",
        ),
        (
            Game::negotiation("bob"),
            "what\nr\n95.005\n95\n\na\na\na\na\na\na\na\n",
        ),
        (Game::persuasion("seller"), "y\nperhaps\nn\nYES\n"),
        (Game::persuasion("buyer"), "y\nn\ny\n"),
    ] {
        let name = format!("{}_{}", game.family, game.seat);
        bench.write("game.toml", &game.config());
        let output = typed(&bench, &["play", "game.toml", "--out", &name], text);
        insta::assert_snapshot!(format!("play_{name}"), shown(&output));
        let list = bench.ok(&["replay", &name, "--list"]);
        assert!(
            list.contains("eval-0-0") && list.contains("terminated"),
            "{list}"
        );
        let verified = bench.ok(&["replay", &name, "--verify"]);
        assert!(
            verified.starts_with("1 of 1 episodes verified"),
            "{verified}"
        );
        assert!(bench.ok(&["replay", &name]).contains("eval-0-0"));
        bench.ok(&["report", &name]);
        let people = std::fs::read_to_string(bench.path(&name).join("people.jsonl")).unwrap();
        let lines = people
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let lines: Vec<Value> = lines.collect();
        assert!(
            lines
                .iter()
                .any(|line| line["kind"] == "answer" && line["latency_s"].is_f64())
        );
        assert_eq!(lines.last().unwrap()["end"]["stopped"], false);
    }
}

#[test]
fn five_wrong_entries_end_a_game_and_the_end_of_the_input_leaves_it() {
    let bench = Bench::new();
    bench.write("game.toml", &Game::bargaining("alice").config());
    let wrong = typed(
        &bench,
        &["play", "game.toml", "--out", "wrong"],
        &"none\n".repeat(5),
    );
    let text = shown(&wrong);
    assert_eq!(text.matches("“none” is no number").count(), 5, "{text}");
    assert!(
        text.contains("1 try is left.") && text.contains("not played to its end"),
        "{text}"
    );
    for (text, out) in [("", "at_once"), ("60\n", "in_the_middle")] {
        let left = typed(
            &bench,
            &["play", "game.toml", "--games", "3", "--out", out],
            text,
        );
        let text = shown(&left);
        assert!(text.contains("You have left the game."), "{text}");
        let list = bench.ok(&["replay", out, "--list"]);
        assert_eq!(list.matches("truncated").count(), 1, "{list}");
        assert_eq!(list.matches("eval-").count(), 1, "{list}");
        bench.ok(&["report", out]);
        assert!(bench.ok(&["replay", out, "--verify"]).starts_with("1 of 1"));
    }
    // Nobody agrees: nothing is played. A limit that is over gives the game up.
    bench.write(
        "consent.toml",
        &(Game::bargaining("alice").config() + "[agents.args]\nconsent = \"We keep it.\"\n"),
    );
    let no = shown(&typed(
        &bench,
        &["play", "consent.toml", "--out", "no"],
        "no\n",
    ));
    assert!(
        no.contains("We keep it.") && !no.contains("You are Alice"),
        "{no}"
    );
    bench.write(
        "limit.toml",
        &(Game::bargaining("alice").config() + "[agents.args]\nlimit_s = 0.2\n"),
    );
    let mut late = bench.command(&["play", "limit.toml", "--out", "late"]);
    let mut late = late
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let held = late.stdin.take();
    let mut text = String::new();
    late.stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    drop(held);
    assert!(late.wait().unwrap().success());
    assert!(
        text.contains("The time is over.") && text.contains("not played to its end"),
        "{text}"
    );
}

#[test]
fn a_hostile_message_is_only_text_in_the_terminal() {
    let (bench, endpoint) = (Bench::new(), hostile());
    bench.write("game.toml", &against_hostile(&endpoint));
    let text = shown(&typed(
        &bench,
        &["play", "game.toml", "--out", "run"],
        "a\n",
    ));
    let is_moving =
        |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{2066}\u{200b}".contains(c);
    assert!(!text.contains(is_moving), "{text:?}");
    let message = text.replace("\n  Alice | ", "");
    assert!(message.contains("desrever⟨200B⟩"), "{text}");
    // Each line of the message is marked, also the one that pretends.
    let pretends = text.lines().find(|line| line.contains("Round 9")).unwrap();
    assert!(pretends.starts_with("  Alice | "), "{pretends}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(text.contains("gained 40."), "{text}");
}

#[test]
fn play_refuses_what_no_person_can_play() {
    let bench = Bench::new();
    let game = Game::bargaining("alice").config();
    bench.write("game.toml", &game);
    bench.write(
        "nobody.toml",
        &game.replace("id = \"human\"", "id = \"boulware\"\nname = \"b\""),
    );
    bench.write(
        "training.toml",
        &game.replace("total_env_steps = 0", "total_env_steps = 10"),
    );
    bench.write(
        "rows.toml",
        &game.replace("env = {", "env = { num_envs = 4,"),
    );
    bench.write("seeds.toml", &game.replace("seeds = [7]", "seeds = [7, 8]"));
    insta::assert_snapshot!(bench.transcripts(&[
        &["run", "game.toml"],
        &["play", "nobody.toml"],
        &["play", "training.toml"],
        &["play", "rows.toml"],
        &["play", "seeds.toml"],
        &["play", "game.toml", "--json"],
        &["play", "game.toml", "--port", "80"],
        &["play", "game.toml", "--games", "0"],
    ]));
    assert!(!bench.path("runs").exists());
}

/// The files that users are shown.
#[test]
fn shipped_games_for_people_are_played() {
    let bench = Bench::new();
    for name in ["bargaining", "negotiation", "persuasion"] {
        let file = repository().join(format!("experiments/configs/glee/{name}_human.toml"));
        let file = file.to_str().unwrap();
        // A proposal with no message, and what comes back is accepted.
        let turns = if name == "persuasion" {
            "y\n"
        } else {
            "99\n\na\n"
        };
        let answers = turns.repeat(40);
        let output = typed(&bench, &["play", file], &answers);
        assert!(shown(&output).contains("Result of game 1"), "{name}");
        let again = typed(&bench, &["play", file, "--games", "1"], &answers);
        let told = String::from_utf8_lossy(&again.stderr).into_owned();
        assert!(
            told.contains(&format!("saved in runs/{name}_human-2")),
            "{told}"
        );
    }
}

/// Check 18: whatever a page is sent in a game of each family, nothing of it is hidden from its seat.
#[test]
fn hidden_values_never_enter_a_payload() {
    let bench = Bench::new();
    for game in Game::secretive() {
        bench.write("game.toml", &game.config());
        let served = Served::start(
            &bench,
            &[
                "play",
                "game.toml",
                "--web",
                "--games",
                "2",
                "--out",
                &game.name(),
            ],
        );
        let (mut version, mut payloads, mut ends) = (0, Vec::new(), 0);
        loop {
            let (status, text) = served.get(&format!("/api/state?after={version}"));
            assert_eq!(status, 200, "{text}");
            let view: Value = serde_json::from_str(&text).unwrap();
            payloads.push(text);
            version = view["version"].as_u64().unwrap();
            match view["phase"].as_str().unwrap() {
                "turn" => {
                    let body = json!({"version": version, "entry": game.entry(&view["turn"]), "events": [{"ms": 1, "what": "focus", "field": "amount"}]});
                    let (status, answer) = served.post("/api/respond", &body);
                    assert_eq!(status, 200, "{answer}");
                    // The same once more comes too late.
                    let (status, _) = served.post("/api/respond", &body);
                    assert_eq!(status, 409);
                }
                "over" if view["closed"] == true => break,
                "over" => {
                    ends += 1;
                    assert_eq!(view["end"]["scores"].is_null(), ends == 1, "{view}");
                    if view["more"] == true {
                        served.post("/api/next", &json!({}));
                    }
                }
                _ => {}
            }
        }
        assert!(served.wait().success());
        let all = payloads.join("\n");
        for secret in game.secrets {
            assert!(!all.contains(secret), "{}: {secret} in {all}", game.name());
        }
        assert!(payloads.len() > 4, "{all}");
        // The record holds what was sent, as it was sent, and what happened in the page.
        let people =
            std::fs::read_to_string(bench.path(&game.name()).join("people.jsonl")).unwrap();
        let lines: Vec<Value> = people
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let recorded: Vec<&Value> = lines
            .iter()
            .map(|line| &line["page"])
            .filter(|page| !page.is_null())
            .collect();
        for payload in &payloads {
            let view: Value = serde_json::from_str(payload).unwrap();
            let is_game =
                view.get("turn").is_some() || (view.get("end").is_some() && view["closed"] != true);
            assert!(!is_game || recorded.contains(&&view), "{view}");
        }
        assert!(
            lines
                .iter()
                .any(|line| line["events"][0]["field"] == "amount")
        );
        assert!(
            bench
                .ok(&["replay", &game.name(), "--verify"])
                .starts_with("2 of 2")
        );
    }
}

/// Who may ask, for what, and how much.
#[test]
fn the_page_answers_only_its_own() {
    let bench = Bench::new();
    bench.write("game.toml", &Game::bargaining("alice").config());
    let served = Served::start(&bench, &["play", "game.toml", "--web", "--out", "run"]);
    assert!(
        served.url.starts_with("http://127.0.0.1:"),
        "{}",
        served.url
    );
    assert_eq!(served.token.len(), 32);
    let own = format!("127.0.0.1:{}", served.port);
    let (token, port) = (served.token.as_str(), served.port);
    let ask = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        http(port, method, path, headers, body)
    };
    let host = ("Host", own.as_str());
    let key = ("X-Palaestra-Token", token);
    let state = "/api/state?after=0";
    let wrong = format!("{}0", &token[..31]);
    let rebound = format!("evil.example:{port}");
    let (other_port, local) = ("127.0.0.1:1".to_owned(), format!("localhost:{port}"));
    let huge = "x".repeat(300 << 10);
    let evil = ("Origin", "http://evil.example");
    for (method, path, headers, body, status) in [
        ("GET", state, vec![host, key], "", 200),
        ("GET", state, vec![("Host", local.as_str()), key], "", 200),
        ("GET", state, vec![host], "", 401),
        ("GET", state, vec![host, ("X-Palaestra-Token", "")], "", 401),
        (
            "GET",
            state,
            vec![host, ("X-Palaestra-Token", &wrong)],
            "",
            401,
        ),
        ("GET", state, vec![host, key, key], "", 401),
        (
            "GET",
            &format!("{state}&token={token}"),
            vec![host],
            "",
            401,
        ),
        ("GET", state, vec![key], "", 421),
        ("GET", state, vec![("Host", &rebound), key], "", 421),
        ("GET", state, vec![("Host", &other_port), key], "", 421),
        ("GET", "/", vec![("Host", &rebound)], "", 421),
        ("GET", state, vec![host, key, evil], "", 403),
        ("POST", "/api/leave", vec![host, key, evil], "{}", 403),
        ("POST", "/api/leave", vec![host], "{}", 401),
        ("POST", "/api/respond", vec![host, key], &huge, 413),
        ("POST", "/api/respond", vec![host, key], "[", 400),
        (
            "POST",
            "/api/respond",
            vec![host, key],
            "{\"version\": 1, \"more\": 2}",
            400,
        ),
        (
            "POST",
            "/api/respond",
            vec![host, key],
            "{\"version\": 999}",
            409,
        ),
        ("POST", "/api/nothing", vec![host, key], "{}", 404),
        ("PUT", state, vec![host, key], "{}", 405),
        ("GET", "/etc/passwd", vec![host, key], "", 404),
        ("GET", "/../Cargo.toml", vec![host, key], "", 404),
    ] {
        let (head, text) = ask(method, path, &headers, body);
        let line = head.lines().next().unwrap();
        assert!(
            line.contains(&format!(" {status} ")),
            "{method} {path} {headers:?}: {head}\n{text}"
        );
        assert!(head.contains("default-src 'none'"), "{head}");
    }
    // A wrong entry is refused with what is allowed, and changes nothing.
    let view = served.until("turn");
    let body = json!({"version": view["version"], "entry": {"amount": "101"}});
    let (status, text) = served.post("/api/respond", &body);
    assert_eq!(status, 422);
    assert!(
        text.contains("“101” is out of range. Enter an amount from 0 to 100"),
        "{text}"
    );
    let (_, page) = ask("GET", "/", &[host], "");
    assert!(
        page.contains("<title>Palaestra</title>")
            && !page.contains("http://")
            && !page.contains("https://"),
        "{page}"
    );
    // Leaving ends the program, with the game kept as given up.
    assert_eq!(served.post("/api/leave", &json!({})).0, 200);
    let (_, last) = served.get(&format!("/api/state?after={}", view["version"]));
    assert!(last.contains("\"stopped\":true"), "{last}");
    served.get("/api/state?after=100");
    assert!(served.wait().success());
    assert!(bench.ok(&["replay", "run", "--list"]).contains("truncated"));
}
