//! Runs of language games: exported, imported again, explained.

use std::path::Path;

use palaestra_agents::language::chat::mock::{Act, Endpoint, obedient};

use super::*;
use crate::{
    Registries,
    config::Document,
    run::{Manifest, RunFolder, Watch, run_all},
};

/// Runs an experiment file in `path`.
pub(super) fn run(path: &Path, text: &str) {
    let registries = Registries::default();
    let document = Document::parse("test.toml", text).unwrap();
    let trials = document.trials(&registries).unwrap();
    let config = document.config().unwrap();
    let manifest = Manifest::new(&config.experiment.name, "test".into(), &trials, 1);
    let resolved = document.resolved().unwrap();
    let mut folder = RunFolder::create(path, true, manifest, text, &resolved).unwrap();
    let report = run_all(&mut folder, &trials, &registries, 1, &Watch::default()).unwrap();
    assert!(report.failures.is_empty());
}

#[test]
fn runs_go_out_as_folders_and_come_back_as_they_were() {
    for (env, players, args) in [
        (
            "glee_bargaining-v1",
            ["alice", "bob"],
            "{ config = \"published\", offers = 11 }",
        ),
        (
            "glee_bargaining-v1",
            ["alice", "bob"],
            "{ rounds = 3, messages = true, money = 99.99 }",
        ),
        (
            "glee_negotiation-v1",
            ["alice", "bob"],
            "{ config = \"published\", offers = 7 }",
        ),
        (
            "glee_persuasion-v1",
            ["seller", "buyer"],
            "{ config = \"published\" }",
        ),
    ] {
        let place = tempfile::tempdir().unwrap();
        let run_folder = place.path().join("run");
        run(&run_folder, &format!(
            "schema = 1
            experiment = {{ name = \"played\", seeds = [3], total_env_steps = 1200 }}
            env = {{ id = \"{env}\", num_envs = 3, args = {args} }}
            agents = [{{ id = \"random\", name = \"one\", players = [\"{}\"] }}, {{ id = \"random\", name = \"two\", players = [\"{}\"] }}]",
            players[0], players[1]
        ));
        let registries = Registries::default();
        let played = games_of_run(&registries, &run_folder).unwrap();
        assert!(played.len() > 20, "{env}: {}", played.len());
        // What came out is what the run has logged as return.
        let folder = RunFolder::open(&run_folder).unwrap();
        let text = fs::read_to_string(run_folder.join("resolved.toml")).unwrap();
        let trials = Document::parse("r", &text)
            .unwrap()
            .trials(&registries)
            .unwrap();
        let log = crate::episodes::EpisodeLog::open(&folder.trial(&trials[0].name)).unwrap();
        let ended = log.episodes().iter().filter(|info| info.ending.complete());
        for (info, game) in ended.zip(&played) {
            for (logged, gain) in info.returns.iter().zip([game.alice_gain, game.bob_gain]) {
                assert!((logged - gain).abs() < 1e-5, "{env}: {logged} and {gain}");
            }
        }
        let out = place.path().join("out");
        games_of(&registries, &folder, &trials, |transcript, _| {
            write_game(&out, transcript).map(|_| ())
        })
        .unwrap();
        let tables = place.path().join("tables");
        let imported = import(&out, &tables, ImportOptions::default(), |_, _| ()).unwrap();
        assert_eq!(imported.games, played.len() as u64);
        assert!(imported.left_out.is_empty());
        let mut back: Vec<Game> = rows(&tables.join("games.parquet"));
        let mut before = played.clone();
        back.sort_by(|a, b| a.game.cmp(&b.game));
        before.sort_by(|a, b| a.game.cmp(&b.game));
        assert_eq!(back, before);
        assert!(
            back.iter()
                .all(|game| (&*game.alice, &*game.bob) == ("one", "two"))
        );
        // Answers are moves that a player with words could have made.
        let any = Walk::new(&out).next().unwrap().unwrap();
        let log = fs::read_to_string(any.path.join("log_player_1.csv")).unwrap();
        let answers: Vec<csv::StringRecord> = csv::Reader::from_reader(log.as_bytes())
            .records()
            .map(Result::unwrap)
            .collect();
        assert!(!answers.is_empty());
        for answer in answers {
            let [prompt, response] =
                [0, 1].map(|at| serde_json::from_str::<serde_json::Value>(&answer[at]).unwrap());
            assert!(prompt["observation"].is_array() && response.is_object());
        }
    }
}

#[test]
fn other_runs_and_games_without_words_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let text = |env: &str, players: [&str; 2]| {
        format!(
        "schema = 1
        experiment = {{ name = \"x\", seeds = [0], total_env_steps = 200 }}
        env = {{ id = \"{env}\" }}
        agents = [{{ id = \"random\", players = [\"{}\"] }}, {{ id = \"random\", name = \"r\", players = [\"{}\"] }}]",
        players[0], players[1]
    )
    };
    run(&path, &text("tic_tac_toe-v1", ["x", "o"]));
    let refused = games_of_run(&Registries::default(), &path).unwrap_err();
    assert!(refused.to_string().contains("tic_tac_toe-v1"), "{refused}");
    let walks = text("glee_bargaining-v1", ["alice", "bob"]).replace(
        "bargaining-v1\"",
        "bargaining-v1\", args = { walk_away = true }",
    );
    run(&path, &walks);
    let registries = Registries::default();
    let games = games_of_run(&registries, &path).unwrap();
    assert!(games.iter().any(|game| game.reason == "walk_away"));
    let folder = RunFolder::open(&path).unwrap();
    let trials = Document::parse("r", &walks)
        .unwrap()
        .trials(&registries)
        .unwrap();
    let out = place.path().join("out");
    let refused = games_of(&registries, &folder, &trials, |transcript, _| {
        write_game(&out, transcript).map(|_| ())
    });
    assert!(
        matches!(refused, Err(LanguageError::Unwritable { .. })),
        "{refused:?}"
    );
}

/// Games in words, with answers that are no moves, names of their own, and games that were given up.
#[test]
fn games_in_words_go_out_and_come_back_too() {
    let endpoint = Endpoint::start(|request| {
        // In games that begin alike questions are alike; the number of the request tells them apart.
        let body = format!("{}{}", request.body, request.number);
        let choice = body
            .bytes()
            .fold(0, |sum: usize, byte| sum + usize::from(byte));
        let said = obedient(&request.body, choice);
        Act::Say(match choice % 7 {
            0 => "I would rather not say.".into(),
            1 => format!("Well,\n```json\n{said}\n```"),
            2 => said.replace("Agreed?", "Let us say \\\"so\\\",\\nor shall we?"),
            _ => said,
        })
    })
    .unwrap();
    let url = endpoint.url();
    let chat = format!(
        r#"id = "chat", args = {{ base_url = "{url}", model = "mock", response_format = "json_schema" }}"#
    );
    for (env, players, args, rival) in [
        (
            "glee_bargaining_text-v1",
            ["alice", "bob"],
            r#"config = "published", invalid = { max_attempts = 2, then = "fallback" }"#,
            r#"id = "acceptor""#,
        ),
        (
            "glee_bargaining_text-v1",
            ["alice", "bob"],
            r#"rounds = 4, messages = true, names = ["Ann", "Bo"], invalid = { max_attempts = 1 }"#,
            r#"id = "conceder""#,
        ),
        (
            "glee_negotiation_text-v1",
            ["alice", "bob"],
            r#"config = "published", invalid = { max_attempts = 1, then = "abort" }"#,
            r#"id = "tit_for_tat""#,
        ),
        (
            "glee_persuasion_text-v1",
            ["seller", "buyer"],
            r#"rounds = 3, seller_message = "text", invalid = { then = "fallback" }"#,
            r#"id = "threshold_buyer""#,
        ),
        (
            "glee_persuasion_text-v1",
            ["seller", "buyer"],
            r#"rounds = 3, myopic = true, invalid = { then = "fallback" }"#,
            r#"id = "rational""#,
        ),
    ] {
        let place = tempfile::tempdir().unwrap();
        let run_folder = place.path().join("run");
        run(&run_folder, &format!(
            "schema = 1
            experiment = {{ name = \"spoken\", seeds = [3], total_env_steps = 240 }}
            env = {{ id = \"{env}\", num_envs = 3, args = {{ {args} }} }}
            agents = [{{ {chat}, name = \"one\", players = [\"{}\"] }}, {{ {rival}, name = \"two\", players = [\"{}\"] }}]",
            players[0], players[1]
        ));
        let registries = Registries::default();
        let played = games_of_run(&registries, &run_folder).unwrap();
        assert!(played.len() > 8, "{env}: {}", played.len());
        let folder = RunFolder::open(&run_folder).unwrap();
        let text = fs::read_to_string(run_folder.join("resolved.toml")).unwrap();
        let document = Document::parse("r", &text).unwrap();
        let trials = document.trials(&registries).unwrap();
        // What came out is what the run has logged as return, of the games that were brought to an end.
        let log = crate::episodes::EpisodeLog::open(&folder.trial(&trials[0].name)).unwrap();
        let gains: Vec<[f64; 2]> = played.iter().map(|g| [g.alice_gain, g.bob_gain]).collect();
        let ended = log.episodes().iter().filter(|info| info.ending.complete());
        let returns: Vec<[f64; 2]> = ended
            .map(|info| [info.returns[0], info.returns[1]])
            .collect();
        let close = |a: &[f64; 2], b: &[f64; 2]| (0..2).all(|i| (a[i] - b[i]).abs() < 1e-5);
        let mut left = returns.iter();
        assert!(
            gains
                .iter()
                .all(|gain| left.any(|of_run| close(gain, of_run))),
            "{env}"
        );
        let given_up = returns.len() - gains.len();
        assert_eq!(
            given_up > 0,
            !args.contains("fallback"),
            "{env}: {given_up}"
        );
        let out = place.path().join("out");
        let (mut words, mut messages) = (0, 0);
        games_of(&registries, &folder, &trials, |transcript, _| {
            for action in &transcript.actions {
                assert!(action.player.is_none() || !action.response.is_empty());
                assert!(action.player.is_none() || action.prompt.contains("\"role\""));
                words += usize::from(action.response.contains("```json"));
                messages += usize::from(
                    action
                        .message
                        .as_ref()
                        .is_some_and(|text| text.contains('\n')),
                );
            }
            let names = transcript
                .config
                .players
                .each_ref()
                .map(|p| p.public_name.clone().unwrap());
            assert_eq!(names[0], if args.contains("Ann") { "Ann" } else { "Alice" });
            write_game(&out, transcript).map(|_| ())
        })
        .unwrap();
        assert!(words > 0, "{env}: answers stand as they were given");
        let speaks = args.contains("messages") || args.contains("text");
        assert!(messages > 0 || !speaks, "{env}");
        let tables = place.path().join("tables");
        let imported = import(&out, &tables, ImportOptions::default(), |_, _| ()).unwrap();
        assert_eq!(imported.games, played.len() as u64, "{env}");
        assert!(imported.left_out.is_empty(), "{env}");
        let mut back: Vec<Game> = rows(&tables.join("games.parquet"));
        let mut before = played.clone();
        back.sort_by(|a, b| a.game.cmp(&b.game));
        before.sort_by(|a, b| a.game.cmp(&b.game));
        assert_eq!(back, before, "{env}");
    }
}
