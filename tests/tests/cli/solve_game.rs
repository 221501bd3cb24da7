//! `solve` on games: what it prints, what it draws, and what is refused.

use serde_json::Value;

use super::support::Bench;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Lines of the table of planners without the column of seconds.
fn steady(text: &str) -> String {
    let mut in_table = false;
    let line = |line: &str| {
        in_table = line.starts_with("planner ") || (in_table && !line.is_empty());
        match line.rsplit_once(' ') {
            Some((row, _)) if in_table && !line.starts_with("planner ") => {
                format!("{} …", row.trim_end())
            }
            _ => line.to_owned(),
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn people_read_gaps_and_policies() {
    let bench = Bench::new();
    insta::assert_snapshot!(
        "solve_game_tree",
        steady(&bench.ok(&["solve", "kuhn_poker"]))
    );
    let table = bench.ok(&["solve", "biased_rps", "--iterations", "100"]);
    insta::assert_snapshot!("solve_game_table", steady(&table));
    let preferences = [
        "solve",
        "biased_cycle",
        "--planner",
        "egpo={\"tau\": 0.01}",
        "--planner",
        "sppo",
        "--iterations",
        "200",
    ];
    let preferences = bench.ok(&preferences);
    insta::assert_snapshot!("solve_game_preferences", steady(&preferences));
}

#[test]
fn programs_read_a_document() {
    let bench = Bench::new();
    // The environment is the same game.
    let document = bench.json(&["solve", "kuhn_poker-v1", "--planner", "cfr_plus"]);
    assert_eq!(document["schema"], "solve-game/1");
    assert_eq!(document["game"]["kind"], "extensive");
    assert!((number(&document["equilibrium"]["value"]) + 1.0 / 18.0).abs() < 1e-9);
    let planner = &document["planners"][0];
    assert!((number(&planner["gap"]) - 1.747e-4).abs() < 1e-6);
    assert!((number(&planner["value"]) + 1.0 / 18.0).abs() < 1e-5);
    let trace = planner["trace"].as_array().unwrap();
    let iterations: Vec<f64> = trace
        .iter()
        .map(|point| number(&point["iteration"]))
        .collect();
    assert_eq!(
        iterations,
        [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map(f64::from)
    );
    assert_eq!(planner["policy"].as_array().unwrap().len(), 12);
    let leduc = [
        "solve",
        "leduc_poker",
        "--planner",
        "cfr_plus",
        "--iterations",
        "10",
    ];
    let document = bench.json(&leduc);
    assert!((number(&document["planners"][0]["gap"]) - 1.220_877_80).abs() < 1e-8);
    let random = ["solve", "random10_7", "--planner", "egpo"];
    let document = bench.json(&random);
    assert!(number(&document["planners"][0]["gap"]) < 1e-12);
    assert!((number(&document["equilibrium"]["value"]) - 0.5).abs() < 1e-9);
}

#[test]
fn gaps_are_drawn() {
    let bench = Bench::new();
    bench.ok(&["solve", "matching_pennies", "--plot", "gaps.svg"]);
    let svg = std::fs::read_to_string(bench.path("gaps.svg")).unwrap();
    assert!(svg.contains("distance from an equilibrium"));
}

#[test]
fn wrong_requests_say_what_to_do() {
    let bench = Bench::new();
    let said = bench.transcripts(&[
        &["solve", "kuhn_poker", "--planner", "egpo"],
        &["solve", "kuhn_poker", "--cap", "10"],
        &["solve", "biased_cycle", "--planner", "egpo={\"tau\": -1}"],
        &["solve", "kuhn_poker", "--planner", "cfr_pluss"],
        &["solve", "kuhn_pokr"],
        &["solve", "random0_1"],
        &["solve", "biased_cycle", "--planner", "egpo={\"eta\": 50}"],
        &["solve", "exp3", "--iterations", "10"],
    ]);
    insta::assert_snapshot!("solve_game_wrong", said);
}

/// Who leaves all numbers behind is told as such, and what the others found is shown.
#[test]
fn a_solver_that_diverges_is_not_the_best() {
    let bench = Bench::new();
    let wild = "sppo={\"eta\": 1e308}";
    let args = [
        "solve",
        "biased_cycle",
        "--planner",
        wild,
        "--planner",
        "nash_md",
    ];
    let output = bench.run(&args);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(
        text.contains("diverged") && text.contains("Policy of nash_md") && !text.contains("NaN"),
        "{text}"
    );
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("has diverged by iteration")
    );
    let document = bench.json(&args);
    assert!(document["planners"][0]["gap"].is_null());
    assert!(document["planners"][0]["problem"].is_string());
    let alone = bench.run(&["solve", "biased_cycle", "--planner", wild]);
    assert_eq!(alone.status.code(), Some(1));
    let even = bench.run(&["solve", "extreme_rps", "--iterations", "10"]);
    let told = String::from_utf8(even.stderr).unwrap();
    assert!(told.contains("starts at a solution"), "{told}");
}
