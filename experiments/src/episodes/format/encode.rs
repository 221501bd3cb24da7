//! Parquet's encodings, as far as the log needs them.
//!
//! As the format's specification describes them ("Parquet encoding definitions", `Encodings.md`): levels in
//! runs and packed bits, values plain, as differences (`DELTA_BINARY_PACKED`), or as places in a dictionary.

use parquet::basic::Encoding;

use super::bits::Bits;

/// The values of a column as they stand in the file.
#[derive(Debug)]
pub(in crate::episodes) struct Values<'a> {
    pub(super) encoding: Encoding,
    pub(super) body: &'a [u8],
    /// The values that the body points to, encoded plainly, and how many.
    pub(super) dictionary: Option<(&'a [u8], usize)>,
}

impl<'a> Values<'a> {
    /// Values as they are.
    pub(in crate::episodes) fn plain(body: &'a [u8]) -> Self {
        Self {
            encoding: Encoding::PLAIN,
            body,
            dictionary: None,
        }
    }

    /// Values that [`delta_i32`] or [`delta_i64`] has encoded.
    pub(in crate::episodes) fn delta(body: &'a [u8]) -> Self {
        Self {
            encoding: Encoding::DELTA_BINARY_PACKED,
            body,
            dictionary: None,
        }
    }

    /// Places in a dictionary of `count` values, which is encoded plainly.
    pub(in crate::episodes) fn places(body: &'a [u8], dictionary: &'a [u8], count: usize) -> Self {
        Self {
            encoding: Encoding::RLE_DICTIONARY,
            body,
            dictionary: Some((dictionary, count)),
        }
    }
}

/// Which entries of a column are values, which are null, and where lists begin.
#[derive(Debug)]
pub(in crate::episodes) struct Levels {
    pub(super) bytes: Vec<u8>,
    /// Values and nulls together.
    pub(super) entries: usize,
}

impl Levels {
    /// Every row has one value.
    pub(in crate::episodes) fn scalars(rows: usize) -> Self {
        Self {
            bytes: Vec::new(),
            entries: rows,
        }
    }

    /// Every row has a list of `width` values.
    pub(in crate::episodes) fn lists(rows: usize, width: usize) -> Self {
        let entries = rows * width;
        // Eight rows fill `width` bytes.
        let mut eight = Bits::default();
        for _ in 0..8 {
            push_list(&mut eight, width);
        }
        let mut bytes = Vec::new();
        let mut repetition = eight.finish().repeat(rows.div_ceil(8));
        repetition.truncate(entries.div_ceil(8));
        push_levels(&mut bytes, |out| packed(out, 1, entries, &repetition));
        push_levels(&mut bytes, |out| run(out, 1, 1, entries));
        Self { bytes, entries }
    }

    /// Runs of rows that have a value, or are null.
    pub(in crate::episodes) fn nullable(runs: impl Iterator<Item = (bool, usize)>) -> Self {
        let (mut bits, mut entries) = (Bits::default(), 0);
        for (present, rows) in runs {
            bits.push_run(present, rows);
            entries += rows;
        }
        let mut bytes = Vec::new();
        push_levels(&mut bytes, |out| packed(out, 1, entries, &bits.finish()));
        Self { bytes, entries }
    }

    /// Runs of rows that have a list of `width` values, or are null.
    pub(in crate::episodes) fn nullable_lists(
        runs: impl Iterator<Item = (bool, usize)>,
        width: usize,
    ) -> Self {
        let (mut starts, mut definition, mut entries) = (Bits::default(), Vec::new(), 0);
        for (present, rows) in runs.filter(|(_, rows)| *rows > 0) {
            if present {
                for _ in 0..rows {
                    push_list(&mut starts, width);
                }
                run(&mut definition, 2, 2, rows * width);
                entries += rows * width;
            } else {
                starts.push_run(false, rows);
                run(&mut definition, 2, 0, rows);
                entries += rows;
            }
        }
        let mut bytes = Vec::new();
        push_levels(&mut bytes, |out| packed(out, 1, entries, &starts.finish()));
        push_levels(&mut bytes, |out| out.extend_from_slice(&definition));
        Self { bytes, entries }
    }
}

/// Repetition levels of a list: 0, then 1 for each further value.
fn push_list(bits: &mut Bits, width: usize) {
    if width <= 64 {
        bits.push(u64::MAX >> (64 - width) & !1, width as u32);
    } else {
        bits.push(0, 1);
        bits.push_run(true, width - 1);
    }
}

/// Levels, with their length before them.
fn push_levels(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// An unsigned number in groups of seven bits.
pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A signed number such that small ones are short.
pub(super) fn zigzag(out: &mut Vec<u8>, value: i64) {
    varint(out, (value << 1 ^ value >> 63) as u64);
}

/// `count` times `value`, a number of `width` bits.
fn run(out: &mut Vec<u8>, width: u32, value: u64, count: usize) {
    varint(out, (count as u64) << 1);
    out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// `count` numbers of `width` bits, which are in `bits` one after another.
fn packed(out: &mut Vec<u8>, width: usize, count: usize, bits: &[u8]) {
    let groups = count.div_ceil(8);
    varint(out, (groups as u64) << 1 | 1);
    out.extend_from_slice(bits);
    out.resize(out.len() + groups * width - bits.len(), 0);
}

/// Bits of the places in a dictionary of `size` values.
fn place_width(size: usize) -> u32 {
    (usize::BITS - size.saturating_sub(1).leading_zeros()).max(1)
}

/// Places in a dictionary of `size` values, in runs of equal ones: (place, how often).
pub(in crate::episodes) fn place_runs(
    out: &mut Vec<u8>,
    size: usize,
    runs: impl Iterator<Item = (usize, usize)>,
) {
    let width = place_width(size);
    out.clear();
    out.push(width as u8);
    for (place, count) in runs.filter(|(_, count)| *count > 0) {
        run(out, width, place as u64, count);
    }
}

/// Places in a dictionary of `size` (at most 256) values.
pub(in crate::episodes) fn place_bytes(out: &mut Vec<u8>, size: usize, places: &[u8]) {
    let width = place_width(size);
    let groups = places.len().div_ceil(8);
    out.clear();
    out.push(width as u8);
    varint(out, (groups as u64) << 1 | 1);
    if width == 8 {
        out.extend_from_slice(places);
        out.resize(out.len() + groups * 8 - places.len(), 0);
        return;
    }
    let (eights, rest) = places.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let rest = (!rest.is_empty()).then_some(&last);
    for eight in eights.iter().chain(rest) {
        let places = eight.iter().enumerate();
        let word = places.fold(0, |word, (i, &place)| {
            word | u64::from(place) << (i as u32 * width)
        });
        out.extend_from_slice(&word.to_le_bytes()[..width as usize]);
    }
}

/// Differences of 32-bit numbers.
pub(in crate::episodes) fn delta_i32(out: &mut Vec<u8>, values: &[i32]) {
    let wide = values.iter().map(|&v| i64::from(v));
    // Differences are of the numbers' own width.
    delta(out, values.len(), wide, |a, b| {
        i64::from((b as i32).wrapping_sub(a as i32))
    });
}

/// Differences of `count` 64-bit numbers.
pub(in crate::episodes) fn delta_i64(
    out: &mut Vec<u8>,
    count: usize,
    values: impl Iterator<Item = i64>,
) {
    delta(out, count, values, |a, b| b.wrapping_sub(a));
}

#[inline]
fn delta(
    out: &mut Vec<u8>,
    count: usize,
    mut values: impl Iterator<Item = i64>,
    difference: impl Fn(i64, i64) -> i64,
) {
    const BLOCK: usize = 128;
    const QUARTER: usize = 32;
    out.clear();
    varint(out, BLOCK as u64);
    varint(out, (BLOCK / QUARTER) as u64);
    varint(out, count as u64);
    let mut before = values.next().unwrap_or(0);
    zigzag(out, before);
    let mut block = [0; BLOCK];
    loop {
        let (mut filled, mut least) = (0, i64::MAX);
        for (difference_here, value) in block.iter_mut().zip(&mut values) {
            *difference_here = difference(before, value);
            least = least.min(*difference_here);
            before = value;
            filled += 1;
        }
        if filled == 0 {
            return;
        }
        zigzag(out, least);
        let block = &mut block[..];
        block[filled..].fill(least);
        let mut widths = [0; BLOCK / QUARTER];
        for (quarter, width) in block.chunks_exact_mut(QUARTER).zip(&mut widths) {
            let mut all = 0;
            for value in quarter {
                *value = value.wrapping_sub(least);
                all |= *value;
            }
            *width = 64 - all.leading_zeros();
        }
        out.extend(widths.map(|width| width as u8));
        for (quarter, width) in block.chunks_exact(QUARTER).zip(widths) {
            if width > 0 {
                pack(out, quarter, width);
            }
        }
        if filled < BLOCK {
            return;
        }
    }
}

/// Packs 32 numbers of `width` bits.
#[inline]
fn pack(out: &mut Vec<u8>, values: &[i64], width: u32) {
    let (mut word, mut filled) = (0_u64, 0);
    for &value in values {
        let value = value as u64;
        word |= value << filled;
        filled += width;
        if filled >= 64 {
            out.extend_from_slice(&word.to_le_bytes());
            filled -= 64;
            word = value.checked_shr(width - filled).unwrap_or(0);
        }
    }
    out.extend_from_slice(&word.to_le_bytes()[..filled as usize / 8]);
}
