//! Multi-query associative recall: Arora et al., "Zoology: measuring and improving recall in efficient language models"
//! (arXiv 2312.04927).
//!
//! Keys and their values alternate; then every key comes once more, in another order, and its value is asked. What must
//! be remembered grows with the number of pairs, so the size of a core's memory shows.

use palaestra_envs::stream::Stream;
use rand::{RngExt, seq::SliceRandom};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Border, Example, Inputs, Part, Probe, Target, size_problems};

/// The task. Sizes are pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AssociativeRecall {
    /// Different keys.
    pub keys: usize,
    /// Different values, at most 64.
    pub values: usize,
    /// Sizes that are trained on.
    pub train: Vec<usize>,
    /// Sizes that are measured.
    pub test: Vec<usize>,
}

impl Default for AssociativeRecall {
    fn default() -> Self {
        Self {
            keys: 32,
            values: 16,
            train: vec![4, 8, 16],
            test: vec![2, 4, 8, 16, 24, 32],
        }
    }
}

impl Probe for AssociativeRecall {
    /// Keys, then values.
    fn border(&self) -> Border {
        Border {
            tokens: Some(self.keys + self.values),
            classes: Some(self.values),
        }
    }

    fn size_name(&self) -> &'static str {
        "pairs"
    }

    fn sizes(&self) -> [&[usize]; 2] {
        [&self.train, &self.test]
    }

    fn example(&self, size: usize, _: Part, _: u64, rng: &mut Stream) -> Example {
        let mut keys: Vec<usize> = (0..self.keys).collect();
        keys.shuffle(rng);
        let mut pairs: Vec<(usize, usize)> = keys[..size]
            .iter()
            .map(|key| (*key, rng.random_range(0..self.values)))
            .collect();
        let told = pairs
            .iter()
            .flat_map(|(key, value)| [*key, self.keys + value]);
        let mut tokens: Vec<usize> = told.collect();
        let mut targets = vec![Target::Unasked; 2 * size];
        pairs.shuffle(rng);
        for (key, value) in pairs {
            tokens.push(key);
            targets.push(Target::Class {
                drawn: value,
                accepted: 1 << value,
            });
        }
        Example {
            inputs: Inputs::Tokens(tokens),
            targets,
            withheld: 0,
        }
    }

    fn chance(&self) -> f64 {
        1.0 / self.values as f64
    }

    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = size_problems(self.sizes(), 1..=self.keys);
        if !(2..=64).contains(&self.values) {
            found.push(("values", "must be from 2 to 64".into()));
        }
        if !(1..=100_000).contains(&self.keys) {
            found.push(("keys", "must be from 1 to 100000".into()));
        }
        found
    }
}
