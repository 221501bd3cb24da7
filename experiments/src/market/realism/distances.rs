//! How far two samples of one feature of the book lie apart, as in *LOB-Bench: Benchmarking Generative AI for Finance* (Nagy et
//! al., arXiv 2502.09172), and the overlap that *MarS* (arXiv 2409.07486) compares distributions by.

use std::collections::BTreeMap;

use palaestra_envs::{
    market::{
        book::Book,
        event::Event,
        order::{OrderId, Side, Time},
    },
    math::powf,
};
use serde::{Deserialize, Serialize};

use super::moments::{Moments, quantile};

/// Shares of `values` in `bins` equal bins from `low` to `high`, of those that lie within.
pub fn histogram(values: &[f64], low: f64, high: f64, bins: usize) -> Vec<f64> {
    let mut shares = vec![0.0; bins];
    let within = values.iter().filter(|x| (low..=high).contains(*x));
    let mut count = 0.0;
    for x in within {
        let place = ((x - low) / (high - low) * bins as f64) as usize;
        shares[place.min(bins - 1)] += 1.0;
        count += 1.0;
    }
    if count > 0.0 {
        shares.iter_mut().for_each(|share| *share /= count);
    }
    shares
}

/// `Σ min(p_i, q_i)` of two histograms over the same bins: 1 if they are equal, 0 if nothing is in common.
pub fn overlap(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| p.min(*q)).sum()
}

/// The distances of one feature.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Distance {
    /// `½ Σ |p_i - q_i|` over common bins, 0 to 1.
    pub l1: f64,
    /// Wasserstein distance of order 1, in standard deviations of the reference.
    pub wasserstein: f64,
}

/// Distances between `sample` and `reference`; `None` if one of them is empty, or the reference does not vary.
///
/// The bins are those of Freedman and Diaconis for the reference, as far as both reach, at most 100.
pub fn distance(sample: &[f64], reference: &[f64]) -> Option<Distance> {
    let deviation = Moments::of(reference.iter().copied()).deviation();
    if sample.is_empty() || reference.is_empty() || deviation <= 0.0 || !deviation.is_finite() {
        return None;
    }
    let both = || sample.iter().chain(reference).copied();
    let (low, high) = (
        both().fold(f64::INFINITY, f64::min),
        both().fold(f64::NEG_INFINITY, f64::max),
    );
    let quartiles = quantile(reference, 0.75) - quantile(reference, 0.25);
    let width = 2.0 * quartiles / powf(reference.len() as f64, 1.0 / 3.0);
    let bins = ((high - low) / width).ceil().clamp(1.0, 100.0);
    // More than half of the values are equal: there is no width.
    let bins = if width > 0.0 { bins as usize } else { 100 };
    let [p, q] = [sample, reference].map(|values| histogram(values, low, high, bins));
    Some(Distance {
        l1: 0.5 * p.iter().zip(&q).map(|(p, q)| (p - q).abs()).sum::<f64>(),
        wasserstein: wasserstein(sample, reference) / deviation,
    })
}

/// `∫ |F - G|` between the distribution functions of two samples, neither of them empty.
pub fn wasserstein(x: &[f64], y: &[f64]) -> f64 {
    let sorted = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted
    };
    let (x, y) = (sorted(x), sorted(y));
    let (mut i, mut j, mut sum) = (0, 0, 0.0);
    let mut at = f64::NAN;
    while i < x.len() || j < y.len() {
        let next = match (x.get(i), y.get(j)) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(a), None) | (None, Some(a)) => *a,
            (None, None) => break,
        };
        if !at.is_nan() {
            let gap = i as f64 / x.len() as f64 - j as f64 / y.len() as f64;
            sum += gap.abs() * (next - at);
        }
        at = next;
        i += usize::from(x.get(i) == Some(&next));
        j += usize::from(y.get(j) == Some(&next));
    }
    sum
}

/// Features of a market, sampled after every order that changed the book.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Features {
    /// Best ask less best bid.
    pub spread: Vec<f64>,
    /// Displayed size at the best bid.
    pub bid_size: Vec<f64>,
    /// Displayed size at the best ask.
    pub ask_size: Vec<f64>,
    /// `(bid size - ask size) / (bid size + ask size)`.
    pub imbalance: Vec<f64>,
    /// Seconds between two orders.
    pub inter_arrival: Vec<f64>,
    /// Seconds from the entry of an order to its cancellation.
    pub cancel_lifetime: Vec<f64>,
    entered: BTreeMap<OrderId, Time>,
    last: Option<Time>,
}

impl Features {
    /// Takes in an event.
    pub fn event(&mut self, time: Time, event: &Event) {
        match *event {
            Event::Rested { id, .. } => {
                self.entered.insert(id, time);
            }
            Event::Cancelled { id, .. } => {
                let entered = self.entered.remove(&id);
                self.cancel_lifetime
                    .extend(entered.map(|entered| (time - entered) as f64 / 1e9));
            }
            Event::Trade(trade) if trade.maker_left == 0 => {
                self.entered.remove(&trade.maker);
            }
            _ => {}
        }
    }

    /// Takes in the book after an order.
    pub fn sample(&mut self, time: Time, book: &Book) {
        if let Some(last) = self.last.replace(time) {
            self.inter_arrival.push((time - last) as f64 / 1e9);
        }
        let [bid, ask] = Side::BOTH.map(|side| book.touch(side));
        if let (Some(bid), Some(ask)) = (bid, ask) {
            let (b, a) = (bid.size as f64, ask.size as f64);
            self.spread.push((ask.price - bid.price) as f64);
            self.bid_size.push(b);
            self.ask_size.push(a);
            self.imbalance.push((b - a) / (b + a));
        }
    }

    /// Name and values of each feature.
    pub fn columns(&self) -> [(&'static str, &[f64]); 6] {
        [
            ("spread", &self.spread),
            ("bid_size", &self.bid_size),
            ("ask_size", &self.ask_size),
            ("imbalance", &self.imbalance),
            ("inter_arrival", &self.inter_arrival),
            ("cancel_lifetime", &self.cancel_lifetime),
        ]
    }
}

/// The distance of every feature by name; those that cannot be compared are left out.
pub fn compare(sample: &Features, reference: &Features) -> BTreeMap<&'static str, Distance> {
    let pairs = sample.columns().into_iter().zip(reference.columns());
    pairs
        .filter_map(|((name, sample), (_, reference))| Some((name, distance(sample, reference)?)))
        .collect()
}
