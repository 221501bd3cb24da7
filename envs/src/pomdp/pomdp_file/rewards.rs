//! The entries `R` of a file: patterns with wildcards, of which the last that fits holds.

use std::collections::BTreeMap;

use super::tables::MAX_ENTRIES;
use crate::pomdp::{Rewards, SparseRows};

/// Stands for `*`.
const ANY: u32 = u32::MAX;

/// Entries by their pattern (action, state, next state, observation).
#[derive(Debug, Default)]
pub(super) struct RewardRules {
    rules: BTreeMap<[u32; 4], (usize, f64)>,
    /// The kinds of pattern that occur: bit `i` of a kind is set where place `i` is given.
    kinds: Vec<u8>,
}

impl RewardRules {
    /// Adds an entry that overrides those before it.
    pub(super) fn add(&mut self, pattern: [Option<usize>; 4], value: f64, order: usize) {
        let key = pattern.map(|place| place.map_or(ANY, |i| i as u32));
        let bits = (0u8..).zip(&pattern).filter(|(_, place)| place.is_some());
        let kind = bits.fold(0, |kind, (i, _)| kind | 1 << i);
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
        self.rules.insert(key, (order, value));
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.rules.len()
    }

    fn value(&self, places: [usize; 4]) -> f64 {
        let found = self.kinds.iter().filter_map(|kind| {
            let mut key = [ANY; 4];
            for (i, place) in places.iter().enumerate() {
                if kind >> i & 1 == 1 {
                    key[i] = *place as u32;
                }
            }
            self.rules.get(&key)
        });
        let last = found.max_by_key(|(order, _)| *order);
        last.map_or(0.0, |(_, value)| *value)
    }

    /// The rewards of a model; by state and action alone if no entry says more. `None` if there are too many outcomes
    /// (action, state, next state, observation) to give each its reward, which a few wildcards can say.
    pub(super) fn finish(
        &self,
        transition: &[SparseRows],
        observation: &[SparseRows],
    ) -> Option<Rewards> {
        let states = transition.first().map_or(0, SparseRows::rows);
        let pairs = (0..transition.len()).flat_map(|a| (0..states).map(move |s| (a, s)));
        let on_outcome = self.kinds.iter().any(|kind| kind >> 2 != 0);
        if !on_outcome {
            let any = ANY as usize;
            let all = pairs.map(|(a, s)| self.value([a, s, any, any]));
            return Some(Rewards::StateAction(all.collect()));
        }
        let seen = |a: usize, next: usize| observation[a].row(next).columns.len();
        let of_pair = |(a, s): (usize, usize)| {
            let next = transition[a].row(s).columns.iter();
            next.map(|&next| seen(a, next as usize)).sum::<usize>()
        };
        if pairs.clone().map(of_pair).sum::<usize>() > MAX_ENTRIES {
            return None;
        }
        let mut outcomes = Vec::new();
        for (a, s) in pairs {
            for (next, _) in transition[a].row(s).iter() {
                let seen = observation[a].row(next);
                outcomes.extend(seen.iter().map(|(o, _)| self.value([a, s, next, o])));
            }
        }
        Some(Rewards::Outcome(outcomes))
    }
}
