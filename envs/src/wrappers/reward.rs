//! Rewards in other units, and within bounds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    layer::{self, Layer, Pass},
};
use crate::{
    error::EnvError,
    sim::{Builder, StepSet},
};

/// Multiplies rewards by a number. Returns of episodes are told in the environment's own units all the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RewardScale {
    /// The number; finite and not 0.
    pub factor: f64,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

/// Clips rewards to an interval. Returns of episodes are told in the environment's own units all the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RewardClip {
    /// Least reward; -1 unless set.
    #[serde(default = "minus_one")]
    pub low: f64,
    /// Greatest reward, not below `low`; 1 unless set.
    #[serde(default = "one")]
    pub high: f64,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

fn minus_one() -> f64 {
    -1.0
}

fn one() -> f64 {
    1.0
}

/// `reward -> clip(factor · reward)`.
struct Transform {
    player: usize,
    factor: f32,
    low: f32,
    high: f32,
}

impl Layer for Transform {}

impl Transform {
    fn score(&mut self, pass: &mut Pass<'_>) {
        let rewards = &mut pass.border.players[self.player].reward;
        for run in pass.selection.runs() {
            for reward in &mut rewards[run.clone()] {
                *reward = (*reward * self.factor).clamp(self.low, self.high);
            }
        }
    }
}

/// Adds a transform for each player; the range of rewards becomes that of all of them together.
fn add(
    builder: &mut Builder,
    names: &[String],
    transform: impl Fn(usize) -> Transform,
) -> Result<(), EnvError> {
    let players = layer::players(builder, names)?;
    let others = players.len() < builder.spec().players.len();
    let (low, high) = builder.spec().reward_range;
    for player in players {
        let t = transform(player);
        let map = |x: f64| {
            let scaled = x * f64::from(t.factor);
            scaled.max(f64::from(t.low)).min(f64::from(t.high))
        };
        let (a, b) = (map(low), map(high));
        let range = &mut builder.spec_mut().reward_range;
        *range = (a.min(b), a.max(b));
        if others {
            // Some players still get the rewards of before.
            *range = (range.0.min(low), range.1.max(high));
        }
        layer::add(builder, t, &[(StepSet::Score, Transform::score)]);
    }
    Ok(())
}

impl Wrapper for RewardScale {
    const NAME: &'static str = "reward_scale";
    const SUMMARY: &'static str = "Multiply rewards by a number.";

    fn check(&self) -> Result<(), EnvError> {
        // Rewards are single precision.
        let factor = self.factor as f32;
        if factor.is_finite() && factor != 0.0 {
            return Ok(());
        }
        Err(EnvError::argument(
            "factor",
            format!("must be finite and not 0, found {}", self.factor),
        ))
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        add(builder, &self.players, |player| Transform {
            player,
            factor: self.factor as f32,
            low: f32::NEG_INFINITY,
            high: f32::INFINITY,
        })
    }
}

impl Wrapper for RewardClip {
    const NAME: &'static str = "reward_clip";
    const SUMMARY: &'static str = "Clip rewards to an interval.";

    fn check(&self) -> Result<(), EnvError> {
        if self.low.is_finite() && self.high.is_finite() && self.low <= self.high {
            return Ok(());
        }
        Err(EnvError::argument(
            "low",
            format!(
                "must not be above `high`, both finite, found {}..={}",
                self.low, self.high
            ),
        ))
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        add(builder, &self.players, |player| Transform {
            player,
            factor: 1.0,
            low: self.low as f32,
            high: self.high as f32,
        })
    }
}
