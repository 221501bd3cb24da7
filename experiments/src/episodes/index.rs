//! `index.parquet`: one row per episode, so that listing them opens no segment.
//!
//! It is written when training is over, and is never needed: without it, or if it does not fit the segments,
//! everything is read from the segments themselves.

use std::{path::Path, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, UInt32Array,
    UInt64Array,
    cast::AsArray,
    types::{Float64Type, UInt32Type, UInt64Type},
};
use arrow_schema::ArrowError;
use palaestra_envs::sim::Lane;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Ending, EpisodeError, EpisodeId, EpisodeInfo, EpisodeKind, EpisodeLog, Part,
    log::Listing,
    seal,
    table::{FORMAT, from_hex, to_hex},
};
use crate::files;

/// Name of the index.
pub(super) const FILE: &str = "index.parquet";
const KEY: &str = "palaestra.index";

/// The segments that the index covers.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    /// Names of the players.
    players: Vec<String>,
    /// Name and size.
    segments: Vec<(String, u64)>,
}

/// An index read from disk.
pub(super) struct Index {
    pub(super) players: Vec<String>,
    pub(super) episodes: Vec<EpisodeInfo>,
    segments: Vec<(String, u64)>,
}

impl Index {
    pub(super) fn read(folder: &Path) -> Result<Self, EpisodeError> {
        let path = folder.join(FILE);
        let (text, reader) = seal::open(&path, files::read(&path)?, KEY)?;
        let foreign = |reason: String| EpisodeError::foreign(&path, reason);
        let header: Header = serde_json::from_str(&text).map_err(|e| foreign(e.to_string()))?;
        if header.format != FORMAT {
            return Err(EpisodeError::Version {
                path: path.clone(),
                found: header.format,
                supported: FORMAT,
            });
        }
        let mut episodes = Vec::new();
        for batch in reader {
            let batch = batch.map_err(|e| foreign(e.to_string()))?;
            let read = read_rows(&batch, &header.players, &mut episodes);
            read.ok_or_else(|| foreign("its columns are not those of an index".into()))?;
        }
        Ok(Self {
            players: header.players,
            episodes,
            segments: header.segments,
        })
    }

    /// Whether the index covers just the segments that are there.
    pub(super) fn is_of(&self, listing: &Listing) -> bool {
        let found = listing
            .segments
            .iter()
            .map(|(_, _, name, size)| (name, size));
        self.segments
            .iter()
            .map(|(name, size)| (name, size))
            .eq(found)
    }

    /// An error for each segment that the index covers and that is not there.
    pub(super) fn missing(&self, folder: &Path, listing: &Listing) -> Vec<EpisodeError> {
        let there = |file: &String| listing.segments.iter().any(|(_, _, name, _)| name == file);
        let gone = self.segments.iter().filter(|(file, _)| !there(file));
        gone.map(|(file, _)| {
            let held = self
                .episodes
                .iter()
                .filter(|e| e.parts.iter().any(|p| p.file == *file));
            EpisodeError::Missing {
                path: folder.join(file),
                what: format!("{} episodes", held.count()),
            }
        })
        .collect()
    }
}

/// Writes the index of the segments in `folder`.
pub(super) fn write(folder: &Path) -> Result<(), EpisodeError> {
    let listing = Listing::of(folder)?;
    if listing.segments.is_empty() {
        return Ok(());
    }
    let segments = listing.segments.iter();
    let segments = segments.map(|(_, _, name, size)| (name.clone(), *size));
    let segments = segments.collect();
    let log = EpisodeLog::scan(folder.to_owned(), listing);
    let players = log.players().to_vec();
    let path = folder.join(FILE);
    let header = Header {
        format: FORMAT,
        players: players.clone(),
        segments,
    };
    let header = serde_json::to_string(&header)
        .map_err(|e| EpisodeError::encode(&path, ArrowError::ExternalError(Box::new(e))))?;
    let table = table(log.episodes(), &players).map_err(|e| EpisodeError::encode(&path, e))?;
    let properties = seal::properties().set_dictionary_enabled(true);
    let bytes =
        seal::write(&table, properties, KEY, header).map_err(|e| EpisodeError::encode(&path, e))?;
    Ok(files::write_atomically(&path, &bytes)?)
}

/// Name of the column with the returns of player `player`.
fn return_column(player: &str, players: &[String]) -> String {
    if players.len() == 1 {
        "return".into()
    } else {
        format!("{player}/return")
    }
}

fn table(episodes: &[EpisodeInfo], players: &[String]) -> Result<RecordBatch, ArrowError> {
    let u64s = |f: &dyn Fn(&EpisodeInfo) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(episodes.iter().map(f)))
    };
    let bools = |f: &dyn Fn(Ending) -> bool| -> ArrayRef {
        let flags: Vec<bool> = episodes.iter().map(|e| f(e.ending)).collect();
        Arc::new(BooleanArray::from(flags))
    };
    let texts = |f: &dyn Fn(&EpisodeInfo) -> Option<String>| -> ArrayRef {
        Arc::new(episodes.iter().map(f).collect::<StringArray>())
    };
    let round = |e: &EpisodeInfo| match e.id.kind {
        EpisodeKind::Train => None,
        EpisodeKind::Eval { round } => Some(round),
    };
    let parts = |e: &EpisodeInfo| {
        let several = e.parts.len() > 1;
        several.then(|| serde_json::to_string(&e.parts).unwrap_or_default())
    };
    let rounds: UInt32Array = episodes.iter().map(round).collect();
    let mut columns: Vec<(String, ArrayRef)> = vec![
        ("id".into(), texts(&|e| Some(e.id.to_string()))),
        ("round".into(), Arc::new(rounds)),
        ("number".into(), u64s(&|e| e.id.number)),
        ("row".into(), u64s(&|e| e.row as u64)),
        ("seed".into(), u64s(&|e| e.lane.seed)),
        ("lane".into(), u64s(&|e| e.lane.lane)),
        ("lane_episode".into(), u64s(&|e| e.lane.episode)),
        ("length".into(), u64s(&|e| e.length as u64)),
        ("terminated".into(), bools(&Ending::terminated)),
        ("truncated".into(), bools(&Ending::truncated)),
        ("complete".into(), bools(&Ending::complete)),
        (
            "file".into(),
            texts(&|e| e.parts.first().map(|p| p.file.clone())),
        ),
        (
            "first_row".into(),
            u64s(&|e| e.parts.first().map_or(0, |p| p.first_row)),
        ),
        ("parts".into(), texts(&parts)),
        (
            "options".into(),
            texts(&|e| (!e.options.is_null()).then(|| e.options.to_string())),
        ),
        (
            "carried".into(),
            texts(&|e| (!e.carried.is_empty()).then(|| to_hex(&e.carried))),
        ),
    ];
    for (index, player) in players.iter().enumerate() {
        let returns = Float64Array::from_iter_values(episodes.iter().map(|e| e.returns[index]));
        let name = return_column(player, players);
        columns.insert(8 + index, (name, Arc::new(returns)));
    }
    // Some columns happen to have no nulls; what may be null is always marked so, for equal schemas.
    let may_be_null = ["round", "parts", "options", "carried"];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| {
        let nullable = may_be_null.contains(&name.as_str());
        (name, array, nullable)
    }))
}

/// Appends the rows of `batch` to `out`; `None` if they are not those of an index.
fn read_rows(batch: &RecordBatch, players: &[String], out: &mut Vec<EpisodeInfo>) -> Option<()> {
    let column = |name: &str| batch.column_by_name(name);
    let u64s = |name| column(name)?.as_primitive_opt::<UInt64Type>();
    let flags = |name| column(name)?.as_boolean_opt();
    let texts = |name| column(name)?.as_string_opt::<i32>();
    let text = |column: &'_ StringArray, i: usize| -> Option<String> {
        column.is_valid(i).then(|| column.value(i).to_owned())
    };
    let rounds = column("round")?.as_primitive_opt::<UInt32Type>()?;
    let (number, row) = (u64s("number")?, u64s("row")?);
    let (seed, lane, lane_episode) = (u64s("seed")?, u64s("lane")?, u64s("lane_episode")?);
    let (length, first_row) = (u64s("length")?, u64s("first_row")?);
    let (terminated, truncated) = (flags("terminated")?, flags("truncated")?);
    let (file, parts) = (texts("file")?, texts("parts")?);
    let (options, carried) = (texts("options")?, texts("carried")?);
    let returns = players
        .iter()
        .map(|player| column(&return_column(player, players))?.as_primitive_opt::<Float64Type>())
        .collect::<Option<Vec<_>>>()?;
    for i in 0..batch.num_rows() {
        let kind = if rounds.is_valid(i) {
            let round = rounds.value(i);
            EpisodeKind::Eval { round }
        } else {
            EpisodeKind::Train
        };
        let parts = match text(parts, i) {
            Some(parts) => serde_json::from_str(&parts).ok()?,
            None => vec![Part {
                file: text(file, i)?,
                first_row: first_row.value(i),
            }],
        };
        let ending = match (terminated.value(i), truncated.value(i)) {
            (true, _) => Ending::Terminated,
            (_, true) => Ending::Truncated,
            _ => Ending::Cut,
        };
        let number = number.value(i);
        out.push(EpisodeInfo {
            id: EpisodeId { kind, number },
            row: usize::try_from(row.value(i)).ok()?,
            lane: Lane {
                seed: seed.value(i),
                lane: lane.value(i),
                episode: lane_episode.value(i),
            },
            options: match text(options, i) {
                Some(options) => serde_json::from_str(&options).ok()?,
                None => Value::Null,
            },
            carried: from_hex(&text(carried, i).unwrap_or_default())?,
            length: usize::try_from(length.value(i)).ok()?,
            returns: returns.iter().map(|r| r.value(i)).collect(),
            ending,
            parts,
        });
    }
    Some(())
}
