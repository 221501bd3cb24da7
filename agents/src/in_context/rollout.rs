//! What has been experienced since the last update, seat by seat, and how minibatches are made of it.
//!
//! A row here is a seat: one player in one environment. Where players take turns, the steps in which a seat is not to act
//! stay in its sequence, because it sees what happens in them and may be paid for it, but say nothing about its policy.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::gae::{Trace, gae};
use crate::AgentError;

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
    /// Whether there was anything to choose, `[B]`; empty if there is in every step. Where there was not, the action is
    /// of no meaning.
    pub acting: Vec<bool>,
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

/// Whole sequences of some rows; the steps of a row one after the other where there is one axis for both. What the network
/// sees lies on its device, what its answers are judged by on the host.
#[derive(Debug, Clone)]
pub struct Batch {
    /// `[b, T, O]`.
    pub observation: Tensor<3>,
    /// `[b, T]`.
    pub starts: Tensor<2, Bool>,
    /// `[b, N]`.
    pub memory: Tensor<2>,
    /// Allowed choices, `[b·T, A]`; empty if all are.
    pub mask: Vec<u8>,
    /// `[b·T, action_width]`.
    pub action: Vec<f32>,
    /// ln π_old(a), `[b·T]`.
    pub log_prob: Vec<f32>,
    /// V_old, `[b·T]`.
    pub value: Vec<f32>,
    /// A, of mean 0 and standard deviation 1 over the steps in which there was something to choose, `[b·T]`.
    pub advantage: Vec<f32>,
    /// R, `[b·T]`.
    pub target: Vec<f32>,
    /// Whether there was anything to choose, `[b·T]`; empty if there was in every step.
    pub acting: Vec<bool>,
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

    /// Puts in the next step of the rows from `first` on, with the rewards that it brought.
    pub fn put(&mut self, first: usize, step: &Step, reward: &[f32]) {
        let place = Place {
            rows: self.rows,
            steps: self.steps,
            first,
            count: reward.len(),
            at: self.filled,
        };
        let own = &mut self.fields;
        place.put(&mut own.observation, &step.observation);
        place.put(&mut own.starts, &step.starts);
        place.put(&mut own.mask, &step.mask);
        place.put(&mut own.action, &step.action);
        place.put(&mut own.log_prob, &step.log_prob);
        place.put(&mut own.value, &step.value);
        place.put(&mut own.acting, &step.acting);
        place.put(&mut self.reward, reward);
    }

    /// Counts the step that has been put in for all rows.
    pub fn advance(&mut self) {
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
        let of_rows = |field: &[f32]| gather(field, rows, self.rows);
        let width = own.observation.len() / (self.rows * steps);
        let memory_width = self.memory.len() / self.rows;
        let acting = gather(&own.acting, rows, self.rows);
        Batch {
            observation: tensor(of_rows(&own.observation), [b, steps, width], device),
            starts: flags(gather(&own.starts, rows, self.rows), [b, steps], device),
            memory: tensor(of_rows(&self.memory), [b, memory_width], device),
            mask: gather(&own.mask, rows, self.rows),
            action: of_rows(&own.action),
            log_prob: of_rows(&own.log_prob),
            value: of_rows(&own.value),
            advantage: normalised(of_rows(&estimates.advantage), &acting),
            target: of_rows(&estimates.target),
            acting,
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

/// The values of a tensor.
///
/// # Errors
/// [`AgentError::Failed`] if the device does not give them back.
pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, AgentError> {
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| AgentError::Failed {
            agent: "ppo".into(),
            reason: format!("the device does not give back what it computed: {error}"),
        })
}

/// Where a step of some rows stands in `[B, T, …]`.
struct Place {
    /// B.
    rows: usize,
    /// T.
    steps: usize,
    /// The first of the rows.
    first: usize,
    /// How many they are.
    count: usize,
    /// The step.
    at: usize,
}

impl Place {
    /// Puts `[count, …]` at its place in `[B, T, …]`, which is made when the first comes.
    fn put<T: Copy + Default>(&self, field: &mut Vec<T>, step: &[T]) {
        let width = step.len() / self.count;
        field.resize(width * self.rows * self.steps, T::default());
        if width == 0 {
            return;
        }
        for (row, values) in step.chunks(width).enumerate() {
            let place = (self.first + row) * self.steps + self.at;
            field[place * width..][..width].copy_from_slice(values);
        }
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

/// (x − mean) / (standard deviation + 10⁻⁸), with both taken over the steps that `counts` holds; over all if it is empty.
fn normalised(mut x: Vec<f32>, counts: &[bool]) -> Vec<f32> {
    let counted = |i: &usize| counts.get(*i) != Some(&false);
    let n = (0..x.len()).filter(counted).count().max(1) as f64;
    let values = || (0..x.len()).filter(counted).map(|i| f64::from(x[i]));
    let mean = values().sum::<f64>() / n;
    let variance = values().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    let scale = 1.0 / (variance.sqrt() + 1e-8);
    x.iter_mut()
        .for_each(|x| *x = ((f64::from(*x) - mean) * scale) as f32);
    x
}
