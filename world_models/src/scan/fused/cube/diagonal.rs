//! x_t = k_t λ∘x_{t−1} + b_t, and its reverse. With gradients g = ∂ℓ/∂Re + i ∂ℓ/∂Im:
//! ĝ_t = g_t + k_{t+1} λ̄∘ĝ_{t+1}; ∂b_t = ĝ_t; ∂λ = Σ k_t ĝ_t∘x̄_{t−1}; ∂x_0 = k_1 λ̄∘ĝ_1 (bars are conjugates).

use burn_cubecl::{CubeBackend, kernel::into_contiguous, tensor::CubeTensor};
use cubecl::prelude::*;

use super::{DiagonalSaved, Dims, arg, blank, dims, sum, threads, zeros};

/// All states, `[B, T, 2N]`.
pub(super) fn forward(
    transition: CubeTensor,
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
    let [transition, input, keep, state] = [transition, input, keep, state].map(into_contiguous);
    let states = blank(&input, shape);
    let (cubes, units) = threads(&input.client, batch * width / 2);
    walk::launch(
        &input.client,
        cubes,
        units,
        arg(&transition),
        arg(&input),
        arg(&keep),
        arg(&state),
        arg(&states),
        batch,
        steps,
        width / 2,
    );
    states
}

#[cube(launch)]
fn walk(
    transition: &[f32],
    input: &[f32],
    keep: &[f32],
    state: &[f32],
    states: &mut [f32],
    batch: usize,
    steps: usize,
    half: usize,
) {
    if ABSOLUTE_POS >= batch * half {
        terminate!();
    }
    let row = ABSOLUTE_POS / half;
    let channel = ABSOLUTE_POS % half;
    let a_re = transition[channel];
    let a_im = transition[half + channel];
    let mut re = state[row * 2 * half + channel];
    let mut im = state[row * 2 * half + half + channel];
    for t in 0..steps {
        let at = (row * steps + t) * 2 * half + channel;
        let mut now_re = input[at];
        let mut now_im = input[at + half];
        if keep[row * steps + t] != 0.0f32 {
            now_re += a_re * re - a_im * im;
            now_im += a_re * im + a_im * re;
        }
        re = now_re;
        im = now_im;
        states[at] = re;
        states[at + half] = im;
    }
}

/// Gradients of transition, input and state; `grad` is that of the states.
pub(super) fn backward(saved: DiagonalSaved<CubeBackend>, grad: CubeTensor) -> [CubeTensor; 3] {
    let Dims {
        batch,
        steps,
        width,
    } = dims(&grad);
    if batch * width == 0 {
        return [
            zeros(&grad, [width]),
            zeros(&grad, [batch, steps, width]),
            zeros(&grad, [batch, width]),
        ];
    }
    let DiagonalSaved {
        transition,
        keep,
        state,
        states,
    } = saved;
    let [transition, keep, state, states, grad] =
        [transition, keep, state, states, grad].map(into_contiguous);
    let parts = blank(&grad, [batch, width]);
    let to_input = blank(&grad, [batch, steps, width]);
    let to_state = blank(&grad, [batch, width]);
    let (cubes, units) = threads(&grad.client, batch * width / 2);
    walk_back::launch(
        &grad.client,
        cubes,
        units,
        arg(&transition),
        arg(&keep),
        arg(&state),
        arg(&states),
        arg(&grad),
        arg(&parts),
        arg(&to_input),
        arg(&to_state),
        batch,
        steps,
        width / 2,
    );
    let to_transition = sum(&parts, [1, batch, width], [width]);
    [to_transition, to_input, to_state]
}

#[cube(launch)]
fn walk_back(
    transition: &[f32],
    keep: &[f32],
    state: &[f32],
    states: &[f32],
    grad: &[f32],
    to_transition: &mut [f32],
    to_input: &mut [f32],
    to_state: &mut [f32],
    batch: usize,
    steps: usize,
    half: usize,
) {
    if ABSOLUTE_POS >= batch * half {
        terminate!();
    }
    let row = ABSOLUTE_POS / half;
    let channel = ABSOLUTE_POS % half;
    let width = 2 * half;
    let a_re = transition[channel];
    let a_im = transition[half + channel];
    // What comes from the step after, k λ̄∘ĝ.
    let mut back_re = 0.0f32;
    let mut back_im = 0.0f32;
    let mut sum_re = 0.0f32;
    let mut sum_im = 0.0f32;
    for i in 0..steps {
        let t = steps - 1 - i;
        let at = (row * steps + t) * width + channel;
        let g_re = grad[at] + back_re;
        let g_im = grad[at + half] + back_im;
        to_input[at] = g_re;
        to_input[at + half] = g_im;
        back_re = 0.0f32;
        back_im = 0.0f32;
        if keep[row * steps + t] != 0.0f32 {
            let mut x_re = state[row * width + channel];
            let mut x_im = state[row * width + half + channel];
            if t > 0 {
                x_re = states[at - width];
                x_im = states[at - width + half];
            }
            sum_re += g_re * x_re + g_im * x_im;
            sum_im += g_im * x_re - g_re * x_im;
            back_re = a_re * g_re + a_im * g_im;
            back_im = a_re * g_im - a_im * g_re;
        }
    }
    let at = row * width + channel;
    to_state[at] = back_re;
    to_state[at + half] = back_im;
    to_transition[at] = sum_re;
    to_transition[at + half] = sum_im;
}
