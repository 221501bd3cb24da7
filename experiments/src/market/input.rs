//! The bytes of a file, decompressed and counted.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use crate::files::{self, FileError};

/// Bytes that are read at a time.
const BUFFER: usize = 256 << 10;

/// What is read of a file so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Count(Arc<AtomicU64>);

impl Count {
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Counted {
    file: File,
    count: Count,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.count.0.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

type Bytes = Box<dyn BufRead>;

/// Opens a file; gzip and Zstandard are undone.
pub(super) fn open(path: &Path, count: &Count) -> Result<Bytes, FileError> {
    let file = files::at("read", path, File::open(path))?;
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        let error = io::Error::from(io::ErrorKind::IsADirectory);
        return files::at("read", path, Err(error));
    }
    let count = count.clone();
    let mut raw = BufReader::with_capacity(BUFFER, Counted { file, count });
    let begin = files::at("read", path, raw.fill_buf())?;
    let bytes: Bytes = if begin.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(raw)))
    } else if begin.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let frames = Frames {
            source: Some(raw),
            decoder: None,
        };
        Box::new(BufReader::with_capacity(BUFFER, frames))
    } else {
        Box::new(raw)
    };
    Ok(bytes)
}

/// Zstandard frames one after the other, as files of some vendors are.
struct Frames<R: BufRead> {
    source: Option<R>,
    decoder: Option<StreamingDecoder<R, FrameDecoder>>,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(decoder) = &mut self.decoder {
                let read = decoder.read(buffer).map_err(|_| damaged())?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
                self.source = self.decoder.take().map(StreamingDecoder::into_inner);
            }
            let Some(mut source) = self.source.take() else {
                return Ok(0);
            };
            if source.fill_buf()?.is_empty() {
                return Ok(0);
            }
            let decoder = StreamingDecoder::new(source);
            self.decoder = Some(decoder.map_err(|_| damaged())?);
        }
    }
}

/// The decoder's own words would not help.
fn damaged() -> io::Error {
    let message = "the Zstandard data are cut off or damaged";
    io::Error::new(io::ErrorKind::InvalidData, message)
}
