//! Reading a segment back.

use std::path::Path;

use arrow_array::{
    Array, ArrowPrimitiveType, RecordBatch,
    cast::AsArray,
    types::{Float32Type, Float64Type, Int32Type, UInt8Type},
};
use palaestra_envs::space::{Buffer, Column, ColumnData, Columns, Space};

use super::{
    data::{append_slice, length},
    error::EpisodeError,
    facts::EpisodeInfo,
    format,
    id::EpisodeId,
    layout::{Layout, LogColumn, PlayerSpaces, Source},
    segment,
    table::{FORMAT, Format, Header, Table},
};
use crate::files;

/// An episode as it was logged: `T` steps, `T + 1` observations.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// Where it came from and how it ended.
    pub info: EpisodeInfo,
    /// What the players saw, did and got, in the environment's order.
    pub players: Vec<PlayerEpisode>,
}

/// What a player of an episode saw, did and got.
#[derive(Debug, Clone, PartialEq)]
pub struct PlayerEpisode {
    /// Name of the player.
    pub name: String,
    /// Observations, `[T + 1, …]`; the last is the final one.
    pub observation: Columns,
    /// Actions as the agent gave them, `[T, …]`. Without meaning where the player did not act.
    pub action: Columns,
    /// Rewards, `[T]`.
    pub reward: Vec<f32>,
    /// Whether the player acted, `[T]`.
    pub acted: Vec<bool>,
}

impl Episode {
    /// Whether the episode ended in a terminal state with step `step`.
    pub fn terminated(&self, step: usize) -> bool {
        step + 1 == self.info.length && self.info.ending.terminated()
    }

    /// Whether the episode was cut by the environment (a time limit) with step `step`.
    pub fn truncated(&self, step: usize) -> bool {
        step + 1 == self.info.length && self.info.ending.truncated()
    }
}

/// A segment in memory, all of its episodes.
#[derive(Debug, Clone)]
pub struct LoadedSegment {
    header: Header,
    layout: Layout,
    columns: Vec<ColumnData>,
    /// First row of each piece.
    starts: Vec<usize>,
}

/// The header of the segment `path`, every byte of which is checked.
///
/// # Errors
/// [`EpisodeError`] if the file is damaged, foreign or of another version.
pub(super) fn read_header(path: &Path) -> Result<Header, EpisodeError> {
    let (text, _) = format::open(path, files::read(path)?, segment::KEY)?;
    parse_header(path, &text)
}

/// What the footer of the segment `path` says of its episodes; nothing else of the file is read.
///
/// # Errors
/// As [`read_header`].
pub(super) fn read_table(path: &Path) -> Result<Table, EpisodeError> {
    let text = format::read_metadata(path, segment::KEY)?;
    Ok(parse_header(path, &text)?.episodes)
}

fn parse_header(path: &Path, text: &str) -> Result<Header, EpisodeError> {
    let foreign = |reason: String| EpisodeError::foreign(path, reason);
    // The version first: the rest may have another form in another one.
    let Format { format } = serde_json::from_str(text).map_err(|e| foreign(e.to_string()))?;
    if format != FORMAT {
        return Err(EpisodeError::Version {
            path: path.to_owned(),
            found: format,
            supported: FORMAT,
        });
    }
    let header: Header = serde_json::from_str(text).map_err(|e| foreign(e.to_string()))?;
    let table = header.episodes.check(header.players.len());
    table.map_err(|e| foreign(e.into()))?;
    Ok(header)
}

impl LoadedSegment {
    /// Reads the segment `path`, checking every byte of it.
    ///
    /// # Errors
    /// [`EpisodeError`] if the file is damaged, foreign or of another version.
    pub fn read(path: &Path) -> Result<Self, EpisodeError> {
        let (text, reader) = format::open(path, files::read(path)?, segment::KEY)?;
        let header = parse_header(path, &text)?;
        let layout = Layout::new(header.players.clone(), header.turns_change);
        let mut columns: Vec<ColumnData> = layout.columns.iter().map(|c| c.empty.clone()).collect();
        let mut rows = 0;
        for batch in reader {
            let batch = batch.map_err(|e| EpisodeError::foreign(path, e.to_string()))?;
            rows += batch.num_rows();
            for (column, into) in layout.columns.iter().zip(&mut columns) {
                read_column(&batch, column, into).ok_or_else(|| {
                    let name = &column.name;
                    EpisodeError::foreign(path, format!("column `{name}` is not as its spaces say"))
                })?;
            }
        }
        let pieces = header.episodes.len();
        let mut starts = Vec::with_capacity(pieces);
        let mut next = 0_u64;
        for piece in 0..pieces {
            starts.push(next as usize);
            next = next.saturating_add(header.episodes.rows(piece));
        }
        if next != rows as u64 {
            let reason = format!("its episodes have {next} rows, but it holds {rows}");
            return Err(EpisodeError::foreign(path, reason));
        }
        Ok(Self {
            header,
            layout,
            columns,
            starts,
        })
    }

    /// The players.
    pub fn players(&self) -> &[PlayerSpaces] {
        &self.layout.players
    }

    /// The environment's identifier.
    pub fn env(&self) -> &str {
        &self.header.env
    }

    /// The episode `info` from this segment, if all of it is here.
    pub fn episode(&self, info: &EpisodeInfo) -> Option<Episode> {
        let whole = info.parts.len() == 1;
        whole.then(|| assemble(info, &[self])).flatten()
    }

    fn find(&self, id: EpisodeId) -> Option<usize> {
        let here = self.header.kind == id.kind;
        let mut numbers = self.header.episodes.numbers().iter();
        here.then(|| numbers.position(|&number| number == id.number))?
    }
}

/// Puts an episode together from the segments that hold its parts, in order.
pub(super) fn assemble(info: &EpisodeInfo, segments: &[&LoadedSegment]) -> Option<Episode> {
    let first = segments.first()?;
    let layout = &first.layout;
    let mut columns: Vec<ColumnData> = layout.columns.iter().map(|c| c.empty.clone()).collect();
    for segment in segments {
        if segment.layout.players != layout.players {
            return None;
        }
        let at = segment.find(info.id)?;
        let (table, start) = (&segment.header.episodes, segment.starts[at]);
        for ((into, from), column) in columns
            .iter_mut()
            .zip(&segment.columns)
            .zip(&layout.columns)
        {
            let rows = if column.is_observation() {
                table.rows(at)
            } else {
                table.length(at)
            };
            let (width, rows) = (column.width, rows as usize);
            append_slice(into, from, start * width..(start + rows) * width);
        }
    }
    let players = layout.players.iter().enumerate().map(|(index, player)| {
        let mut rows = PlayerEpisode {
            name: player.name.clone(),
            observation: Columns::default(),
            action: Columns::default(),
            reward: Vec::new(),
            acted: vec![true; info.length],
        };
        let (mut observation, mut action) = (Vec::new(), Vec::new());
        let own = layout.columns.iter().zip(&mut columns);
        for (column, data) in own.filter(|(column, _)| column.player == index) {
            let data = std::mem::replace(data, column.empty.clone());
            match (column.source, data) {
                (Source::Observation(field), data) => observation.push((field, data)),
                (Source::Action(field), data) => action.push((field, data)),
                (Source::Acted, ColumnData::U8(v)) => {
                    rows.acted = v.iter().map(|&x| x != 0).collect();
                }
                (Source::Reward, ColumnData::F32(v)) => rows.reward = v.into_vec(),
                _ => return None,
            }
        }
        rows.observation = gather(&player.observation, info.length + 1, observation)?;
        rows.action = gather(&player.action, info.length, action)?;
        let lengths = [rows.reward.len(), rows.acted.len()];
        (lengths == [info.length; 2]).then_some(rows)
    });
    Some(Episode {
        players: players.collect::<Option<_>>()?,
        info: info.clone(),
    })
}

/// A batch of `rows` values of `space` from its logged fields; fields of width 0 are not logged.
fn gather(space: &Space, rows: usize, mut logged: Vec<(usize, ColumnData)>) -> Option<Columns> {
    let empty = space.columns(0);
    let fields = empty.fields().iter().enumerate().map(|(index, field)| {
        let at = logged.iter().position(|(i, _)| *i == index);
        let data = at.map_or_else(|| field.data.clone(), |at| logged.swap_remove(at).1);
        (length(&data) == rows * field.width).then(|| Column {
            name: field.name.clone(),
            width: field.width,
            data,
        })
    });
    Some(Columns::new(rows, fields.collect::<Option<_>>()?))
}

fn extend<T: ArrowPrimitiveType>(v: &mut Buffer<T::Native>, array: &dyn Array) -> Option<()> {
    v.to_mut()
        .extend_from_slice(array.as_primitive_opt::<T>()?.values());
    Some(())
}

/// Appends a column of `batch` to `into`; `None` if it is missing or has another type.
fn read_column(batch: &RecordBatch, column: &LogColumn, into: &mut ColumnData) -> Option<()> {
    let array = batch.column_by_name(&column.name)?;
    if array.data_type() != column.field().data_type() {
        return None;
    }
    let array = match array.as_fixed_size_list_opt() {
        Some(list) => list.values(),
        None => array,
    };
    if array.len() != batch.num_rows() * column.width {
        return None;
    }
    match (into, column.source) {
        (ColumnData::U8(v), Source::Acted) => {
            v.to_mut()
                .extend(array.as_boolean_opt()?.values().iter().map(u8::from));
            Some(())
        }
        (ColumnData::F32(v), _) => extend::<Float32Type>(v, array),
        (ColumnData::F64(v), _) => extend::<Float64Type>(v, array),
        (ColumnData::I32(v), _) => extend::<Int32Type>(v, array),
        (ColumnData::U8(v), _) => extend::<UInt8Type>(v, array),
        (ColumnData::Text(v), _) => {
            let texts = array.as_string_opt::<i32>()?;
            v.to_mut()
                .extend(texts.iter().map(|s| s.unwrap_or_default().to_owned()));
            Some(())
        }
    }
}
