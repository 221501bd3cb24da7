//! Tests of the language games; `tests/golden/README.md` tells where the numbers come from.

mod answers;
mod configs;
mod measures;
mod rules;
mod secrets;
mod structured;
mod text;
mod theory;

use serde_json::Value;

/// The golden file.
fn golden() -> Value {
    let text = include_str!("../../../../tests/golden/equilibrium/glee_theory.json");
    serde_json::from_str(text).unwrap()
}

/// The entries of a list in the golden file.
fn entries(family: &str, list: &str) -> Vec<Value> {
    let list = golden()[family][list].as_array().unwrap().clone();
    assert!(!list.is_empty());
    list
}

fn number(entry: &Value, key: &str) -> f64 {
    entry[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} of {entry}"))
}
