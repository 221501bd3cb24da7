//! `market realism`: a study of a few short days.

use super::support::Bench;

const SMALL: &str = r#"name = "small"
preset = "business_time"

[facts]
days = 4
replicates = 50

[impact]
days = 4
ratios = [0.0, 0.1, 0.5]
begin_minutes = 5
lasts_seconds = 120
every_seconds = 30
watch_seconds = 180
look_seconds = 30
replicates = 50

[population]
close = 37800000000000
"#;

/// The speed is another every time.
fn without_speed(said: &str) -> String {
    let lines = said.lines().map(|line| match line.split_once(" in ") {
        Some((events, rest)) if rest.ends_with(" a second") => format!("{events} in …"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_study_tells_facts_and_impact() {
    let bench = Bench::new();
    bench.write("small.toml", SMALL);
    let said = bench.transcript(&["market", "realism", "small.toml", "--out", "out"]);
    insta::assert_snapshot!("realism", without_speed(&said));
    assert!(bench.path("out/report.html").is_file());
    let shown = std::fs::read(bench.path("out/report.json")).unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&shown).unwrap();
    let printed = bench.json(&["market", "realism", "small.toml", "--threads", "1"]);
    assert_eq!(shown, printed);
}

#[test]
fn mistakes_in_a_study_are_shown_in_the_file() {
    let bench = Bench::new();
    for (name, old, new) in [
        (
            "unknown",
            "replicates = 50\n\n[impact",
            "replicate = 50\n\n[impact",
        ),
        (
            "range",
            "[population]",
            "[population]\nvalue = [50, { pause = 0.0 }]",
        ),
    ] {
        bench.write("small.toml", &SMALL.replacen(old, new, 1));
        insta::assert_snapshot!(
            format!("realism_{name}"),
            bench.transcript(&["market", "realism", "small.toml"])
        );
    }
}
