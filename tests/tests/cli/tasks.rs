//! Several tasks in one run, and several trials in one episode.

use super::support::Bench;

const TASKS: &str = r#"
schema = 1
experiment = { name = "tasks", seeds = [0, 1], total_env_steps = 640 }
env = { id = "repeat_first-v0", num_envs = 4 }
agents = [{ id = "random" }, { id = "random", name = "another" }]
eval = { episodes = 4 }
log = { episodes = "none", tensorboard = false }

[sweep]
"env.id" = ["repeat_first-v0", "higher_lower-v0"]
"#;

#[test]
fn a_sweep_over_environments_is_a_table_of_agents_by_tasks() {
    let bench = Bench::new();
    bench.write("tasks.toml", TASKS);
    bench.ok(&["run", "tasks.toml", "--out", "run"]);
    let report = bench.json(&["report", "run"]);
    let tasks = &report["tasks"];
    assert_eq!(
        tasks["tasks"],
        serde_json::json!(["repeat_first-v0", "higher_lower-v0"])
    );
    let rows = tasks["rows"].as_array().unwrap();
    let agents: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["agent"].as_str())
        .collect();
    assert_eq!(agents, ["random", "another"]);
    for (row, agent) in rows.iter().zip(&agents) {
        assert_eq!(row["runs"], 2);
        // The mean of the middle half of two seeds on two tasks, by hand.
        let lines = report["agents"].as_array().unwrap().iter();
        let own = lines.filter(|line| {
            line["name"]
                .as_str()
                .unwrap()
                .starts_with(&format!("{agent} ("))
        });
        let scores = own.flat_map(|line| line["scores"].as_array().unwrap());
        let mut scores: Vec<f64> = scores.map(|score| score.as_f64().unwrap()).collect();
        scores.sort_by(f64::total_cmp);
        assert_eq!(scores.len(), 4, "{report}");
        let all = row["all"]["estimate"].as_f64().unwrap();
        assert!((all - f64::midpoint(scores[1], scores[2])).abs() < 1e-12);
    }
    let plots: Vec<&str> = report["plots"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|plot| plot.as_str())
        .collect();
    assert_eq!(plots[0], "tasks");
    for task in ["repeat-first-v0", "higher-lower-v0"] {
        let plot = format!("curve-charts-episodic-return-{task}");
        assert!(plots.contains(&plot.as_str()), "{plots:?}");
    }
    assert!(report["notes"].as_array().unwrap().is_empty(), "{report}");
    assert!(bench.ok(&["report", "run"]).contains("all tasks"));
}

/// Agents that a sweep tells apart by an argument which the environment has too are not taken for one.
#[test]
fn arguments_of_agents_keep_their_place_in_names() {
    let bench = Bench::new();
    let file = TASKS
        .replace("num_envs = 4", "num_envs = 4, args = { parity = false }")
        .replace("[{ id = \"random\" }, { id = \"random\", name = \"another\" }]", "[{ id = \"ppo\", args = { core = \"gru\", encoder = [4], heads = [4], rollout = 32, epochs = 1, minibatches = 1 } }]");
    bench.write(
        "tasks.toml",
        &(file + "\"agents.0.args.parity\" = [false, true]\n"),
    );
    bench.ok(&["run", "tasks.toml", "--out", "run"]);
    let report = bench.json(&["report", "run"]);
    let rows = report["tasks"]["rows"].as_array().unwrap().iter();
    let agents: Vec<&str> = rows.filter_map(|row| row["agent"].as_str()).collect();
    assert_eq!(agents.len(), 2, "{agents:?}");
}

const TRIALS: &str = r#"
schema = 1
experiment = { name = "trials", seeds = [0], total_env_steps = 640 }
env = { id = "position_only_cartpole-v0", num_envs = 4, wrappers = [{ kind = "trials", trials = 2 }] }
agents = [{ id = "random" }]
eval = { episodes = 8 }
log = { episodes = "none", tensorboard = false }
"#;

#[test]
fn returns_by_trial_are_told_drawn_and_reported() {
    let bench = Bench::new();
    bench.write("trials.toml", TRIALS);
    bench.ok(&["run", "trials.toml", "--out", "run"]);
    let longer = "env.wrappers.0.trials=3";
    let args = [
        "eval",
        "run",
        "--episodes",
        "40",
        "--held-out",
        longer,
        "--plot",
        "curve.svg",
    ];
    let told = bench.json(&args);
    let agents = told["by_trial"][0]["agents"].as_array().unwrap();
    let elements = |agent: usize| agents[agent]["trials"].as_array().unwrap();
    assert_eq!([elements(0).len(), elements(1).len()], [2, 3]);
    assert_eq!(elements(0)[0]["count"], 40);
    // The mean return of an episode is that of its trials together.
    let mean = |agent: usize| {
        elements(agent)
            .iter()
            .map(|e| e["mean"].as_f64().unwrap())
            .sum::<f64>()
    };
    for (agent, trial) in told["trials"].as_array().unwrap().iter().enumerate() {
        let whole = trial["mean_returns"][0].as_f64().unwrap();
        assert!((mean(agent) - whole).abs() < 1e-6, "{told}");
    }
    assert!(
        std::fs::read_to_string(bench.path("curve.svg"))
            .unwrap()
            .contains("trial of the episode")
    );
    let shown = bench.ok(&args);
    assert!(
        shown.contains("trial return 3 less trial return 1"),
        "{shown}"
    );
    let report = bench.json(&["report", "run"]);
    let plots = report["plots"].to_string();
    assert!(plots.contains("within-eval-trial-return"), "{plots}");
    // Nothing is played for a picture that cannot be drawn.
    let args = ["eval", "run", "--plot", "curve.txt"];
    assert_eq!(bench.run(&args).status.code(), Some(2));
}
