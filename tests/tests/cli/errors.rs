//! What users read when something is wrong.

use super::support::Bench;

const GOOD: &str = r#"
schema = 1

[experiment]
name = "small"
seeds = [0, 1]
total_env_steps = 400

[env]
id = "cartpole-v1"
num_envs = 4

[[agents]]
id = "random"
"#;

fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old));
    GOOD.replace(old, new)
}

#[test]
fn wrong_configurations_point_at_the_key_and_suggest_a_name() {
    let bench = Bench::new();
    let cases = [
        ("not_toml", with("seeds = [0, 1]", "seeds = [0, 1")),
        ("unknown_key", with("num_envs", "num_env")),
        ("wrong_type", with("num_envs = 4", "num_envs = \"many\"")),
        ("unknown_env", with("cartpole-v1", "cartpol-v1")),
        (
            "unknown_argument",
            with("num_envs = 4", "args = { sutton_reward = true }"),
        ),
        (
            "several",
            with("seeds = [0, 1]", "seeds = [3, 3]").replace("\"random\"", "\"rando\""),
        ),
    ];
    for (name, text) in cases {
        bench.write("case.toml", &text);
        insta::assert_snapshot!(name, bench.transcript(&["run", "case.toml"]));
    }
}

#[test]
fn overrides_are_checked_like_the_file() {
    let bench = Bench::new();
    bench.write("good.toml", GOOD);
    insta::assert_snapshot!(
        "override",
        bench.transcript(&["run", "good.toml", "--set", "env.num_envs=-1"])
    );
}

#[test]
fn an_existing_run_is_not_overwritten_unless_forced() {
    let bench = Bench::new();
    bench.write("good.toml", GOOD);
    bench.ok(&["run", "good.toml", "--out", "run"]);
    insta::assert_snapshot!(
        "exists",
        bench.transcript(&["run", "good.toml", "--out", "run"])
    );
    bench.ok(&["run", "good.toml", "--out", "run", "--force"]);
    // A folder that is no run is never removed.
    std::fs::create_dir(bench.path("precious")).unwrap();
    std::fs::write(bench.path("precious/thesis.tex"), "x").unwrap();
    let output = bench.run(&["run", "good.toml", "--out", "precious", "--force"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(bench.path("precious/thesis.tex").exists());
}

#[test]
fn a_checkpoint_of_another_version_is_refused() {
    let bench = Bench::new();
    bench.write("good.toml", GOOD);
    bench.ok(&["run", "good.toml", "--out", "run"]);
    let trial = bench.path("run/trials/random-seed0");
    std::fs::remove_file(trial.join("trial.json")).unwrap();
    let checkpoints = std::fs::read_dir(trial.join("checkpoints")).unwrap();
    for folder in checkpoints
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_dir())
    {
        let version = folder.join("version.json");
        let text = std::fs::read_to_string(&version).unwrap();
        let newer = text.replace("\"checkpoint_version\": 3", "\"checkpoint_version\": 99");
        assert_ne!(text, newer);
        std::fs::write(&version, newer).unwrap();
    }
    let output = bench.run(&["resume", "run"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("version 99") && !output.status.success(),
        "{said}"
    );
}

#[test]
fn help_has_an_example_for_every_command() {
    let bench = Bench::new();
    for command in [
        "run", "resume", "eval", "replay", "report", "list", "check", "solve", "bench", "schema",
        "export", "new", "serve", "probe",
    ] {
        let help = bench.ok(&[command, "--help"]);
        assert!(help.contains("Example:\n  palaestra "), "{command}: {help}");
    }
    let help = bench
        .ok(&["--help"])
        .replace("palaestra-under-test", "palaestra");
    insta::assert_snapshot!("help", help);
}

#[test]
fn a_new_file_runs_as_it_is() {
    let bench = Bench::new();
    bench.ok(&[
        "new",
        "mine.toml",
        "--env",
        "lsd_bandit-v1",
        "--agent",
        "ucb1",
        "--agent",
        "uniform",
    ]);
    let report = bench.json(&[
        "run",
        "mine.toml",
        "--set",
        "experiment.total_env_steps=500",
    ]);
    assert_eq!(report["trials"].as_array().unwrap().len(), 10);
    let listed = bench.json(&["list", "envs"]);
    assert!(listed["envs"].as_array().unwrap().len() >= 8, "{listed}");
}

#[test]
fn a_process_agent_that_fails_is_told_from_a_wrong_configuration() {
    let bench = Bench::new();
    let agent =
        "id = \"process\"\nargs = { command = [\"python3\", \"-c\", \"raise SystemExit(3)\"] }";
    bench.write("case.toml", &with("id = \"random\"", agent));
    let transcript = bench.transcript(&["run", "case.toml"]);
    assert!(transcript.starts_with("exit code 4\n"), "{transcript}");
    assert!(transcript.contains("case.toml:13"), "{transcript}");
}

/// The system refuses to let a file grow, as it does when the disk is full.
#[test]
fn a_run_on_a_full_disk_says_so_and_can_be_resumed() {
    let bench = Bench::new();
    bench.write(
        "good.toml",
        &with("total_env_steps = 400", "total_env_steps = 40000"),
    );
    let limited = format!(
        "trap '' XFSZ; ulimit -f 128; exec {} run good.toml --out full",
        super::support::program()
    );
    let mut command = std::process::Command::new("sh");
    let full = command
        .args(["-c", &limited])
        .current_dir(bench.path(""))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&full.stderr);
    assert_eq!(full.status.code(), Some(70), "{stderr}");
    assert!(stderr.contains("free some space"), "{stderr}");
    assert!(stderr.contains("full/trials/random-seed0/"), "{stderr}");
    bench.ok(&["resume", "full"]);
    bench.ok(&["run", "good.toml", "--out", "never_full"]);
    for trial in ["random-seed0", "random-seed1"] {
        let metrics = |run: &str| {
            std::fs::read(
                bench
                    .path(run)
                    .join("trials")
                    .join(trial)
                    .join("metrics.parquet"),
            )
            .unwrap()
        };
        assert_eq!(metrics("full"), metrics("never_full"));
    }
    bench.ok(&["replay", "full", "--verify"]);
}
