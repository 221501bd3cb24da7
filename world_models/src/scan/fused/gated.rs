//! h_t = k_t f_t∘h_{t−1} + b_t, and its reverse: ĝ_t = g_t + k_{t+1} f_{t+1}∘ĝ_{t+1}; ∂b_t = ĝ_t;
//! ∂f_t = k_t ĝ_t∘h_{t−1}; ∂h_0 = k_1 f_1∘ĝ_1.

use multiversion::multiversion;
use rayon::prelude::*;

use super::rows::{Dims, cut, runs};

/// Gradients of the inputs.
pub(super) struct Grads {
    pub(super) decay: Vec<f32>,
    pub(super) input: Vec<f32>,
    pub(super) state: Vec<f32>,
}

struct Block<'a> {
    row: usize,
    start: usize,
    steps: Vec<&'a mut [f32]>,
}

fn blocks(values: &mut [f32], dims: Dims) -> Vec<Block<'_>> {
    let runs = runs(dims.batch, dims.width);
    let mut blocks = Vec::with_capacity(dims.batch * runs.len());
    for (row, values) in values.chunks_exact_mut(dims.steps * dims.width).enumerate() {
        for (run, steps) in runs.iter().zip(cut(values, dims.width, &runs)) {
            blocks.push(Block {
                row,
                start: run.start,
                steps,
            });
        }
    }
    blocks
}

/// All states, `[B, T, N]`.
pub(super) fn forward(
    dims: Dims,
    decay: &[f32],
    input: &[f32],
    keep: &[f32],
    state: &[f32],
) -> Vec<f32> {
    let mut states = input.to_vec();
    if dims.width == 0 {
        return states;
    }
    let row = dims.steps * dims.width;
    blocks(&mut states, dims)
        .into_par_iter()
        .for_each(|mut block| {
            let state = &state[block.row * dims.width..][..dims.width];
            walk(
                &decay[block.row * row..][..row],
                &keep[block.row * dims.steps..][..dims.steps],
                &state[block.start..],
                block.start,
                dims.width,
                &mut block.steps,
            );
        });
    states
}

/// Turns the inputs in `steps` into states.
#[multiversion(targets("x86_64+avx2"))]
fn walk(
    decay: &[f32],
    keep: &[f32],
    state: &[f32],
    start: usize,
    width: usize,
    steps: &mut [&mut [f32]],
) {
    for t in 0..keep.len() {
        if keep[t] == 0.0 {
            continue;
        }
        let (past, now) = steps.split_at_mut(t);
        let now = &mut *now[0];
        let n = now.len();
        let previous = past.last().map_or(state, |last| &**last);
        let previous = &previous[..n];
        let decay = &decay[t * width + start..][..n];
        for j in 0..n {
            now[j] += decay[j] * previous[j];
        }
    }
}

/// Gradients of decay, input and state; `grad` is that of the states.
pub(super) fn backward(
    dims: Dims,
    decay: &[f32],
    keep: &[f32],
    state: &[f32],
    states: &[f32],
    grad: &[f32],
) -> Grads {
    let mut input = grad.to_vec();
    let mut grads = Grads {
        decay: vec![0.0; grad.len()],
        input: Vec::new(),
        state: vec![0.0; dims.batch * dims.width],
    };
    if dims.width == 0 {
        grads.input = input;
        return grads;
    }
    let row = dims.steps * dims.width;
    let parts: Vec<_> = blocks(&mut input, dims)
        .into_par_iter()
        .zip(blocks(&mut grads.decay, dims))
        .map(|(mut block, mut to)| {
            let mut part = vec![0.0; block.steps[0].len()];
            walk_back(
                &decay[block.row * row..][..row],
                &keep[block.row * dims.steps..][..dims.steps],
                &state[block.row * dims.width..][..dims.width],
                &states[block.row * row..][..row],
                block.start,
                &mut block.steps,
                &mut to.steps,
                &mut part,
            );
            (block.row * dims.width + block.start, part)
        })
        .collect();
    for (at, part) in parts {
        grads.state[at..at + part.len()].copy_from_slice(&part);
    }
    grads.input = input;
    grads
}

/// Turns the gradients of the states in `steps` into those of the inputs, and fills those of decay and state.
#[multiversion(targets("x86_64+avx2"))]
#[allow(clippy::too_many_arguments, reason = "slices of one loop")]
fn walk_back(
    decay: &[f32],
    keep: &[f32],
    state: &[f32],
    states: &[f32],
    start: usize,
    steps: &mut [&mut [f32]],
    to_decay: &mut [&mut [f32]],
    to_state: &mut [f32],
) {
    let (width, n) = (state.len(), to_state.len());
    for t in (0..keep.len()).rev() {
        let (until, after) = steps.split_at_mut(t + 1);
        let now = &mut until[t][..n];
        if let Some(next) = after.first()
            && keep[t + 1] != 0.0
        {
            let next = &next[..n];
            let decay = &decay[(t + 1) * width + start..][..n];
            for j in 0..n {
                now[j] += decay[j] * next[j];
            }
        }
        if keep[t] == 0.0 {
            continue;
        }
        let previous = if t == 0 {
            state
        } else {
            &states[(t - 1) * width..t * width]
        };
        let previous = &previous[start..][..n];
        let to = &mut to_decay[t][..n];
        for j in 0..n {
            to[j] = now[j] * previous[j];
        }
    }
    if keep[0] != 0.0 {
        let (decay, now) = (&decay[start..][..n], &steps[0][..n]);
        for j in 0..n {
            to_state[j] = decay[j] * now[j];
        }
    }
}
