//! Handwritten digits as sequences: an image of 8 × 8 pixels, one pixel a step, and after the last the digit is asked; the
//! small sibling of sequential MNIST (Le, Jaitly and Hinton, arXiv 1504.00941).
//!
//! The images are those that scikit-learn ships (`data/README.md`). Every fifth is kept for measuring.

use std::sync::OnceLock;

use palaestra_envs::stream::Stream;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Border, Example, Inputs, Part, Probe, Target};

const IMAGES: &str = include_str!("../../data/digits.txt");

/// Pixels of an image.
const PIXELS: usize = 64;

/// The most ink.
const INK: f32 = 16.0;

/// The task. It has one size, the pixels of an image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Digits {}

struct Image {
    digit: usize,
    pixels: Vec<f32>,
}

/// All images, those to learn from and those to measure with.
fn images(part: Part) -> &'static [Image] {
    static PARTS: OnceLock<[Vec<Image>; 2]> = OnceLock::new();
    let [train, test] = PARTS.get_or_init(|| {
        let mut parts = [Vec::new(), Vec::new()];
        let read = IMAGES.lines().filter_map(|line| {
            let (digit, pixels) = line.split_once(' ')?;
            let ink = |c: char| Some(c.to_digit(17)? as f32 / INK);
            Some(Image {
                digit: digit.parse().ok()?,
                pixels: pixels.chars().map(ink).collect::<Option<_>>()?,
            })
        });
        for (index, image) in read.enumerate() {
            parts[usize::from(index % 5 == 4)].push(image);
        }
        parts
    });
    match part {
        Part::Train => train,
        Part::Test => test,
    }
}

impl Digits {
    /// Images of a part.
    pub fn count(part: Part) -> usize {
        images(part).len()
    }
}

impl Probe for Digits {
    fn border(&self) -> Border {
        Border {
            tokens: None,
            classes: Some(10),
        }
    }

    fn size_name(&self) -> &'static str {
        "pixels"
    }

    fn sizes(&self) -> [&[usize]; 2] {
        [&[PIXELS], &[PIXELS]]
    }

    /// Drawn at random to learn from; in their order to measure with.
    fn example(&self, _: usize, part: Part, index: u64, rng: &mut Stream) -> Example {
        let images = images(part);
        let image = match part {
            Part::Train => &images[rng.random_range(0..images.len())],
            Part::Test => &images[index as usize % images.len()],
        };
        let mut targets = vec![Target::Unasked; PIXELS];
        targets[PIXELS - 1] = Target::Class {
            drawn: image.digit,
            accepted: 1 << image.digit,
        };
        Example {
            inputs: Inputs::Numbers(image.pixels.clone()),
            targets,
            withheld: 0,
        }
    }

    fn chance(&self) -> f64 {
        0.1
    }

    fn problems(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}
