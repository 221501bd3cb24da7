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

#[test]
fn a_study_tells_facts_and_impact() {
    let bench = Bench::new();
    bench.write("small.toml", SMALL);
    let said = bench.ok(&["market", "realism", "small.toml", "--out", "out"]);
    for text in [
        "small · 4 days",
        "1   no autocorrelation",
        "11  time-scale asymmetry",
        "0.000 [0.000, 0.000]",
        "exponent of the largest impact",
        "report.html written",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    assert!(bench.path("out/report.html").is_file());
    let shown = std::fs::read(bench.path("out/report.json")).unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&shown).unwrap();
    let printed = bench.json(&["market", "realism", "small.toml", "--threads", "1"]);
    assert_eq!(shown, printed);
}

#[test]
fn mistakes_in_a_study_are_shown_in_the_file() {
    let bench = Bench::new();
    for (old, new, message, place) in [
        (
            "replicates = 50\n\n[impact",
            "replicate = 50\n\n[impact",
            "unknown key `replicate`",
            "small.toml:6",
        ),
        (
            "[population]",
            "[population]\nvalue = [50, { pause = 0.0 }]",
            "must be from a millisecond",
            "small.toml:19",
        ),
    ] {
        assert!(SMALL.contains(old), "{old}");
        bench.write("small.toml", &SMALL.replacen(old, new, 1));
        let said = bench.transcript(&["market", "realism", "small.toml"]);
        assert!(said.starts_with("exit code 2"), "{said}");
        for text in [message, place] {
            assert!(said.contains(text), "{text}: {said}");
        }
    }
}
