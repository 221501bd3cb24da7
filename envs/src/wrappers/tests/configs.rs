//! Wrappers as config files have them.

use serde_json::{Value, json};

use super::probe::config;
use crate::wrappers::{WrapperConfig, list};

fn error_of(json: Value) -> String {
    match serde_json::from_value::<WrapperConfig>(json) {
        Err(error) => error.to_string(),
        Ok(config) => config
            .plugin()
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default(),
    }
}

#[test]
fn defaults_are_filled_in_and_configs_survive_json() {
    let sticky = config(&json!({ "kind": "sticky_actions" }));
    let written = serde_json::to_value(&sticky).unwrap();
    assert_eq!(
        written,
        json!({ "kind": "sticky_actions", "probability": 0.25, "players": [] })
    );
    assert_eq!(config(&written), sticky);
    assert_eq!(sticky.name(), "sticky_actions");
}

#[test]
fn every_wrapper_is_listed_under_the_name_that_configs_use() {
    let entries = list();
    assert_eq!(entries.len(), 20);
    for entry in &entries {
        assert!(
            entry.summary.ends_with('.') && entry.summary.len() < 100,
            "{}",
            entry.summary
        );
        // An unknown key is refused by the variant of that name, and not for want of one.
        let error = error_of(json!({ "kind": entry.name, "no_such_key": 1 }));
        assert!(
            error.starts_with("unknown field `no_such_key`"),
            "{}: {error}",
            entry.name
        );
    }
    let error = error_of(json!({ "kind": "sticky_action" }));
    assert!(
        error.starts_with("unknown variant `sticky_action`"),
        "{error}"
    );
    assert!(error_of(json!({ "probability": 0.1 })).contains("missing field `kind`"));
}

#[test]
fn impossible_values_are_refused_with_their_key() {
    let cases = [
        (
            json!({ "kind": "sticky_actions", "probability": 1.5 }),
            "`probability`: must lie in 0..=1, found 1.5",
        ),
        (
            json!({ "kind": "time_limit", "max_episode_steps": 0 }),
            "`max_episode_steps`: must be at least 1, found 0",
        ),
        (
            json!({ "kind": "action_repeat", "times": 0 }),
            "`times`: must be at least 1, found 0",
        ),
        (
            json!({ "kind": "observation_noise", "sigma": -0.1 }),
            "`sigma`: must be finite and at least 0, found -0.1",
        ),
        (
            json!({ "kind": "action_noise" }),
            "one of `sigma` (real actions) and `epsilon` (integers and bits) must be given",
        ),
        (
            json!({ "kind": "reward_scale", "factor": 0 }),
            "`factor`: must be finite and not 0, found 0",
        ),
        (
            json!({ "kind": "reward_clip", "low": 2 }),
            "`low`: must not be above `high`, both finite, found 2..=1",
        ),
        (
            json!({ "kind": "frame_stack", "frames": 0 }),
            "`frames`: must lie in 1..=65536, found 0",
        ),
        (
            json!({ "kind": "distractors", "dimensions": 100_000 }),
            "`dimensions`: must lie in 1..=65536, found 100000",
        ),
        (
            json!({ "kind": "normalize_observation", "mean": [1.0] }),
            "`mean`: is for `frozen = true`",
        ),
        (
            json!({ "kind": "normalize_observation", "frozen": true, "variance": [-1.0] }),
            "`variance`: cannot be -1",
        ),
        (
            json!({ "kind": "rescale_action", "low": 1 }),
            "`low`: must be below `high`, both finite, found 1..=1",
        ),
    ];
    for (config, expected) in cases {
        assert_eq!(error_of(config.clone()), expected, "{config}");
    }
}

#[test]
fn the_schema_describes_each_kind_and_its_keys() {
    let schema = serde_json::to_value(schemars::schema_for!(WrapperConfig)).unwrap();
    let variants = schema["oneOf"].as_array().unwrap();
    assert_eq!(variants.len(), list().len());
    for (variant, entry) in variants.iter().zip(list()) {
        assert_eq!(variant["properties"]["kind"]["const"], entry.name);
        assert_eq!(variant["additionalProperties"], false, "{variant}");
    }
    let sticky = variants
        .iter()
        .find(|v| v["properties"]["kind"]["const"] == "sticky_actions")
        .unwrap();
    assert_eq!(sticky["properties"]["probability"]["default"], 0.25);
    assert!(sticky["properties"]["probability"]["description"].is_string());
}
