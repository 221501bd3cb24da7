//! `solve`: what it prints for people and for programs, the instances that ship, and what is wrong with others.

use palaestra::solve::InstanceFile;
use palaestra_envs::{
    bandits::{
        InstanceConfig,
        presets::{BasuDelays, PRESETS},
    },
    stream::Stream,
};
use serde_json::Value;

use super::support::{Bench, repository};

const GOOD: &str = r#"
name = "two arms"
horizon = 100
arms = [
    { family = "constant", mean = 0.4 },
    { family = "blocking", mean = 0.9, delay = 2 },
]
"#;

fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old));
    GOOD.replace(old, new)
}

fn shipped(name: &str) -> String {
    let folder = repository().join("experiments/instances/bandits");
    folder.join(name).display().to_string()
}

/// The text with every number of seconds, the last column of a planner's row, replaced.
fn without_seconds(text: &str) -> String {
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
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Numbers to nine digits after the point, and seconds hidden.
fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) if !number.is_u64() && !number.is_i64() => {
            let number = number.as_f64().unwrap();
            // Adding 0 makes a rounded −0 an ordinary one.
            Value::from((number * 1e9).round() / 1e9 + 0.0)
        }
        Value::Array(items) => items.into_iter().map(rounded).collect(),
        Value::Object(fields) => {
            let field = |(key, value): (String, Value)| {
                let value = if key == "seconds" {
                    "…".into()
                } else {
                    rounded(value)
                };
                (key, value)
            };
            Value::Object(fields.into_iter().map(field).collect())
        }
        other => other,
    }
}

#[test]
fn log3_has_the_published_numbers() {
    let bench = Bench::new();
    let document = bench.json(&["solve", &shipped("log3.toml")]);
    for (key, expected) in [
        ("opt", 0.662_458_415_3),
        ("lp", 0.669_124_842_6),
        ("greedy", 0.637_404_420_0),
        ("g", 0.500_808_199_1),
    ] {
        let value = document[key].as_f64().unwrap();
        assert!((value - expected).abs() < 1e-9, "{key}: {value}");
    }
    let theta = document["relaxation"]["theta"].as_array().unwrap();
    let theta: f64 = theta.iter().map(|t| t.as_f64().unwrap()).sum();
    let lambda = document["relaxation"]["lambda"].as_f64().unwrap();
    assert!((theta + lambda - 0.669_124_842_6).abs() < 1e-9);
}

#[test]
fn people_and_programs_read_the_same() {
    let bench = Bench::new();
    let text = bench.ok(&["solve", &shipped("log3.toml")]);
    insta::assert_snapshot!("solve_text", without_seconds(&text));
    let request = [
        "--planner",
        "greedy",
        "--planner",
        "look_ahead={\"depth\": 1}",
    ];
    let document = bench.json(&[&["solve", "log3"][..], &request].concat());
    let text = serde_json::to_string_pretty(&rounded(document)).unwrap();
    insta::assert_snapshot!("solve_json", text);
    let help = bench.ok(&["solve", "--help"]);
    insta::assert_snapshot!(
        "solve_help",
        help.replace("palaestra-under-test", "palaestra")
    );
}

#[test]
fn what_does_not_hold_is_said() {
    let bench = Bench::new();
    let planners = ["--planner", "virtual_cycles", "--planner", "harmonic"];
    for (name, args) in [
        // Not monotone: planned for the minorant.
        ("solve_not_monotone", &["solve", "sea3"][..]),
        // Too large for the optimum: bounds.
        ("solve_above_cap", &["solve", "big50_5"]),
        ("solve_small_cap", &["solve", "log3", "--cap", "1"]),
        // Too large, but a plan reaches the upper bound.
        ("solve_meets_bound", &["solve", "depr10"]),
        // Exactly one play of arms with states: no promise.
        ("solve_no_promise", &["solve", "pb_log10"]),
    ] {
        let text = bench.transcript(&[args, &planners].concat());
        insta::assert_snapshot!(name, without_seconds(&text));
    }
}

#[test]
fn an_optimum_that_cannot_be_is_noticed() {
    let bench = Bench::new();
    bench.write("case.toml", &with("horizon", "optimal_rate = 0.9\nhorizon"));
    let document = bench.json(&["solve", "case.toml"]);
    assert!((document["opt"].as_f64().unwrap() - 0.65).abs() < 1e-12);
    let notes = document["notes"].to_string();
    assert!(
        notes.contains("declares the optimal rate 0.9, which is wrong"),
        "{notes}"
    );
    bench.write(
        "case.toml",
        &with("horizon", "optimal_rate = 0.65\nhorizon"),
    );
    assert_eq!(
        bench.json(&["solve", "case.toml"])["notes"],
        Value::Array(vec![])
    );
}

#[test]
fn wrong_instances_point_at_the_key_and_suggest_a_name() {
    let bench = Bench::new();
    let arms = GOOD.find("arms = [").unwrap();
    let cases = [
        ("not_toml", with("mean = 0.4 }", "mean = 0.4")),
        ("unknown_key", with("horizon", "horizons")),
        ("unknown_arm_key", with("delay", "delays")),
        ("unknown_family", with("\"blocking\"", "\"bloking\"")),
        ("no_arms", format!("{}arms = []\n", &GOOD[..arms])),
        ("too_many_plays", with("horizon", "plays = 3\nhorizon")),
        ("no_horizon", with("horizon = 100", "")),
        (
            "several",
            with("mean = 0.4", "mean = nan")
                .replace("0.9", "1.9")
                .replace("delay = 2", "delay = 0"),
        ),
        (
            "cap_of_zero",
            with(
                "\"constant\", mean = 0.4",
                "\"geo\", rested = 1, base = 0.4, deprivation = 0.6, satiation = 0.5, idle_cap = 0, played_cap = 0",
            ),
        ),
        ("experiment", "[experiment]\nname = \"x\"\n".to_owned()),
    ];
    let mut said = Vec::new();
    for (name, text) in cases {
        bench.write("case.toml", &text);
        let transcript = bench.transcript(&["solve", "case.toml"]);
        assert!(
            transcript.starts_with("exit code 2\n"),
            "{name}: {transcript}"
        );
        said.push(format!("=== {name}\n{transcript}"));
    }
    insta::assert_snapshot!("solve_wrong_toml", said.concat());
}

#[test]
fn instances_may_be_json() {
    let bench = Bench::new();
    let good = r#"{"horizon": 100, "arms": [
        {"family": "constant", "mean": 0.4},
        {"family": "blocking", "mean": 0.9, "delay": 2}
    ]}"#;
    bench.write("case.json", good);
    let document = bench.json(&["solve", "case.json"]);
    assert_eq!(document["instance"]["name"], "case");
    let mut said = Vec::new();
    for (name, old, new) in [
        ("not_json", "0.4}", "0.4"),
        ("unknown_key", "horizon", "horizons"),
        ("payoff", "0.9", "-0.9"),
        ("null", "0.9", "null"),
    ] {
        bench.write("case.json", &good.replace(old, new));
        said.push(format!(
            "=== {name}\n{}",
            bench.transcript(&["solve", "case.json"])
        ));
    }
    insta::assert_snapshot!("solve_wrong_json", said.concat());
}

#[test]
fn wrong_arguments_say_what_to_do() {
    let bench = Bench::new();
    bench.write("case.txt", GOOD);
    let said = bench.transcripts(&[
        &["solve", "log33"][..],
        &["solve", "missing.toml"],
        &["solve", "big3_5"],
        &["solve", "case.txt"],
        &["solve", "log3", "--cap", "0"],
        &["solve", "log3", "--planner", "harmonics"],
        &["solve", "log3", "--planner", "look_ahead={\"deep\": 3}"],
        &["solve", "log3", "--planner", "look_ahead=3"],
        &["solve", "log3", "--planner", "exact={\"max_edges\": 3}"],
        &["solve", "log3", "--plot", "cycle.pdf"],
    ]);
    insta::assert_snapshot!("solve_wrong_arguments", said);
}

#[test]
fn the_cycle_is_drawn_as_svg_and_png() {
    let bench = Bench::new();
    for file in ["cycle.svg", "cycle.png"] {
        bench.ok(&["solve", "log3", "--planner", "exact", "--plot", file]);
    }
    let svg = std::fs::read_to_string(bench.path("cycle.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("log3: optimal cycle"));
    assert!(svg.contains("6 rounds, repeated for ever; 0.662458 a round"));
    let png = std::fs::read(bench.path("cycle.png")).unwrap();
    assert_eq!(&png[..4], b"\x89PNG");
}

/// Every named instance has a file and every file is a named instance, or one draw of a published random family.
#[test]
fn the_files_that_ship_equal_the_presets() {
    let mut expected: Vec<(String, InstanceConfig)> = PRESETS
        .iter()
        .filter(|preset| !preset.id.starts_with("big"))
        .map(|preset| {
            (
                preset.id.to_owned(),
                InstanceConfig::preset(preset.id).unwrap(),
            )
        })
        .collect();
    for (name, delays) in [
        ("block_basu_small", BasuDelays::Small),
        ("block_basu_large", BasuDelays::Large),
        ("block_basu_fixed", BasuDelays::Fixed),
    ] {
        let rng = &mut Stream::new(0, 0, "bandit.block_basu");
        expected.push((name.to_owned(), InstanceConfig::block_basu(delays, rng)));
    }
    for (name, config) in &expected {
        let path = shipped(&format!("{name}.toml"));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|e| panic!("{path}: {e}; expected {}", serde_json::json!(config)));
        assert!(text.starts_with("# "), "{name} says where it comes from");
        let (file, _) = InstanceFile::parse(&path, &text).unwrap();
        assert_eq!(
            file.config(),
            *config,
            "{name}: {}",
            serde_json::json!(config)
        );
        assert_eq!(file.name.as_deref(), Some(name.as_str()));
        if let Some(preset) = PRESETS.iter().find(|preset| preset.id == name) {
            assert_eq!(file.summary.as_deref(), Some(preset.summary));
            assert_eq!(file.source.as_deref(), Some(preset.source));
        }
    }
    let files = std::fs::read_dir(repository().join("experiments/instances/bandits")).unwrap();
    assert_eq!(files.count(), expected.len());
}

#[test]
fn an_experiment_may_name_an_instance_by_its_file() {
    let bench = Bench::new();
    bench.write("two.toml", GOOD);
    bench.write(
        "experiment.toml",
        r#"
schema = 1

[experiment]
name = "small"
seeds = [0]
total_env_steps = 200

[env]
id = "lsd_bandit-v1"
args = { instance = "two.toml", horizon = 50 }

[[agents]]
id = "planner"
args = { planner = "exact" }
"#,
    );
    bench.ok(&["run", "experiment.toml", "--out", "run"]);
    // The run is complete without the file.
    std::fs::remove_file(bench.path("two.toml")).unwrap();
    let resolved = std::fs::read_to_string(bench.path("run/resolved.toml")).unwrap();
    assert!(resolved.contains("family = \"blocking\"") && !resolved.contains("two.toml"));
    let verified = bench.json(&["replay", "run", "--verify"]);
    assert_eq!(verified["verified"], 4, "{verified}");
    insta::assert_snapshot!(
        "solve_missing_instance",
        bench.transcript(&["run", "experiment.toml"])
    );
    bench.write("two.toml", &with("0.9", "1.9"));
    insta::assert_snapshot!(
        "solve_wrong_instance",
        bench.transcript(&["run", "experiment.toml"])
    );
}

#[test]
fn planners_and_instances_are_listed_with_their_sources() {
    let bench = Bench::new();
    let planners = bench.json(&["list", "planners"]);
    let planners = planners["planners"].as_array().unwrap();
    let of = |id: &str| planners.iter().find(|planner| planner["id"] == id).unwrap();
    let provenance = of("virtual_cycles")["provenance"].as_str().unwrap();
    assert!(
        provenance.contains("Our own reconstruction"),
        "{provenance}"
    );
    let text = bench.ok(&["list", "instances"]);
    for preset in &PRESETS {
        assert!(text.contains(&format!("\n{}\n", preset.id)) || text.starts_with(preset.id));
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100));
}
