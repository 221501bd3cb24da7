//! `index.parquet`: one row per episode, so that listing them opens no segment.
//!
//! It is written when training is over, and is never needed: without it, or if it does not fit the segments,
//! everything is read from the segments themselves.

use std::path::{Path, PathBuf};

use arrow_array::{
    Array, RecordBatch, StringArray,
    cast::AsArray,
    types::{Float64Type, UInt32Type, UInt64Type},
};
use arrow_buffer::ToByteSlice;
use arrow_schema::{DataType, Field, Schema};
use palaestra_envs::sim::Lane;
use parquet::errors::ParquetError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    catalog::{Catalog, Entry, Rare},
    error::EpisodeError,
    facts::{Ending, EpisodeInfo, Part},
    format::{self, Bits, FileSchema, FileWriter, Levels, Values, delta_i64, place_runs},
    id::{EpisodeId, EpisodeKind},
    listing::{INDEX, Listing},
    read::read_table,
    table::{FORMAT, Table, from_hex},
};
use crate::files;

const KEY: &str = "palaestra.index";
/// Episodes after which a row group ends.
const GROUP: usize = if cfg!(test) { 5 } else { 1 << 15 };

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
        let path = folder.join(INDEX);
        let (text, reader) = format::open(&path, files::read(&path)?, KEY)?;
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
        // In the file they are in the order of their ends.
        episodes.sort_by_key(|info| info.id);
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

/// An index under way. What it says depends on the segments and their order only.
pub(super) struct IndexWriter {
    folder: PathBuf,
    players: Vec<String>,
    catalog: Catalog,
    file: FileWriter,
}

impl IndexWriter {
    /// Begins the index of a log in `folder`, of a game between `players`.
    pub(super) fn new(folder: &Path, players: Vec<String>) -> Result<Self, EpisodeError> {
        let path = folder.join(INDEX);
        let schema = schema(&players).map_err(|e| EpisodeError::encode(&path, e))?;
        Ok(Self {
            file: FileWriter::new(&path, Vec::new(), &schema),
            folder: folder.to_owned(),
            players,
            catalog: Catalog::default(),
        })
    }

    /// Adds a segment, whose table has been checked.
    pub(super) fn add(
        &mut self,
        kind: EpisodeKind,
        number: u32,
        table: &Table,
    ) -> Result<(), EpisodeError> {
        let added = if table.players() == self.players.len() {
            self.catalog.add(kind, number, table)
        } else {
            Err("it has other players than the rest")
        };
        added.map_err(|reason| {
            EpisodeError::foreign(&self.folder.join(kind.file_name(number)), reason)
        })?;
        if self.catalog.entries().len() < GROUP {
            return Ok(());
        }
        self.end_group()
    }

    fn end_group(&mut self) -> Result<(), EpisodeError> {
        encode_group(&self.catalog, self.players.len(), &mut self.file)?;
        self.catalog.clear_entries();
        Ok(())
    }

    /// Adds the segments in the folder that are not here yet, of which the footers are read, and writes the
    /// index. If one cannot be read there is no index, and whoever opens the log is told why.
    pub(super) fn write(mut self) -> Result<(), EpisodeError> {
        let listing = Listing::of(&self.folder)?;
        if listing.segments.is_empty() {
            return Ok(());
        }
        let there = listing.segments.iter();
        let there = there.map(|(kind, number, ..)| (*kind, *number));
        let known = self.catalog.segments();
        if !there.clone().take(known.len()).eq(known.iter().copied()) {
            self = Self::new(&self.folder, self.players)?;
        }
        for (kind, number) in there.skip(self.catalog.segments().len()) {
            let Ok(table) = read_table(&self.folder.join(kind.file_name(number))) else {
                return Ok(());
            };
            if self.add(kind, number, &table).is_err() {
                return Ok(());
            }
        }
        self.end_group()?;
        let path = self.folder.join(INDEX);
        let segments = listing.segments.into_iter();
        let header = Header {
            format: FORMAT,
            players: self.players,
            segments: segments.map(|(_, _, name, size)| (name, size)).collect(),
        };
        let header = serde_json::to_string(&header)
            .map_err(|e| EpisodeError::encode(&path, ParquetError::External(Box::new(e))))?;
        let bytes = self.file.finish(KEY, header)?;
        Ok(files::write_atomically(&path, &bytes)?)
    }
}

/// Name of the column with the returns of player `player`.
fn return_column(player: &str, players: &[String]) -> String {
    if players.len() == 1 {
        "return".into()
    } else {
        format!("{player}/return")
    }
}

fn schema(players: &[String]) -> Result<FileSchema, ParquetError> {
    let field = |name: &str, data_type, nullable| Field::new(name, data_type, nullable);
    let mut fields = vec![field("round", DataType::UInt32, true)];
    let whole = [
        "number",
        "row",
        "seed",
        "lane",
        "lane_episode",
        "length",
        "first_row",
    ];
    fields.extend(whole.map(|name| field(name, DataType::UInt64, false)));
    for player in players {
        fields.push(field(
            &return_column(player, players),
            DataType::Float64,
            false,
        ));
    }
    let flags = ["terminated", "truncated", "complete"];
    fields.extend(flags.map(|name| field(name, DataType::Boolean, false)));
    fields.push(field("file", DataType::Utf8, false));
    let texts = ["parts", "options", "carried"];
    fields.extend(texts.map(|name| field(name, DataType::Utf8, true)));
    FileSchema::of(&Schema::new(fields))
}

/// Appends the episodes of `catalog` to the index, in the order of [`schema`].
fn encode_group(
    catalog: &Catalog,
    players: usize,
    file: &mut FileWriter,
) -> Result<(), EpisodeError> {
    let entries = catalog.entries();
    let every_row = Levels::scalars(entries.len());
    let mut body = Vec::new();

    let round = |entry: &Entry| match catalog.kind(entry) {
        EpisodeKind::Train => None,
        EpisodeKind::Eval { round } => Some(round),
    };
    let rounds: Vec<u32> = entries.iter().filter_map(round).collect();
    let levels = Levels::nullable(entries.iter().map(|e| (round(e).is_some(), 1)));
    file.column(&levels, &Values::plain(rounds.to_byte_slice()))?;

    let numbers: [fn(&Entry) -> u64; 7] = [
        |e| e.number,
        |e| e.row.into(),
        |e| e.lane.seed,
        |e| e.lane.lane,
        |e| e.lane.episode,
        |e| e.length,
        |e| e.first_row,
    ];
    for number in numbers {
        let values = entries.iter().map(|e| number(e) as i64);
        delta_i64(&mut body, entries.len(), values);
        file.column(&every_row, &Values::delta(&body))?;
    }

    for player in 0..players {
        let returns = catalog.returns().iter();
        let returns: Vec<f64> = returns.skip(player).step_by(players).copied().collect();
        file.column(&every_row, &Values::plain(returns.to_byte_slice()))?;
    }
    let flags: [fn(Ending) -> bool; 3] = [Ending::terminated, Ending::truncated, Ending::complete];
    for flag in flags {
        let mut bits = Bits::default();
        for entry in entries {
            bits.push(flag(entry.ending).into(), 1);
        }
        file.column(&every_row, &Values::plain(&bits.finish()))?;
    }

    // Neighbours are in the same file.
    let (mut names, mut runs) = (Vec::new(), Vec::new());
    for same in entries.chunk_by(|a, b| a.segment == b.segment) {
        push_text(&mut names, &catalog.file_name(&same[0]));
        runs.push((runs.len(), same.len()));
    }
    let files = runs.len();
    place_runs(&mut body, files, runs.into_iter());
    file.column(&every_row, &Values::places(&body, &names, files))?;

    let texts: [fn(&Rare) -> Option<String>; 3] = [
        |rare| {
            let several = rare.parts.len() > 1;
            several.then(|| serde_json::to_string(&rare.parts).unwrap_or_default())
        },
        |rare| (!rare.options.is_null()).then(|| rare.options.to_string()),
        |rare| (!rare.carried.is_empty()).then(|| rare.carried.clone()),
    ];
    for text in texts {
        body.clear();
        let (mut runs, mut next) = (Vec::new(), 0);
        for (&place, rare) in catalog.rare() {
            if let Some(text) = text(rare) {
                push_text(&mut body, &text);
                runs.extend([(false, place - next), (true, 1)]);
                next = place + 1;
            }
        }
        runs.push((false, entries.len() - next));
        let levels = Levels::nullable(runs.into_iter());
        file.column(&levels, &Values::plain(&body))?;
    }
    file.end_group(entries.len())
}

/// Appends a text as Parquet's plain encoding has it, its length first.
fn push_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
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
