//! Tables of games and of actions in Parquet, written and read in groups of rows.
//!
//! A row is a struct with one field per column ([`rows!`]); the key `palaestra.language` of the file tells which kind of
//! rows it holds. Memory is that of one group, however many rows there are.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{
    Array, ArrayRef, RecordBatch,
    builder::{BooleanBuilder, Float64Builder, StringBuilder, UInt32Builder},
    cast::AsArray,
    types::{Float64Type, UInt32Type},
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    },
    basic::Compression,
    file::{metadata::KeyValue, properties::WriterProperties},
};

use super::LanguageError;
use crate::files;

/// Rows encoded at a time, and rows of a group.
const BATCH: usize = 4 << 10;
const GROUP: usize = 32 << 10;
/// Key of the form.
const KEY: &str = "palaestra.language";

/// A column in the making.
#[derive(Debug)]
pub enum Column {
    /// Words.
    Text(StringBuilder),
    /// Numbers.
    Real(Float64Builder),
    /// Counts.
    Whole(UInt32Builder),
    /// Switches.
    Flag(BooleanBuilder),
}

impl Column {
    fn new(kind: &DataType) -> Self {
        match kind {
            DataType::Utf8 => Self::Text(StringBuilder::new()),
            DataType::Float64 => Self::Real(Float64Builder::new()),
            DataType::UInt32 => Self::Whole(UInt32Builder::new()),
            _ => Self::Flag(BooleanBuilder::new()),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Real(builder) => Arc::new(builder.finish()),
            Self::Whole(builder) => Arc::new(builder.finish()),
            Self::Flag(builder) => Arc::new(builder.finish()),
        }
    }
}

/// A type of cells.
pub(super) trait Cell: Sized {
    /// In Arrow.
    const KIND: DataType;
    /// Whether cells may be empty.
    const NULLABLE: bool = false;

    /// Appends the cell to a column of its kind.
    fn push(&self, column: &mut Column);

    /// Reads a cell that is not empty from a column of its kind.
    fn get(array: &dyn Array, row: usize) -> Self;
}

macro_rules! cell {
    ($type:ty, $kind:expr, $variant:ident, $self:ident => $value:expr, ($array:ident, $row:ident) => $read:expr) => {
        impl Cell for $type {
            const KIND: DataType = $kind;

            fn push(&$self, column: &mut Column) {
                if let Column::$variant(builder) = column {
                    builder.append_value($value);
                }
            }

            fn get($array: &dyn Array, $row: usize) -> Self {
                $read
            }
        }

        impl Cell for Option<$type> {
            const KIND: DataType = $kind;
            const NULLABLE: bool = true;

            fn push(&self, column: &mut Column) {
                match (self, column) {
                    (Some(value), column) => value.push(column),
                    (None, Column::$variant(builder)) => builder.append_null(),
                    _ => {}
                }
            }

            fn get($array: &dyn Array, $row: usize) -> Self {
                $array.is_valid($row).then(|| $read)
            }
        }
    };
}

cell!(String, DataType::Utf8, Text, self => self, (array, row) => array.as_string::<i32>().value(row).to_owned());
cell!(f64, DataType::Float64, Real, self => *self, (array, row) => array.as_primitive::<Float64Type>().value(row));
cell!(u32, DataType::UInt32, Whole, self => *self, (array, row) => array.as_primitive::<UInt32Type>().value(row));
cell!(bool, DataType::Boolean, Flag, self => *self, (array, row) => array.as_boolean().value(row));

/// A row of a table.
pub trait Row: Sized {
    /// Kind of rows and version, in the file's metadata.
    const FORM: &'static str;

    /// The columns.
    fn fields() -> Vec<Field>;

    /// Appends the row to columns of these fields.
    fn push(&self, columns: &mut [Column]);

    /// Reads a row of columns of these fields.
    fn get(columns: &[ArrayRef], row: usize) -> Self;
}

/// Declares a struct that is a [`Row`].
macro_rules! rows {
    ($(#[$about:meta])* $name:ident, $form:literal { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl $crate::language::table::Row for $name {
            const FORM: &'static str = $form;

            fn fields() -> Vec<arrow_schema::Field> {
                use $crate::language::table::Cell;
                vec![$(arrow_schema::Field::new(
                    stringify!($field),
                    <$type as Cell>::KIND,
                    <$type as Cell>::NULLABLE,
                ),)*]
            }

            fn push(&self, columns: &mut [$crate::language::table::Column]) {
                use $crate::language::table::Cell;
                let mut columns = columns.iter_mut();
                $(if let Some(column) = columns.next() {
                    self.$field.push(column);
                })*
            }

            fn get(columns: &[arrow_array::ArrayRef], row: usize) -> Self {
                use $crate::language::table::Cell;
                // There are as many columns as fields: the file's were compared with them.
                let mut columns = columns.iter();
                let mut next = || columns.next().map(AsRef::as_ref);
                Self { $($field: next().map_or_else(Default::default, |column: &dyn arrow_array::Array| {
                    <$type as Cell>::get(column, row)
                }),)* }
            }
        }
    };
}

pub(super) use rows;

/// Writes a table; the file appears under its name when it is complete.
#[derive(Debug)]
pub struct TableWriter<R> {
    writer: Option<ArrowWriter<File>>,
    schema: SchemaRef,
    columns: Vec<Column>,
    pending: usize,
    rows: u64,
    path: PathBuf,
    temporary: PathBuf,
    kind: std::marker::PhantomData<fn(&R)>,
}

impl<R: Row> TableWriter<R> {
    /// Begins the file `path`.
    ///
    /// # Errors
    /// [`LanguageError::File`], [`LanguageError::Table`].
    pub fn create(path: &Path) -> Result<Self, LanguageError> {
        let schema = Arc::new(Schema::new(R::fields()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("palaestra".into())
            .set_max_row_group_row_count(Some(GROUP))
            .set_key_value_metadata(Some(vec![KeyValue::new(
                KEY.to_owned(),
                R::FORM.to_owned(),
            )]))
            .build();
        let temporary = files::temporary_name(path);
        let file = files::at("create", &temporary, File::create(&temporary))?;
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))
            .map_err(|error| LanguageError::table(path, error))?;
        let columns = R::fields().into_iter().map(|f| Column::new(f.data_type()));
        Ok(Self {
            writer: Some(writer),
            columns: columns.collect(),
            schema,
            pending: 0,
            rows: 0,
            path: path.to_owned(),
            temporary,
            kind: std::marker::PhantomData,
        })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// [`LanguageError::Table`].
    pub fn write(&mut self, row: &R) -> Result<(), LanguageError> {
        row.push(&mut self.columns);
        self.pending += 1;
        self.rows += 1;
        if self.pending == BATCH {
            self.flush()?;
        }
        Ok(())
    }

    /// Rows written.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn flush(&mut self) -> Result<(), LanguageError> {
        self.pending = 0;
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        let wrong = |error: &dyn ToString| LanguageError::table(&self.path, error.to_string());
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(|e| wrong(&e))?;
        match &mut self.writer {
            Some(writer) => writer.write(&batch).map_err(|e| wrong(&e)),
            None => Ok(()),
        }
    }

    /// Writes what is left and puts the file in its place.
    ///
    /// # Errors
    /// [`LanguageError::Table`], [`LanguageError::File`].
    pub fn finish(mut self) -> Result<PathBuf, LanguageError> {
        self.flush()?;
        if let Some(writer) = self.writer.take() {
            let file = writer
                .into_inner()
                .map_err(|error| LanguageError::table(&self.path, error))?;
            files::at("write", &self.temporary, file.sync_data())?;
        }
        files::at(
            "write",
            &self.path,
            std::fs::rename(&self.temporary, &self.path),
        )?;
        Ok(std::mem::take(&mut self.path))
    }
}

impl<R> Drop for TableWriter<R> {
    fn drop(&mut self) {
        // Of a file that was not finished nothing stays; after `finish` there is nothing under this name.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// Reads a table row by row.
pub struct TableReader<R> {
    batches: ParquetRecordBatchReader,
    columns: Vec<ArrayRef>,
    rows: usize,
    next: usize,
    path: PathBuf,
    kind: std::marker::PhantomData<fn() -> R>,
}

impl<R> std::fmt::Debug for TableReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableReader")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl<R: Row> TableReader<R> {
    /// Opens a file.
    ///
    /// # Errors
    /// [`LanguageError::Table`] if it is no Parquet file, or not one of these tables.
    pub fn open(path: &Path) -> Result<Self, LanguageError> {
        let file = files::at("read", path, File::open(path))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|e| LanguageError::table(path, format!("cannot be read as Parquet: {e}")))?;
        let entries = builder.metadata().file_metadata().key_value_metadata();
        let form = entries.and_then(|all| all.iter().find(|entry| entry.key == KEY));
        let shapes = |fields: &[Arc<Field>]| -> Vec<(String, DataType)> {
            let pairs = fields
                .iter()
                .map(|f| (f.name().clone(), f.data_type().clone()));
            pairs.collect()
        };
        let expected: Vec<Arc<Field>> = R::fields().into_iter().map(Arc::new).collect();
        let same = shapes(builder.schema().fields()) == shapes(&expected);
        if form.and_then(|entry| entry.value.as_deref()) != Some(R::FORM) || !same {
            return Err(LanguageError::table(
                path,
                format!(
                    "this is no table of {} that this version can read (`palaestra language import` writes them)",
                    R::FORM
                ),
            ));
        }
        let batches = builder.with_batch_size(BATCH).build();
        Ok(Self {
            batches: batches.map_err(|error| LanguageError::table(path, error))?,
            columns: Vec::new(),
            rows: 0,
            next: 0,
            path: path.to_owned(),
            kind: std::marker::PhantomData,
        })
    }
}

impl<R: Row> Iterator for TableReader<R> {
    type Item = Result<R, LanguageError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next == self.rows {
            match self.batches.next()? {
                Ok(batch) => {
                    // A column that may not be empty and is would be read as anything.
                    let fields = R::fields();
                    let holes = fields.iter().zip(batch.columns());
                    let mut holes = holes.filter(|(f, c)| !f.is_nullable() && c.null_count() > 0);
                    if let Some((field, _)) = holes.next() {
                        let problem = format!("`{}` has empty cells", field.name());
                        return Some(Err(LanguageError::table(&self.path, problem)));
                    }
                    self.rows = batch.num_rows();
                    self.columns = batch.columns().to_vec();
                    self.next = 0;
                }
                Err(error) => return Some(Err(LanguageError::table(&self.path, error))),
            }
        }
        self.next += 1;
        Some(Ok(R::get(&self.columns, self.next - 1)))
    }
}
