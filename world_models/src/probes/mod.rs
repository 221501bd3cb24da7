//! Small supervised tasks, each of which shows one ability of a sequence core in minutes on a CPU.
//!
//! | file | task | what it takes |
//! |---|---|---|
//! | `selective_copy.rs` | copy the tokens among noise | to choose what to remember |
//! | `associative_recall.rs` | name the value of a key | to remember many pairs at once |
//! | `induction.rs` | what followed the last time? | to look something up by its neighbour |
//! | `regular_languages.rs` | go on in a language seen for the first time | to infer rules from examples |
//! | `digits.rs` | read an image pixel by pixel | to carry evidence over 64 steps |
//! | `autoregression.rs` | forecast a linear process | to estimate and apply its coefficients |
//!
//! A task is a generator: every example is a function of (seed, index, size). `network.rs` puts a head around any core,
//! `train.rs` trains it as `config.rs` says, `measure.rs` looks at what it has learned, `report.rs` is what comes out.

mod associative_recall;
mod autoregression;
mod batch;
mod config;
mod digits;
mod induction;
mod measure;
mod network;
mod regular_languages;
mod report;
mod selective_copy;
#[cfg(test)]
mod tests;
mod train;

use palaestra_envs::stream::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    associative_recall::AssociativeRecall,
    autoregression::Autoregression,
    config::{CoreConfig, ProbeConfig},
    digits::Digits,
    induction::Induction,
    network::{ModelConfig, ProbeNetwork},
    regular_languages::RegularLanguages,
    report::{Coefficients, CoreResult, Point, ProbeReport, SeedResult, SizeScore},
    selective_copy::SelectiveCopy,
    train::run,
};

/// What goes in at every step.
#[derive(Debug, Clone, PartialEq)]
pub enum Inputs {
    /// A token, below the number of tokens of the task.
    Tokens(Vec<usize>),
    /// A number.
    Numbers(Vec<f32>),
}

/// What is asked after a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// Nothing.
    Unasked,
    /// A class.
    Class {
        /// The one that was drawn.
        drawn: usize,
        /// Bit i is set if class i is right: a task may accept several.
        accepted: u64,
    },
    /// A number.
    Number {
        /// The one that was drawn.
        drawn: f32,
        /// Its expectation given what went before: the best forecast.
        expected: f32,
    },
}

/// A sequence with its questions.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// One for each step.
    pub inputs: Inputs,
    /// One for each step.
    pub targets: Vec<Target>,
    /// At so many last steps what the model put out before goes in instead of the input.
    pub withheld: usize,
}

/// Which examples are meant: none of one part is in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// To learn from.
    Train,
    /// To measure with.
    Test,
}

/// What goes into a network and comes out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Border {
    /// Tokens that go in; `None` for a number.
    pub tokens: Option<usize>,
    /// Classes that come out, at most 64; `None` for a number.
    pub classes: Option<usize>,
}

/// A generator of examples.
pub trait Probe {
    /// What goes in and comes out.
    fn border(&self) -> Border;

    /// What the sizes of examples count, e.g. `pairs`.
    fn size_name(&self) -> &'static str;

    /// Sizes that are trained on, in turn, and sizes that are measured at the end.
    fn sizes(&self) -> [&[usize]; 2];

    /// Example `index` of a part, drawn with `rng`, which is its own. All examples of a size have equally many steps.
    fn example(&self, size: usize, part: Part, index: u64, rng: &mut Stream) -> Example;

    /// Share of right answers, or error, without learning anything: guessing evenly, or forecasting 0.
    fn chance(&self) -> f64;

    /// Coefficients that a model should have found.
    fn coefficients(&self) -> Option<&[f64]> {
        None
    }

    /// What is out of range, as (key, what is wrong).
    fn problems(&self) -> Vec<(&'static str, String)>;
}

/// Any of the tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// Copy the tokens among noise.
    SelectiveCopy(SelectiveCopy),
    /// Name the values of keys.
    AssociativeRecall(AssociativeRecall),
    /// Name what followed a trigger.
    Induction(Induction),
    /// Go on in a regular language, a new one in every example.
    RegularLanguages(RegularLanguages),
    /// Read a digit pixel by pixel.
    Digits(Digits),
    /// Forecast an autoregressive process.
    Autoregression(Autoregression),
}

impl Task {
    /// The generator.
    pub fn probe(&self) -> &(dyn Probe + Sync) {
        match self {
            Self::SelectiveCopy(task) => task,
            Self::AssociativeRecall(task) => task,
            Self::Induction(task) => task,
            Self::RegularLanguages(task) => task,
            Self::Digits(task) => task,
            Self::Autoregression(task) => task,
        }
    }
}

/// Example `index` of a part with the stream that belongs to it.
pub fn example(probe: &dyn Probe, seed: u64, part: Part, size: usize, index: u64) -> Example {
    let purpose = match part {
        Part::Train => "probe.train",
        Part::Test => "probe.test",
    };
    probe.example(size, part, index, &mut Stream::new(seed, index, purpose))
}

/// Sizes that cannot be drawn: none, or one that is out of `range`.
fn size_problems(
    [train, test]: [&[usize]; 2],
    range: std::ops::RangeInclusive<usize>,
) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for (key, sizes) in [("train", train), ("test", test)] {
        if sizes.is_empty() || sizes.iter().any(|size| !range.contains(size)) {
            let (least, most) = (range.start(), range.end());
            found.push((
                key,
                format!("must be one or more sizes from {least} to {most}"),
            ));
        }
    }
    found
}
