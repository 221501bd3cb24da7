//! The gated delta rule. Row i of the memory, s (N numbers), needs nothing of the other rows:
//! s_t = α m + β (v − α m·k) k with m = s_{t−1}, or 0 at a reset; y_t = s_t·q.
//!
//! Reverse, with g the gradient of s_t, e = v − α m·k and w = g·k: ∂q = ∂y s_t; ∂β = e w; ∂v = β w; ∂k = β e g − αβ w m;
//! ∂α = g·m − (m·k) β w; and the gradient of s_{t−1} is α g − αβ w k.
//!
//! Work is divided into rows × runs of [`RUN`] rows of the memory, and parts are added in their order.

use multiversion::multiversion;
use rayon::prelude::*;

use super::rows::{self, Dims, add, dot, place};

/// Rows of the memory in a task.
const RUN: usize = 16;

/// What the scan works on, as slices.
pub(super) struct Inputs<'a> {
    /// `width` is P.
    pub(super) dims: Dims,
    /// N.
    pub(super) keys: usize,
    pub(super) query: &'a [f32],
    pub(super) key: &'a [f32],
    pub(super) value: &'a [f32],
    pub(super) decay: &'a [f32],
    pub(super) write: &'a [f32],
    pub(super) keep: &'a [f32],
    pub(super) state: &'a [f32],
}

/// Gradients of the inputs.
pub(super) struct Grads {
    pub(super) query: Vec<f32>,
    pub(super) key: Vec<f32>,
    pub(super) value: Vec<f32>,
    pub(super) decay: Vec<f32>,
    pub(super) write: Vec<f32>,
    pub(super) state: Vec<f32>,
}

/// One row of one sequence's memory.
struct Channel<'a> {
    query: &'a [f32],
    key: &'a [f32],
    decay: &'a [f32],
    write: &'a [f32],
    keep: &'a [f32],
    state: &'a [f32],
    value: Vec<f32>,
}

impl Inputs<'_> {
    fn channel(&self, row: usize, channel: usize) -> Channel<'_> {
        let Dims { steps, width, .. } = self.dims;
        let n = self.keys;
        let value = &self.value[row * steps * width..][..steps * width];
        Channel {
            query: &self.query[row * steps * n..][..steps * n],
            key: &self.key[row * steps * n..][..steps * n],
            decay: &self.decay[row * steps..][..steps],
            write: &self.write[row * steps..][..steps],
            keep: &self.keep[row * steps..][..steps],
            state: &self.state[(row * width + channel) * n..][..n],
            value: value.iter().skip(channel).step_by(width).copied().collect(),
        }
    }
}

/// Outputs, then the last memory, `[R, T·P + P·N]`.
pub(super) fn forward(inputs: &Inputs<'_>) -> Vec<f32> {
    rows::forward(
        inputs.dims,
        inputs.keys,
        RUN,
        |row, channel, memory, outputs| walk(&inputs.channel(row, channel), memory, outputs),
    )
}

#[multiversion(targets("x86_64+avx2"))]
fn walk(channel: &Channel<'_>, memory: &mut [f32], outputs: &mut [f32]) {
    memory.copy_from_slice(channel.state);
    for (t, output) in outputs.iter_mut().enumerate() {
        *output = step(channel, t, memory);
    }
}

/// Moves `memory` one step on; returns the output.
#[inline(always)]
fn step(channel: &Channel<'_>, t: usize, memory: &mut [f32]) -> f32 {
    let n = memory.len();
    let (query, key) = (&channel.query[t * n..][..n], &channel.key[t * n..][..n]);
    let (beta, value) = (channel.write[t], channel.value[t]);
    if channel.keep[t] == 0.0 {
        for j in 0..n {
            memory[j] = beta * value * key[j];
        }
    } else {
        let alpha = channel.decay[t];
        let change = beta * (value - alpha * dot(memory, key));
        for j in 0..n {
            memory[j] = alpha * memory[j] + change * key[j];
        }
    }
    dot(memory, query)
}

/// What a task adds to the gradients.
struct Part {
    row: usize,
    run: std::ops::Range<usize>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    decay: Vec<f32>,
    write: Vec<f32>,
    state: Vec<f32>,
}

/// Gradients of all inputs; `grad` is that of the packed output.
pub(super) fn backward(inputs: &Inputs<'_>, grad: &[f32]) -> Grads {
    let Dims {
        batch,
        steps,
        width,
    } = inputs.dims;
    let n = inputs.keys;
    let length = steps * width + width * n;
    let parts: Vec<_> = rows::tasks(inputs.dims, RUN)
        .into_par_iter()
        .map(|(row, run)| {
            let grad = &grad[row * length..][..length];
            let mut part = Part {
                row,
                query: vec![0.0; steps * n],
                key: vec![0.0; steps * n],
                value: vec![0.0; run.len() * steps],
                decay: vec![0.0; steps],
                write: vec![0.0; steps],
                state: vec![0.0; run.len() * n],
                run,
            };
            let mut history = vec![0.0; (steps + 1) * n];
            for (at, channel) in part.run.clone().enumerate() {
                let output: Vec<f32> = (0..steps).map(|t| grad[t * width + channel]).collect();
                let mut g = grad[steps * width + channel * n..][..n].to_vec();
                let mut to = ChannelGrads {
                    query: &mut part.query,
                    key: &mut part.key,
                    value: &mut part.value[at * steps..][..steps],
                    decay: &mut part.decay,
                    write: &mut part.write,
                };
                let channel = inputs.channel(row, channel);
                walk_back(&channel, &output, &mut history, &mut g, &mut to);
                part.state[at * n..][..n].copy_from_slice(&g);
            }
            part
        })
        .collect();
    let mut grads = Grads {
        query: vec![0.0; batch * steps * n],
        key: vec![0.0; batch * steps * n],
        value: vec![0.0; batch * steps * width],
        decay: vec![0.0; batch * steps],
        write: vec![0.0; batch * steps],
        state: vec![0.0; batch * width * n],
    };
    for part in parts {
        let (row, run) = (part.row, part.run);
        add(
            &mut grads.query[row * steps * n..][..steps * n],
            &part.query,
        );
        add(&mut grads.key[row * steps * n..][..steps * n], &part.key);
        add(&mut grads.decay[row * steps..][..steps], &part.decay);
        add(&mut grads.write[row * steps..][..steps], &part.write);
        let value = &mut grads.value[row * steps * width..][..steps * width];
        place(value, &part.value, run.clone(), width, steps);
        let at = (row * width + run.start) * n;
        grads.state[at..at + run.len() * n].copy_from_slice(&part.state);
    }
    grads
}

/// Where the gradients of one row of the memory go.
struct ChannelGrads<'a> {
    query: &'a mut [f32],
    key: &'a mut [f32],
    value: &'a mut [f32],
    decay: &'a mut [f32],
    write: &'a mut [f32],
}

/// `g` is the gradient of the last memory, and becomes that of the first.
#[multiversion(targets("x86_64+avx2"))]
fn walk_back(
    channel: &Channel<'_>,
    output: &[f32],
    history: &mut [f32],
    g: &mut [f32],
    to: &mut ChannelGrads<'_>,
) {
    let (n, steps) = (g.len(), output.len());
    history[..n].copy_from_slice(channel.state);
    for t in 0..steps {
        let (before, after) = history[t * n..][..2 * n].split_at_mut(n);
        after.copy_from_slice(before);
        step(channel, t, after);
    }
    for t in (0..steps).rev() {
        let (before, after) = history[t * n..][..2 * n].split_at(n);
        let (query, key) = (&channel.query[t * n..][..n], &channel.key[t * n..][..n]);
        let (alpha, beta) = (channel.decay[t], channel.write[t]);
        let (to_query, to_key) = (&mut to.query[t * n..][..n], &mut to.key[t * n..][..n]);
        for j in 0..n {
            to_query[j] += output[t] * after[j];
            g[j] += output[t] * query[j];
        }
        let w = dot(g, key);
        to.value[t] = beta * w;
        if channel.keep[t] == 0.0 {
            to.write[t] += channel.value[t] * w;
            for j in 0..n {
                to_key[j] += beta * channel.value[t] * g[j];
            }
            g.fill(0.0);
            continue;
        }
        let held = dot(before, key);
        let e = channel.value[t] - alpha * held;
        to.write[t] += e * w;
        to.decay[t] += dot(g, before) - held * beta * w;
        let back = alpha * beta * w;
        for j in 0..n {
            to_key[j] += beta * e * g[j] - back * before[j];
            g[j] = alpha * g[j] - back * key[j];
        }
    }
}
