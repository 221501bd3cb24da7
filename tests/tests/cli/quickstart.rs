//! The quickstart: published numbers, verified episodes, the same bytes however it is run.

use std::{fs, process::Stdio, time::Duration};

use serde_json::Value;

use super::support::{Bench, files, is_result, repository};

fn quickstart() -> String {
    repository()
        .join("experiments/configs/quickstart.toml")
        .display()
        .to_string()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn standard_error(values: &[f64]) -> f64 {
    let m = mean(values);
    let n = values.len() as f64;
    (values.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt()
}

/// Numbers of `bandits.md` §5.1: oracle greedy's expected payoff is exact; the learners' means come from 20 seeds.
#[test]
fn the_quickstart_reproduces_the_published_totals() {
    let bench = Bench::new();
    let report = bench.json(&["run", &quickstart(), "--out", "run"]);
    let trials = report["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 60);
    let values = |label: &str, get: &dyn Fn(&Value) -> f64| -> Vec<f64> {
        let of_agent = trials.iter().filter(|t| t["label"] == label);
        of_agent.map(get).collect()
    };
    let score = |t: &Value| t["players"][0]["score"].as_f64().unwrap();
    let expected = |t: &Value| {
        let info = t["info"].as_array().unwrap();
        info.iter().find(|i| i[0] == "expected_payoff").unwrap()[1]
            .as_f64()
            .unwrap()
    };
    let oracle = mean(&values("oracle greedy", &expected));
    assert!((oracle - 548.39).abs() <= 0.01, "oracle greedy {oracle}");
    let uniform = mean(&values("uniform", &score));
    for (label, published) in [
        ("UCB1", 560.0),
        ("Thompson", 551.0),
        ("EXP3", 548.0),
        ("uniform", 617.0),
    ] {
        let scores = values(label, &score);
        let (m, error) = (mean(&scores), standard_error(&scores));
        assert!(
            (m - published).abs() <= 3.0 * error,
            "{label}: {m} ± {error}, published {published}"
        );
        assert!(
            label == "uniform" || m < uniform,
            "{label}: {m}, uniform {uniform}"
        );
    }
    let epsilon = mean(&values("ε-greedy", &score));
    assert!(
        epsilon < uniform && oracle < uniform,
        "ε-greedy {epsilon}, uniform {uniform}"
    );
}

#[test]
fn episodes_verify_and_a_flipped_byte_is_found() {
    let bench = Bench::new();
    let config = quickstart();
    bench.ok(&[
        "run",
        &config,
        "--out",
        "run",
        "--set",
        "experiment.seeds=[0, 1]",
    ]);
    let verified = bench.json(&["replay", "run", "--verify"]);
    assert_eq!(verified["episodes"], 12, "{verified}");
    assert_eq!(verified["verified"], 12, "{verified}");

    let (name, bytes) = files(&bench.path("run"), |n| n.contains("train-")).remove(3);
    for at in [bytes.len() / 3, bytes.len() / 2, bytes.len() - 200] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        fs::write(bench.path("run").join(&name), &damaged).unwrap();
        let output = bench.run(&["replay", "run", "--verify", "--json"]);
        assert_eq!(output.status.code(), Some(1), "byte {at}");
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        let file = name.rsplit('/').next().unwrap();
        assert!(said.contains(file), "byte {at}: {said}");
    }
}

/// Ten episodes of each trial of two seeds, with a checkpoint every few milliseconds.
fn short(out: &str, threads: &str) -> Vec<String> {
    let mut args: Vec<String> = ["run", &quickstart(), "--out", out, "--threads", threads]
        .map(str::to_owned)
        .to_vec();
    for set in [
        "experiment.seeds=[0, 1]",
        "experiment.total_env_steps=36000",
        "train.checkpoint_every_s=0.01",
    ] {
        args.extend(["--set".to_owned(), set.to_owned()]);
    }
    args
}

#[test]
fn results_do_not_depend_on_threads_or_on_being_killed() {
    let bench = Bench::new();
    let results = |run: &str| files(&bench.path(run), is_result);
    for (out, threads) in [("one", "1"), ("two", "2")] {
        let args = short(out, threads);
        bench.ok(&args.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let expected = results("one");
    assert!(expected.len() >= 3 * 12, "{} files", expected.len());
    assert!(expected == results("two"), "one and two threads");

    // Killed at five moments, each a little later than the last, then resumed to the end.
    let args = short("killed", "2");
    let mut command = bench.command(&args.iter().map(String::as_str).collect::<Vec<_>>());
    for moment in [0_u64, 23, 61, 128, 211] {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The manifest is the first thing that makes a run resumable.
        for _ in 0..500 {
            if bench.path("killed/manifest.json").exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
        command = bench.command(&["resume", "killed", "--threads", "2"]);
    }
    bench.ok(&["resume", "killed"]);
    assert!(expected == results("killed"), "killed and resumed");
}
