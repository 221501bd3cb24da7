//! Writing a sealed Parquet file: a page for each column of a row group.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_schema::Schema;
use parquet::{
    arrow::{ARROW_SCHEMA_META_KEY, ArrowSchemaConverter, encode_arrow_schema},
    basic::{Compression, Encoding},
    errors::ParquetError,
    file::metadata::{
        ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataWriter,
        RowGroupMetaData,
    },
    schema::types::SchemaDescPtr,
};

use super::{
    encode::{Levels, Values, zigzag},
    seal::{self, Block, MAGIC},
};
use crate::episodes::error::EpisodeError;

// Values are copied to the file as they lie in memory.
const _: () = assert!(cfg!(target_endian = "little"));

/// Shorter columns are not worth compressing.
const LEAST: usize = 1 << 17;
/// How much of a longer one tells whether compressing all of it pays.
const SAMPLE: usize = 1 << 13;

/// The columns of a file.
#[derive(Debug, Clone)]
pub(in crate::episodes) struct FileSchema {
    leaves: SchemaDescPtr,
    /// What Arrow's readers take the exact types from.
    arrow: String,
}

impl FileSchema {
    pub(in crate::episodes) fn of(schema: &Schema) -> Result<Self, ParquetError> {
        Ok(Self {
            leaves: Arc::new(ArrowSchemaConverter::new().convert(schema)?),
            arrow: encode_arrow_schema(schema),
        })
    }
}

/// A file under way, in memory. The columns of a row group are written one after another as in the schema.
pub(in crate::episodes) struct FileWriter {
    path: PathBuf,
    out: Vec<u8>,
    schema: FileSchema,
    /// Of the group under way.
    columns: Vec<ColumnChunkMetaData>,
    groups: Vec<RowGroupMetaData>,
    blocks: Vec<Block>,
    snappy: snap::raw::Encoder,
    /// A page before and after compression.
    scratch: [Vec<u8>; 2],
}

impl FileWriter {
    /// Begins a file with the columns of `schema` in the memory of `out`; `path` is for errors.
    pub(in crate::episodes) fn new(path: &Path, mut out: Vec<u8>, schema: &FileSchema) -> Self {
        out.clear();
        out.extend_from_slice(MAGIC);
        Self {
            path: path.to_owned(),
            out,
            schema: schema.clone(),
            columns: Vec::new(),
            groups: Vec::new(),
            blocks: Vec::new(),
            snappy: snap::raw::Encoder::new(),
            scratch: Default::default(),
        }
    }

    /// Writes the next column.
    pub(in crate::episodes) fn column(
        &mut self,
        levels: &Levels,
        values: &Values<'_>,
    ) -> Result<(), EpisodeError> {
        self.try_column(levels, values)
            .map_err(|e| EpisodeError::encode(&self.path, e))
    }

    fn try_column(&mut self, levels: &Levels, values: &Values<'_>) -> Result<(), ParquetError> {
        let (leaves, index) = (&self.schema.leaves, self.columns.len());
        if index >= leaves.num_columns() {
            let more = "more columns than there are in the schema";
            return Err(ParquetError::General(more.into()));
        }
        let leaf = leaves.column(index);
        let compress = self.pays(values.body)?;
        let start = self.out.len();
        let mut uncompressed = 0;
        let mut encodings = vec![Encoding::RLE, values.encoding];
        if let Some((dictionary, count)) = values.dictionary {
            let header = |size, compressed| dictionary_header(size, compressed, count);
            uncompressed += self.page(compress, &[dictionary], header)?;
            encodings.push(Encoding::PLAIN);
        }
        let data_page = self.out.len();
        let header =
            |size, compressed| data_header(size, compressed, levels.entries, values.encoding);
        uncompressed += self.page(compress, &[&levels.bytes, values.body], header)?;
        let chunk = &self.out[start..];
        let codec = if compress {
            Compression::SNAPPY
        } else {
            Compression::UNCOMPRESSED
        };
        let metadata = ColumnChunkMetaData::builder(leaf)
            .set_encodings(encodings)
            .set_compression(codec)
            .set_num_values(levels.entries as i64)
            .set_total_compressed_size(chunk.len() as i64)
            .set_total_uncompressed_size(uncompressed as i64)
            .set_dictionary_page_offset(values.dictionary.map(|_| start as i64))
            .set_data_page_offset(data_page as i64)
            .build()?;
        self.blocks.push(Block {
            column: metadata.column_path().parts()[0].clone(),
            offset: start as u64,
            length: chunk.len() as u64,
            crc32c: crc32c::crc32c(chunk),
        });
        self.columns.push(metadata);
        Ok(())
    }

    /// Ends a row group of `rows` rows.
    pub(in crate::episodes) fn end_group(&mut self, rows: usize) -> Result<(), EpisodeError> {
        let columns = std::mem::take(&mut self.columns);
        let sizes = columns.iter().map(ColumnChunkMetaData::uncompressed_size);
        let group = RowGroupMetaData::builder(self.schema.leaves.clone())
            .set_num_rows(rows as i64)
            .set_total_byte_size(sizes.sum())
            .set_column_metadata(columns)
            .build();
        let group = group.map_err(|e| EpisodeError::encode(&self.path, e))?;
        self.groups.push(group);
        Ok(())
    }

    /// Ends the file, with `metadata` under `key`; its bytes.
    pub(in crate::episodes) fn finish(
        mut self,
        key: &str,
        metadata: String,
    ) -> Result<Vec<u8>, EpisodeError> {
        self.footer(key, metadata)
            .map_err(|e| EpisodeError::encode(&self.path, e))?;
        Ok(self.out)
    }

    fn footer(&mut self, key: &str, metadata: String) -> Result<(), ParquetError> {
        let entries = vec![
            KeyValue::new(ARROW_SCHEMA_META_KEY.into(), self.schema.arrow.clone()),
            KeyValue::new(key.into(), metadata),
            KeyValue::new(seal::KEY.into(), seal::open_seal(&self.blocks)?),
        ];
        let by = Some("palaestra".to_owned());
        let rows = self.groups.iter().map(RowGroupMetaData::num_rows).sum();
        let leaves = self.schema.leaves.clone();
        let file = FileMetaData::new(1, rows, by, Some(entries), leaves, None);
        let metadata = ParquetMetaData::new(file, std::mem::take(&mut self.groups));
        let start = self.out.len();
        ParquetMetaDataWriter::new(&mut self.out, &metadata).finish()?;
        seal::close_seal(&mut self.out[start..])
            .ok_or_else(|| ParquetError::General("the seal was not written".into()))
    }

    /// Whether compression makes a column clearly smaller, from its beginning. Physics does not shrink, and
    /// trying costs more than all else.
    fn pays(&mut self, body: &[u8]) -> Result<bool, ParquetError> {
        if body.len() < LEAST {
            return Ok(false);
        }
        let sample = &body[..SAMPLE];
        let length = compress(&mut self.snappy, sample, &mut self.scratch[1])?;
        Ok(length < sample.len() / 5 * 4)
    }

    /// Writes a page: header, then the parts of its body. How long it would be without compression.
    fn page(
        &mut self,
        compressed: bool,
        parts: &[&[u8]],
        header: impl Fn(i32, i32) -> Vec<u8>,
    ) -> Result<usize, ParquetError> {
        let int = |size| {
            let long = "a column of more than 2 GiB in a segment";
            i32::try_from(size).map_err(|_| ParquetError::General(long.into()))
        };
        let size: usize = parts.iter().map(|part| part.len()).sum();
        if !compressed {
            let header = header(int(size)?, int(size)?);
            self.out.extend_from_slice(&header);
            parts
                .iter()
                .for_each(|part| self.out.extend_from_slice(part));
            return Ok(header.len() + size);
        }
        let [whole, packed] = &mut self.scratch;
        whole.clear();
        parts.iter().for_each(|part| whole.extend_from_slice(part));
        let length = compress(&mut self.snappy, whole, packed)?;
        let header = header(int(size)?, int(length)?);
        self.out.extend_from_slice(&header);
        self.out.extend_from_slice(&packed[..length]);
        Ok(header.len() + size)
    }
}

/// Compresses `bytes` to the start of `out`; how long that is.
fn compress(
    snappy: &mut snap::raw::Encoder,
    bytes: &[u8],
    out: &mut Vec<u8>,
) -> Result<usize, ParquetError> {
    let most = snap::raw::max_compress_len(bytes.len());
    if out.len() < most {
        out.resize(most, 0);
    }
    snappy
        .compress(bytes, out)
        .map_err(|e| ParquetError::External(Box::new(e)))
}

/// Thrift's compact protocol: an `i32` in the next field.
fn field(out: &mut Vec<u8>, value: i32) {
    out.push(0x15);
    zigzag(out, value.into());
}

/// A page header up to the struct that the kind of page has.
fn header(kind: i32, size: i32, compressed: i32) -> Vec<u8> {
    let mut out = Vec::with_capacity(32);
    field(&mut out, kind);
    field(&mut out, size);
    field(&mut out, compressed);
    out
}

fn data_header(size: i32, compressed: i32, entries: usize, encoding: Encoding) -> Vec<u8> {
    let mut out = header(0, size, compressed);
    // Field 5, a struct: entries, encodings of values and of both kinds of levels.
    out.push(0x2c);
    field(&mut out, entries as i32);
    let code = |encoding: Encoding| encoding as i32;
    for encoding in [encoding, Encoding::RLE, Encoding::RLE] {
        field(&mut out, code(encoding));
    }
    out.extend_from_slice(&[0, 0]);
    out
}

fn dictionary_header(size: i32, compressed: i32, count: usize) -> Vec<u8> {
    let mut out = header(2, size, compressed);
    // Field 7, a struct: entries, encoding.
    out.push(0x4c);
    field(&mut out, count as i32);
    field(&mut out, Encoding::PLAIN as i32);
    out.extend_from_slice(&[0, 0]);
    out
}
