//! Hidden state as part of the observation, for the fully informed players that memory is measured against.
//!
//! *Morad, Kortvelesy, Bettini, Liwicki, Prorok, `POPGym`: Benchmarking Partially Observable Reinforcement Learning,
//! ICLR 2023, whose `Markovian` environments have these levels.*

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    flat::{Flat, flat_observation},
    layer::{self, Layer, Pass, incompatible},
};
use crate::{
    error::EnvError,
    sim::{Builder, StepSet},
    space::Space,
};

/// How much a player sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InformationLevel {
    /// The hidden state instead of the observation.
    #[default]
    Full,
    /// The flattened observation, then the hidden state.
    Both,
}

/// Shows the hidden state: all info fields whose names begin with `privileged.`, in the order in which the environment
/// lists them, as one `float32` vector.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullInformation {
    /// How much is seen; `full` unless set.
    #[serde(default)]
    pub level: InformationLevel,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

struct Informed {
    player: usize,
    stage: usize,
    /// The flat form of the observation, if it is shown too.
    flat: Option<Flat>,
    /// Columns of the hidden state, and how many elements each has.
    columns: Vec<(usize, usize)>,
    width: usize,
}

impl Layer for Informed {}

impl Informed {
    fn observe(&mut self, pass: &mut Pass<'_>) {
        let (info, players) = (&pass.border.info, &mut pass.border.players);
        let (inner, outer) = players[self.player].observation_stage(self.stage);
        let outer = outer.f32_mut(0);
        for row in pass.selection.rows() {
            let mut rest = &mut outer[row * self.width..(row + 1) * self.width];
            if let Some(flat) = &self.flat {
                let (head, tail) = rest.split_at_mut(flat.width);
                flat.write(inner, row, head);
                rest = tail;
            }
            for &(column, width) in &self.columns {
                let (head, tail) = rest.split_at_mut(width);
                let state = &info.f64(column)[row * width..(row + 1) * width];
                head.iter_mut().zip(state).for_each(|(o, x)| *o = *x as f32);
                rest = tail;
            }
        }
    }
}

impl Wrapper for FullInformation {
    const NAME: &'static str = "full_information";
    const SUMMARY: &'static str = "Show the hidden state instead of the observation, or beside it.";
    const KEEPS_PROBLEM: bool = true;
    const READS_PRIVILEGED: bool = true;

    fn check(&self) -> Result<(), EnvError> {
        Ok(())
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        let (mut low, mut high, mut columns) = (Vec::new(), Vec::new(), Vec::new());
        for field in &builder.spec().info {
            let column = builder.info_column(&field.name);
            if let (true, Some(column), Space::Box(space)) =
                (field.is_privileged(), column, &field.space)
            {
                columns.push((column, space.low.len()));
                low.extend(&space.low);
                high.extend(&space.high);
            }
        }
        for player in layer::players(builder, &self.players)? {
            if columns.is_empty() {
                let reason =
                    "it tells of no hidden state (no info field begins with `privileged.`)";
                return Err(incompatible(builder, Self::NAME, player, reason));
            }
            let flat = match self.level {
                InformationLevel::Full => None,
                InformationLevel::Both => Some(flat_observation(builder, player, Self::NAME)?),
            };
            let seen = |bounds: fn(&Flat) -> &Vec<f64>, hidden: &[f64]| {
                let seen = flat.as_ref().map_or(&[][..], |flat| bounds(flat));
                [seen, hidden].concat()
            };
            let space = Space::bounded(seen(|f| &f.low, &low), seen(|f| &f.high, &high));
            let informed = Informed {
                player,
                width: space.flat_width(),
                stage: builder.add_observation_stage(player, space),
                flat,
                columns: columns.clone(),
            };
            layer::add(builder, informed, &[(StepSet::Observe, Informed::observe)]);
        }
        Ok(())
    }
}
