//! In-context language learning: Akyürek, Wang, Kim and Andreas, "In-context language learning: architectures and
//! algorithms" (arXiv 2401.12973).
//!
//! Every example draws an automaton of its own and shows strings of its language, one after the other. After every token
//! the next is asked; an answer is right if the automaton allows it there. Nothing about an automaton can be learned
//! beforehand: it must be inferred from the strings. Departing from the paper, automata are not minimised, and the number
//! of steps is fixed instead of the number of strings.

use palaestra_envs::stream::Stream;
use rand::{RngExt, seq::SliceRandom};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Border, Example, Inputs, Part, Probe, Target, size_problems};

/// The task. Sizes are steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RegularLanguages {
    /// Symbols, at most 64.
    pub alphabet: usize,
    /// Most states of an automaton; every number from 2 on is as likely.
    pub states: usize,
    /// Symbols allowed in a state: every number from 1 on is as likely.
    pub branches: usize,
    /// Longest string; every length from 1 on is as likely.
    pub longest: usize,
    /// Sizes that are trained on.
    pub train: Vec<usize>,
    /// Sizes that are measured.
    pub test: Vec<usize>,
}

impl Default for RegularLanguages {
    fn default() -> Self {
        Self {
            alphabet: 8,
            states: 5,
            branches: 3,
            longest: 10,
            train: vec![96],
            test: vec![24, 48, 96, 192],
        }
    }
}

/// In every state the symbols that are allowed, and where they lead.
type Automaton = Vec<Vec<(usize, usize)>>;

impl RegularLanguages {
    fn automaton(&self, rng: &mut Stream) -> Automaton {
        let states = rng.random_range(2..=self.states);
        let mut symbols: Vec<usize> = (0..self.alphabet).collect();
        let mut state = || {
            let branches = rng.random_range(1..=self.branches);
            symbols.shuffle(rng);
            let allowed = symbols[..branches].iter();
            allowed
                .map(|symbol| (*symbol, rng.random_range(0..states)))
                .collect()
        };
        (0..states).map(|_| state()).collect()
    }
}

impl Probe for RegularLanguages {
    /// Symbols, then the separator of strings.
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
        let automaton = self.automaton(rng);
        let mut tokens = Vec::with_capacity(size);
        let mut targets = Vec::with_capacity(size);
        while tokens.len() < size {
            // The separator, and then a walk from state 0; what ends a string is not asked.
            tokens.push(self.alphabet);
            let mut state = 0;
            for _ in 0..rng.random_range(1..=self.longest) {
                let allowed = &automaton[state];
                let (symbol, next) = allowed[rng.random_range(0..allowed.len())];
                targets.push(Target::Class {
                    drawn: symbol,
                    accepted: allowed.iter().map(|(symbol, _)| 1 << symbol).sum(),
                });
                tokens.push(symbol);
                state = next;
            }
            targets.push(Target::Unasked);
        }
        tokens.truncate(size);
        targets.truncate(size);
        Example {
            inputs: Inputs::Tokens(tokens),
            targets,
            withheld: 0,
        }
    }

    fn chance(&self) -> f64 {
        (1 + self.branches) as f64 / 2.0 / self.alphabet as f64
    }

    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = size_problems(self.sizes(), 1..=1_000_000);
        if !(2..=64).contains(&self.alphabet) {
            found.push(("alphabet", "must be from 2 to 64".into()));
        }
        if !(1..=self.alphabet).contains(&self.branches) {
            found.push(("branches", "must be from 1 to `alphabet`".into()));
        }
        if !(2..=1000).contains(&self.states) {
            found.push(("states", "must be from 2 to 1000".into()));
        }
        if self.longest == 0 {
            found.push(("longest", "must be at least 1".into()));
        }
        found
    }
}
