//! What a network has learned: scores on new examples, forecasts, derivatives.

use burn::tensor::{Device, Tensor};

use super::{
    Example, Part, ProbeConfig, ProbeNetwork, Target,
    batch::{self, Batch, read},
    example,
    network::Input,
};
use crate::CoreError;

/// Rows that go through a network at once.
const TEST_BATCH: usize = 64;

/// The score on new examples of a size: share of right answers, or distance from the best forecast.
pub(super) fn measure(
    config: &ProbeConfig,
    network: &ProbeNetwork,
    seed: u64,
    size: usize,
) -> Result<f64, CoreError> {
    let (probe, device) = (config.task.probe(), Device::flex());
    let (mut right, mut asked) = (0, 0);
    let (mut distance, mut power) = (0.0, 0.0);
    for first in (0..config.test_rows).step_by(TEST_BATCH) {
        let rows = first..(first + TEST_BATCH).min(config.test_rows);
        let rows = rows.map(|index| example(probe, seed, Part::Test, size, index as u64));
        let examples: Vec<Example> = rows.collect();
        let withheld = examples.first().map_or(0, |example| example.withheld);
        let batch = Batch::new(examples, &device);
        let output = go_on(network, batch.input.clone(), withheld)?;
        let output = output.select(0, batch.asked.clone());
        let width = output.dims()[1];
        let output = read(output)?;
        for (target, output) in batch.targets.iter().zip(output.chunks(width)) {
            match target {
                Target::Unasked => {}
                Target::Class { accepted, .. } => {
                    let best = (0..width).max_by(|a, b| output[*a].total_cmp(&output[*b]));
                    right += usize::from(best.is_some_and(|best| accepted >> best & 1 == 1));
                    asked += 1;
                }
                Target::Number { drawn, expected } => {
                    distance += f64::from(output[0] - expected).powi(2);
                    power += f64::from(*drawn).powi(2);
                }
            }
        }
    }
    Ok(if asked > 0 {
        right as f64 / asked as f64
    } else {
        distance / power
    })
}

/// The outputs, where at the last `withheld` steps the output of the step before takes the place of the input.
fn go_on(network: &ProbeNetwork, input: Input, withheld: usize) -> Result<Tensor<2>, CoreError> {
    let Input::Numbers(mut numbers) = input else {
        return network.forward(input);
    };
    let [rows, steps] = numbers.dims();
    for step in steps - withheld..steps {
        let output = network.forward(Input::Numbers(numbers.clone()))?;
        let said = output.reshape([rows, steps]).narrow(1, step - 1, 1);
        let mut parts = vec![numbers.clone().narrow(1, 0, step), said];
        if step + 1 < steps {
            parts.push(numbers.narrow(1, step + 1, steps - step - 1));
        }
        numbers = Tensor::cat(parts, 1);
    }
    network.forward(Input::Numbers(numbers))
}

/// Mean derivatives of the last forecast in the last `order` numbers, the latest first, by central differences.
pub(super) fn derivatives(
    config: &ProbeConfig,
    network: &ProbeNetwork,
    seed: u64,
    order: usize,
) -> Result<Vec<f64>, CoreError> {
    /// Relative to numbers around 1.
    const STEP: f32 = 0.05;
    let (probe, device) = (config.task.probe(), Device::flex());
    let rows = config.test_rows.min(TEST_BATCH);
    let examples = (0..rows).map(|index| example(probe, seed, Part::Test, 1, index as u64));
    let Input::Numbers(numbers) = Batch::new(examples.collect(), &device).input else {
        return Ok(Vec::new());
    };
    let steps = numbers.dims()[1];
    let at = |lag: usize, by: f32| -> Result<f64, CoreError> {
        let mut moved = vec![0.0; steps];
        moved[steps - 1 - lag] = by;
        let moved = batch::numbers(moved, [1, steps], &device);
        let output = network.forward(Input::Numbers(numbers.clone() + moved))?;
        let last = output.reshape([rows, steps]).narrow(1, steps - 1, 1);
        Ok(f64::from(read(last.mean())?[0]))
    };
    (0..order)
        .map(|lag| Ok((at(lag, STEP)? - at(lag, -STEP)?) / f64::from(2.0 * STEP)))
        .collect()
}
