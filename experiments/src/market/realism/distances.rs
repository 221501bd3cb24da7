//! How far two samples of one statistic of a market lie apart, as in *LOB-Bench: Benchmarking Generative AI for Finance* (Nagy et
//! al., arXiv 2502.09172), and the overlap that *MarS* (arXiv 2409.07486) compares distributions by.

use palaestra_envs::math::powf;
use serde::Serialize;

use super::moments::{Moments, quantile};

/// Most bins of a histogram.
const MOST_BINS: usize = 100;

/// Shares of `values` in `bins` equal bins from `low` to `high`, of those that lie within.
pub fn histogram(values: &[f64], low: f64, high: f64, bins: usize) -> Vec<f64> {
    let mut shares = vec![0.0; bins];
    let within = values.iter().filter(|x| (low..=high).contains(*x));
    let mut count = 0.0;
    for x in within {
        shares[bin(*x, low, high, bins)] += 1.0;
        count += 1.0;
    }
    if count > 0.0 {
        shares.iter_mut().for_each(|share| *share /= count);
    }
    shares
}

/// The bin of a value from `low` to `high`.
fn bin(x: f64, low: f64, high: f64, bins: usize) -> usize {
    let place = ((x - low) / (high - low) * bins as f64) as usize;
    place.min(bins - 1)
}

/// `Σ min(p_i, q_i)` of two histograms over the same bins: 1 if they are equal, 0 if nothing is in common.
pub fn overlap(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| p.min(*q)).sum()
}

/// The distances of one statistic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Distance {
    /// `½ Σ |p_i - q_i|` over common bins, 0 to 1.
    pub l1: f64,
    /// Wasserstein distance of order 1, in standard deviations of the reference; no number if that does not vary.
    pub wasserstein: f64,
}

/// Distances between `sample` and `reference`; `None` if one of them is empty.
pub fn distance(sample: &[f64], reference: &[f64]) -> Option<Distance> {
    let pair = Pair::new(&[sample], &[reference])?;
    Some(pair.distance([&[1.0], &[1.0]]))
}

/// Two samples that consist of groups, sorted once, so that groups can be weighed anew, as a bootstrap does.
#[derive(Debug)]
pub struct Pair {
    entries: Vec<Entry>,
    bins: usize,
    /// Standard deviation of the reference.
    deviation: f64,
    /// Values in each group.
    sizes: [Vec<f64>; 2],
}

#[derive(Debug)]
struct Entry {
    value: f64,
    bin: u16,
    /// 0: of the sample, 1: of the reference.
    of: u8,
    group: u32,
}

impl Pair {
    /// `sample` and `reference`, each in groups; `None` if one has no values, or some that are not finite.
    ///
    /// The bins are those of Freedman and Diaconis for the reference, as far as both reach, at most 100.
    pub fn new(sample: &[&[f64]], reference: &[&[f64]]) -> Option<Self> {
        let whole: Vec<f64> = reference.iter().copied().flatten().copied().collect();
        let both = || sample.iter().chain(reference).copied().flatten().copied();
        if whole.is_empty()
            || sample.iter().all(|group| group.is_empty())
            || both().any(|x| !x.is_finite())
        {
            return None;
        }
        let (low, high) = (
            both().fold(f64::INFINITY, f64::min),
            both().fold(f64::NEG_INFINITY, f64::max),
        );
        let quartiles = quantile(&whole, 0.75) - quantile(&whole, 0.25);
        let width = 2.0 * quartiles / powf(whole.len() as f64, 1.0 / 3.0);
        // More than half of the values are equal: there is no width. All of them are: there is one bin.
        let bins = match (high > low, width > 0.0) {
            (false, _) => 1,
            (true, false) => MOST_BINS,
            (true, true) => ((high - low) / width).ceil().clamp(1.0, MOST_BINS as f64) as usize,
        };
        let mut entries = Vec::new();
        for (of, groups) in [(0, sample), (1, reference)] {
            for (group, values) in (0..).zip(groups) {
                entries.extend(values.iter().map(|&value| Entry {
                    value,
                    bin: bin(value, low, high, bins) as u16,
                    of,
                    group,
                }));
            }
        }
        entries.sort_by(|x, y| x.value.total_cmp(&y.value));
        let size = |groups: &[&[f64]]| groups.iter().map(|values| values.len() as f64).collect();
        Some(Self {
            entries,
            bins,
            deviation: Moments::of(whole.into_iter()).deviation(),
            sizes: [size(sample), size(reference)],
        })
    }

    /// The distances if each group counts as often as `weights` says, of the sample and of the reference. Bins and standard
    /// deviation stay those of all; no numbers if a side has no values.
    pub fn distance(&self, weights: [&[f64]; 2]) -> Distance {
        let shares = [0, 1].map(|of| {
            let pairs = self.sizes[of].iter().zip(weights[of]);
            1.0 / pairs.map(|(size, weight)| size * weight).sum::<f64>()
        });
        // Distribution functions of both so far, and the difference of the shares in each bin.
        let (mut gap, mut sum, mut at) = (0.0, 0.0, f64::NEG_INFINITY);
        let mut differences = [0.0; MOST_BINS];
        for entry in &self.entries {
            let of = usize::from(entry.of);
            let share = weights[of][entry.group as usize] * shares[of];
            if share == 0.0 {
                continue;
            }
            let signed = if of == 0 { share } else { -share };
            if entry.value > at {
                // Nothing comes before the first value, where the gap is 0.
                if at > f64::NEG_INFINITY {
                    sum += f64::abs(gap) * (entry.value - at);
                }
                at = entry.value;
            }
            gap += signed;
            differences[usize::from(entry.bin)] += signed;
        }
        let l1 = differences[..self.bins]
            .iter()
            .map(|d| d.abs())
            .sum::<f64>();
        let exists = shares.iter().all(|share| share.is_finite());
        Distance {
            l1: if exists { 0.5 * l1 } else { f64::NAN },
            wasserstein: if exists && self.deviation > 0.0 {
                sum / self.deviation
            } else {
                f64::NAN
            },
        }
    }
}
