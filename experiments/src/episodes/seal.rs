//! Parquet files that notice a wrong byte.
//!
//! The last entry of the file's key-value metadata, `palaestra.seal`, holds the BLAKE3 digest of the whole file
//! (with the digest's own digits taken as zeros), and a CRC-32C of the bytes of each column, which says where
//! the damage is when the digest does not fit. Both are checked before anything else looks at the file.

use std::{path::Path, sync::Arc};

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    },
    basic::Compression,
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
    },
};
use serde::{Deserialize, Serialize};

use super::EpisodeError;

const KEY: &str = "palaestra.seal";
/// In every file that Palaestra has sealed, even where the seal is damaged.
const OURS: &[u8] = b"palaestra.";
const MAGIC: &[u8] = b"PAR1";
/// What the value starts with; the digest follows.
const START: &[u8] = br#"{"blake3":""#;
const ZEROS: [u8; 64] = [b'0'; 64];

#[derive(Serialize, Deserialize)]
struct Seal {
    blake3: String,
    blocks: Vec<Block>,
}

/// The bytes of one column.
#[derive(Serialize, Deserialize)]
struct Block {
    column: String,
    offset: u64,
    length: u64,
    crc32c: u32,
}

/// Settings for quick writing: one row group, Snappy, no statistics, and no dictionaries unless asked for.
pub(super) fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_max_row_group_row_count(None)
        .set_created_by("palaestra".into())
}

/// The table as a sealed Parquet file, with `metadata` under `key`.
pub(super) fn write(
    table: &RecordBatch,
    properties: WriterPropertiesBuilder,
    key: &str,
    metadata: String,
) -> Result<Vec<u8>, ParquetError> {
    let entry = KeyValue::new(key.to_owned(), metadata);
    let properties = properties.set_key_value_metadata(Some(vec![entry])).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), table.schema(), Some(properties))?;
    writer.write(table)?;
    writer.flush()?;
    writer.sync()?;
    let mut blocks = Vec::new();
    for group in writer.flushed_row_groups() {
        for column in group.columns() {
            let (offset, length) = column.byte_range();
            let bytes = writer
                .inner()
                .get(offset as usize..(offset + length) as usize);
            blocks.push(Block {
                column: column.column_path().parts()[0].clone(),
                offset,
                length,
                crc32c: crc32c::crc32c(bytes.unwrap_or_default()),
            });
        }
    }
    let seal = Seal {
        blake3: String::from_utf8_lossy(&ZEROS).into_owned(),
        blocks,
    };
    let seal = serde_json::to_string(&seal).map_err(|e| ParquetError::External(Box::new(e)))?;
    writer.append_key_value_metadata(KeyValue::new(KEY.to_owned(), seal));
    let mut bytes = writer.into_inner()?;
    let at = digest_position(&bytes)
        .ok_or_else(|| ParquetError::General("the seal was not written".into()))?;
    let digest = blake3::hash(&bytes).to_hex();
    bytes[at..at + ZEROS.len()].copy_from_slice(digest.as_bytes());
    Ok(bytes)
}

/// Where the digest's digits are.
fn digest_position(bytes: &[u8]) -> Option<usize> {
    let key = bytes
        .windows(KEY.len())
        .rposition(|window| window == KEY.as_bytes())?;
    // Between key and value stand a few bytes of lengths.
    let near = bytes.get(key..bytes.len().min(key + KEY.len() + 32))?;
    let start = near
        .windows(START.len())
        .position(|window| window == START)?;
    let at = key + start + START.len();
    (at + ZEROS.len() <= bytes.len()).then_some(at)
}

/// Checks that `bytes` are those of a sealed file as it was written.
///
/// # Errors
/// [`EpisodeError::Damaged`] with the place; [`EpisodeError::Foreign`] if this is no Parquet file at all.
pub(super) fn check(path: &Path, bytes: &[u8]) -> Result<(), EpisodeError> {
    let (head, tail) = (bytes.starts_with(MAGIC), bytes.ends_with(MAGIC));
    if !head && !tail {
        return Err(EpisodeError::foreign(path, "it is not a Parquet file"));
    }
    if !head {
        return Err(EpisodeError::damaged(path, "its start (bytes 0..4)"));
    }
    if !tail {
        let place = format!(
            "its end (byte {}): it is cut short or overwritten",
            bytes.len()
        );
        return Err(EpisodeError::damaged(path, place));
    }
    let Some(at) = digest_position(bytes) else {
        let ours = bytes.windows(OURS.len()).any(|window| window == OURS);
        return Err(if ours {
            EpisodeError::damaged(path, "its footer (the seal)")
        } else {
            EpisodeError::foreign(path, "Palaestra did not write it")
        });
    };
    let (before, after) = (&bytes[..at], &bytes[at + ZEROS.len()..]);
    let mut hasher = blake3::Hasher::new();
    hasher.update(before).update(&ZEROS).update(after);
    if hasher.finalize().to_hex().as_bytes() == &bytes[at..at + ZEROS.len()] {
        return Ok(());
    }
    Err(EpisodeError::damaged(path, damaged_place(bytes, at)))
}

/// Names the part whose checksum does not fit.
fn damaged_place(bytes: &[u8], digest: usize) -> String {
    let value = &bytes[digest - START.len()..];
    let seal = serde_json::Deserializer::from_slice(value)
        .into_iter::<Seal>()
        .next();
    let Some(Ok(seal)) = seal else {
        return "its footer".into();
    };
    let mut end = 0;
    for block in seal.blocks {
        let range = block.offset..block.offset.saturating_add(block.length);
        let found = bytes.get(range.start as usize..range.end as usize);
        if found.is_none_or(|found| crc32c::crc32c(found) != block.crc32c) {
            let Block { column, .. } = block;
            return format!("column `{column}` (bytes {}..{})", range.start, range.end);
        }
        end = end.max(range.end);
    }
    format!("its footer (bytes {end}..{})", bytes.len())
}

/// Opens a sealed file: the metadata under `key`, and a reader of its rows.
///
/// # Errors
/// As [`check`], and [`EpisodeError::Foreign`] without metadata under `key`.
pub(super) fn open(
    path: &Path,
    bytes: Vec<u8>,
    key: &str,
) -> Result<(String, ParquetRecordBatchReader), EpisodeError> {
    check(path, &bytes)?;
    let unreadable = |e: ParquetError| EpisodeError::foreign(path, e.to_string());
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).map_err(unreadable)?;
    let metadata = Arc::clone(builder.metadata());
    let entries = metadata.file_metadata().key_value_metadata();
    let value = entries
        .into_iter()
        .flatten()
        .find(|entry| entry.key == key)
        .and_then(|entry| entry.value.clone())
        .ok_or_else(|| EpisodeError::foreign(path, format!("it has no metadata `{key}`")))?;
    let rows = usize::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    let reader = builder
        .with_batch_size(rows.max(1))
        .build()
        .map_err(unreadable)?;
    Ok((value, reader))
}
