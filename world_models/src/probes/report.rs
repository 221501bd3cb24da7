//! What came out of a probe.

use serde::Serialize;

use super::ProbeConfig;
use crate::Cost;

/// How a core did after some updates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Updates.
    pub step: usize,
    /// Loss of the last update.
    pub loss: f64,
    /// Score on new examples of the largest size that is trained on.
    pub score: f64,
}

/// How a core did on new examples of a size, after its training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SizeScore {
    /// The size.
    pub size: usize,
    /// The score.
    pub score: f64,
}

/// Coefficients of the process and of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coefficients {
    /// Those of the process.
    pub of_process: Vec<f64>,
    /// Mean derivatives of the model's forecast in the last values.
    pub of_model: Vec<f64>,
}

/// One training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeedResult {
    /// Its seed.
    pub seed: u64,
    /// While it trained.
    pub curve: Vec<Point>,
    /// After it.
    pub sizes: Vec<SizeScore>,
    /// What it has found of the process, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coefficients: Option<Coefficients>,
}

/// All trainings of a core.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CoreResult {
    /// How it is called.
    pub label: String,
    /// Numbers that are trained, in the whole network.
    pub parameters: usize,
    /// Of one of its layers.
    pub cost: Cost,
    /// The trainings.
    pub seeds: Vec<SeedResult>,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProbeReport {
    /// What was asked.
    pub config: ProbeConfig,
    /// What scores are: `accuracy`, the share of right answers, or `error`, the mean squared distance of a forecast from
    /// the best possible one as a share of the mean square of the process.
    pub score: &'static str,
    /// What the sizes count.
    pub size_name: &'static str,
    /// The score of guessing evenly, or of forecasting 0.
    pub chance: f64,
    /// The cores, in the order of the file.
    pub cores: Vec<CoreResult>,
}
