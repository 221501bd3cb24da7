//! Regret, in notions that are kept apart by name.

use serde::Serialize;

use super::CurveSeries;
use crate::stats::{Interval, Summary};

/// Regret, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RegretReport {
    /// Computed.
    Known(Box<Regret>),
    /// Not computed, and why.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// Regret in one or several notions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Regret {
    /// Names of the pictures: linear axes, logarithmic axes.
    pub plots: [String; 2],
    /// The notion that is drawn, as in [`RegretNotion::id`].
    pub drawn: &'static str,
    /// What is subtracted: `expected payoff`, or `reward` if the environment does not tell expectations.
    pub quantity: String,
    /// What `x` counts.
    pub x_label: String,
    /// The curves of the notion that is drawn; `x` counts rounds per row.
    pub series: Vec<CurveSeries>,
    /// The notions that can be had.
    pub notions: Vec<RegretNotion>,
    /// How fast the notion that is drawn grows.
    pub growth: Growth,
}

impl Regret {
    /// The notion that is drawn.
    pub fn drawn_notion(&self) -> Option<&RegretNotion> {
        self.notions.iter().find(|notion| notion.id == self.drawn)
    }
}

/// One notion of regret: what is compared, and what came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegretNotion {
    /// `regret_opt`, `regret_planner`, `alpha_regret` or `myopic_regret`.
    pub id: &'static str,
    /// As a formula.
    pub formula: &'static str,
    /// What it means, in a sentence.
    pub meaning: String,
    /// Regret at the end of the run.
    pub rows: Vec<RegretRow>,
}

/// Regret of one agent at the end of the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegretRow {
    /// Name of the agent.
    pub agent: String,
    /// The payoff per round that regret is measured against; absent for `myopic_regret`, which has no fixed one.
    pub rate: Option<f64>,
    /// Where the rate is from.
    pub source: String,
    /// Rounds per row.
    pub rounds: f64,
    /// One value per seed.
    pub values: Vec<f64>,
    /// Their mean.
    pub regret: Summary,
}

/// The exponents of regret: `b` where the mean over seeds grows as `T^b`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Growth {
    /// What is fitted to what, in sentences.
    pub meaning: String,
    /// Where the points are from.
    pub basis: GrowthBasis,
    /// Name of the picture of the points, if they are from a sweep.
    pub plot: Option<String>,
    /// One for each agent with regret.
    pub rows: Vec<GrowthRow>,
}

/// Where the points of a fit are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrowthBasis {
    /// Runs of different lengths.
    Lengths,
    /// Times within runs of one length.
    Times,
}

/// How the regret of one agent grows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GrowthRow {
    /// Name of the agent.
    pub agent: String,
    /// Seeds behind it: those that have a value at each of `rounds`.
    pub seeds: usize,
    /// `T`: lengths, or times, ascending.
    pub rounds: Vec<f64>,
    /// Mean regret over seeds at each of them, with its interval.
    pub regret: Vec<Interval>,
    /// The exponent with its interval.
    pub exponent: Option<Interval>,
    /// Why there is none.
    pub reason: Option<String>,
}
