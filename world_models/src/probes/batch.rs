//! Examples as tensors, and their loss.

use burn::tensor::{Device, Int, Tensor, TensorData, activation::log_softmax};

use super::{Example, Inputs, Target, network::Input};
use crate::CoreError;

/// Examples as tensors.
pub(super) struct Batch {
    pub(super) input: Input,
    /// Positions of the questions among all steps of all rows.
    pub(super) asked: Tensor<1, Int>,
    pub(super) targets: Vec<Target>,
    /// Of numbers, `[K, 1]`; of classes, `[K, 1]`.
    drawn: Drawn,
}

enum Drawn {
    Classes(Tensor<2, Int>),
    Numbers(Tensor<2>),
}

impl Batch {
    pub(super) fn new(examples: Vec<Example>, device: &Device) -> Self {
        let rows = examples.len();
        let steps = examples.first().map_or(0, |example| example.targets.len());
        let of_numbers = |example: &Example| matches!(example.inputs, Inputs::Numbers(_));
        let input = if examples.first().is_some_and(of_numbers) {
            let values = examples.iter().flat_map(|example| match &example.inputs {
                Inputs::Numbers(values) => &values[..],
                Inputs::Tokens(_) => &[],
            });
            Input::Numbers(numbers(values.copied().collect(), [rows, steps], device))
        } else {
            let tokens = examples.iter().flat_map(|example| match &example.inputs {
                Inputs::Tokens(tokens) => &tokens[..],
                Inputs::Numbers(_) => &[],
            });
            let tokens = tokens.map(|token| *token as i32).collect();
            Input::Tokens(integers(tokens, [rows, steps], device))
        };
        let all = examples.iter().flat_map(|example| &example.targets);
        let asked = all
            .enumerate()
            .filter(|(_, target)| **target != Target::Unasked);
        let (places, targets): (Vec<i32>, Vec<Target>) =
            asked.map(|(place, target)| (place as i32, *target)).unzip();
        let count = targets.len();
        let number = |target: &Target| match target {
            Target::Number { drawn, .. } => Some(*drawn),
            _ => None,
        };
        let class = |target: &Target| match target {
            Target::Class { drawn, .. } => *drawn as i32,
            _ => 0,
        };
        let values = targets.iter().map(number).collect::<Option<Vec<f32>>>();
        let drawn = if let Some(values) = values {
            Drawn::Numbers(numbers(values, [count, 1], device))
        } else {
            let classes = targets.iter().map(class).collect();
            Drawn::Classes(integers(classes, [count, 1], device))
        };
        Self {
            input,
            asked: integers(places, [count], device),
            targets,
            drawn,
        }
    }

    /// Cross-entropy or mean squared error of the questions.
    pub(super) fn loss(&self, output: Tensor<2>) -> Tensor<1> {
        let output = output.select(0, self.asked.clone());
        match &self.drawn {
            Drawn::Classes(classes) => log_softmax(output, 1)
                .gather(1, classes.clone())
                .mean()
                .neg(),
            Drawn::Numbers(numbers) => (output - numbers.clone()).square().mean(),
        }
    }
}

pub(super) fn numbers<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn integers<const D: usize>(
    values: Vec<i32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D, Int> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The numbers of a tensor.
pub(super) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, CoreError> {
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| CoreError::Read {
            reason: error.to_string(),
        })
}
