//! The seal: how a file notices a wrong byte.
//!
//! The last entry of the file's key-value metadata, `palaestra.seal`, holds a CRC-32C of the bytes of each
//! column, and one of the footer (with its own digits taken as zeros). A CRC-32C differs if any one byte, or any
//! four that follow each other, are different, and columns and footer are all there is, so the place of the
//! damage is known too. Everything is checked before anything else looks at the file; who wants the footer only
//! checks that only.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use bytes::Bytes;
use parquet::{
    arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    errors::ParquetError,
    file::metadata::{KeyValue, ParquetMetaDataReader},
};
use serde::{Deserialize, Serialize};

use crate::{episodes::error::EpisodeError, files};

pub(super) const KEY: &str = "palaestra.seal";
/// In every file that Palaestra has sealed, even where the seal is damaged.
const OURS: &[u8] = b"palaestra.";
pub(super) const MAGIC: &[u8] = b"PAR1";
/// What the value starts with; the digits of the footer's checksum follow.
const START: &[u8] = br#"{"crc32c":""#;
const ZEROS: [u8; 8] = [b'0'; 8];
/// After the footer come its length and [`MAGIC`].
const TAIL: usize = 8;

#[derive(Serialize, Deserialize)]
struct Seal {
    crc32c: String,
    blocks: Vec<Block>,
}

/// The bytes of one column.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Block {
    pub(super) column: String,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) crc32c: u32,
}

/// The value of the seal, zeros for the footer's checksum.
pub(super) fn open_seal(blocks: &[Block]) -> Result<String, ParquetError> {
    #[derive(Serialize)]
    struct Open<'a> {
        crc32c: &'a str,
        blocks: &'a [Block],
    }
    let crc32c = std::str::from_utf8(&ZEROS).unwrap_or_default();
    let seal = Open { crc32c, blocks };
    serde_json::to_string(&seal).map_err(|e| ParquetError::External(Box::new(e)))
}

/// Puts the checksum of `footer` (with length and magic) in the place of the zeros.
pub(super) fn close_seal(footer: &mut [u8]) -> Option<()> {
    let at = digits(footer)?;
    let crc32c = format!("{:08x}", checksum(footer, at));
    footer[at..at + ZEROS.len()].copy_from_slice(crc32c.as_bytes());
    Some(())
}

/// The checksum of `footer`, the digits at `at` taken as zeros.
fn checksum(footer: &[u8], at: usize) -> u32 {
    let crc = crc32c::crc32c(&footer[..at]);
    let crc = crc32c::crc32c_append(crc, &ZEROS);
    crc32c::crc32c_append(crc, &footer[at + ZEROS.len()..])
}

/// Where the digits of the footer's checksum are.
fn digits(footer: &[u8]) -> Option<usize> {
    let key = footer
        .windows(KEY.len())
        .rposition(|window| window == KEY.as_bytes())?;
    // Between key and value stand a few bytes of lengths.
    let near = footer.get(key..footer.len().min(key + KEY.len() + 32))?;
    let start = near
        .windows(START.len())
        .position(|window| window == START)?;
    let at = key + start + START.len();
    (at + ZEROS.len() <= footer.len()).then_some(at)
}

/// Where the footer of a file of `size` bytes starts, from its last bytes.
fn footer_start(path: &Path, size: u64, tail: [u8; TAIL]) -> Result<u64, EpisodeError> {
    let damaged = |what| EpisodeError::damaged(path, format!("its end (byte {size}): {what}"));
    let [a, b, c, d, magic @ ..] = tail;
    if magic != MAGIC {
        return Err(damaged("it is cut short or overwritten"));
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d])) + TAIL as u64;
    size.checked_sub(length)
        .filter(|start| *start >= MAGIC.len() as u64)
        .ok_or_else(|| damaged("its length is wrong"))
}

/// Checks a footer (with length and magic), and tells the columns' checksums.
fn check_footer(path: &Path, start: u64, footer: &[u8]) -> Result<Vec<Block>, EpisodeError> {
    let unsealed = || EpisodeError::damaged(path, "its footer (the seal)");
    let at = digits(footer).ok_or_else(unsealed)?;
    let crc32c = format!("{:08x}", checksum(footer, at));
    if footer[at..at + ZEROS.len()] != *crc32c.as_bytes() {
        let end = start + footer.len() as u64;
        let place = format!("its footer (bytes {start}..{end})");
        return Err(EpisodeError::damaged(path, place));
    }
    let value = &footer[at - START.len()..];
    let seal = serde_json::Deserializer::from_slice(value)
        .into_iter::<Seal>()
        .next();
    let Some(Ok(seal)) = seal else {
        return Err(unsealed());
    };
    let mut end = MAGIC.len() as u64;
    for block in &seal.blocks {
        let follows = block.offset == end;
        end = end.saturating_add(block.length);
        if !follows || end > start {
            return Err(unsealed());
        }
    }
    if end != start {
        return Err(unsealed());
    }
    Ok(seal.blocks)
}

/// Checks that `bytes` are those of a sealed file as it was written.
///
/// # Errors
/// [`EpisodeError::Damaged`] with the place; [`EpisodeError::Foreign`] if Palaestra did not write it.
pub(in crate::episodes) fn check(path: &Path, bytes: &[u8]) -> Result<(), EpisodeError> {
    let (head, tail) = (bytes.starts_with(MAGIC), bytes.ends_with(MAGIC));
    if !head && !tail {
        return Err(EpisodeError::foreign(path, "it is not a Parquet file"));
    }
    if !head {
        return Err(EpisodeError::damaged(path, "its start (bytes 0..4)"));
    }
    let ours = |error| {
        if tail && !bytes.windows(OURS.len()).any(|window| window == OURS) {
            return EpisodeError::foreign(path, "Palaestra did not write it");
        }
        error
    };
    let last = bytes.last_chunk().copied().unwrap_or_default();
    let start = footer_start(path, bytes.len() as u64, last).map_err(ours)?;
    let footer = &bytes[start as usize..];
    for block in check_footer(path, start, footer).map_err(ours)? {
        let range = block.offset as usize..(block.offset + block.length) as usize;
        if crc32c::crc32c(&bytes[range.clone()]) != block.crc32c {
            let Block { column, .. } = block;
            let place = format!("column `{column}` (bytes {}..{})", range.start, range.end);
            return Err(EpisodeError::damaged(path, place));
        }
    }
    Ok(())
}

/// The metadata under `key` of the sealed file `path`, of which only the footer is read and checked.
///
/// # Errors
/// As [`open`].
pub(in crate::episodes) fn read_metadata(path: &Path, key: &str) -> Result<String, EpisodeError> {
    let mut file = files::at("read", path, File::open(path))?;
    let size = files::at("read", path, file.seek(SeekFrom::End(0)))?;
    let mut from = |start: u64, bytes: &mut [u8]| -> io::Result<()> {
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(bytes)
    };
    let mut tail = [0; TAIL];
    if let Some(start) = size.checked_sub(TAIL as u64) {
        files::at("read", path, from(start, &mut tail))?;
    }
    let start = footer_start(path, size, tail)?;
    let mut footer = vec![0; (size - start) as usize];
    files::at("read", path, from(start, &mut footer))?;
    check_footer(path, start, &footer)?;
    let metadata = ParquetMetaDataReader::decode_metadata(&footer[..footer.len() - TAIL])
        .map_err(|e| EpisodeError::foreign(path, e.to_string()))?;
    value(path, metadata.file_metadata().key_value_metadata(), key)
}

fn value(path: &Path, entries: Option<&Vec<KeyValue>>, key: &str) -> Result<String, EpisodeError> {
    let mut entries = entries.into_iter().flatten();
    entries
        .find(|entry| entry.key == key)
        .and_then(|entry| entry.value.clone())
        .ok_or_else(|| EpisodeError::foreign(path, format!("it has no metadata `{key}`")))
}

/// Opens a sealed file: the metadata under `key`, and a reader of its rows.
///
/// # Errors
/// As [`check`], and [`EpisodeError::Foreign`] without metadata under `key`.
pub(in crate::episodes) fn open(
    path: &Path,
    bytes: Vec<u8>,
    key: &str,
) -> Result<(String, ParquetRecordBatchReader), EpisodeError> {
    check(path, &bytes)?;
    let unreadable = |e: ParquetError| EpisodeError::foreign(path, e.to_string());
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).map_err(unreadable)?;
    let file = builder.metadata().file_metadata();
    let text = value(path, file.key_value_metadata(), key)?;
    let rows = usize::try_from(file.num_rows()).unwrap_or(0);
    let reader = builder
        .with_batch_size(rows.max(1))
        .build()
        .map_err(unreadable)?;
    Ok((text, reader))
}
