//! The recurrence of gated networks as one operation on Burn's CPU device, with the closed reverse of backpropagation
//! through time: what autodiff would record for every step is a few buffers instead.
//!
//! GRU and LSTM differ in their gates alone ([`Cell`]); the loop over time, the products with the recurrent map U and
//! their reverse are shared. Inputs have met their map before: `drive` is W u + b for all steps.

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        ops::FloatTensorOps,
        tensor::FloatTensor,
    },
    tensor::{Bytes, DType, Shape, Tensor},
};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;

use super::gates;

/// Numbers of a task; fewer are not worth a thread.
const TASK: usize = 1 << 13;

/// Whose gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// r, z, n; remembers h.
    Gru,
    /// i, f, g, o; remembers (h | c).
    Lstm,
}

impl Cell {
    /// Rows of U.
    pub(super) fn gates(self) -> usize {
        match self {
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }

    /// Vectors that are remembered.
    pub(super) fn memories(self) -> usize {
        match self {
            Self::Gru => 1,
            Self::Lstm => 2,
        }
    }
}

/// Vectors that the reverse needs of every step: the LSTM's four gates; the GRU's three, and U_n h + c_n.
const KEPT: usize = 4;

/// All states `[B, T, S]` from `drive` `[B, T, G·D]`, U transposed `[D, G·D]`, the bias of the candidate's recurrent map
/// `[D]` (which the LSTM has not), `keep` `[B, T]`, 0 where an episode begins and else 1, and the state before, `[B, S]`.
#[backend_extension(Autodiff, Flex)]
pub(crate) trait RecurrenceBackend: Backend {
    /// The recurrence.
    fn recurrence(
        drive: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        state: FloatTensor<Self>,
        cell: Cell,
    ) -> FloatTensor<Self>;
}

/// What the reverse needs.
#[derive(Debug, Clone)]
pub(crate) struct Saved<B: Backend> {
    recurrent: FloatTensor<B>,
    keep: FloatTensor<B>,
    state: FloatTensor<B>,
    states: FloatTensor<B>,
    /// `[T, B, K·D]`.
    kept: FloatTensor<B>,
    cell: Cell,
}

/// A device that can run the recurrence and its reverse.
pub(crate) trait RecurrenceKernels: RecurrenceBackend {
    /// The states, and what the reverse needs of every step.
    fn recurrence_forward(
        drive: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        state: FloatTensor<Self>,
        cell: Cell,
    ) -> [FloatTensor<Self>; 2];

    /// Gradients of drive, recurrent map, bias and state, given that of the states.
    fn recurrence_backward(saved: Saved<Self>, grad: FloatTensor<Self>) -> [FloatTensor<Self>; 4];
}

/// The operation on tensors; the device must run fused forms ([`crate::scan::runs_fused`]).
pub(super) fn recurrence(
    drive: Tensor<3>,
    recurrent: Tensor<2>,
    bias: Tensor<1>,
    keep: Tensor<2>,
    state: Tensor<2>,
    cell: Cell,
) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as RecurrenceBackend>::recurrence(
        drive.into_dispatch(),
        recurrent.into_dispatch(),
        bias.into_dispatch(),
        keep.into_dispatch(),
        state.into_dispatch(),
        cell,
    ))
}

#[derive(Debug)]
struct Reverse;

impl<B: RecurrenceKernels> Backward<B, 4> for Reverse {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let parts = B::recurrence_backward(ops.state, grad);
        for (parent, part) in ops.parents.into_iter().zip(parts) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, part);
            }
        }
    }
}

impl<B: RecurrenceKernels, C: CheckpointStrategy> RecurrenceBackend for Autodiff<B, C> {
    fn recurrence(
        drive: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        state: FloatTensor<Self>,
        cell: Cell,
    ) -> FloatTensor<Self> {
        let nodes = [drive.node(), recurrent.node(), bias.node(), state.node()];
        let (recurrent, keep) = (recurrent.into_primitive(), keep.into_primitive());
        let state = state.into_primitive();
        let [states, kept] = B::recurrence_forward(
            drive.into_primitive(),
            recurrent.clone(),
            bias.into_primitive(),
            keep.clone(),
            state.clone(),
            cell,
        );
        match Reverse.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let saved = Saved {
                    recurrent,
                    keep,
                    state,
                    states: states.clone(),
                    kept,
                    cell,
                };
                prep.finish(saved, states)
            }
            OpsKind::UnTracked(prep) => prep.finish(states),
        }
    }
}

fn wrap<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::from(shape));
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

/// The elements in order. `f32` is checked before the operation is chosen.
macro_rules! slices {
    ($($name:ident),*) => {
        $(
            let $name = $name.to_contiguous();
            let $name: &[f32] = &$name.storage::<f32>()[..$name.layout().shape().num_elements()];
        )*
    };
}

/// `[rows, inner] · [inner, columns]`.
fn product(a: Vec<f32>, rows: usize, b: &FlexTensor) -> FlexTensor {
    let inner = a.len() / rows.max(1);
    Flex::float_matmul(wrap(a, [rows, inner]), b.clone()).to_contiguous()
}

/// Rows that make up a task.
fn task_rows(width: usize) -> usize {
    TASK.div_ceil(width.max(1))
}

impl RecurrenceBackend for Flex {
    fn recurrence(
        drive: FlexTensor,
        recurrent: FlexTensor,
        bias: FlexTensor,
        keep: FlexTensor,
        state: FlexTensor,
        cell: Cell,
    ) -> FlexTensor {
        let [states, _] = Self::recurrence_forward(drive, recurrent, bias, keep, state, cell);
        states
    }
}

impl RecurrenceKernels for Flex {
    fn recurrence_forward(
        drive: FlexTensor,
        recurrent: FlexTensor,
        bias: FlexTensor,
        keep: FlexTensor,
        state: FlexTensor,
        cell: Cell,
    ) -> [FlexTensor; 2] {
        let shape = drive.layout().shape().clone();
        let (batch, steps, gates) = (shape[0], shape[1], shape[2]);
        let width = gates / cell.gates();
        let (memory, kept_width) = (cell.memories() * width, KEPT * width);
        slices!(drive, bias, keep, state);
        let mut states = vec![0.0; batch * steps * memory];
        let mut kept = vec![0.0; steps * batch * kept_width];
        // (h | c) of all rows, as they go into a step.
        let mut now = state.to_vec();
        let mut h = vec![0.0; batch * width];
        for t in 0..steps {
            for (row, now) in now.chunks_exact_mut(memory).enumerate() {
                if keep[row * steps + t] == 0.0 {
                    now.fill(0.0);
                }
                h[row * width..][..width].copy_from_slice(&now[..width]);
            }
            let met = product(h.clone(), batch, &recurrent);
            let met = &met.storage::<f32>()[..batch * gates];
            let rows = task_rows(width);
            now.par_chunks_mut(rows * memory)
                .zip(
                    kept[t * batch * kept_width..][..batch * kept_width]
                        .par_chunks_mut(rows * kept_width),
                )
                .enumerate()
                .for_each(|(task, (now, kept))| {
                    let each = now
                        .chunks_exact_mut(memory)
                        .zip(kept.chunks_exact_mut(kept_width));
                    for (row, (now, kept)) in (task * rows..).zip(each) {
                        let drive = &drive[(row * steps + t) * gates..][..gates];
                        let met = &met[row * gates..][..gates];
                        gates::forward(cell, drive, met, bias, now, kept);
                    }
                });
            for (row, now) in now.chunks_exact(memory).enumerate() {
                states[(row * steps + t) * memory..][..memory].copy_from_slice(now);
            }
        }
        [
            wrap(states, [batch, steps, memory]),
            wrap(kept, [steps, batch, kept_width]),
        ]
    }

    fn recurrence_backward(saved: Saved<Self>, grad: FlexTensor) -> [FlexTensor; 4] {
        let Saved {
            recurrent,
            keep,
            state,
            states,
            kept,
            cell,
        } = saved;
        let shape = states.layout().shape().clone();
        let (batch, steps, memory) = (shape[0], shape[1], shape[2]);
        let width = memory / cell.memories();
        let (gates, kept_width) = (cell.gates() * width, KEPT * width);
        let back = recurrent.transpose(0, 1).to_contiguous();
        slices!(keep, state, states, kept, grad);
        let mut drive = vec![0.0; batch * steps * gates];
        // Gradients of U h and the h that went in, of all steps and rows.
        let mut met = vec![0.0; steps * batch * gates];
        let mut went_in = vec![0.0; steps * batch * width];
        let mut carried = vec![0.0; batch * memory];
        let mut before = vec![0.0; batch * memory];
        for t in (0..steps).rev() {
            for row in 0..batch {
                let to = &mut before[row * memory..][..memory];
                if keep[row * steps + t] == 0.0 {
                    to.fill(0.0);
                } else if t == 0 {
                    to.copy_from_slice(&state[row * memory..][..memory]);
                } else {
                    to.copy_from_slice(&states[(row * steps + t - 1) * memory..][..memory]);
                }
                went_in[(t * batch + row) * width..][..width].copy_from_slice(&to[..width]);
                let grad = &grad[(row * steps + t) * memory..][..memory];
                let carried = &mut carried[row * memory..][..memory];
                for (carried, grad) in carried.iter_mut().zip(grad) {
                    *carried += grad;
                }
            }
            let of_step = &mut met[t * batch * gates..][..batch * gates];
            let rows = task_rows(width);
            let (kept, states, before) = (&kept[t * batch * kept_width..], states, &before);
            // Gradients of the drive lie as its steps do, so they are written row by row below.
            let mut of_drive = vec![0.0; batch * gates];
            carried
                .par_chunks_mut(rows * memory)
                .zip(of_step.par_chunks_mut(rows * gates))
                .zip(of_drive.par_chunks_mut(rows * gates))
                .enumerate()
                .for_each(|(task, ((carried, met), drive))| {
                    let each = carried
                        .chunks_exact_mut(memory)
                        .zip(met.chunks_exact_mut(gates))
                        .zip(drive.chunks_exact_mut(gates));
                    for (row, ((carried, met), drive)) in (task * rows..).zip(each) {
                        gates::backward(
                            cell,
                            &kept[row * kept_width..][..kept_width],
                            &before[row * memory..][..memory],
                            &states[(row * steps + t) * memory..][..memory],
                            carried,
                            drive,
                            met,
                        );
                    }
                });
            let through = product(of_step.to_vec(), batch, &back);
            let through = &through.storage::<f32>()[..batch * width];
            for row in 0..batch {
                drive[(row * steps + t) * gates..][..gates]
                    .copy_from_slice(&of_drive[row * gates..][..gates]);
                let carried = &mut carried[row * memory..][..memory];
                if keep[row * steps + t] == 0.0 {
                    carried.fill(0.0);
                    continue;
                }
                let through = &through[row * width..][..width];
                for (carried, through) in carried.iter_mut().zip(through) {
                    *carried += through;
                }
            }
        }
        // The GRU's candidate has a bias beside U h, whose gradient is the sum of those.
        let mut bias = vec![0.0; width];
        if cell == Cell::Gru {
            for met in met.chunks_exact(gates) {
                for (bias, met) in bias.iter_mut().zip(&met[2 * width..]) {
                    *bias += met;
                }
            }
        }
        let all = steps * batch;
        let went_in = wrap(went_in, [all, width]).transpose(0, 1).to_contiguous();
        let recurrent = Flex::float_matmul(went_in, wrap(met, [all, gates])).to_contiguous();
        [
            wrap(drive, [batch, steps, gates]),
            recurrent,
            wrap(bias, [width]),
            wrap(carried, [batch, memory]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Bool, Device};
    use palaestra_envs::stream::Stream;
    use serde_json::Value;

    use super::*;
    use crate::{
        SequenceCore, StackConfig,
        testing::{assert_same, noise, random_resets},
    };

    /// Values and gradients are those of steps that autodiff records, with resets and a state before.
    #[test]
    fn the_closed_reverse_is_that_of_single_steps() {
        let device = Device::flex().autodiff();
        let (batch, steps, width) = (3, 7, 12);
        for name in ["gru", "lstm"] {
            let config = StackConfig {
                core: name.into(),
                width,
                layers: 1,
                args: Value::Null,
            };
            let core = config.init(&mut Stream::new(1, 0, name), &device).unwrap();
            let resets = random_resets(batch, steps, 0.2, &device);
            let weights = noise::<3>("weights", [batch, steps, width], &device);
            let run = |whole: bool| {
                let input = noise::<3>("input", [batch, steps, width], &device).require_grad();
                let state = noise::<2>("state", [batch, core.state_width()], &device)
                    .mul_scalar(0.5)
                    .detach()
                    .require_grad();
                let (y, last) = if whole {
                    core.scan(input.clone(), resets.clone(), state.clone())
                        .unwrap()
                } else {
                    let mut now = state.clone();
                    let mut outputs = Vec::new();
                    for t in 0..steps {
                        let u = input.clone().narrow(1, t, 1).reshape([batch, width]);
                        let flag: Tensor<1, Bool> = resets.clone().narrow(1, t, 1).reshape([batch]);
                        let (y, next) = core.step(u, flag, now).unwrap();
                        outputs.push(y);
                        now = next;
                    }
                    (Tensor::stack(outputs, 1), now)
                };
                let loss = (y.clone() * weights.clone()).sum() + last.square().sum();
                let grads = loss.backward();
                let of_parameters = burn::optim::GradientsParams::from_grads(
                    (core
                        .scan(input.clone(), resets.clone(), state.clone())
                        .unwrap()
                        .0
                        * weights.clone())
                    .sum()
                    .backward(),
                    &core,
                );
                assert!(of_parameters.len() >= 3);
                [
                    y.inner().reshape([batch * steps, width]),
                    input.grad(&grads).unwrap().reshape([batch * steps, width]),
                    state.grad(&grads).unwrap(),
                ]
            };
            for (fused, taped) in run(true).iter().zip(&run(false)) {
                assert_same(fused, taped, 1e-5);
            }
        }
    }
}
