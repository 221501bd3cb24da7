//! Quantiles of a stream, in constant memory.

use serde::Serialize;

/// Bits of a number that tell buckets apart: a quantile is wrong by less than one part in 256.
const BITS: u32 = 8;
const PER_POWER: usize = 1 << BITS;

/// Counts natural numbers in buckets whose width grows with the numbers: exact below 512, then within 0.4 %. A bucket answers
/// with the smallest number it has seen, so numbers on a coarse grid (prices on ticks) come back exactly.
#[derive(Debug, Clone)]
pub struct Quantiles {
    buckets: Vec<(u64, u64)>,
    count: u64,
    sum: u128,
    max: u64,
}

impl Default for Quantiles {
    fn default() -> Self {
        Self {
            buckets: vec![(0, u64::MAX); (64 - BITS as usize + 1) * PER_POWER],
            count: 0,
            sum: 0,
            max: 0,
        }
    }
}

/// What is reported of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// How many numbers.
    pub count: u64,
    /// Mean.
    pub mean: f64,
    /// Smallest.
    pub min: u64,
    /// 5 %.
    pub p05: u64,
    /// 25 %.
    pub p25: u64,
    /// Half.
    pub p50: u64,
    /// 75 %.
    pub p75: u64,
    /// 95 %.
    pub p95: u64,
    /// 99 %.
    pub p99: u64,
    /// Largest.
    pub max: u64,
}

impl Quantiles {
    /// Counts a number.
    pub fn add(&mut self, value: u64) {
        let (count, smallest) = &mut self.buckets[bucket(value)];
        *count += 1;
        *smallest = (*smallest).min(value);
        self.count += 1;
        self.sum += u128::from(value);
        self.max = self.max.max(value);
    }

    /// The smallest number that at least the share `q` of all does not exceed.
    fn quantile(&self, q: f64) -> u64 {
        let rank = ((q * self.count as f64).ceil() as u64).max(1);
        let mut below = 0;
        for (count, smallest) in &self.buckets {
            below += count;
            if below >= rank {
                return *smallest;
            }
        }
        self.max
    }

    /// The report, if there was any number.
    pub fn summary(&self) -> Option<Summary> {
        (self.count > 0).then(|| Summary {
            count: self.count,
            mean: self.sum as f64 / self.count as f64,
            min: self.quantile(0.0),
            p05: self.quantile(0.05),
            p25: self.quantile(0.25),
            p50: self.quantile(0.5),
            p75: self.quantile(0.75),
            p95: self.quantile(0.95),
            p99: self.quantile(0.99),
            max: self.max,
        })
    }
}

fn bucket(value: u64) -> usize {
    let power = (64 - value.leading_zeros()).saturating_sub(BITS + 1);
    // Below 2·PER_POWER, power is 0 and the number its own bucket.
    power as usize * PER_POWER + (value >> power) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_numbers() {
        let mut quantiles = Quantiles::default();
        assert_eq!(quantiles.summary(), None);
        let mut numbers: Vec<u64> = (0..10_000u64)
            .map(|i| (i * 7919) % 10_007 * (i % 5 + 1))
            .collect();
        numbers.iter().for_each(|n| quantiles.add(*n));
        numbers.sort_unstable();
        let summary = quantiles.summary().unwrap();
        for (value, at) in [(summary.p05, 499), (summary.p50, 4999), (summary.p99, 9899)] {
            let exact = numbers[at] as f64;
            assert!(
                (value as f64 - exact).abs() <= exact / 256.0,
                "{value} {exact}"
            );
        }
        assert_eq!((summary.min, summary.max), (0, *numbers.last().unwrap()));
    }

    #[test]
    fn grids_and_ends_are_exact() {
        let mut quantiles = Quantiles::default();
        for ticks in 1..=100u64 {
            quantiles.add(ticks * 10_000);
        }
        let summary = quantiles.summary().unwrap();
        assert_eq!((summary.p50, summary.p95), (500_000, 950_000));
        for value in [0, 511, 512, 1 << 40, u64::MAX] {
            assert!(bucket(value) < quantiles.buckets.len());
        }
        assert_ne!(bucket(511), bucket(512));
    }
}
