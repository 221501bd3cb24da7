//! The previous action and a start flag as part of the observation, for agents with memory.
//!
//! *Morad, Kortvelesy, Bettini, Liwicki, Prorok, `POPGym`: Benchmarking Partially Observable Reinforcement Learning,
//! ICLR 2023; Lu et al., Structured State Space Models for In-Context Reinforcement Learning, `NeurIPS` 2023.*

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    flat::{Flat, flat_observation},
    layer::{self, Layer, Pass, incompatible},
    leaves::null_value,
};
use crate::{
    error::EnvError,
    sim::{Builder, StepSet, load_columns, read_value, save_columns, write_value},
    space::{Columns, Space},
};

/// How the parts are put together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionLayout {
    /// One `float32` vector: observation, action (one-hot for integers), flag.
    #[default]
    Flat,
    /// A Dict with the fields `observation`, `previous_action` and `start`.
    Dict,
}

/// What the first observation of an episode shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlagMode {
    /// No action and a raised flag, in every episode.
    #[default]
    Corrected,
    /// As the published code behaves where environments reset themselves: no action and a raised flag in the
    /// row's first episode, but the last action of the episode before and no flag in all others.
    Reference,
}

/// Appends to the observation the player's last action (zeros before the first; for `dict` the value nearest to
/// zero), as it was passed to this wrapper from outside, and a flag that is 1 in the first observation of an
/// episode.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviousAction {
    /// How the parts are put together; `flat` unless set.
    #[serde(default)]
    pub layout: ActionLayout,
    /// What the first observation of an episode shows; `corrected` unless set.
    #[serde(default)]
    pub flag_mode: FlagMode,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

/// The memory of one player's actions, and how it is shown. As in the [reference](FlagMode::Reference), it may
/// outlive episodes.
struct Memory<const REFERENCE: bool> {
    player: usize,
    stage: usize,
    action_stage: usize,
    /// Flat forms of observation and action; `None` for a Dict.
    flat: Option<(Flat, Flat)>,
    null: Columns,
    /// The last action, `[rows, …]`; meaningless where there is none.
    last: Columns,
    /// Whether there is a last action, `[rows]`.
    has_last: Vec<bool>,
    /// Whether the row has ever been reset, `[rows]`.
    reset_before: Vec<bool>,
}

impl<const REFERENCE: bool> Layer for Memory<REFERENCE> {
    const CARRIED: bool = REFERENCE;

    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        write_value(&(self.has_last[row], self.reset_before[row]), out)?;
        save_columns(&self.last, row, out)
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        (self.has_last[row], self.reset_before[row]) = read_value(bytes)?;
        load_columns(&mut self.last, row, bytes)
    }
}

impl<const REFERENCE: bool> Memory<REFERENCE> {
    fn observe(&mut self, pass: &mut Pass<'_>) {
        let elapsed = &pass.border.elapsed;
        let player = &mut pass.border.players[self.player];
        for row in pass.selection.rows() {
            let mut start = false;
            if elapsed[row] > 0 {
                if player.acted[row] {
                    let action = player.action_at(self.action_stage);
                    self.last.copy_row(row, action, row);
                    self.has_last[row] = true;
                }
            } else if !REFERENCE || !self.reset_before[row] {
                start = true;
                self.has_last[row] = false;
                self.reset_before[row] = true;
            }
            let (inner, outer) = player.observation_stage(self.stage);
            self.show(row, start, inner, outer);
        }
    }

    /// Writes row `row` of the observation.
    fn show(&self, row: usize, start: bool, inner: &Columns, outer: &mut Columns) {
        if let Some((observation, action)) = &self.flat {
            let width = observation.width + action.width + 1;
            let out = &mut outer.f32_mut(0)[row * width..(row + 1) * width];
            let (head, tail) = out.split_at_mut(observation.width);
            observation.write(inner, row, head);
            if self.has_last[row] {
                action.write(&self.last, row, &mut tail[..action.width]);
            } else {
                tail[..action.width].fill(0.0);
            }
            tail[action.width] = f32::from(u8::from(start));
            return;
        }
        let fields = inner.fields().len();
        outer.copy_row_at(row, 0, inner, row);
        if self.has_last[row] {
            outer.copy_row_at(row, fields, &self.last, row);
        } else {
            outer.copy_row_at(row, fields, &self.null, 0);
        }
        let flag = outer.fields().len() - 1;
        outer.i32_mut(flag)[row] = i32::from(start);
    }
}

impl PreviousAction {
    /// The space of the whole, and the flat forms of its parts.
    fn compose(
        &self,
        builder: &Builder,
        player: usize,
    ) -> Result<(Space, Option<(Flat, Flat)>), EnvError> {
        let spec = &builder.spec().players[player];
        if self.layout == ActionLayout::Dict {
            let fields = vec![
                ("observation".to_owned(), spec.observation.clone()),
                ("previous_action".to_owned(), spec.action.clone()),
                ("start".to_owned(), Space::discrete(2)),
            ];
            return Ok((Space::Dict(fields), None));
        }
        let observation = flat_observation(builder, player, Self::NAME)?;
        let action = Flat::of(&spec.action).ok_or_else(|| {
            let reason = "its action holds text, which has no flat form; set `layout = \"dict\"`";
            incompatible(builder, Self::NAME, player, reason)
        })?;
        // Before the first action, zeros stand for it.
        let zero_and = |bounds: &[f64], nearer: fn(f64, f64) -> f64| -> Vec<f64> {
            bounds.iter().map(|&x| nearer(x, 0.0)).collect()
        };
        let low = [
            &observation.low[..],
            &zero_and(&action.low, f64::min),
            &[0.0],
        ]
        .concat();
        let high = [
            &observation.high[..],
            &zero_and(&action.high, f64::max),
            &[1.0],
        ]
        .concat();
        Ok((Space::bounded(low, high), Some((observation, action))))
    }

    /// Adds the memory of player `player`.
    fn remember<const REFERENCE: bool>(
        &self,
        builder: &mut Builder,
        player: usize,
    ) -> Result<(), EnvError> {
        let action = builder.spec().players[player].action.clone();
        let (space, flat) = self.compose(builder, player)?;
        let rows = builder.rows();
        let memory = Memory::<REFERENCE> {
            player,
            stage: builder.add_observation_stage(player, space),
            action_stage: builder.action_stage(player),
            flat,
            null: null_value(&action),
            last: action.columns(rows),
            has_last: vec![false; rows],
            reset_before: vec![false; rows],
        };
        layer::add(builder, memory, &[(StepSet::Observe, Memory::observe)]);
        Ok(())
    }
}

impl Wrapper for PreviousAction {
    const NAME: &'static str = "previous_action";
    const SUMMARY: &'static str =
        "Append the last action and a start flag to observations, for agents with memory.";
    const KEEPS_PROBLEM: bool = true;

    fn check(&self) -> Result<(), EnvError> {
        Ok(())
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        for player in layer::players(builder, &self.players)? {
            match self.flag_mode {
                FlagMode::Corrected => self.remember::<false>(builder, player)?,
                FlagMode::Reference => self.remember::<true>(builder, player)?,
            }
        }
        Ok(())
    }
}
