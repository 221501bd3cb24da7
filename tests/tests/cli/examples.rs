//! The programs that users are shown: an agent of one's own, and an environment of one's own.

use std::{path::Path, process::Command};

use super::support::{Bench, repository};

/// Runs a program in the repository, as its documentation says, and expects success.
fn ok(program: &str, args: &[&str]) -> String {
    let mut command = Command::new(program);
    let output = command.args(args).current_dir(repository()).output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{args:?}\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs an experiment file into `run`, verifies its episodes, and returns names and mean scores of its report.
fn report(program: &str, config: &str, run: &Path) -> Vec<(String, f64)> {
    let run = run.to_str().unwrap();
    ok(program, &["run", config, "--out", run]);
    ok(program, &["replay", run, "--verify"]);
    ok(program, &["report", run]);
    let text = std::fs::read_to_string(Path::new(run).join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let agents = report["agents"].as_array().unwrap().iter();
    let named = agents.map(|agent| {
        let score = agent["score"]["mean"].as_f64().unwrap();
        (agent["name"].as_str().unwrap().to_owned(), score)
    });
    named.collect()
}

#[test]
fn agents_from_three_doors_stand_in_one_report() {
    let bench = Bench::new();
    let agents = report(
        env!("CARGO_BIN_EXE_custom-agent-under-test"),
        "experiments/configs/custom_agents.toml",
        &bench.path("run"),
    );
    let names: Vec<&str> = agents.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ucb1", "sticky_greedy", "Python ε-greedy"]);
}

#[test]
fn an_environment_of_ones_own_conforms_and_runs() {
    let program = env!("CARGO_BIN_EXE_custom-environment-under-test");
    ok(program, &["check", "env", "slippery_chain-v1"]);
    let bench = Bench::new();
    let agents = report(
        program,
        "experiments/configs/custom_environment.toml",
        &bench.path("run"),
    );
    let score = |name: &str| agents.iter().find(|(n, _)| n == name).unwrap().1;
    assert!(score("forward") > score("back") && score("back") > score("random"));
}
