//! Recordings as tables: one row per event, in Parquet.
//!
//! | column | type | |
//! |---|---|---|
//! | `time_ns` | uint64 | nanoseconds since midnight or 1970, as the key `clock` says |
//! | `symbol` | utf8 | |
//! | `kind` | utf8 | `add`, `reduce`, `delete`, `execute`, … |
//! | `side` | utf8, null | of the resting order: `buy`, `sell` |
//! | `order_id` | uint64 | 0 where there is none |
//! | `new_order_id` | uint64 | of a replacement, else 0 |
//! | `size` | uint64 | in 10^−`size_decimals` |
//! | `price` | int64, null | in 10^−`price_decimals` |
//!
//! The key-value metadata hold `palaestra.market` (the version of this form, 1), `clock` (`midnight` or `epoch`), `price_decimals` and
//! `size_decimals`. Rows are written in groups, so that neither writing nor reading needs more memory than one of them.

use std::{
    collections::HashMap,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{
    Array, Int64Array, RecordBatch, StringArray, UInt64Array,
    builder::{Int64Builder, StringBuilder, UInt64Builder},
    cast::AsArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use palaestra_envs::market::data::{
    Clock, DataError, FeedEvent, FeedReader, Kind, Position, Problem, Side, Units,
};
use parquet::{
    arrow::{
        ArrowWriter, arrow_reader::ParquetRecordBatchReader,
        arrow_reader::ParquetRecordBatchReaderBuilder,
    },
    basic::Compression,
    errors::ParquetError,
    file::{metadata::KeyValue, properties::WriterProperties},
};

use super::MarketError;
use crate::files;

/// Rows encoded at a time, and rows of a group.
const BATCH: usize = 16 << 10;
const GROUP: usize = 256 << 10;
/// Key and version of the form.
const FORM: (&str, &str) = ("palaestra.market", "1");

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("time_ns", DataType::UInt64, false),
        Field::new("symbol", DataType::Utf8, false),
        Field::new("kind", DataType::Utf8, false),
        Field::new("side", DataType::Utf8, true),
        Field::new("order_id", DataType::UInt64, false),
        Field::new("new_order_id", DataType::UInt64, false),
        Field::new("size", DataType::UInt64, false),
        Field::new("price", DataType::Int64, true),
    ]))
}

/// Writes a table.
pub struct TableWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
    rows: usize,
    time_ns: UInt64Builder,
    symbol: StringBuilder,
    kind: StringBuilder,
    side: StringBuilder,
    order_id: UInt64Builder,
    new_order_id: UInt64Builder,
    size: UInt64Builder,
    price: Int64Builder,
}

impl<W: Write + Send> std::fmt::Debug for TableWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableWriter").finish_non_exhaustive()
    }
}

impl<W: Write + Send> TableWriter<W> {
    /// A writer of events in these units.
    ///
    /// # Errors
    /// If the file cannot be begun.
    pub fn new(output: W, units: Units) -> Result<Self, ParquetError> {
        let clock = match units.clock {
            Clock::Midnight => "midnight",
            Clock::Epoch => "epoch",
        };
        let entries = [
            (FORM.0, FORM.1.to_owned()),
            ("clock", clock.to_owned()),
            ("price_decimals", units.price_decimals.to_string()),
            ("size_decimals", units.size_decimals.to_string()),
        ];
        let entries = entries.map(|(key, value)| KeyValue::new(key.to_owned(), value));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("palaestra".into())
            .set_max_row_group_row_count(Some(GROUP))
            .set_key_value_metadata(Some(entries.to_vec()))
            .build();
        let schema = schema();
        Ok(Self {
            writer: ArrowWriter::try_new(output, schema.clone(), Some(properties))?,
            schema,
            rows: 0,
            time_ns: UInt64Builder::new(),
            symbol: StringBuilder::new(),
            kind: StringBuilder::new(),
            side: StringBuilder::new(),
            order_id: UInt64Builder::new(),
            new_order_id: UInt64Builder::new(),
            size: UInt64Builder::new(),
            price: Int64Builder::new(),
        })
    }

    /// Writes an event of the symbol of this name.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write(&mut self, event: &FeedEvent, symbol: &str) -> Result<(), ParquetError> {
        self.time_ns.append_value(event.time_ns);
        self.symbol.append_value(symbol);
        self.kind.append_value(event.kind.name());
        self.side.append_option(event.side.map(|side| match side {
            Side::Buy => "buy",
            Side::Sell => "sell",
        }));
        self.order_id.append_value(event.order_id);
        self.new_order_id.append_value(event.new_order_id);
        self.size.append_value(event.size);
        self.price.append_option(event.price);
        self.rows += 1;
        if self.rows == BATCH {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        self.rows = 0;
        let columns: Vec<Arc<dyn Array>> = vec![
            Arc::new(self.time_ns.finish()),
            Arc::new(self.symbol.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.side.finish()),
            Arc::new(self.order_id.finish()),
            Arc::new(self.new_order_id.finish()),
            Arc::new(self.size.finish()),
            Arc::new(self.price.finish()),
        ];
        let batch = RecordBatch::try_new(self.schema.clone(), columns)?;
        self.writer.write(&batch)
    }

    /// Writes what is left and the end of the file.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> Result<W, ParquetError> {
        self.flush()?;
        self.writer.into_inner()
    }
}

/// Reads a table.
pub struct TableReader {
    batches: ParquetRecordBatchReader,
    units: Units,
    batch: Option<Columns>,
    /// Row within the batch, and in all.
    next: usize,
    row: u64,
    /// Names in the order of their first rows, and their numbers.
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    last_symbol: u32,
}

impl std::fmt::Debug for TableReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableReader").finish_non_exhaustive()
    }
}

/// The columns of a batch.
struct Columns {
    rows: usize,
    time_ns: UInt64Array,
    symbol: StringArray,
    kind: StringArray,
    side: StringArray,
    order_id: UInt64Array,
    new_order_id: UInt64Array,
    size: UInt64Array,
    price: Int64Array,
}

impl TableReader {
    /// Opens a file.
    ///
    /// # Errors
    /// [`MarketError::Table`] if it is no Parquet file, or not one of these tables.
    pub fn open(path: &Path) -> Result<Self, MarketError> {
        let file = files::at("read", path, File::open(path))?;
        let wrong = |what: String| MarketError::Table {
            path: PathBuf::from(path),
            what,
        };
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|error| wrong(format!("cannot be read as Parquet: {error}")))?;
        let entries = builder.metadata().file_metadata().key_value_metadata();
        let value = |key: &str| {
            let entry = entries?.iter().find(|entry| entry.key == key)?;
            entry.value.as_deref()
        };
        let columns: Vec<_> = builder
            .schema()
            .fields()
            .iter()
            .map(|f| (f.name().clone(), f.data_type().clone()))
            .collect();
        let expected: Vec<_> = schema()
            .fields()
            .iter()
            .map(|f| (f.name().clone(), f.data_type().clone()))
            .collect();
        if value(FORM.0) != Some(FORM.1) || columns != expected {
            let what = "this is no table of market events that this version can read";
            return Err(wrong(format!(
                "{what} (`palaestra market convert` writes them)"
            )));
        }
        let decimals = |key: &str| {
            value(key)
                .and_then(|text| text.parse().ok())
                .filter(|n| *n <= 18)
        };
        let units = Units {
            clock: match value("clock") {
                Some("midnight") => Clock::Midnight,
                Some("epoch") => Clock::Epoch,
                other => return Err(wrong(format!("its metadata say clock = {other:?}"))),
            },
            price_decimals: decimals("price_decimals")
                .ok_or_else(|| wrong("its metadata have no valid price_decimals".into()))?,
            size_decimals: decimals("size_decimals")
                .ok_or_else(|| wrong("its metadata have no valid size_decimals".into()))?,
        };
        let batches = builder.with_batch_size(BATCH).build();
        Ok(Self {
            batches: batches.map_err(|error| wrong(error.to_string()))?,
            units,
            batch: None,
            next: 0,
            row: 0,
            names: Vec::new(),
            numbers: HashMap::new(),
            last_symbol: 0,
        })
    }

    fn event(&mut self) -> Result<Option<FeedEvent>, Problem> {
        let Some(columns) = &self.batch else {
            return Ok(None);
        };
        let index = self.next;
        let field = |field, expected, found: &str| Problem::Field {
            field,
            expected,
            found: found.chars().take(40).collect(),
        };
        let kind = columns.kind.value(index);
        let kind = Kind::from_name(kind).ok_or_else(|| field("kind", "a known kind", kind))?;
        let side = match columns
            .side
            .is_valid(index)
            .then(|| columns.side.value(index))
        {
            None => None,
            Some("buy") => Some(Side::Buy),
            Some("sell") => Some(Side::Sell),
            Some(other) => return Err(field("side", "buy, sell or null", other)),
        };
        let name = columns.symbol.value(index);
        // Neighbours are mostly about the same symbol.
        if self
            .names
            .get(self.last_symbol as usize)
            .is_none_or(|last| last != name)
        {
            self.last_symbol = if let Some(number) = self.numbers.get(name) {
                *number
            } else {
                let number = self.names.len() as u32;
                self.names.push(name.to_owned());
                self.numbers.insert(name.to_owned(), number);
                number
            };
        }
        self.next += 1;
        Ok(Some(FeedEvent {
            time_ns: columns.time_ns.value(index),
            symbol: self.last_symbol,
            kind,
            side,
            order_id: columns.order_id.value(index),
            new_order_id: columns.new_order_id.value(index),
            size: columns.size.value(index),
            price: columns
                .price
                .is_valid(index)
                .then(|| columns.price.value(index)),
        }))
    }
}

impl FeedReader for TableReader {
    fn units(&self) -> Units {
        self.units
    }

    fn read(&mut self) -> Result<Option<FeedEvent>, DataError> {
        self.row += 1;
        let at = Position::Row(self.row);
        while self
            .batch
            .as_ref()
            .is_none_or(|batch| self.next == batch.rows)
        {
            self.next = 0;
            self.batch = match self.batches.next() {
                None => return Ok(None),
                Some(Ok(batch)) => Some(columns(&batch)),
                Some(Err(error)) => {
                    let error = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
                    return Err(Problem::Io(error).at(at));
                }
            };
        }
        self.event().map_err(|problem| problem.at(at))
    }

    fn position(&self) -> Position {
        Position::Row(self.row)
    }

    fn symbol(&self, number: u32) -> Option<&str> {
        self.names.get(number as usize).map(String::as_str)
    }

    fn symbols(&self) -> Vec<(u32, String)> {
        let numbered = self.names.iter().enumerate();
        numbered
            .map(|(number, name)| (number as u32, name.clone()))
            .collect()
    }
}

/// The columns, whose types were checked when the file was opened.
fn columns(batch: &RecordBatch) -> Columns {
    let numbers = |index: usize| batch.column(index).as_primitive().clone();
    let texts = |index: usize| batch.column(index).as_string().clone();
    Columns {
        rows: batch.num_rows(),
        time_ns: numbers(0),
        symbol: texts(1),
        kind: texts(2),
        side: texts(3),
        order_id: numbers(4),
        new_order_id: numbers(5),
        size: numbers(6),
        price: batch.column(7).as_primitive().clone(),
    }
}
