//! h_t = k_t f_t∘h_{t−1} + b_t, and its reverse: ĝ_t = g_t + k_{t+1} f_{t+1}∘ĝ_{t+1}; ∂b_t = ĝ_t;
//! ∂f_t = k_t ĝ_t∘h_{t−1}; ∂h_0 = k_1 f_1∘ĝ_1.

use burn_cubecl::{CubeBackend, kernel::into_contiguous, tensor::CubeTensor};
use cubecl::prelude::*;

use super::{DiagonalSaved, Dims, arg, blank, dims, threads, zeros};

/// All states, `[B, T, N]`.
pub(super) fn forward(
    decay: CubeTensor,
    input: CubeTensor,
    keep: CubeTensor,
    state: CubeTensor,
) -> CubeTensor {
    let Dims {
        batch,
        steps,
        width,
    } = dims(&input);
    let shape = [batch, steps, width];
    if batch * width == 0 {
        return zeros(&input, shape);
    }
    let [decay, input, keep, state] = [decay, input, keep, state].map(into_contiguous);
    let states = blank(&input, shape);
    let (cubes, units) = threads(&input.client, batch * width);
    walk::launch(
        &input.client,
        cubes,
        units,
        arg(&decay),
        arg(&input),
        arg(&keep),
        arg(&state),
        arg(&states),
        batch,
        steps,
        width,
    );
    states
}

#[cube(launch)]
fn walk(
    decay: &[f32],
    input: &[f32],
    keep: &[f32],
    state: &[f32],
    states: &mut [f32],
    batch: usize,
    steps: usize,
    width: usize,
) {
    if ABSOLUTE_POS >= batch * width {
        terminate!();
    }
    let row = ABSOLUTE_POS / width;
    let channel = ABSOLUTE_POS % width;
    let mut h = state[ABSOLUTE_POS];
    for t in 0..steps {
        let at = (row * steps + t) * width + channel;
        let mut now = input[at];
        if keep[row * steps + t] != 0.0f32 {
            now += decay[at] * h;
        }
        h = now;
        states[at] = h;
    }
}

/// Gradients of decay, input and state; `grad` is that of the states.
pub(super) fn backward(saved: DiagonalSaved<CubeBackend>, grad: CubeTensor) -> [CubeTensor; 3] {
    let Dims {
        batch,
        steps,
        width,
    } = dims(&grad);
    let shape = [batch, steps, width];
    if batch * width == 0 {
        return [
            zeros(&grad, shape),
            zeros(&grad, shape),
            zeros(&grad, [batch, width]),
        ];
    }
    let DiagonalSaved {
        transition: decay,
        keep,
        state,
        states,
    } = saved;
    let [decay, keep, state, states, grad] =
        [decay, keep, state, states, grad].map(into_contiguous);
    let to_decay = blank(&grad, shape);
    let to_input = blank(&grad, shape);
    let to_state = blank(&grad, [batch, width]);
    let (cubes, units) = threads(&grad.client, batch * width);
    walk_back::launch(
        &grad.client,
        cubes,
        units,
        arg(&decay),
        arg(&keep),
        arg(&state),
        arg(&states),
        arg(&grad),
        arg(&to_decay),
        arg(&to_input),
        arg(&to_state),
        batch,
        steps,
        width,
    );
    [to_decay, to_input, to_state]
}

#[cube(launch)]
fn walk_back(
    decay: &[f32],
    keep: &[f32],
    state: &[f32],
    states: &[f32],
    grad: &[f32],
    to_decay: &mut [f32],
    to_input: &mut [f32],
    to_state: &mut [f32],
    batch: usize,
    steps: usize,
    width: usize,
) {
    if ABSOLUTE_POS >= batch * width {
        terminate!();
    }
    let row = ABSOLUTE_POS / width;
    let channel = ABSOLUTE_POS % width;
    // What comes from the step after, k f∘ĝ.
    let mut back = 0.0f32;
    for i in 0..steps {
        let t = steps - 1 - i;
        let at = (row * steps + t) * width + channel;
        let g = grad[at] + back;
        to_input[at] = g;
        back = 0.0f32;
        let mut slope = 0.0f32;
        if keep[row * steps + t] != 0.0f32 {
            let mut before = state[ABSOLUTE_POS];
            if t > 0 {
                before = states[at - width];
            }
            slope = g * before;
            back = decay[at] * g;
        }
        to_decay[at] = slope;
    }
    to_state[ABSOLUTE_POS] = back;
}
