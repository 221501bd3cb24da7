//! Induction heads: Olsson et al., "In-context learning and induction heads" (arXiv 2209.11895), as posed by Gu and Dao,
//! "Mamba" (arXiv 2312.00752), section 4.1.2.
//!
//! Among random tokens a trigger stands once, and once more at the end: what followed it is asked. Trained at one length
//! and measured at longer ones, it shows whether the rule was learned or the length.

use palaestra_envs::stream::Stream;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Border, Example, Inputs, Part, Probe, Target, size_problems};

/// The task. Sizes are steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Induction {
    /// Different tokens beside the trigger, at most 64.
    pub alphabet: usize,
    /// Sizes that are trained on.
    pub train: Vec<usize>,
    /// Sizes that are measured.
    pub test: Vec<usize>,
}

impl Default for Induction {
    fn default() -> Self {
        Self {
            alphabet: 16,
            train: vec![16, 32, 64],
            test: vec![16, 32, 64, 128, 256, 512],
        }
    }
}

impl Probe for Induction {
    /// Tokens, then the trigger.
    fn border(&self) -> Border {
        Border {
            tokens: Some(self.alphabet + 1),
            classes: Some(self.alphabet),
        }
    }

    fn size_name(&self) -> &'static str {
        "steps"
    }

    fn sizes(&self) -> [&[usize]; 2] {
        [&self.train, &self.test]
    }

    fn example(&self, size: usize, _: Part, _: u64, rng: &mut Stream) -> Example {
        let mut tokens: Vec<usize> = (0..size)
            .map(|_| rng.random_range(0..self.alphabet))
            .collect();
        let place = rng.random_range(0..size - 2);
        tokens[place] = self.alphabet;
        tokens[size - 1] = self.alphabet;
        let mut targets = vec![Target::Unasked; size];
        targets[size - 1] = Target::Class {
            drawn: tokens[place + 1],
            accepted: 1 << tokens[place + 1],
        };
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
        let mut found = size_problems(self.sizes(), 3..=1_000_000);
        if !(2..=64).contains(&self.alphabet) {
            found.push(("alphabet", "must be from 2 to 64".into()));
        }
        found
    }
}
