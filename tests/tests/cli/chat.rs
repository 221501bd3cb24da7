//! Language games from end to end: recorded chats played again without a network, players over HTTP, dialogues.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use palaestra_agents::language::chat::mock::{Act, Endpoint, obedient};
use serde_json::{Value, json};

use super::support::{Bench, repository};

const FAMILIES: [(&str, [&str; 2], &str); 3] = [
    (
        "bargaining",
        ["alice", "bob"],
        "{ messages = true, rounds = 4 }",
    ),
    (
        "negotiation",
        ["alice", "bob"],
        "{ config = \"published\", invalid = { then = \"fallback\" } }",
    ),
    (
        "persuasion",
        ["seller", "buyer"],
        "{ rounds = 3, myopic = true, seller_message = \"text\" }",
    ),
];

/// An experiment with the same agent in both seats.
fn experiment(family: &str, args: &str, steps: usize, agents: &[(&str, &str, String)]) -> String {
    let mut text = format!(
        "schema = 1\nexperiment = {{ name = \"{family}\", seeds = [0, 1], total_env_steps = {steps} }}\n\
         env = {{ id = \"glee_{family}_text-v1\", num_envs = 3, args = {args} }}\n\
         eval = {{ episodes = 3 }}\n"
    );
    for (id, player, args) in agents {
        let agent = format!("id = \"{id}\"\nname = \"{player}\"\nplayers = [\"{player}\"]");
        text.extend(["[[agents]]\n", &agent, "\nargs = { ", args, " }\n"]);
    }
    text
}

/// The files below a folder, by their path within it.
fn files(folder: &Path, into: &mut BTreeMap<String, Vec<u8>>, prefix: &str) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), into, &name);
        } else {
            into.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
}

/// The episode files of all trials of a run.
fn episodes(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    files(run, &mut all, "");
    all.retain(|name, _| name.contains("/episodes/"));
    assert!(!all.is_empty());
    all
}

/// Check 12: recorded sessions of all families, played again with nobody to ask, give the same episodes to the byte.
#[test]
fn recorded_sessions_are_played_again_without_a_network() {
    let bench = Bench::new();
    for (family, seats, args) in FAMILIES {
        // Every seventh answer is none that counts.
        let endpoint = Endpoint::start(|request| {
            Act::Say(match request.number % 7 {
                6 => "Let me think.".into(),
                n => obedient(&request.body, n / 2),
            })
        })
        .unwrap();
        let chat = |source: &str| {
            let player = format!(
                "base_url = \"{}\", model = \"mock\", response_format = \"json_schema\", \
                 transcript = \"{family}.jsonl\", source = \"{source}\"",
                endpoint.url()
            );
            experiment(
                family,
                args,
                120,
                &[
                    ("chat", seats[0], player.clone()),
                    ("chat", seats[1], player),
                ],
            )
        };
        let (recording, replaying) = (chat("record"), chat("strict"));
        bench.write("record.toml", &recording);
        bench.write("strict.toml", &replaying);
        let (record, strict) = (format!("{family}-record"), format!("{family}-strict"));
        bench.ok(&["run", "record.toml", "--out", &record]);
        bench.ok(&["replay", &record, "--verify"]);
        let asked = endpoint.received().len();
        assert!(asked > 200, "{asked}");
        drop(endpoint);
        bench.ok(&["run", "strict.toml", "--out", &strict]);
        let [a, b] = [&record, &strict].map(|run| episodes(&bench.path(run)));
        assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
        for (name, bytes) in &a {
            assert!(*bytes == b[name], "{family}: {name} differs");
        }
        // And another seed is not in the transcript.
        let output = bench.run(&[
            "run",
            "strict.toml",
            "--out",
            "other",
            "--force",
            "--set",
            "experiment.seeds=[9]",
        ]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && error.contains("has no answer for game"),
            "{error}"
        );
    }
}

/// A player of the released code's protocol, started as a program of its own.
struct Player {
    child: Child,
    port: u16,
}

impl Player {
    fn start() -> Self {
        let mut child = Command::new("python3")
            .arg(repository().join("experiments/examples/http_player.py"))
            .arg("0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let port = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
        Self { child, port }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Check 13: a program that answers `/chat` plays a hundred games of each family, and not one request or answer fails.
#[test]
fn players_over_http_finish_their_games() {
    let (bench, player) = (Bench::new(), Player::start());
    for (family, seats, args) in FAMILIES {
        let http = format!(
            "url = \"http://127.0.0.1:{}\", ledger = \"{family}.csv\"",
            player.port
        );
        let agents = seats.map(|seat| ("http", seat, http.clone()));
        let text = experiment(family, args, 3, &agents).replace("episodes = 3", "episodes = 102");
        bench.write("http.toml", &text.replace("seeds = [0, 1]", "seeds = [0]"));
        bench.ok(&[
            "run",
            "http.toml",
            "--out",
            family,
            "--set",
            "env.num_envs=6",
        ]);
        let ledger = std::fs::read_to_string(bench.path(&format!("{family}.csv"))).unwrap();
        let mut games = std::collections::BTreeSet::new();
        let mut requests = 0;
        for line in ledger.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            assert_eq!(fields[7..9], ["200", "answered"], "{line}");
            assert_eq!(
                (fields[3], fields[4]),
                ("1", "1"),
                "no answer was asked for twice: {line}"
            );
            requests += 1;
            if fields[0].contains("-eval0-") {
                games.insert(fields[0].split_once('-').unwrap().1.to_owned());
            }
        }
        assert!(
            games.len() >= 100 && requests > 200,
            "{family}: {} games",
            games.len()
        );
    }
}

/// Our agents as players of games elsewhere.
#[test]
fn agents_are_served_over_http() {
    let bench = Bench::new();
    let endpoint = Endpoint::start(|request| Act::Say(obedient(&request.body, 0))).unwrap();
    let args =
        json!({"base_url": endpoint.url(), "model": "mock", "response_format": "json_schema"});
    let mut server = bench
        .command(&[
            "serve",
            "chat",
            "--args",
            &args.to_string(),
            "--address",
            "127.0.0.1:0",
            "--json",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = String::new();
    let mut stdout = BufReader::new(server.stdout.take().unwrap());
    while !text.ends_with("}\n") {
        assert!(stdout.read_line(&mut text).unwrap() > 0, "{text}");
    }
    let address = serde_json::from_str::<Value>(&text).unwrap()["address"]
        .as_str()
        .unwrap()
        .to_owned();
    let http = format!("url = \"http://{address}\"");
    let agents = ["alice", "bob"].map(|seat| ("http", seat, http.clone()));
    bench.write("served.toml", &experiment("bargaining", "{}", 12, &agents));
    let ran = bench.run(&["run", "served.toml", "--out", "run"]);
    let _ = server.kill();
    let _ = server.wait();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let dialogue = bench.ok(&["replay", "run"]);
    assert!(
        dialogue.contains("Alice: Alice 5,000, Bob 5,000"),
        "{dialogue}"
    );
    assert!(
        dialogue.contains("Agreement in round 1: gains 0.5000 and 0.5000"),
        "{dialogue}"
    );
    assert!(!endpoint.received().is_empty());
}
