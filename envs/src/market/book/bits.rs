//! A set of small numbers in two levels of bits: its next member above or below a number is found in a few instructions.

/// A set of numbers below a power of two from 64 on.
#[derive(Debug, Clone)]
pub(super) struct BitSet {
    words: Box<[u64]>,
    /// Bit `w` says that word `w` is not zero.
    summary: Box<[u64]>,
}

impl BitSet {
    pub(super) fn new(size: usize) -> Self {
        Self {
            words: vec![0; size.div_ceil(64)].into(),
            summary: vec![0; size.div_ceil(64 * 64)].into(),
        }
    }

    #[inline]
    pub(super) fn insert(&mut self, i: usize) {
        self.words[i / 64] |= 1 << (i % 64);
        self.summary[i / 4096] |= 1 << (i / 64 % 64);
    }

    #[inline]
    pub(super) fn remove(&mut self, i: usize) {
        let word = &mut self.words[i / 64];
        *word &= !(1 << (i % 64));
        if *word == 0 {
            self.summary[i / 4096] &= !(1 << (i / 64 % 64));
        }
    }

    #[inline]
    pub(super) fn contains(&self, i: usize) -> bool {
        self.words[i / 64] >> (i % 64) & 1 != 0
    }

    pub(super) fn clear(&mut self) {
        self.words.fill(0);
        self.summary.fill(0);
    }

    /// The smallest member that is at least `i`.
    #[inline]
    pub(super) fn at_or_above(&self, i: usize) -> Option<usize> {
        let word = i / 64;
        let here = self.words.get(word)? & (u64::MAX << (i % 64));
        if here != 0 {
            return Some(word * 64 + here.trailing_zeros() as usize);
        }
        let group = (word + 1) / 64;
        let first = *self.summary.get(group)? & (u64::MAX << ((word + 1) % 64));
        let groups = std::iter::once(first).chain(self.summary[group + 1..].iter().copied());
        for (summary, group) in groups.zip(group..) {
            if summary != 0 {
                let word = group * 64 + summary.trailing_zeros() as usize;
                return Some(word * 64 + self.words[word].trailing_zeros() as usize);
            }
        }
        None
    }

    /// The largest member that is at most `i`.
    #[inline]
    pub(super) fn at_or_below(&self, i: usize) -> Option<usize> {
        let word = i / 64;
        let here = self.words[word] & (u64::MAX >> (63 - i % 64));
        if here != 0 {
            return Some(word * 64 + highest(here));
        }
        // Words below this one, by their summaries.
        let last = self.summary[word / 64] & !(u64::MAX << (word % 64));
        let groups = std::iter::once(last).chain(self.summary[..word / 64].iter().rev().copied());
        for (summary, group) in groups.zip((0..=word / 64).rev()) {
            if summary != 0 {
                let word = group * 64 + highest(summary);
                return Some(word * 64 + highest(self.words[word]));
            }
        }
        None
    }
}

#[inline]
fn highest(word: u64) -> usize {
    63 - word.leading_zeros() as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn neighbours_are_those_of_an_ordered_set(
            size in prop::sample::select(vec![64usize, 128, 4096, 16384]),
            changes in prop::collection::vec((any::<u16>(), any::<bool>()), 0..80),
            asked in prop::collection::vec(any::<u16>(), 20),
        ) {
            let (mut bits, mut set) = (BitSet::new(size), BTreeSet::new());
            for (i, insert) in changes {
                let i = i as usize % size;
                if insert {
                    bits.insert(i);
                    set.insert(i);
                } else {
                    bits.remove(i);
                    set.remove(&i);
                }
            }
            for i in asked.into_iter().map(|i| i as usize % size).chain([0, size - 1]) {
                prop_assert_eq!(bits.at_or_above(i), set.range(i..).next().copied());
                prop_assert_eq!(bits.at_or_below(i), set.range(..=i).next_back().copied());
            }
        }
    }
}
