//! `palaestra bench`: what it measures is there, whatever the numbers.

use super::support::Bench;

#[test]
fn an_agents_time_is_split() {
    let bench = Bench::new();
    let agent = r#"{"core": "gru", "encoder": [8], "heads": [8], "rollout": 4, "epochs": 1, "minibatches": 1}"#;
    let document = bench.json(&[
        "bench",
        "env",
        "repeat_previous-v0",
        "--rows",
        "2",
        "--steps",
        "8",
        "--repetitions",
        "2",
        "--wrappers",
        r#"[{"kind": "previous_action"}]"#,
        "--agent",
        "ppo",
        "--agent-args",
        agent,
    ]);
    let splits = document["split"].as_array().unwrap();
    assert_eq!(splits.len(), 2);
    for split in splits {
        for part in ["acting_s", "environment_s", "observing_s"] {
            assert!(split[part].as_f64().unwrap() > 0.0, "{part}");
        }
    }
    let error = bench.transcript(&["bench", "env", "cartpole-v1", "--wrappers", "previous"]);
    assert!(
        error.starts_with("exit code 2") && error.contains("--wrappers"),
        "{error}"
    );
}

#[test]
fn parts_of_learning_are_measured_by_name() {
    let bench = Bench::new();
    let only = ["--only", "ppo_step,critic_step,s5_step"];
    let document = bench.json(&[&["bench", "learning", "--repetitions", "1"][..], &only].concat());
    let measured = document["measured"].as_array().unwrap();
    assert_eq!(measured.len(), 3);
    for part in measured {
        assert!(part["seconds"].as_f64().unwrap() > 0.0, "{part}");
    }
    let error = bench.transcript(&["bench", "learning", "--only", "nothing"]);
    assert!(
        error.starts_with("exit code 2") && error.contains("critic_step"),
        "{error}"
    );
}
