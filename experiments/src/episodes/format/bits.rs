//! A string of bits in Parquet's order: the first is the lowest of the first byte.

/// A string of bits under way.
#[derive(Debug, Default)]
pub(in crate::episodes) struct Bits {
    bytes: Vec<u8>,
    /// Bits that do not fill eight bytes yet.
    word: u64,
    filled: u32,
}

impl Bits {
    /// Appends the lowest `count` (at most 64) bits of `value`, whose other bits are zero.
    #[inline]
    pub(in crate::episodes) fn push(&mut self, value: u64, count: u32) {
        self.word |= value << self.filled;
        let filled = self.filled + count;
        if filled < 64 {
            self.filled = filled;
            return;
        }
        self.bytes.extend_from_slice(&self.word.to_le_bytes());
        self.word = value.checked_shr(64 - self.filled).unwrap_or(0);
        self.filled = filled - 64;
    }

    /// Appends `count` times the same bit.
    #[inline]
    pub(in crate::episodes) fn push_run(&mut self, bit: bool, mut count: usize) {
        let ones = if bit { u64::MAX } else { 0 };
        while count >= 64 {
            self.push(ones, 64);
            count -= 64;
        }
        self.push(ones & ((1 << count) - 1), count as u32);
    }

    /// The bytes; the last is filled up with zeros.
    pub(in crate::episodes) fn finish(mut self) -> Vec<u8> {
        let rest = self.filled.div_ceil(8) as usize;
        self.bytes
            .extend_from_slice(&self.word.to_le_bytes()[..rest]);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_come_in_order(parts in prop::collection::vec((any::<u64>(), 0..=64_u32), 0..20)) {
            let (mut bits, mut plain) = (Bits::default(), Vec::new());
            for (value, count) in parts {
                let value = value & u64::MAX.checked_shr(64 - count).unwrap_or(0);
                bits.push(value, count);
                plain.extend((0..count).map(|i| value >> i & 1 == 1));
                bits.push_run(count % 2 == 1, count as usize * 3);
                plain.resize(plain.len() + count as usize * 3, count % 2 == 1);
            }
            let bytes = bits.finish();
            prop_assert_eq!(bytes.len(), plain.len().div_ceil(8));
            for (i, bit) in plain.iter().enumerate() {
                prop_assert_eq!(bytes[i / 8] >> (i % 8) & 1 == 1, *bit, "bit {}", i);
            }
        }
    }
}
