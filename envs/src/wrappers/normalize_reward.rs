//! Rewards on a scale where discounted returns have variance 1.
//!
//! *Engstrom et al., Implementation Matters in Deep Policy Gradients, ICLR 2020, section 3; Gymnasium's
//! `NormalizeReward`.*

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    layer::{self, Layer, Pass, check_probability},
    welford::Running,
};
use crate::{
    error::EnvError,
    sim::{Builder, StepSet, read_value, write_value},
};

/// Divides rewards by the root of the variance (plus 1e-8) of the running discounted return
/// `g <- discount · (1 - terminated) · g + reward`. Every row has statistics of its own, which outlive its
/// episodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NormalizeReward {
    /// Discount of the running return, in `0..=1`; 0.99 unless set.
    #[serde(default = "usual_discount")]
    pub discount: f64,
    /// Whether the statistics stay as they are (those loaded, else no scaling); false unless set.
    #[serde(default)]
    pub frozen: bool,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

fn usual_discount() -> f64 {
    0.99
}

struct Scaler {
    player: usize,
    discount: f64,
    frozen: bool,
    /// Running discounted return, `[rows]`.
    discounted: Vec<f64>,
    statistics: Running,
}

impl Layer for Scaler {
    const CARRIED: bool = true;

    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        write_value(&self.discounted[row], out)?;
        self.statistics.save_row(row, out)
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        self.discounted[row] = read_value(bytes)?;
        self.statistics.load_row(row, bytes)
    }
}

impl Scaler {
    fn score(&mut self, pass: &mut Pass<'_>) {
        let terminated = &pass.border.terminated;
        let rewards = &mut pass.border.players[self.player].reward;
        for row in pass.selection.rows() {
            let reward = f64::from(rewards[row]);
            if !self.frozen {
                let goes_on = f64::from(u8::from(!terminated[row]));
                let g = &mut self.discounted[row];
                *g = *g * self.discount * goes_on + reward;
                self.statistics.begin(row);
                self.statistics.add(row, 0, &[*g]);
            }
            rewards[row] = (reward / self.statistics.deviation(row, 0)) as f32;
        }
    }
}

impl Wrapper for NormalizeReward {
    const NAME: &'static str = "normalize_reward";
    const SUMMARY: &'static str = "Divide rewards by the deviation of the running discounted return (Gymnasium's NormalizeReward).";

    fn check(&self) -> Result<(), EnvError> {
        check_probability("discount", self.discount)
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        for player in layer::players(builder, &self.players)? {
            let scaler = Scaler {
                player,
                discount: self.discount,
                frozen: self.frozen,
                discounted: vec![0.0; builder.rows()],
                statistics: Running::new(builder.rows(), 1),
            };
            layer::add(builder, scaler, &[(StepSet::Score, Scaler::score)]);
        }
        let (low, high) = builder.spec().reward_range;
        // The scale is not known beforehand, only the sign.
        let range = (
            if low < 0.0 { f64::NEG_INFINITY } else { 0.0 },
            if high > 0.0 { f64::INFINITY } else { 0.0 },
        );
        builder.spec_mut().reward_range = range;
        Ok(())
    }
}
