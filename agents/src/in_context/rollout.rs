//! What has been experienced since the last update, row by row, and how minibatches are made of it.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::gae::{Trace, gae};

/// One step of all rows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Step {
    /// `[B, O]`.
    pub observation: Vec<f32>,
    /// d_t, whether it is the first of its episode, `[B]`.
    pub starts: Vec<bool>,
    /// Allowed choices, `[B, A]`; empty if all are.
    pub mask: Vec<u8>,
    /// As it was drawn, before any clipping, `[B, action_width]`.
    pub action: Vec<f32>,
    /// ln π(a), `[B]`.
    pub log_prob: Vec<f32>,
    /// V, `[B]`.
    pub value: Vec<f32>,
}

/// T steps of B rows; of each field a row's steps lie one after the other.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Rollout {
    rows: usize,
    steps: usize,
    /// Steps made.
    filled: usize,
    /// What the core remembered before the first step, `[B, N]`.
    pub memory: Vec<f32>,
    /// `[B, T, …]`.
    fields: Step,
    /// `[B, T]`.
    reward: Vec<f32>,
}

/// Advantages and what values are to become, `[B, T]` each.
#[derive(Debug, Clone)]
pub struct Estimates {
    /// A_t.
    pub advantage: Vec<f32>,
    /// R_t = A_t + V_t.
    pub target: Vec<f32>,
}

/// Whole sequences of some rows; the steps of a row one after the other where there is one axis for both.
#[derive(Debug)]
pub struct Batch {
    /// `[b, T, O]`.
    pub observation: Tensor<3>,
    /// `[b, T]`.
    pub starts: Tensor<2, Bool>,
    /// `[b, N]`.
    pub memory: Tensor<2>,
    /// `[b·T, A]`.
    pub forbidden: Option<Tensor<2, Bool>>,
    /// `[b·T, action_width]`.
    pub action: Tensor<2>,
    /// ln π_old(a), `[b·T]`.
    pub log_prob: Tensor<1>,
    /// V_old, `[b·T]`.
    pub value: Tensor<1>,
    /// A, of mean 0 and standard deviation 1 over the batch, `[b·T]`.
    pub advantage: Tensor<1>,
    /// R, `[b·T]`.
    pub target: Tensor<1>,
}

impl Rollout {
    /// Room for `steps` steps of `rows` rows.
    pub fn new(rows: usize, steps: usize) -> Self {
        Self {
            rows,
            steps,
            ..Self::default()
        }
    }

    /// Rows and steps there is room for.
    pub fn dims(&self) -> [usize; 2] {
        [self.rows, self.steps]
    }

    /// Whether no step has been made.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Whether all steps have been made.
    pub fn is_full(&self) -> bool {
        self.filled == self.steps
    }

    /// Makes room for the next ones.
    pub fn clear(&mut self) {
        self.filled = 0;
    }

    /// Adds a step and the rewards, `[B]`, that it brought.
    pub fn push(&mut self, step: &Step, reward: &[f32]) {
        let (at, rows, steps) = (self.filled, self.rows, self.steps);
        let own = &mut self.fields;
        put(&mut own.observation, &step.observation, at, rows, steps);
        put(&mut own.starts, &step.starts, at, rows, steps);
        put(&mut own.mask, &step.mask, at, rows, steps);
        put(&mut own.action, &step.action, at, rows, steps);
        put(&mut own.log_prob, &step.log_prob, at, rows, steps);
        put(&mut own.value, &step.value, at, rows, steps);
        put(&mut self.reward, reward, at, rows, steps);
        self.filled += 1;
    }

    /// Advantages and targets of a full rollout. `last_value` and `last_start`, `[B]`, are of what is observed now.
    pub fn estimate(
        &self,
        last_value: &[f32],
        last_start: &[bool],
        gamma: f32,
        lambda: f32,
    ) -> Estimates {
        let mut advantage = vec![0.0; self.rows * self.steps];
        for (row, advantage) in advantage.chunks_mut(self.steps).enumerate() {
            let range = row * self.steps..(row + 1) * self.steps;
            let trace = Trace {
                rewards: &self.reward[range.clone()],
                values: &self.fields.value[range.clone()],
                starts: &self.fields.starts[range],
                last_value: last_value[row],
                last_start: last_start[row],
            };
            gae(&trace, gamma, lambda, advantage);
        }
        let target = advantage.iter().zip(&self.fields.value).map(|(a, v)| a + v);
        Estimates {
            target: target.collect(),
            advantage,
        }
    }

    /// The sequences of the given rows, as constants on `device`.
    pub fn batch(&self, rows: &[usize], estimates: &Estimates, device: &Device) -> Batch {
        let (b, steps) = (rows.len(), self.steps);
        let own = &self.fields;
        let width = |len: usize| len / (self.rows * steps);
        let vector = |field: &[f32]| tensor(gather(field, rows, self.rows), [b * steps], device);
        let widths = (width(own.observation.len()), width(own.action.len()));
        let choices = width(own.mask.len());
        let forbidden = (choices > 0).then(|| {
            let forbidden = gather(&own.mask, rows, self.rows)
                .into_iter()
                .map(|m| m == 0);
            flags(forbidden.collect(), [b * steps, choices], device)
        });
        let memory_width = self.memory.len() / self.rows;
        Batch {
            observation: tensor(
                gather(&own.observation, rows, self.rows),
                [b, steps, widths.0],
                device,
            ),
            starts: flags(gather(&own.starts, rows, self.rows), [b, steps], device),
            memory: tensor(
                gather(&self.memory, rows, self.rows),
                [b, memory_width],
                device,
            ),
            forbidden,
            action: tensor(
                gather(&own.action, rows, self.rows),
                [b * steps, widths.1],
                device,
            ),
            log_prob: vector(&own.log_prob),
            value: vector(&own.value),
            advantage: tensor(
                normalised(gather(&estimates.advantage, rows, self.rows)),
                [b * steps],
                device,
            ),
            target: vector(&estimates.target),
        }
    }
}

/// Values as a constant tensor.
pub(super) fn tensor<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Flags as a tensor.
pub(super) fn flags<const D: usize>(
    values: Vec<bool>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D, Bool> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Puts a step's `[B, …]` at place `at` of `[B, T, …]`, which is made when the first comes.
fn put<T: Copy + Default>(field: &mut Vec<T>, step: &[T], at: usize, rows: usize, steps: usize) {
    field.resize(step.len() * steps, T::default());
    let width = step.len() / rows;
    if width == 0 {
        return;
    }
    for (row, values) in step.chunks(width).enumerate() {
        field[(row * steps + at) * width..][..width].copy_from_slice(values);
    }
}

/// The given of `all` rows of `[B, …]`.
fn gather<T: Copy>(field: &[T], rows: &[usize], all: usize) -> Vec<T> {
    let width = field.len() / all;
    let mut out = Vec::with_capacity(rows.len() * width);
    for row in rows {
        out.extend_from_slice(&field[row * width..(row + 1) * width]);
    }
    out
}

/// (x − mean) / (standard deviation + 10⁻⁸).
fn normalised(mut x: Vec<f32>) -> Vec<f32> {
    let n = x.len() as f64;
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let variance = x
        .iter()
        .map(|&x| (f64::from(x) - mean).powi(2))
        .sum::<f64>()
        / n;
    let scale = 1.0 / (variance.sqrt() + 1e-8);
    x.iter_mut()
        .for_each(|x| *x = ((f64::from(*x) - mean) * scale) as f32);
    x
}
