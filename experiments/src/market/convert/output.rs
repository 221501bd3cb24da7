//! The files that a conversion writes.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use palaestra_envs::market::data::{
    FeedEvent, Position, RecordedBooks, RecordedOrder, Rules, Unwritable,
    dbn::{DbnWriter, Metadata},
    itch::ItchWriter,
    lobster::{BookRow, FileName, write_message, write_row},
};
use parquet::errors::ParquetError;

use super::{super::table::TableWriter, ConvertOptions, Format, MarketError, Recording, days};
use crate::files;

/// Databento's number for the exchange's own feed.
const XNAS: (&str, u16) = ("XNAS.ITCH", 2);

type Buffered = BufWriter<File>;

/// Why an event was not written.
#[derive(Debug)]
pub(super) enum Failure {
    /// The format cannot hold it.
    Lost(String),
    /// Nothing more can be written.
    Fatal(MarketError),
}

/// The writer of a format.
enum Writer {
    Lobster {
        messages: Buffered,
        rows: Buffered,
        /// The book as the new file tells it.
        books: Box<RecordedBooks>,
        row: BookRow,
        levels: usize,
    },
    Itch(ItchWriter<Buffered>),
    Dbn(DbnWriter<Buffered>),
    Parquet(Box<TableWriter<Buffered>>),
}

/// A file, or a pair, in the making.
pub(super) struct Output {
    writer: Writer,
    files: Unfinished,
}

/// Where each file is, and where it is to go. What is not finished is removed.
struct Unfinished(Vec<(PathBuf, PathBuf)>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        for (temporary, _) in &self.0 {
            // Nothing more can be done about a file that cannot be removed.
            let _ = fs::remove_file(temporary);
        }
    }
}

impl Output {
    pub(super) fn begin(
        to: Format,
        path: &Path,
        options: &ConvertOptions,
        recording: &Recording,
        first_ns: u64,
    ) -> Result<Self, MarketError> {
        let mut files = Unfinished(Vec::new());
        let mut create = |path: &Path| -> Result<Buffered, MarketError> {
            let temporary = files::temporary_name(path);
            let file = files::at("write", path, File::create(&temporary))?;
            files.0.push((temporary, path.to_owned()));
            Ok(BufWriter::with_capacity(256 << 10, file))
        };
        let file = create(path)?;
        let writer = match to {
            Format::Lobster => Writer::Lobster {
                messages: file,
                rows: create(&book_path(path, options.levels))?,
                books: Box::new(RecordedBooks::new(Rules::Lenient)),
                row: BookRow::default(),
                levels: options.levels,
            },
            Format::Itch => Writer::Itch(ItchWriter::new(file)),
            Format::Dbn => {
                let metadata = Metadata {
                    dataset: XNAS.0.into(),
                    start_ns: first_ns,
                    days: days(first_ns),
                    symbols: recording.symbols(),
                    ..Metadata::default()
                };
                let writer = DbnWriter::new(file, &metadata, XNAS.1);
                Writer::Dbn(files::at("write", path, writer)?)
            }
            Format::Parquet | Format::Binance => {
                let writer = TableWriter::new(file, recording.units());
                Writer::Parquet(Box::new(writer.map_err(|error| fatal(path, error))?))
            }
        };
        Ok(Self { writer, files })
    }

    pub(super) fn write(
        &mut self,
        event: &FeedEvent,
        symbol: &str,
        before: Option<RecordedOrder>,
    ) -> Result<(), Failure> {
        let written = match &mut self.writer {
            Writer::Lobster {
                messages,
                rows,
                books,
                row,
                levels,
            } => write_message(messages, event).and_then(|()| {
                // The recording was checked when it was read; this book only repeats it.
                let mut event = *event;
                if let Ok(book) = books.apply(&mut event, Position::Row(0)) {
                    row.fill(book, *levels);
                }
                Ok(write_row(rows, row)?)
            }),
            Writer::Itch(writer) => writer.write(event, symbol, before.map(|order| order.price)),
            Writer::Dbn(writer) => writer.write(event, before.map_or(0, |order| order.size)),
            Writer::Parquet(writer) => {
                let path = &self.files.0[0].1;
                let written = writer.write(event, symbol);
                return written.map_err(|error| Failure::Fatal(fatal(path, error)));
            }
        };
        written.map_err(|error| match error {
            Unwritable::Io(source) => Failure::Fatal(MarketError::File(files::FileError {
                action: "write",
                path: self.files.0[0].1.clone(),
                source,
            })),
            other => Failure::Lost(other.to_string()),
        })
    }

    /// Completes the files and gives them their names.
    pub(super) fn finish(mut self) -> Result<Vec<PathBuf>, MarketError> {
        let path = &self.files.0[0].1.clone();
        let done = match self.writer {
            Writer::Lobster {
                mut messages,
                mut rows,
                ..
            } => messages.flush().and_then(|()| rows.flush()),
            Writer::Itch(writer) => writer.finish(),
            Writer::Dbn(writer) => writer.finish(),
            Writer::Parquet(writer) => match writer.finish() {
                Ok(mut file) => file.flush(),
                Err(error) => return Err(fatal(path, error)),
            },
        };
        files::at("write", path, done)?;
        let mut names = Vec::new();
        for (temporary, name) in std::mem::take(&mut self.files.0) {
            files::at("write", &name, fs::rename(&temporary, &name))?;
            names.push(name);
        }
        Ok(names)
    }
}

/// Where the rows go that belong to a message file.
fn book_path(messages: &Path, levels: usize) -> PathBuf {
    let name = messages.file_name().unwrap_or_default().to_string_lossy();
    let book = match FileName::parse(&name) {
        Some(parsed) => FileName {
            is_book: true,
            levels,
            ..parsed
        }
        .to_string(),
        None if name.contains("message") => name.replacen("message", "orderbook", 1),
        None => {
            let stem = name.strip_suffix(".csv").unwrap_or(&name);
            format!("{stem}_orderbook.csv")
        }
    };
    messages.with_file_name(book)
}

fn fatal(path: &Path, error: ParquetError) -> MarketError {
    MarketError::File(files::FileError {
        action: "write",
        path: path.to_owned(),
        source: io::Error::other(error),
    })
}
