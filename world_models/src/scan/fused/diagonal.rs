//! x_t = k_t λ∘x_{t−1} + b_t, and its reverse. With gradients g = ∂ℓ/∂Re + i ∂ℓ/∂Im:
//! ĝ_t = g_t + k_{t+1} λ̄∘ĝ_{t+1}; ∂b_t = ĝ_t; ∂λ = Σ k_t ĝ_t∘x̄_{t−1}; ∂x_0 = k_1 λ̄∘ĝ_1 (bars are conjugates).

use multiversion::multiversion;
use rayon::prelude::*;

use super::rows::{Dims, cut, runs};

/// Gradients of transition and state.
pub(super) struct Grads {
    pub(super) transition: Vec<f32>,
    pub(super) state: Vec<f32>,
}

/// Channels `start..start + len` of one row, real and imaginary parts at every step.
struct Block<'a> {
    row: usize,
    start: usize,
    re: Vec<&'a mut [f32]>,
    im: Vec<&'a mut [f32]>,
}

/// Numbers that are worth handing to threads, which takes as long as a short sequence.
const TASK: usize = 1 << 15;

fn worth_threads(numbers: usize) -> bool {
    numbers > TASK && rayon::current_num_threads() > 1
}

fn blocks(values: &mut [f32], dims: Dims) -> Vec<Block<'_>> {
    let half = dims.width / 2;
    let runs = runs(dims.batch, half);
    let cuts: Vec<_> = runs.iter().chain(&runs).cloned().collect();
    let mut blocks = Vec::with_capacity(dims.batch * runs.len());
    for (row, values) in values.chunks_exact_mut(dims.steps * dims.width).enumerate() {
        let mut real = cut(values, dims.width, &cuts);
        let imaginary = real.split_off(runs.len());
        for ((run, re), im) in runs.iter().zip(real).zip(imaginary) {
            blocks.push(Block {
                row,
                start: run.start,
                re,
                im,
            });
        }
    }
    blocks
}

/// Turns the inputs, `[B, T, 2N]`, into all states.
pub(super) fn forward(
    dims: Dims,
    transition: &[f32],
    values: &mut [f32],
    keep: &[f32],
    state: &[f32],
) {
    if dims.width == 0 {
        return;
    }
    let (lambda_re, lambda_im) = transition.split_at(dims.width / 2);
    if dims.steps == 1 {
        step([lambda_re, lambda_im], values, keep, state);
        return;
    }
    let shared = worth_threads(values.len());
    let run = |mut block: Block<'_>| {
        let keep = &keep[block.row * dims.steps..][..dims.steps];
        let state = &state[block.row * dims.width..][..dims.width];
        let (re, im) = state.split_at(dims.width / 2);
        let run = block.start..block.start + block.re[0].len();
        walk(
            [&lambda_re[run.clone()], &lambda_im[run.clone()]],
            keep,
            [&re[run.clone()], &im[run]],
            &mut block.re,
            &mut block.im,
        );
    };
    let blocks = blocks(values, dims);
    if shared {
        blocks.into_par_iter().for_each(run);
    } else {
        blocks.into_iter().for_each(run);
    }
}

/// Turns the inputs of a single step, `[B, 2N]`, into states.
#[multiversion(targets("x86_64+avx2"))]
fn step(lambda: [&[f32]; 2], values: &mut [f32], keep: &[f32], state: &[f32]) {
    let half = lambda[0].len();
    let rows = values
        .chunks_exact_mut(2 * half)
        .zip(state.chunks_exact(2 * half));
    for ((now, before), _) in rows.zip(keep).filter(|(_, keep)| **keep != 0.0) {
        let (now_re, now_im) = now.split_at_mut(half);
        let (re, im) = before.split_at(half);
        turn(lambda, [re, im], now_re, now_im);
    }
}

/// Turns the inputs in `re` and `im` into states.
#[multiversion(targets("x86_64+avx2"))]
fn walk(
    lambda: [&[f32]; 2],
    keep: &[f32],
    state: [&[f32]; 2],
    re: &mut [&mut [f32]],
    im: &mut [&mut [f32]],
) {
    for (t, keep) in keep.iter().enumerate() {
        if *keep == 0.0 {
            continue;
        }
        let (past_re, now_re) = re.split_at_mut(t);
        let (past_im, now_im) = im.split_at_mut(t);
        let previous = match (past_re.last(), past_im.last()) {
            (Some(re), Some(im)) => [&**re, &**im],
            _ => state,
        };
        turn(lambda, previous, now_re[0], now_im[0]);
    }
}

/// `now += λ∘previous`.
#[inline(always)]
fn turn(lambda: [&[f32]; 2], previous: [&[f32]; 2], now_re: &mut [f32], now_im: &mut [f32]) {
    let n = now_re.len();
    let (a_re, a_im) = (&lambda[0][..n], &lambda[1][..n]);
    let (x_re, x_im) = (&previous[0][..n], &previous[1][..n]);
    let now_im = &mut now_im[..n];
    for j in 0..n {
        now_re[j] += a_re[j] * x_re[j] - a_im[j] * x_im[j];
        now_im[j] += a_re[j] * x_im[j] + a_im[j] * x_re[j];
    }
}

/// Turns the gradient of the states, in `grad`, into that of the inputs; gives back those of transition and state.
pub(super) fn backward(
    dims: Dims,
    transition: &[f32],
    keep: &[f32],
    state: &[f32],
    states: &[f32],
    grad: &mut [f32],
) -> Grads {
    let half = dims.width / 2;
    let mut grads = Grads {
        transition: vec![0.0; dims.width],
        state: vec![0.0; dims.batch * dims.width],
    };
    if dims.width == 0 {
        return grads;
    }
    let (lambda_re, lambda_im) = transition.split_at(half);
    let shared = worth_threads(grad.len());
    let run = |mut block: Block<'_>| {
        let n = block.re[0].len();
        let row = block.row;
        let mut part = Part::new(row, block.start, n);
        walk_back(
            [
                &lambda_re[block.start..][..n],
                &lambda_im[block.start..][..n],
            ],
            &keep[row * dims.steps..][..dims.steps],
            &state[row * dims.width..][..dims.width],
            &states[row * dims.steps * dims.width..][..dims.steps * dims.width],
            &mut block.re,
            &mut block.im,
            &mut part,
        );
        part
    };
    let blocks = blocks(grad, dims);
    let parts: Vec<_> = if shared {
        blocks.into_par_iter().map(run).collect()
    } else {
        blocks.into_iter().map(run).collect()
    };
    // Rows are added in their order, so the sums do not depend on the number of threads.
    for part in parts {
        for j in 0..part.lambda_re.len() {
            let channel = part.start + j;
            grads.transition[channel] += part.lambda_re[j];
            grads.transition[half + channel] += part.lambda_im[j];
            let state = &mut grads.state[part.row * dims.width..][..dims.width];
            state[channel] = part.state_re[j];
            state[half + channel] = part.state_im[j];
        }
    }
    grads
}

/// What a block adds to the gradients of transition and state.
struct Part {
    row: usize,
    start: usize,
    lambda_re: Vec<f32>,
    lambda_im: Vec<f32>,
    state_re: Vec<f32>,
    state_im: Vec<f32>,
}

impl Part {
    fn new(row: usize, start: usize, n: usize) -> Self {
        Self {
            row,
            start,
            lambda_re: vec![0.0; n],
            lambda_im: vec![0.0; n],
            state_re: vec![0.0; n],
            state_im: vec![0.0; n],
        }
    }
}

/// Turns the gradients of the states in `re` and `im` into those of the inputs.
#[multiversion(targets("x86_64+avx2"))]
fn walk_back(
    lambda: [&[f32]; 2],
    keep: &[f32],
    state: &[f32],
    states: &[f32],
    re: &mut [&mut [f32]],
    im: &mut [&mut [f32]],
    part: &mut Part,
) {
    let width = state.len();
    let (half, n) = (width / 2, part.lambda_re.len());
    let conjugate = |g_re: &[f32], g_im: &[f32], to_re: &mut [f32], to_im: &mut [f32]| {
        let (a_re, a_im) = (&lambda[0][..n], &lambda[1][..n]);
        let (g_re, g_im) = (&g_re[..n], &g_im[..n]);
        let (to_re, to_im) = (&mut to_re[..n], &mut to_im[..n]);
        for j in 0..n {
            to_re[j] += a_re[j] * g_re[j] + a_im[j] * g_im[j];
            to_im[j] += a_re[j] * g_im[j] - a_im[j] * g_re[j];
        }
    };
    for t in (0..keep.len()).rev() {
        let (until_re, after_re) = re.split_at_mut(t + 1);
        let (until_im, after_im) = im.split_at_mut(t + 1);
        if let (Some(next_re), Some(next_im)) = (after_re.first(), after_im.first())
            && keep[t + 1] != 0.0
        {
            conjugate(next_re, next_im, until_re[t], until_im[t]);
        }
        if keep[t] == 0.0 {
            continue;
        }
        let previous = if t == 0 {
            state
        } else {
            &states[(t - 1) * width..t * width]
        };
        let x_re = &previous[part.start..][..n];
        let x_im = &previous[half + part.start..][..n];
        let (g_re, g_im) = (&until_re[t][..n], &until_im[t][..n]);
        let (sum_re, sum_im) = (&mut part.lambda_re[..n], &mut part.lambda_im[..n]);
        for j in 0..n {
            sum_re[j] += g_re[j] * x_re[j] + g_im[j] * x_im[j];
            sum_im[j] += g_im[j] * x_re[j] - g_re[j] * x_im[j];
        }
    }
    if keep[0] != 0.0 {
        conjugate(re[0], im[0], &mut part.state_re, &mut part.state_im);
    }
}
