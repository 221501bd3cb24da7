//! The columns of a segment: one for each field of each player's observation and action, and its reward.

use std::sync::Arc;

use arrow_schema::{DataType, Field};
use palaestra_envs::{
    sim::{Border, EnvSpec, Turns},
    space::{ColumnData, Space},
};
use serde::{Deserialize, Serialize};

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
            let reward = ColumnData::F32(Vec::new());
            add("reward", "", Source::Reward, 1, reward);
            if turns_change {
                add("acted", "", Source::Acted, 1, ColumnData::U8(Vec::new()));
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
            DataType::FixedSizeList(element_field(element), self.width as i32)
        };
        Field::new(&self.name, data_type, !self.is_observation())
    }

    /// Appends the values of the given rows after a step, each to its row's track.
    #[inline]
    pub(super) fn append(&self, border: &Border, rows: &[usize], tracks: &mut [ColumnData]) {
        let p = &border.players[self.player];
        match self.source {
            Source::Observation(field) => {
                append_field(
                    tracks,
                    &p.observation().fields()[field].data,
                    self.width,
                    rows,
                );
            }
            Source::Action(field) => {
                append_field(tracks, &p.action().fields()[field].data, self.width, rows);
            }
            Source::Reward => {
                for &row in rows {
                    if let ColumnData::F32(track) = &mut tracks[row] {
                        track.push(p.reward[row]);
                    }
                }
            }
            Source::Acted => {
                for &row in rows {
                    if let ColumnData::U8(track) = &mut tracks[row] {
                        track.push(u8::from(p.acted[row]));
                    }
                }
            }
        }
    }

    /// Puts the final observation of row `row` in the place of the observation last appended, which is that of
    /// the next episode already.
    pub(super) fn correct_last(&self, border: &Border, row: usize, track: &mut ColumnData) {
        let Source::Observation(field) = self.source else {
            return;
        };
        truncate_by(track, self.width);
        let data = &border.players[self.player].final_observation.fields()[field].data;
        append_slice(track, data, row * self.width, self.width);
    }
}

/// The field of a list's elements.
pub(super) fn element_field(element: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", element, false))
}

fn append_field(tracks: &mut [ColumnData], source: &ColumnData, width: usize, rows: &[usize]) {
    macro_rules! append {
        ($variant:ident, $values:expr) => {
            for &row in rows {
                if let ColumnData::$variant(track) = &mut tracks[row] {
                    if width == 1 {
                        track.push($values[row].clone());
                    } else {
                        track.extend_from_slice(&$values[row * width..(row + 1) * width]);
                    }
                }
            }
        };
    }
    match source {
        ColumnData::F32(v) => append!(F32, v),
        ColumnData::F64(v) => append!(F64, v),
        ColumnData::I32(v) => append!(I32, v),
        ColumnData::U8(v) => append!(U8, v),
        ColumnData::Text(v) => append!(Text, v),
    }
}

/// Appends `count` elements of `source` from `start` on to `into`, which has the same type.
pub(super) fn append_slice(into: &mut ColumnData, source: &ColumnData, start: usize, count: usize) {
    let range = start..start + count;
    match (into, source) {
        (ColumnData::F32(a), ColumnData::F32(b)) => a.extend_from_slice(&b[range]),
        (ColumnData::F64(a), ColumnData::F64(b)) => a.extend_from_slice(&b[range]),
        (ColumnData::I32(a), ColumnData::I32(b)) => a.extend_from_slice(&b[range]),
        (ColumnData::U8(a), ColumnData::U8(b)) => a.extend_from_slice(&b[range]),
        (ColumnData::Text(a), ColumnData::Text(b)) => a.extend_from_slice(&b[range]),
        _ => {}
    }
}

/// Appends `count` zeros (or empty texts).
pub(super) fn append_zeros(into: &mut ColumnData, count: usize) {
    match into {
        ColumnData::F32(v) => v.resize(v.len() + count, 0.0),
        ColumnData::F64(v) => v.resize(v.len() + count, 0.0),
        ColumnData::I32(v) => v.resize(v.len() + count, 0),
        ColumnData::U8(v) => v.resize(v.len() + count, 0),
        ColumnData::Text(v) => v.resize(v.len() + count, String::new()),
    }
}

/// Number of elements.
pub(super) fn length(data: &ColumnData) -> usize {
    match data {
        ColumnData::F32(v) => v.len(),
        ColumnData::F64(v) => v.len(),
        ColumnData::I32(v) => v.len(),
        ColumnData::U8(v) => v.len(),
        ColumnData::Text(v) => v.len(),
    }
}

/// Removes the last `count` elements.
fn truncate_by(data: &mut ColumnData, count: usize) {
    match data {
        ColumnData::F32(v) => v.truncate(v.len().saturating_sub(count)),
        ColumnData::F64(v) => v.truncate(v.len().saturating_sub(count)),
        ColumnData::I32(v) => v.truncate(v.len().saturating_sub(count)),
        ColumnData::U8(v) => v.truncate(v.len().saturating_sub(count)),
        ColumnData::Text(v) => v.truncate(v.len().saturating_sub(count)),
    }
}
