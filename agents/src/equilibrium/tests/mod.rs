mod extensive;
mod invariants;
mod matrix;
mod meta;
mod preference;
mod ranking;
mod regularised;
mod search;
mod self_play;
mod sequences;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::*;

fn golden(file: &str) -> Value {
    let path = format!(
        "{}/../tests/golden/equilibrium/{file}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// Rows one after the other.
fn flat(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().flat_map(numbers).collect()
}

fn entries(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

/// Entries whose keys are iterations, in their order.
fn checkpoints(value: &Value) -> Vec<(u64, &Value)> {
    let mut found: Vec<_> = entries(value)
        .iter()
        .map(|(key, value)| (key.parse().unwrap(), value))
        .collect();
    found.sort_by_key(|(iteration, _)| *iteration);
    found
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).abs())
        .fold(0.0, f64::max)
}

#[track_caller]
fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    let off = distance(found, expected);
    assert!(
        off <= tolerance,
        "{found:?} differ from {expected:?} by {off:e}"
    );
}

fn preference(value: &Value) -> PreferenceGame {
    let wins = flat(&value["P"]);
    PreferenceGame::new(list(value, "P").len(), wins).unwrap()
}

/// Some random games of ten responses.
fn random_games(count: u32) -> impl Iterator<Item = Arc<PreferenceGame>> {
    (1..=count).map(|seed| Arc::new(PreferenceGame::random(10, 1000 + seed)))
}
