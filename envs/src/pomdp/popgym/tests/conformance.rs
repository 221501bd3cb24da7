//! The conformance suite on every family and form.

use serde_json::{Value, json};

use crate::{
    conformance::{CheckOptions, check},
    pomdp::popgym::NAMES,
    registry,
};

fn conforms(id: &str, args: &Value) {
    let registry = registry();
    let options = CheckOptions {
        episodes: 10,
        max_steps: 3000,
        ..CheckOptions::default()
    };
    let report = check(registry.get(id).unwrap(), args, &options);
    assert!(report.passed(), "{args}: {report}");
}

fn all_conform_when(difficulty: &str) {
    for (_, id) in NAMES {
        conforms(id, &json!({ "difficulty": difficulty }));
    }
}

#[test]
fn every_family_conforms_when_easy() {
    all_conform_when("easy");
}

#[test]
fn every_family_conforms_when_medium() {
    all_conform_when("medium");
}

#[test]
fn every_family_conforms_when_hard() {
    all_conform_when("hard");
}

#[test]
fn every_form_of_parity_conforms() {
    for id in [
        "repeat_first-v0",
        "repeat_previous-v0",
        "autoencode-v0",
        "count_recall-v0",
        "higher_lower-v0",
        "mine_sweeper-v0",
        "velocity_only_cartpole-v0",
        "noisy_position_only_pendulum-v0",
        "labyrinth_escape-v0",
        "labyrinth_explore-v0",
    ] {
        conforms(id, &json!({ "parity": true }));
    }
}
