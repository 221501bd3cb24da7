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
