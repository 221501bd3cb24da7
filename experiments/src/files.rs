//! Writing files so that a reader, or a power cut, never sees half of one.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}{}", .path.display(), advice(.source))]
pub struct FileError {
    /// `read`, `write`, `create`, …
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "; free some space, then `palaestra resume` the run: nothing that was written is lost"
        }
        io::ErrorKind::PermissionDenied => {
            "; check the permissions, or choose another folder with --out"
        }
        _ => "",
    }
}

/// Attaches the file to an I/O error.
pub fn at<T>(action: &'static str, path: &Path, result: io::Result<T>) -> Result<T, FileError> {
    result.map_err(|source| FileError {
        action,
        path: path.to_owned(),
        source,
    })
}

/// Writes `bytes` to `path` in one piece: to a temporary neighbour, flushed to disk, then renamed.
///
/// # Errors
/// [`FileError`], and then whatever was at `path` before is still there.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let temporary = temporary_name(path);
    let write = || -> io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&temporary, path)
    };
    at("write", path, write())
}

/// Where a file or folder is prepared before it is renamed to `path`: the name with `.tmp` added.
pub fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

/// Creates a folder with its parents.
///
/// # Errors
/// [`FileError`].
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    at("create", path, fs::create_dir_all(path))
}

/// Reads a whole file.
///
/// # Errors
/// [`FileError`].
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    at("read", path, fs::read(path))
}

/// The table as a Parquet file in memory, compressed with Snappy, with key-value `metadata`.
///
/// # Errors
/// If the writer refuses the table.
pub fn parquet_bytes(
    table: &RecordBatch,
    metadata: &[(&str, String)],
) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let entries = metadata
        .iter()
        .map(|(key, value)| {
            parquet::file::metadata::KeyValue::new((*key).to_owned(), value.clone())
        })
        .collect();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("palaestra".into())
        .set_key_value_metadata(Some(entries))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), table.schema(), Some(properties))?;
    writer.write(table)?;
    writer.into_inner()
}
