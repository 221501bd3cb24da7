//! The conformance suite on every registered environment, and on environments with one deliberate fault each.

mod faults;
mod letters;
mod market;
mod walk;

use palaestra_envs::{
    conformance::{self, CheckOptions, Outcome},
    registry,
};
use serde_json::{Value, json};

#[test]
fn every_registered_environment_passes_with_its_default_arguments() {
    let registry = registry();
    let reports: Vec<_> = registry
        .iter()
        .map(|entry| conformance::check(entry, &Value::Null, &CheckOptions::default()))
        .collect();
    let failed: Vec<String> = reports
        .iter()
        .filter(|report| !report.passed())
        .map(ToString::to_string)
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    assert!(reports.len() >= 4, "the registry is not empty");
}

#[test]
fn games_pass_with_other_arguments() {
    let registry = registry();
    for args in [
        json!({ "game": "battle_of_the_sexes", "rounds": 1 }),
        json!({ "payoffs": [[[0.1, 1], [2, -3.7], [1e9, 0]], [[0, 0], [1, 1], [2, 2]]] }),
        json!({ "payoffs": [[[0, 0]]] }),
    ] {
        let entry = registry.get("repeated_matrix_game-v1").unwrap();
        let report = conformance::check(entry, &args, &CheckOptions::default());
        assert!(report.passed(), "{args}\n{report}");
    }
}

#[test]
fn a_report_survives_json() {
    let registry = registry();
    let entry = registry.get("kuhn_poker-v1").unwrap();
    let options = CheckOptions {
        episodes: 10,
        ..CheckOptions::default()
    };
    let report = conformance::check(entry, &Value::Null, &options);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(
        serde_json::from_str::<conformance::Report>(&json).unwrap(),
        report
    );
    assert!(json.contains(r#""name":"masks""#) && json.contains(r#""outcome":"skipped""#));
    let names: Vec<&str> = conformance::check_names().collect();
    assert_eq!(report.checks.len(), names.len());
}

#[test]
fn an_environment_that_cannot_be_built_is_reported() {
    let registry = registry();
    let entry = registry.get("repeated_matrix_game-v1").unwrap();
    let args = json!({ "rounds": 0 });
    let report = conformance::check(entry, &args, &CheckOptions::default());
    let Some(Outcome::Failed { what, .. }) = report.get("build").map(|check| &check.outcome) else {
        panic!("{report}")
    };
    assert!(what.contains("`rounds`: must be at least 1"), "{what}");
}
