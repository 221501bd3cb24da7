//! What a probe trains, and how.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ModelConfig, Task};
use crate::find;

/// One core of a probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CoreConfig {
    /// Name of the core.
    pub core: String,
    /// How it is called in tables and pictures; the name of the core unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Arguments of every layer; what is not given has its default.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub args: Map<String, Value>,
    /// Learning rate, if it is not that of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr: Option<f64>,
}

/// A probe: a task, cores, and how they are trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeConfig {
    /// Name of the probe.
    pub name: String,
    /// What it is, in a line or two.
    #[serde(default)]
    pub description: String,
    /// Independent trainings of every core.
    #[serde(default = "seeds")]
    pub seeds: Vec<u64>,
    /// Updates of a training.
    pub steps: usize,
    /// Rows of an update.
    #[serde(default = "batch")]
    pub batch: usize,
    /// Learning rate; it rises over the first tenth of the updates and falls to 0 as a cosine.
    #[serde(default = "lr")]
    pub lr: f64,
    /// Times that a core is measured while it trains, evenly spread.
    #[serde(default = "measurements")]
    pub measurements: usize,
    /// Examples of a measurement.
    #[serde(default = "test_rows")]
    pub test_rows: usize,
    /// The task.
    pub task: Task,
    /// The model around the cores.
    #[serde(default)]
    pub model: ModelConfig,
    /// The cores.
    pub cores: Vec<CoreConfig>,
}

fn seeds() -> Vec<u64> {
    vec![0]
}

fn batch() -> usize {
    32
}

fn lr() -> f64 {
    3e-3
}

fn measurements() -> usize {
    20
}

fn test_rows() -> usize {
    128
}

impl ProbeConfig {
    /// What is out of range, as (key, what is wrong).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        let counts = [
            ("steps", self.steps),
            ("batch", self.batch),
            ("measurements", self.measurements),
            ("test_rows", self.test_rows),
            ("model.width", self.model.width),
            ("model.layers", self.model.layers),
            ("seeds", self.seeds.len()),
            ("cores", self.cores.len()),
        ];
        for (key, count) in counts {
            if count == 0 {
                found.push((key.into(), "must be at least 1".into()));
            }
        }
        for (index, core) in self.cores.iter().enumerate() {
            if let Err(error) = find(&core.core) {
                found.push((format!("cores.{index}.core"), error.to_string()));
            }
            let same = |other: &CoreConfig| other.label() == core.label();
            if self.cores[..index].iter().any(same) {
                let message = format!("`{}` stands there twice; give one a `label`", core.label());
                found.push((format!("cores.{index}.label"), message));
            }
        }
        let rates = self.cores.iter().enumerate().filter_map(|(index, core)| {
            let lr = core.lr?;
            Some((format!("cores.{index}.lr"), lr))
        });
        for (key, lr) in rates.chain([("lr".to_owned(), self.lr)]) {
            if !(lr > 0.0 && lr.is_finite()) {
                found.push((key, "must be a positive number".into()));
            }
        }
        for (key, message) in self.task.probe().problems() {
            found.push((format!("task.{key}"), message));
        }
        found
    }

    /// Updates of all trainings together.
    pub fn updates(&self) -> u64 {
        (self.steps * self.seeds.len() * self.cores.len()) as u64
    }

    /// The learning rate of update `step`, of a core whose largest is `lr`.
    pub(super) fn learning_rate(&self, lr: f64, step: usize) -> f64 {
        let rise = self.steps.div_ceil(10);
        if step < rise {
            return lr * (step + 1) as f64 / rise as f64;
        }
        let share = (step - rise) as f64 / (self.steps - rise).max(1) as f64;
        0.5 * lr * (1.0 + (std::f64::consts::PI * share).cos())
    }
}

impl CoreConfig {
    /// How it is called.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.core)
    }
}
