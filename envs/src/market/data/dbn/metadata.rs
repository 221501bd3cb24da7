//! What stands before the records.

use std::io::Read;

use super::super::{DataError, Position, Problem, error::shown, itch::fill};

const FORMAT: &str = "DBN";
/// Metadata beyond this is no metadata.
const LIMIT: u32 = 256 << 20;
/// The part of fixed length.
const FIXED: usize = 100;
/// Schema number of MBO.
const MBO: u16 = 0;
/// Bytes of a symbol, in version 1 and as written.
const SYMBOL_V1: usize = 22;
const SYMBOL: usize = 71;
/// Numbers that mean none.
const NO_SCHEMA: u16 = u16::MAX;

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Vendor's name of the dataset, at most 15 letters.
    pub dataset: String,
    /// Nanoseconds since 1970 from which on there are data.
    pub start_ns: u64,
    /// Whether each record ends with the time at which it was sent.
    pub ts_out: bool,
    /// First day, and the day after the last, as numbers like 20120621.
    pub days: (u32, u32),
    /// Instruments with their names, by number.
    pub symbols: Vec<(u32, String)>,
}

impl Metadata {
    /// Reads them, and returns their length too.
    pub(super) fn read(input: &mut impl Read) -> Result<(Self, u64), DataError> {
        let begin = Position::Byte(0);
        let not = |why: String| {
            Problem::NotThis {
                format: FORMAT,
                why,
            }
            .at(begin)
        };
        let cut = |need, found| {
            let what = "the metadata";
            Problem::CutOff { what, need, found }.at(begin)
        };
        let mut prelude = [0; 8];
        let found = fill(input, &mut prelude).map_err(|e| Problem::Io(e).at(begin))?;
        if !prelude.starts_with(b"DBN") {
            let begins = shown(&prelude[..found]);
            return Err(not(format!("it begins with `{begins}` instead of `DBN`")));
        }
        if found < prelude.len() {
            return Err(cut(prelude.len(), found));
        }
        let version = prelude[3];
        if !(1..=3).contains(&version) {
            return Err(not(format!(
                "its version is {version}, and 1 to 3 can be read"
            )));
        }
        let length = u32::from_le_bytes([prelude[4], prelude[5], prelude[6], prelude[7]]);
        if length > LIMIT || (length as usize) < FIXED {
            return Err(not(format!("its metadata would have {length} bytes")));
        }
        // Memory grows with what is there, not with what the length claims.
        let mut bytes = Vec::new();
        let read = input.take(u64::from(length)).read_to_end(&mut bytes);
        read.map_err(|e| Problem::Io(e).at(begin))?;
        if bytes.len() < length as usize {
            return Err(cut(8 + length as usize, 8 + bytes.len()));
        }
        let mut fields = Fields {
            bytes: &bytes,
            at: 0,
        };
        let metadata = fields.metadata(version)?;
        Ok((metadata, 8 + u64::from(length)))
    }

    /// The metadata as written, in version 2.
    ///
    /// Names that do not fit are cut to 70 bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        text(&mut body, &self.dataset, 16);
        body.extend(MBO.to_le_bytes());
        body.extend(self.start_ns.to_le_bytes());
        body.extend(u64::MAX.to_le_bytes()); // no end
        body.extend(0u64.to_le_bytes()); // no limit
        // From raw symbols to numbers of instruments; nothing appended to records.
        body.extend([1, 0, u8::from(self.ts_out)]);
        body.extend((SYMBOL as u16).to_le_bytes());
        body.resize(FIXED, 0);
        body.extend(0u32.to_le_bytes()); // no schema definition
        body.extend((self.symbols.len() as u32).to_le_bytes());
        for (_, name) in &self.symbols {
            text(&mut body, name, SYMBOL);
        }
        body.extend([0; 8]); // no symbols found in part, or not at all
        body.extend((self.symbols.len() as u32).to_le_bytes());
        for (number, name) in &self.symbols {
            text(&mut body, name, SYMBOL);
            body.extend(1u32.to_le_bytes());
            body.extend(self.days.0.to_le_bytes());
            body.extend(self.days.1.to_le_bytes());
            text(&mut body, &number.to_string(), SYMBOL);
        }
        let mut all = b"DBN\x02".to_vec();
        all.extend((body.len() as u32).to_le_bytes());
        all.extend(body);
        all
    }
}

/// Appends a text, filled with zeros, of which there is at least one.
fn text(out: &mut Vec<u8>, text: &str, length: usize) {
    let kept = text.bytes().take(length - 1);
    let end = out.len() + length;
    out.extend(kept);
    out.resize(end, 0);
}

/// Reads field after field.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn metadata(&mut self, version: u8) -> Result<Metadata, DataError> {
        let mut metadata = Metadata {
            dataset: self.text(16)?,
            ..Metadata::default()
        };
        let schema = u16::from_le_bytes(self.array()?);
        if schema != MBO && schema != NO_SCHEMA {
            let why = format!("its schema is number {schema}, and MBO (0) is needed");
            return Err(self.fail(Problem::NotThis {
                format: "DBN MBO",
                why,
            }));
        }
        metadata.start_ns = u64::from_le_bytes(self.array()?);
        // End, limit, and in version 1 the number of records.
        self.take(if version == 1 { 24 } else { 16 })?;
        let [_, _, ts_out] = self.array()?;
        metadata.ts_out = ts_out != 0;
        let symbol = if version == 1 {
            SYMBOL_V1
        } else {
            usize::from(u16::from_le_bytes(self.array()?))
        };
        self.at = FIXED;
        let definition = self.count()?;
        self.take(definition)?;
        // Symbols asked for, found in part, not found: the mappings hold all that is needed.
        for _ in 0..3 {
            for _ in 0..self.count()? {
                self.take(symbol.max(1))?;
            }
        }
        metadata.days = (u32::MAX, 0);
        for _ in 0..self.count()? {
            let name = self.text(symbol.max(1))?;
            for _ in 0..self.count()? {
                let from = u32::from_le_bytes(self.array()?);
                let to = u32::from_le_bytes(self.array()?);
                metadata.days = (metadata.days.0.min(from), metadata.days.1.max(to));
                // Where instruments are named otherwise than by number, records cannot be told by name.
                if let Ok(number) = self.text(symbol.max(1))?.parse() {
                    metadata.symbols.push((number, name.clone()));
                }
            }
        }
        metadata.symbols.sort();
        metadata.symbols.dedup();
        Ok(metadata)
    }

    fn fail(&self, problem: Problem) -> DataError {
        problem.at(Position::Byte(8 + self.at as u64))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DataError> {
        let left = &self.bytes[self.at.min(self.bytes.len())..];
        let Some(taken) = left.get(..length) else {
            return Err(self.fail(Problem::CutOff {
                what: "a field of the metadata",
                need: length,
                found: left.len(),
            }));
        };
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        let taken = self.take(N)?;
        let mut array = [0; N];
        array.copy_from_slice(taken);
        Ok(array)
    }

    fn count(&mut self) -> Result<usize, DataError> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn text(&mut self, length: usize) -> Result<String, DataError> {
        let bytes = self.take(length)?;
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(length);
        Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }
}
