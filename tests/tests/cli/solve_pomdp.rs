//! `solve` on POMDPs: what it prints, what it writes, the files that ship, and what is wrong with others.

use std::fs;

use palaestra::solve::{PomdpOptions, PomdpProblem, PomdpRequest, Work, solve_pomdp};
use palaestra_agents::pomdp::planning::Informed;
use palaestra_envs::pomdp::{Pomdp, pomdp_file};
use serde_json::Value;

use super::support::{Bench, repository};

fn shipped(name: &str) -> String {
    let folder = repository().join("experiments/instances/pomdp");
    folder.join(name).display().to_string()
}

const GOOD: &str = "\
discount: 0.9
values: reward
states: full hungry
actions: nothing feed
observations: quiet cry

T: nothing
0.9 0.1
0 1
T: feed : * : full 1
O: *
0.9 0.1
0.2 0.8
R: nothing : hungry : * : * -10
R: feed : * : * : * -5
";

fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    GOOD.replace(old, new)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Lines without the column of seconds, and without the folder of the repository.
fn steady(text: &str) -> String {
    let mut in_table = false;
    let line = |line: &str| {
        in_table = line.starts_with("planner ") || (in_table && !line.is_empty());
        match line.rsplit_once(' ') {
            Some((row, last)) if in_table && last.parse::<f64>().is_ok() => {
                format!("{} …", row.trim_end())
            }
            _ => line.to_owned(),
        }
    };
    let text = text.replace(&repository().display().to_string(), "REPOSITORY");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn tiger_has_the_published_value_and_the_chain_of_bounds() {
    let bench = Bench::new();
    let document = bench.json(&["solve", &shipped("tiger.pomdp"), "--precision", "1e-5"]);
    assert_eq!(document["schema"], "solve-pomdp/1");
    let bounds = &document["bounds"];
    for (key, expected, tolerance) in [
        ("blind", -20.0, 1e-5),
        ("lower", 19.371_368, 1e-5),
        ("upper", 19.371_368, 1e-5),
        ("fib", 87.179_487, 1e-5),
        ("qmdp", 189.0, 1e-5),
        ("mdp", 200.0, 1e-5),
    ] {
        let found = number(&bounds[key]);
        assert!((found - expected).abs() < tolerance, "{key}: {found}");
    }
    assert_eq!(document["chain_holds"], true);
    let planner = &document["planners"][0];
    assert_eq!(planner["stop"], "converged");
    let trace = planner["trace"].as_array().unwrap();
    assert_eq!(trace[0]["iteration"], 0);
    for pair in trace.windows(2) {
        assert!(number(&pair[0]["lower"]) <= number(&pair[1]["lower"]));
        assert!(number(&pair[0]["upper"]) >= number(&pair[1]["upper"]));
        assert!(number(&pair[0]["seconds"]) <= number(&pair[1]["seconds"]));
    }
}

#[test]
fn people_read_a_table() {
    let bench = Bench::new();
    let tiger = shipped("tiger.pomdp");
    let text = bench.ok(&[
        "solve",
        &tiger,
        "--planner",
        "sarsop",
        "--planner",
        "incremental_pruning={\"horizon\": 5}",
        "--planner",
        "qmdp",
    ]);
    insta::assert_snapshot!("solve_pomdp_text", steady(&text));
    let text = bench.ok(&[
        "solve",
        "rock_sample-v1",
        "--planner",
        "pbvi={\"iterations\": 3}",
    ]);
    insta::assert_snapshot!("solve_pomdp_environment", steady(&text));
}

#[test]
fn environments_take_arguments_and_finite_horizons_no_discount() {
    let bench = Bench::new();
    let document = bench.json(&["solve", "tiger-v1", "--args", "{\"discount\": 0.75}"]);
    let lower = number(&document["bounds"]["lower"]);
    assert!((lower - 1.933_439).abs() < 1e-3, "{lower}");
    let undiscounted = ["solve", "tiger-v1", "--args", "{\"discount\": 1}"];
    let exact = ["--planner", "incremental_pruning={\"horizon\": 5}"];
    let document = bench.json(&[&undiscounted[..], &exact].concat());
    assert_eq!(document["bounds"]["upper"], Value::Null);
    let notes = document["notes"].to_string();
    assert!(notes.contains("value of 5 steps is 3.609150"), "{notes}");
    insta::assert_snapshot!("solve_pomdp_undiscounted", bench.transcript(&undiscounted));
}

#[test]
fn a_stopped_solver_goes_on_and_foreign_ones_are_refused() {
    let bench = Bench::new();
    let tiger = shipped("tiger.pomdp");
    let stopped = bench.json(&[
        "solve",
        &tiger,
        "--planner",
        "sarsop={\"iterations\": 20}",
        "--save",
        "tiger.solver",
    ]);
    assert_eq!(stopped["planners"][0]["stop"], "iterations");
    let trace = |document: &Value| document["planners"][0]["trace"].as_array().unwrap().clone();
    // The limit of iterations is the planner's own, so that nothing more is done, whatever is asked for.
    let again = bench.json(&["solve", &tiger, "--resume", "tiger.solver"]);
    assert_eq!(trace(&again), trace(&stopped));

    bench.json(&[
        "solve",
        &tiger,
        "--precision",
        "1",
        "--save",
        "coarse.solver",
    ]);
    let fine = ["--precision", "1e-6", "--resume", "coarse.solver"];
    let resumed = bench.json(&[&["solve", &tiger][..], &fine].concat());
    let whole = bench.json(&["solve", &tiger, "--precision", "1e-6"]);
    for document in [&resumed, &whole] {
        assert_eq!(document["planners"][0]["stop"], "converged");
        let bounds = &document["bounds"];
        assert!(number(&bounds["upper"]) - number(&bounds["lower"]) <= 1e-6);
    }
    let iterations: Vec<u64> = trace(&resumed)
        .iter()
        .map(|point| point["iteration"].as_u64().unwrap())
        .collect();
    assert!(iterations.is_sorted_by(|a, b| a < b), "{iterations:?}");

    let mut damaged = fs::read(bench.path("coarse.solver")).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(bench.path("damaged.solver"), damaged).unwrap();
    bench.write("words.solver", "these are words");
    let mut said = Vec::new();
    for (problem, solver) in [
        ("crying_baby-v1", "coarse.solver"),
        ("tiger-v1", "damaged.solver"),
        ("tiger-v1", "words.solver"),
        ("tiger-v1", "missing.solver"),
    ] {
        let args = ["solve", problem, "--resume", solver];
        said.push(format!(
            "=== {problem} {solver}\n{}",
            bench.transcript(&args)
        ));
    }
    insta::assert_snapshot!("solve_pomdp_wrong_state", said.concat());
}

#[test]
fn a_policy_is_played_by_the_agent_for_it() {
    let bench = Bench::new();
    bench.ok(&["solve", "tiger-v1", "--policy", "tiger.json"]);
    bench.write(
        "play.toml",
        r#"
schema = 1

[experiment]
name = "play"
seeds = [0]
total_env_steps = 500

[env]
id = "tiger-v1"

[[agents]]
id = "alpha_vectors"
args = { policy = "tiger.json" }

[[agents]]
id = "sarsop"
"#,
    );
    let report = bench.json(&["run", "play.toml", "--out", "run"]);
    let trials = report["trials"].as_array().unwrap();
    let score = |trial: &Value| number(&trial["players"][0]["score"]);
    assert_eq!(score(&trials[0]), score(&trials[1]));
}

#[test]
fn bounds_and_vectors_are_drawn_and_problems_exported() {
    let bench = Bench::new();
    let tiger = shipped("tiger.pomdp");
    let args = ["--plot", "b.svg", "--export", "t.pomdp"];
    bench.ok(&[&["solve", &tiger][..], &args].concat());
    let bounds = fs::read_to_string(bench.path("b.svg")).unwrap();
    assert!(bounds.contains("tiger: bounds on the optimal value"));
    let vectors = fs::read_to_string(bench.path("b-vectors.svg")).unwrap();
    for word in [
        "tiger: value of every belief",
        "open-left",
        "listen",
        "tiger-right",
    ] {
        assert!(vectors.contains(word), "{word}");
    }
    let read = |path: &str| -> Pomdp {
        pomdp_file::read(&fs::read_to_string(path).unwrap())
            .unwrap()
            .model
    };
    let exported = read(&bench.path("t.pomdp").display().to_string());
    assert!(exported == read(&tiger));
    // More than two states have no such picture.
    bench.ok(&["solve", "t_maze-v1", "--plot", "m.png"]);
    assert_eq!(&fs::read(bench.path("m.png")).unwrap()[..4], b"\x89PNG");
    assert!(!bench.path("m-vectors.png").exists());
}

#[test]
fn wrong_files_are_told_with_line_and_column() {
    let bench = Bench::new();
    let cases = [
        ("sum", with("0.9 0.1\n0 1", "0.9 0.2\n0 1")),
        ("negative", with("0.9 0.1\n0 1", "-0.1 1.1\n0 1")),
        (
            "missing_row",
            with("T: feed : * : full 1\n", "T: feed : full : full 1\n"),
        ),
        ("short_row", with("0.9 0.1\n0 1", "0.9\n0 1")),
        (
            "unknown_state",
            with("R: nothing : hungry", "R: nothing : hungri"),
        ),
        ("unknown_action", with("T: feed", "T: fead")),
        ("index", with("R: nothing : hungry", "R: nothing : 2")),
        ("unknown_section", with("T: nothing", "X: nothing")),
        (
            "twice",
            with("values: reward", "discount: 0.9\nvalues: reward"),
        ),
        ("no_values", with("values: reward\n", "")),
        ("no_discount", with("discount: 0.9\n", "")),
        ("no_observations", with("observations: quiet cry\n", "")),
        ("no_tables", GOOD.split("T:").next().unwrap().to_owned()),
        ("discount", with("0.9\nvalues", "1.9\nvalues")),
        ("name_twice", with("full hungry", "full full")),
        (
            "keyword_as_name",
            with("nothing feed", "nothing uniform feed"),
        ),
        ("name_from_itself", with("full hungry", "full full:hungry")),
        ("too_large", with("full hungry", "4000000")),
        ("empty", String::new()),
        ("binary", "\u{0}\u{1}\u{fffd}".into()),
    ];
    let mut said = Vec::new();
    for (name, text) in cases {
        bench.write("case.pomdp", &text);
        let transcript = bench.transcript(&["solve", "case.pomdp"]);
        assert!(
            transcript.starts_with("exit code 2\n"),
            "{name}: {transcript}"
        );
        said.push(format!("=== {name}\n{transcript}"));
    }
    insta::assert_snapshot!("solve_pomdp_wrong_file", said.concat());
    bench.write("case.pomdp", GOOD);
    bench.ok(&["solve", "case.pomdp"]);
}

#[test]
fn wrong_arguments_of_pomdps_say_what_to_do() {
    let bench = Bench::new();
    bench.write("case.txt", GOOD);
    let said = bench.transcripts(&[
        &["solve", "missing.pomdp"][..],
        &["solve", "case.txt"],
        &["solve", "cartpole-v1"],
        &["solve", "tigre-v1"],
        &["solve", "tiger-v1", "--args", "{\"accuracy\": 2}"],
        &["solve", "tiger-v1", "--args", "accuracy"],
        &["solve", "log3", "--args", "{}"],
        &["solve", "log3", "--seconds", "3"],
        &["solve", "tiger-v1", "--cap", "3"],
        &["solve", "tiger-v1", "--seconds", "-1"],
        &["solve", "tiger-v1", "--precision", "0"],
        &["solve", "tiger-v1", "--planner", "sarsops"],
        &["solve", "tiger-v1", "--planner", "pomcp"],
        &["solve", "tiger-v1", "--planner", "pbvi={\"sweep\": 3}"],
        &[
            "solve",
            "tiger-v1",
            "--planner",
            "sarsop={\"precision\": -1}",
        ],
        &["solve", "tag-v1", "--planner", "incremental_pruning"],
        &[
            "solve",
            "tiger-v1",
            "--planner",
            "qmdp",
            "--planner",
            "fib",
            "--save",
            "x",
        ],
    ]);
    insta::assert_snapshot!("solve_pomdp_wrong_arguments", said);
}

/// Every file that ships is read, is written and read again identically, and keeps
/// blind ≤ lower ≤ upper ≤ FIB ≤ QMDP ≤ MDP, with the lower bound never falling and the upper one never rising, at every
/// iteration of every offline planner.
#[test]
fn the_bounds_hold_at_every_iteration_on_every_file_that_ships() {
    let folder = repository().join("experiments/instances/pomdp");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 5, "{names:?}");
    let planners = [
        "sarsop={\"iterations\": 150}",
        "pbvi={\"iterations\": 6, \"max_beliefs\": 60, \"sweeps\": 3}",
        "incremental_pruning={\"horizon\": 6}",
        "qmdp",
        "fib",
        "blind",
    ];
    let requests = planners.map(|planner| PomdpRequest::parse(planner).unwrap());
    for name in names {
        let text = fs::read_to_string(shipped(&name)).unwrap();
        assert!(text.starts_with("# "), "{name} says what it is");
        let problem = PomdpProblem::read(shipped(&name).as_ref()).unwrap();
        assert!(
            problem.warnings.is_empty(),
            "{name}: {:?}",
            problem.warnings
        );
        let again = pomdp_file::read(&pomdp_file::write(&problem.model)).unwrap();
        assert!(again.model == *problem.model, "{name}");

        let known = Informed::new(&problem.model).unwrap().bounds;
        let slack = 1e-8 * known.mdp.abs().max(known.blind.abs()).max(1.0);
        assert!(known.blind <= known.fib + slack, "{name}: {known:?}");
        assert!(known.fib <= known.qmdp + slack && known.qmdp <= known.mdp + slack);
        let options = PomdpOptions {
            seconds: f64::INFINITY,
            precision: 1e-4,
            ..PomdpOptions::default()
        };
        let mut last: Option<(String, f64, f64)> = None;
        let mut seen = 0;
        let (solution, _) = solve_pomdp(
            &problem,
            &Work::Begin(requests.to_vec()),
            &options,
            |label, point| {
                let lower = point.lower.unwrap_or(f64::NEG_INFINITY);
                let upper = point.upper.unwrap_or(f64::INFINITY);
                let at = format!("{name}, {label}, {point:?}, {known:?}");
                assert!(lower <= upper + slack, "{at}");
                // The simple bounds begin far away; the others begin at them.
                if !["qmdp", "fib", "blind"].contains(&label) {
                    assert!(known.blind <= lower + slack, "{at}");
                    assert!(upper <= known.fib + slack, "{at}");
                }
                match last.take() {
                    Some((of, low, high)) if of == label => {
                        assert!(lower >= low - slack && upper <= high + slack, "{at}");
                    }
                    _ => seen += 1,
                }
                last = Some((label.to_owned(), lower, upper));
            },
        )
        .unwrap();
        assert!(solution.chain_holds, "{name}: {:?}", solution.bounds);
        let small = problem.model.num_states() <= 500;
        assert_eq!(
            seen,
            if small { 6 } else { 5 },
            "{name}: {:?}",
            solution.notes
        );
    }
}
