//! The columns of a segment: one for each field of each player's observation and action, and its reward.

use std::sync::Arc;

use arrow_schema::{DataType, Field};
use palaestra_envs::{
    sim::{Border, EnvSpec, Turns},
    space::{ColumnData, Space},
};
use serde::{Deserialize, Serialize};

use super::data::append_slice;

/// What a player of the log sees and does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlayerSpaces {
    /// Name of the player.
    pub name: String,
    /// What it sees.
    pub observation: Space,
    /// What it does.
    pub action: Space,
}

/// Where a column's values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A field of the observation.
    Observation(usize),
    /// A field of the action.
    Action(usize),
    /// The reward.
    Reward,
    /// Whether the player acted.
    Acted,
}

/// A column of a segment.
#[derive(Debug, Clone)]
pub(super) struct LogColumn {
    /// Name in the file.
    pub(super) name: String,
    pub(super) player: usize,
    pub(super) source: Source,
    /// Elements per step.
    pub(super) width: usize,
    /// No values, of the column's type.
    pub(super) empty: ColumnData,
}

/// All columns of a segment but those that are the same for every environment.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) players: Vec<PlayerSpaces>,
    pub(super) turns_change: bool,
    /// Only columns with elements; a field of width 0 has nothing to log.
    pub(super) columns: Vec<LogColumn>,
}

impl Layout {
    pub(super) fn of(spec: &EnvSpec) -> Self {
        let players = spec.players.iter().map(|p| PlayerSpaces {
            name: p.name.clone(),
            observation: p.observation.clone(),
            action: p.action.clone(),
        });
        Self::new(players.collect(), spec.turns == Turns::Changing)
    }

    pub(super) fn new(players: Vec<PlayerSpaces>, turns_change: bool) -> Self {
        let mut columns = Vec::new();
        let several = players.len() > 1;
        for (player, spaces) in players.iter().enumerate() {
            let mut add = |part: &str, leaf: &str, source, width, empty| {
                let mut name = if several {
                    format!("{}/{part}", spaces.name)
                } else {
                    part.to_owned()
                };
                if !leaf.is_empty() {
                    name = format!("{name}/{leaf}");
                }
                if width > 0 {
                    columns.push(LogColumn {
                        name,
                        player,
                        source,
                        width,
                        empty,
                    });
                }
            };
            for (i, c) in spaces.observation.columns(0).fields().iter().enumerate() {
                let source = Source::Observation(i);
                add("observation", &c.name, source, c.width, c.data.clone());
            }
            for (i, c) in spaces.action.columns(0).fields().iter().enumerate() {
                add(
                    "action",
                    &c.name,
                    Source::Action(i),
                    c.width,
                    c.data.clone(),
                );
            }
            let reward = ColumnData::F32(Vec::new().into());
            add("reward", "", Source::Reward, 1, reward);
            if turns_change {
                add(
                    "acted",
                    "",
                    Source::Acted,
                    1,
                    ColumnData::U8(Vec::new().into()),
                );
            }
        }
        Self {
            players,
            turns_change,
            columns,
        }
    }

    /// Bytes of one step in memory. Text is counted as if it had a fixed size, for decisions that must not
    /// depend on it.
    pub(super) fn bytes_per_step(&self) -> usize {
        let bytes = self.columns.iter().map(|c| {
            c.width
                * match c.empty {
                    ColumnData::F32(_) | ColumnData::I32(_) => 4,
                    ColumnData::F64(_) => 8,
                    ColumnData::U8(_) => 1,
                    ColumnData::Text(_) => 256,
                }
        });
        bytes.sum()
    }
}

impl LogColumn {
    /// Whether the column has a value at the final observation of an episode.
    pub(super) fn is_observation(&self) -> bool {
        matches!(self.source, Source::Observation(_))
    }

    /// The column's type in a file.
    pub(super) fn field(&self) -> Field {
        let element = match (&self.empty, self.source) {
            (_, Source::Acted) => DataType::Boolean,
            (ColumnData::F32(_), _) => DataType::Float32,
            (ColumnData::F64(_), _) => DataType::Float64,
            (ColumnData::I32(_), _) => DataType::Int32,
            (ColumnData::U8(_), _) => DataType::UInt8,
            (ColumnData::Text(_), _) => DataType::Utf8,
        };
        let data_type = if self.width == 1 {
            element
        } else {
            let element = Field::new("item", element, false);
            DataType::FixedSizeList(Arc::new(element), self.width as i32)
        };
        Field::new(&self.name, data_type, !self.is_observation())
    }

    /// Appends the values of the first `rows` rows after a step.
    #[inline]
    pub(super) fn append_step(&self, border: &Border, rows: usize, into: &mut ColumnData) {
        let p = &border.players[self.player];
        match (self.source, into) {
            (Source::Observation(field), into) => {
                let data = &p.observation().fields()[field].data;
                append_slice(into, data, 0..rows * self.width);
            }
            (Source::Action(field), into) => {
                let data = &p.action().fields()[field].data;
                append_slice(into, data, 0..rows * self.width);
            }
            (Source::Reward, ColumnData::F32(into)) => {
                into.to_mut().extend_from_slice(&p.reward[..rows]);
            }
            (Source::Acted, ColumnData::U8(into)) => {
                into.to_mut()
                    .extend(p.acted[..rows].iter().map(|&acted| u8::from(acted)));
            }
            _ => {}
        }
    }

    /// Appends an observation of row `row`: the final one of the episode that has just ended, or the one that the
    /// agent sees next.
    pub(super) fn append_observation(
        &self,
        border: &Border,
        row: usize,
        is_final: bool,
        into: &mut ColumnData,
    ) {
        let p = &border.players[self.player];
        let observation = if is_final {
            &p.final_observation
        } else {
            p.observation()
        };
        if let Source::Observation(field) = self.source {
            let range = row * self.width..(row + 1) * self.width;
            append_slice(into, &observation.fields()[field].data, range);
        }
    }
}
