//! Scalars as a `TensorBoard` event file.
//!
//! A file is a sequence of `TFRecord` frames, each holding one protobuf message `Event`:
//!
//! ```text
//! frame   = length: u64 LE ‖ masked CRC-32C of the length bytes: u32 LE ‖ payload ‖ masked CRC-32C of the payload: u32 LE
//! masked  = (crc rotated right by 15 bits) + 0xa282ead8, modulo 2^32
//! Event   = { wall_time: double = 1, step: int64 = 2, file_version: string = 3, summary: Summary = 5 }
//! Summary = { repeated Value { tag: string = 1, simple_value: float = 2 } = 1 }
//! ```
//!
//! The first event carries `file_version = "brain.Event:2"`. Time is always the caller's, so that a file can be written
//! twice with the same bytes. `TensorBoard` finds a file whose name holds `tfevents` ([`file_name`]).

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

const FILE_VERSION: &str = "brain.Event:2";

/// Writes scalars to an event file. Call [`EventWriter::flush`] when what was written is to be on disk; dropping the
/// writer flushes too, but cannot report an error.
#[derive(Debug)]
pub struct EventWriter<W: Write = BufWriter<File>> {
    writer: W,
    /// The frame being built; kept to spare an allocation per scalar.
    payload: Vec<u8>,
}

/// The name `TensorBoard` expects: `events.out.tfevents.<unix seconds>.<host or run name>`.
pub fn file_name(unix_seconds: u64, host: &str) -> String {
    format!("events.out.tfevents.{unix_seconds:010}.{host}")
}

impl EventWriter {
    /// Creates the file at `path` (truncating it) and writes the version event, dated `wall_time` in seconds since the
    /// Unix epoch.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn create(path: &Path, wall_time: f64) -> io::Result<Self> {
        Self::new(BufWriter::new(File::create(path)?), wall_time)
    }
}

impl<W: Write> EventWriter<W> {
    /// Starts an event stream on any writer.
    ///
    /// # Errors
    /// What the writer reports.
    pub fn new(writer: W, wall_time: f64) -> io::Result<Self> {
        let mut events = Self {
            writer,
            payload: Vec::with_capacity(96),
        };
        put_double(&mut events.payload, 1, wall_time);
        put_bytes(&mut events.payload, 3, FILE_VERSION.as_bytes());
        events.write_frame()?;
        Ok(events)
    }

    /// Writes one point of the curve `tag` (for example `charts/episodic_return`).
    ///
    /// `step` is the position on `TensorBoard`'s x axis (environment steps), `wall_time` seconds since the Unix epoch.
    /// The format stores `value` as a 32-bit float; NaN and infinities are stored as such.
    ///
    /// # Errors
    /// What the writer reports.
    pub fn scalar(&mut self, tag: &str, step: i64, value: f64, wall_time: f64) -> io::Result<()> {
        // Sizes inside out: Value = tag field and float field, Summary = one Value field.
        let value_size = bytes_field_size(tag.len()) + 5;
        self.payload.clear();
        put_double(&mut self.payload, 1, wall_time);
        put_key(&mut self.payload, 2, WIRE_VARINT);
        put_varint(&mut self.payload, step as u64);
        put_key(&mut self.payload, 5, WIRE_BYTES);
        put_varint(&mut self.payload, bytes_field_size(value_size) as u64);
        put_key(&mut self.payload, 1, WIRE_BYTES);
        put_varint(&mut self.payload, value_size as u64);
        put_bytes(&mut self.payload, 1, tag.as_bytes());
        put_key(&mut self.payload, 2, WIRE_FIXED32);
        self.payload.extend((value as f32).to_le_bytes());
        self.write_frame()
    }

    /// Hands everything written so far to the operating system.
    ///
    /// # Errors
    /// What the writer reports.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    fn write_frame(&mut self) -> io::Result<()> {
        let length = (self.payload.len() as u64).to_le_bytes();
        self.writer.write_all(&length)?;
        self.writer.write_all(&masked_crc(&length).to_le_bytes())?;
        self.writer.write_all(&self.payload)?;
        let crc = masked_crc(&self.payload);
        self.writer.write_all(&crc.to_le_bytes())
    }
}

fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

// Protobuf wire types.
const WIRE_VARINT: u8 = 0;
const WIRE_FIXED64: u8 = 1;
const WIRE_BYTES: u8 = 2;
const WIRE_FIXED32: u8 = 5;

/// Field numbers here are below 16, so that a key is one byte.
fn put_key(out: &mut Vec<u8>, field: u8, wire: u8) {
    out.push(field << 3 | wire);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_double(out: &mut Vec<u8>, field: u8, value: f64) {
    put_key(out, field, WIRE_FIXED64);
    out.extend(value.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    put_key(out, field, WIRE_BYTES);
    put_varint(out, bytes.len() as u64);
    out.extend(bytes);
}

/// Size of a length-delimited field with `len` bytes of content.
fn bytes_field_size(len: usize) -> usize {
    let mut length_prefix = 1;
    let mut rest = len >> 7;
    while rest > 0 {
        length_prefix += 1;
        rest >>= 7;
    }
    1 + length_prefix + len
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One field of a protobuf message.
    #[derive(Debug, PartialEq)]
    enum Field<'a> {
        Varint(u64),
        Fixed64([u8; 8]),
        Bytes(&'a [u8]),
        Fixed32([u8; 4]),
    }

    fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (head, rest) = bytes.split_at(count);
        *bytes = rest;
        head
    }

    fn take_varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = take(bytes, 1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    fn parse(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = take_varint(&mut bytes);
            let field = match key & 7 {
                0 => Field::Varint(take_varint(&mut bytes)),
                1 => Field::Fixed64(take(&mut bytes, 8).try_into().unwrap()),
                2 => {
                    let len = take_varint(&mut bytes) as usize;
                    Field::Bytes(take(&mut bytes, len))
                }
                5 => Field::Fixed32(take(&mut bytes, 4).try_into().unwrap()),
                wire => panic!("wire type {wire}"),
            };
            fields.push((key >> 3, field));
        }
        fields
    }

    /// Splits a file into payloads, checking lengths and both checksums.
    fn frames(mut bytes: &[u8]) -> Vec<&[u8]> {
        let mut payloads = Vec::new();
        while !bytes.is_empty() {
            let length = take(&mut bytes, 8);
            let crc = u32::from_le_bytes(take(&mut bytes, 4).try_into().unwrap());
            assert_eq!(crc, masked_crc(length));
            let length = u64::from_le_bytes(length.try_into().unwrap());
            let payload = take(&mut bytes, length as usize);
            let crc = u32::from_le_bytes(take(&mut bytes, 4).try_into().unwrap());
            assert_eq!(crc, masked_crc(payload));
            payloads.push(payload);
        }
        payloads
    }

    #[test]
    fn checksum_is_crc32c() {
        // The check value of CRC-32C (iSCSI) over "123456789".
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(
            masked_crc(b"123456789"),
            0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8)
        );
    }

    /// The head of every event file, byte for byte as `TensorFlow` writes it (wall time 0).
    #[test]
    fn first_frame_bytes() {
        let mut bytes = Vec::new();
        EventWriter::new(&mut bytes, 0.0).unwrap();
        assert_eq!(bytes[..8], 24_u64.to_le_bytes());
        let expected = b"\x09\0\0\0\0\0\0\0\0\x1a\x0dbrain.Event:2";
        assert_eq!(&bytes[12..36], expected);
        assert_eq!(bytes.len(), 8 + 4 + 24 + 4);
    }

    #[test]
    fn scalars_come_back() {
        let long_tag = "t/".repeat(200);
        let points = [
            ("charts/episodic_return", 0, 1.5, 1_700_000_000.25),
            ("losses/policy_loss", 300, -0.1, 1_700_000_001.0),
            (long_tag.as_str(), 1 << 40, f64::NAN, 2.0),
            ("", -1, f64::INFINITY, 3.0),
        ];
        let mut bytes = Vec::new();
        let mut writer = EventWriter::new(&mut bytes, 1.0).unwrap();
        for (tag, step, value, wall_time) in points {
            writer.scalar(tag, step, value, wall_time).unwrap();
        }
        writer.flush().unwrap();

        let payloads = frames(&bytes);
        assert_eq!(payloads.len(), 1 + points.len());
        for (payload, (tag, step, value, wall_time)) in payloads[1..].iter().zip(points) {
            let event = parse(payload);
            assert_eq!(event[0], (1, Field::Fixed64(wall_time.to_le_bytes())));
            assert_eq!(event[1], (2, Field::Varint(step as u64)));
            let (5, Field::Bytes(summary)) = event[2] else {
                panic!("no summary: {event:?}");
            };
            let [(1, Field::Bytes(point))] = parse(summary)[..] else {
                panic!("not one value");
            };
            let point = parse(point);
            assert_eq!(point[0], (1, Field::Bytes(tag.as_bytes())));
            assert_eq!(point[1], (2, Field::Fixed32((value as f32).to_le_bytes())));
            assert_eq!(point.len(), 2);
        }
    }

    #[test]
    fn a_file_holds_what_was_flushed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file_name(1_700_000_000, "host"));
        let mut writer = EventWriter::create(&path, 1.0).unwrap();
        writer.scalar("a", 1, 2.0, 3.0).unwrap();
        writer.flush().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(frames(&bytes).len(), 2);
        assert!(EventWriter::create(&folder.path().join("no/such/folder"), 0.0).is_err());
    }
}
