//! Agents that an earlier run has trained, in other runs: `from`.

use serde_json::Value;

use super::support::Bench;

const SCHOOL: &str = r#"
schema = 1
experiment = { name = "school", seeds = [0, 1], total_env_steps = 512 }
env = { id = "glee_bargaining-v1", num_envs = 8, args = { rounds = 4 } }
agents = [{ id = "ppo", args = { core = "gru", encoder = [8], heads = [8], rollout = 16, epochs = 1 } }]
log = { episodes = "none", tensorboard = false }
"#;

const MATCH: &str = r#"
schema = 1
experiment = { name = "match", seeds = [5], total_env_steps = 6 }
env = { id = "glee_bargaining-v1", num_envs = 3, args = { rounds = 4 } }
agents = [
    { id = "acceptor", players = ["alice"] },
    { from = "school/trials/ppo-seed1", name = "graduate", players = ["bob"] },
]
eval = { episodes = 3 }
log = { episodes = "all", tensorboard = false }
"#;

fn school() -> Bench {
    let bench = Bench::new();
    bench.write("school.toml", SCHOOL);
    bench.ok(&["run", "school.toml", "--out", "school"]);
    bench
}

/// Mean returns of an evaluation.
fn returns(document: &Value) -> Vec<f64> {
    serde_json::from_value(document["trials"][0]["mean_returns"].clone()).unwrap()
}

#[test]
fn a_trained_agent_plays_in_other_runs_in_numbers_and_in_words() {
    let bench = school();
    bench.write("match.toml", MATCH);
    bench.ok(&["run", "match.toml", "--out", "match"]);
    bench.ok(&["replay", "match", "--verify"]);
    let resolved = std::fs::read_to_string(bench.path("match/resolved.toml")).unwrap();
    for expected in [
        "id = \"ppo\"",
        "rollout = 16",
        "from = \"school/trials/ppo-seed1\"",
    ] {
        assert!(resolved.contains(expected), "{resolved}");
    }
    // Nobody learns and nothing is left to chance, so that all who ask get the same.
    let of_run = returns(&bench.json(&["eval", "match"]));
    let of_file = returns(&bench.json(&["eval", "match.toml"]));
    let words = "env.id=glee_bargaining_text-v1";
    let in_words = returns(&bench.json(&["eval", "match.toml", "--set", words]));
    assert!(of_run.iter().sum::<f64>() > 0.0, "{of_run:?}");
    assert_eq!(of_file, of_run);
    assert_eq!(in_words, of_run);
    let trial: Value = serde_json::from_str(
        &std::fs::read_to_string(bench.path("match/trials/acceptor_vs_graduate-seed5/trial.json"))
            .unwrap(),
    )
    .unwrap();
    assert_eq!(trial["players"][1]["score"], of_run[1]);

    // It meets itself and others, and learns nothing: the games of the run are those of an evaluation.
    let cup = MATCH
        .replace("players = [\"alice\"]", "name = \"theory\"")
        .replace(", players = [\"bob\"]", "")
        .replace(
            "agents =",
            "tournament = { players = [\"alice\", \"bob\"] }\nagents =",
        );
    bench.write("cup.toml", &cup);
    let all = bench.json(&["eval", "cup.toml"]);
    assert_eq!(all["trials"].as_array().unwrap().len(), 4);
}

#[test]
fn what_was_not_trained_is_told() {
    let bench = school();
    let refused = |old: &str, new: &str| {
        bench.write("wrong.toml", &MATCH.replace(old, new));
        let output = bench.run(&["check", "config", "wrong.toml"]);
        assert_eq!(output.status.code(), Some(2), "{new}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        // Lines are broken anywhere.
        told.replace(|c: char| c.is_whitespace() || c == '│', "")
    };
    let place = "school/trials/ppo-seed1";
    let nowhere = refused(place, "nowhere/trials/ppo-seed1");
    assert!(
        nowhere.contains("agents.1.from") && nowhere.contains("nowhere"),
        "{nowhere}"
    );
    for place_of_several in ["school", "school/trials/ppo-seed2"] {
        let several = refused(place, place_of_several);
        assert!(several.contains("`ppo-seed0`,`ppo-seed1`"), "{several}");
    }
    let other = refused("{ from", "{ id = \"random\", from");
    assert!(other.contains("itsagentsare`ppo`"), "{other}");
    let nobody = refused("{ id = \"acceptor\", ", "{ ");
    assert!(nobody.contains("missingfield`id`"), "{nobody}");
    let fewer = refused("rounds = 4 }", "rounds = 4, offers = 11 }");
    assert!(fewer.contains("doesnotfitagent`ppo`"), "{fewer}");
}
