//! `language import`, `language regress`, `export --format glee`, tournaments.

use super::support::Bench;

const TOURNAMENT: &str = r#"
schema = 1
experiment = { name = "cup", seeds = [0, 1], total_env_steps = 200 }
env = { id = "glee_bargaining-v1", num_envs = 4, args = { config = "published", offers = 11 } }
tournament = { players = ["alice", "bob"] }
agents = [{ id = "random" }, { id = "random", name = "other" }, { id = "random", name = "third" }]
log = { episodes = "all", tensorboard = false }
"#;

/// What the program says when it refuses.
fn fails(bench: &Bench, args: &[&str]) -> String {
    let output = bench.run(args);
    assert!(!output.status.success(), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_tournament_is_played_exported_imported_and_explained() {
    let bench = Bench::new();
    bench.write("cup.toml", TOURNAMENT);
    bench.ok(&["run", "cup.toml", "--out", "run"]);

    let report = bench.json(&["report", "run"]);
    let text = std::fs::read_to_string(bench.path("run/report.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let meta = &document["meta_game"];
    assert_eq!(meta["cells"].as_array().unwrap().len(), 9, "{report}");
    let sum = |key: &str, at: Option<usize>| -> f64 {
        let ratings = meta["ratings"].as_array().unwrap().iter();
        let value = |rating: &serde_json::Value| match at {
            Some(at) => rating[key][at].as_f64().unwrap(),
            None => rating[key].as_f64().unwrap(),
        };
        ratings.map(value).sum()
    };
    for player in 0..2 {
        assert!((sum("alpha_mass", Some(player)) - 1.0).abs() < 1e-9);
    }
    assert!((sum("nash_weight", None) - 1.0).abs() < 1e-9);
    let page = std::fs::read_to_string(bench.path("run/report.html")).unwrap();
    for expected in ["Who beats whom", "Nash rating", "α-Rank as alice", "third"] {
        assert!(page.contains(expected), "{expected}");
    }

    let exported = bench.ok(&["export", "run", "--format", "glee", "--out", "Data"]);
    assert!(exported.contains("games below Data/cup"), "{exported}");
    let imported = bench.json(&["language", "import", "Data", "--out", "games"]);
    assert_eq!(imported["schema"], "language-import/1");
    assert!(imported["games"].as_u64().unwrap() > 200);
    assert_eq!(imported["games"], imported["read"]);
    let refused = fails(&bench, &["language", "import", "Data", "--out", "games"]);
    assert!(refused.contains("--force"), "{refused}");

    let of_tables = bench.json(&["language", "regress", "games", "--measure", "alice_gain"]);
    let of_run = bench.json(&["language", "regress", "run", "--measure", "alice_gain"]);
    let r2 = |document: &serde_json::Value| document["explained"][0]["r2"].as_f64().unwrap();
    assert!((r2(&of_tables) - r2(&of_run)).abs() < 1e-9);
    let text = bench.ok(&[
        "language",
        "regress",
        "games",
        "--family",
        "bargaining",
        "--pairs",
        "--plot",
        "effects.svg",
    ]);
    for expected in [
        "bargaining, efficiency",
        "all reference levels",
        "delta_alice 0.9",
        "other and third",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    for measure in ["efficiency", "bob_gain"] {
        let picture =
            std::fs::read_to_string(bench.path(&format!("effects-bargaining-{measure}.svg")))
                .unwrap();
        assert!(picture.contains("money 100"), "{measure}");
    }
    let refused = fails(
        &bench,
        &[
            "language",
            "regress",
            "games",
            "--reference",
            "delta_bob=0.85",
        ],
    );
    assert!(refused.contains("it has: 0.8; 0.9; 0.95; 1"), "{refused}");
}

#[test]
fn damaged_games_are_told_with_their_place() {
    let bench = Bench::new();
    let folder = bench.path("Data/x/bargaining/A/B/C/ABC");
    std::fs::create_dir_all(&folder).unwrap();
    let config = r#"{"game_type": "bargaining", "player_1_type": "litellm", "player_2_type": "litellm",
        "game_args": {"money_to_divide": 100, "max_rounds": 12, "complete_information": true, "messages_allowed": false,
        "delta_1": 0.9, "delta_2": 0.9}}"#;
    std::fs::write(folder.join("config.json"), config).unwrap();
    std::fs::write(
        folder.join("game.csv"),
        "alice_gain,bob_gain,player,round,decision\n70,31,Alice,1,\n",
    )
    .unwrap();
    let refused = fails(&bench, &["language", "import", "Data", "--out", "out"]);
    for expected in ["ABC/game.csv, line 2, `alice_gain`", "101", "--lenient"] {
        assert!(refused.contains(expected), "{expected}\n{refused}");
    }
    let counted = bench.ok(&["language", "import", "Data", "--out", "out", "--lenient"]);
    assert!(
        counted.contains("refused") && counted.contains("line 2"),
        "{counted}"
    );
}

const GAME: &str = r#"
schema = 1
experiment = { name = "game", seeds = [0], total_env_steps = 2 }
env = { id = "glee_bargaining-v1" }
agents = [{ id = "rational", players = ["alice"] }, { id = "boulware", players = ["bob"] }]
eval = { episodes = 1 }
log = { episodes = "all", tensorboard = false }
"#;

#[test]
fn wrong_games_are_told_by_the_key() {
    let bench = Bench::new();
    let refused = |name: &str, text: &str| {
        bench.write(name, text);
        fails(&bench, &["check", "config", name])
    };
    let seats = refused("seats.toml", &GAME.replace("\"alice\"", "\"alise\""));
    for expected in [
        "no player `alise`",
        "did you mean `alice`",
        "agents.0.players.0",
    ] {
        assert!(seats.contains(expected), "{expected}\n{seats}");
    }
    // A sweep over games is wrong once.
    let sweep = format!(
        "{}\n[sweep]\n\"env.id\" = [\"glee_bargaining-v1\", \"glee_negotiation-v1\"]\n",
        GAME.replace("\"bob\"", "\"rob\"")
    );
    let seats = refused("sweep.toml", &sweep);
    assert_eq!(seats.matches("no player `rob`").count(), 1, "{seats}");
    let with_args = |args: &str| {
        GAME.replace(
            "\"glee_bargaining-v1\"",
            &format!("\"glee_negotiation-v1\", args = {{ {args} }}"),
        )
    };
    let config = refused("config.toml", &with_args("config = \"publishd\""));
    assert!(
        config.contains("there is no `publishd` here")
            && config.contains("did you mean `published`"),
        "{config}"
    );
    let bounds = format!(
        "{GAME}\n[sweep]\n\"env.id\" = [\"glee_negotiation-v1\"]\n\"env.args.highest\" = [0.1]\n"
    );
    let bounds = refused("bounds.toml", &bounds);
    assert!(
        bounds.contains("must be more than `lowest`, 0.5; found 0.1")
            && bounds.contains("\"env.args.highest\" = [0.1]")
            && bounds.contains("env.args.highest\n"),
        "{bounds}"
    );
    // Wrong arguments are no broken promise of the environment.
    let args = "{\"offers\": 1}";
    let checked = bench.run(&["check", "env", "glee_bargaining-v1", "--args", args]);
    let said = String::from_utf8(checked.stderr).unwrap();
    assert_eq!(checked.status.code(), Some(2), "{said}");
    assert!(
        said.contains("`offers`: must be between 2 and 10001"),
        "{said}"
    );
}

#[test]
fn a_replay_begins_with_a_game_that_came_to_its_end() {
    let bench = Bench::new();
    bench.write("game.toml", GAME);
    bench.ok(&["run", "game.toml", "--out", "run"]);
    let shown = bench.ok(&["replay", "run", "--speed", "0"]);
    assert!(
        shown.contains("episode eval-0-0") && shown.contains("terminated"),
        "{shown}"
    );
    let cut = bench.ok(&["replay", "run", "--episode", "0", "--speed", "0"]);
    assert!(!cut.contains("terminated"), "{cut}");
    // Without a game that ended the first is shown.
    let training = GAME.replace("eval = { episodes = 1 }\n", "");
    bench.write("cut.toml", &training);
    bench.ok(&["run", "cut.toml", "--out", "cut"]);
    assert_eq!(bench.ok(&["replay", "cut", "--speed", "0"]), cut);
}

#[test]
fn what_an_interrupted_export_left_is_passed_over() {
    let bench = Bench::new();
    bench.write("game.toml", GAME);
    bench.ok(&["run", "game.toml", "--out", "run"]);
    bench.ok(&["export", "run", "--format", "glee", "--out", "Data"]);
    let whole = bench.json(&["language", "import", "Data", "--out", "games"]);
    // A game that was being written, and an empty one among the others.
    let game = |folder: &std::path::Path| -> Option<std::path::PathBuf> {
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            if folder.join("config.json").exists() {
                return Some(folder);
            }
            let inside = std::fs::read_dir(folder)
                .unwrap()
                .map(|e| e.unwrap().path());
            folders.extend(inside.filter(|path| path.is_dir()));
        }
        None
    };
    let found = game(&bench.path("Data")).unwrap();
    let left = found.with_extension("tmp");
    std::fs::create_dir(&left).unwrap();
    std::fs::copy(found.join("config.json"), left.join("config.json")).unwrap();
    std::fs::write(left.join("game.csv"), "").unwrap();
    let again = bench.json(&["language", "import", "Data", "--out", "again"]);
    assert_eq!(whole["games"], again["games"]);
    std::fs::write(found.join("game.csv"), "").unwrap();
    let refused = fails(&bench, &["language", "import", "Data", "--out", "third"]);
    assert!(refused.contains("the file is empty"), "{refused}");
}
