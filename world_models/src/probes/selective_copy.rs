//! Selective copying: Gu and Dao, "Mamba" (arXiv 2312.00752), section 4.1.1; without the noise in Arjovsky, Shah and
//! Bengio (arXiv 1511.06464).
//!
//! Some tokens stand at random places among noise; then come markers, and at each the next of the tokens is asked. A
//! time-invariant model counts steps and so cannot tell where they stood.

use palaestra_envs::stream::Stream;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Border, Example, Inputs, Part, Probe, Target, size_problems};

/// The task. Sizes are steps before the first marker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SelectiveCopy {
    /// Tokens to copy.
    pub items: usize,
    /// Different tokens, at most 64.
    pub alphabet: usize,
    /// Sizes that are trained on.
    pub train: Vec<usize>,
    /// Sizes that are measured.
    pub test: Vec<usize>,
}

impl Default for SelectiveCopy {
    fn default() -> Self {
        Self {
            items: 8,
            alphabet: 8,
            train: vec![48],
            test: vec![16, 32, 48, 64, 96, 128],
        }
    }
}

impl Probe for SelectiveCopy {
    /// Tokens, then noise, then the marker.
    fn border(&self) -> Border {
        Border {
            tokens: Some(self.alphabet + 2),
            classes: Some(self.alphabet),
        }
    }

    fn size_name(&self) -> &'static str {
        "steps before the answer"
    }

    fn sizes(&self) -> [&[usize]; 2] {
        [&self.train, &self.test]
    }

    fn example(&self, size: usize, _: Part, _: u64, rng: &mut Stream) -> Example {
        let (noise, marker) = (self.alphabet, self.alphabet + 1);
        let mut tokens = vec![noise; size];
        tokens.extend(vec![marker; self.items]);
        let mut targets = vec![Target::Unasked; size];
        // Every set of places is equally likely: of those left, each is taken with the share of items left.
        let mut left = self.items;
        for (step, token) in tokens.iter_mut().take(size).enumerate() {
            if rng.random_range(0..size - step) < left {
                *token = rng.random_range(0..self.alphabet);
                left -= 1;
                targets.push(Target::Class {
                    drawn: *token,
                    accepted: 1 << *token,
                });
            }
        }
        Example {
            inputs: Inputs::Tokens(tokens),
            targets,
            withheld: 0,
        }
    }

    fn chance(&self) -> f64 {
        1.0 / self.alphabet as f64
    }

    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = size_problems(self.sizes(), self.items.max(1)..=100_000);
        if self.items == 0 {
            found.push(("items", "must be at least 1".into()));
        }
        if !(2..=64).contains(&self.alphabet) {
            found.push(("alphabet", "must be from 2 to 64".into()));
        }
        found
    }
}
