//! What makes two experiments the same.

use serde_json::{Map, Value};

use super::Config;

/// BLAKE3, in hexadecimal, of the resolved configurations (one per point of a sweep) as canonical JSON, without
/// name, description, seeds, and keys that do not influence results: equal hash and equal seed mean the same
/// experiment.
pub fn config_hash<'a>(configs: impl IntoIterator<Item = &'a Config>) -> String {
    let mut hasher = blake3::Hasher::new();
    for config in configs {
        let mut value = serde_json::to_value(config).unwrap_or(Value::Null);
        if let Some(experiment) = value.get_mut("experiment").and_then(Value::as_object_mut) {
            for key in ["name", "description", "seeds"] {
                experiment.remove(key);
            }
        }
        if let Some(env) = value.get_mut("env").and_then(Value::as_object_mut) {
            env.remove("shards");
        }
        if let Some(top) = value.as_object_mut() {
            top.remove("train");
            top.remove("sweep");
        }
        hasher.update(sorted(value).to_string().as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// The value with the keys of all objects in alphabetical order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(
                entries
                    .into_iter()
                    .map(|(k, v)| (k, sorted(v)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}
