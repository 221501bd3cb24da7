//! Observations that arrive late.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    layer::{self, Layer, Pass, Work, check_width},
    leaves::null_value,
};
use crate::{
    error::EnvError,
    sim::{Builder, StepSet, load_columns, read_value, save_columns, write_value},
    space::Columns,
};

/// Shows the observation of `delay` steps ago; until there is one, the value nearest to zero (Gymnasium's
/// `DelayObservation`). Rewards and ends of episodes are not delayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DelayObservation {
    /// Steps by which observations are late, at least 1.
    pub delay: usize,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

/// A ring of the last `delay` observations for each row.
struct Ring {
    player: usize,
    stage: usize,
    delay: usize,
    null: Columns,
    /// `[rows · delay, …]`.
    held: Columns,
    /// Place of the oldest observation within the row's ring, `[rows]`.
    oldest: Vec<usize>,
}

impl Layer for Ring {
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        write_value(&self.oldest[row], out)?;
        (row * self.delay..(row + 1) * self.delay)
            .try_for_each(|place| save_columns(&self.held, place, out))
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let oldest: usize = read_value(bytes)?;
        if oldest >= self.delay {
            return Err(EnvError::Snapshot(format!(
                "an observation is {oldest} steps late, but the delay is {}",
                self.delay
            )));
        }
        self.oldest[row] = oldest;
        (row * self.delay..(row + 1) * self.delay)
            .try_for_each(|place| load_columns(&mut self.held, place, bytes))
    }
}

impl Ring {
    fn observe(&mut self, pass: &mut Pass<'_>) {
        let (inner, outer) = pass.border.players[self.player].observation_stage(self.stage);
        for row in pass.selection.rows() {
            let place = row * self.delay + self.oldest[row];
            outer.copy_row(row, &self.held, place);
            self.held.copy_row(place, inner, row);
            self.oldest[row] = (self.oldest[row] + 1) % self.delay;
        }
    }

    fn reset(&mut self, pass: &mut Pass<'_>) {
        for row in pass.selection.rows() {
            for place in row * self.delay..(row + 1) * self.delay {
                self.held.copy_row(place, &self.null, 0);
            }
        }
    }
}

impl Wrapper for DelayObservation {
    const NAME: &'static str = "delay_observation";
    const SUMMARY: &'static str =
        "Show observations some steps late (Gymnasium's DelayObservation).";
    const KEEPS_PROBLEM: bool = true;

    fn check(&self) -> Result<(), EnvError> {
        check_width("delay", self.delay)
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        for player in layer::players(builder, &self.players)? {
            let space = builder.spec().players[player].observation.clone();
            let rows = builder.rows();
            let ring = Ring {
                player,
                delay: self.delay,
                null: null_value(&space),
                held: space.columns(rows * self.delay),
                oldest: vec![0; rows],
                stage: builder.add_observation_stage(player, space),
            };
            let work: &[(StepSet, Work<Ring>)] = &[
                (StepSet::Reset, Ring::reset),
                (StepSet::Observe, Ring::observe),
            ];
            layer::add(builder, ring, work);
        }
        Ok(())
    }
}
