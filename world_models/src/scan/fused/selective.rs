//! The selective scan, h_t = k_t E_t∘h_{t−1} + Δ_t u_t b_t with E_t = exp(Δ_t a), y_t = c_t·h_t, and its reverse:
//! ĝ_t = ∂y_t c_t + k_{t+1} E_{t+1}∘ĝ_{t+1}; ∂c_t = Σ_e ∂y_t h_t; ∂b_t = Σ_e ĝ_t Δ_t u_t; ∂u_t = Δ_t ĝ_t·b_t;
//! ∂Δ_t = u_t ĝ_t·b_t + Σ_n ĝ_t k_t h_{t−1} E_t a; ∂a = Σ_t ĝ_t k_t h_{t−1} E_t Δ_t; ∂h_0 = k_1 E_1∘ĝ_1.
//!
//! Work is divided into rows × runs of [`RUN`] channels, whatever the number of threads, and the parts are added in
//! their order: results do not depend on threads.

use multiversion::multiversion;
use rayon::prelude::*;

use super::rows::{self, Dims, LANES, add, dot, place};
use crate::elementary::exp;

/// Channels of a task.
const RUN: usize = 32;

/// What the scan works on, as slices.
pub(super) struct Inputs<'a> {
    /// `width` is the number of channels.
    pub(super) dims: Dims,
    /// States of a channel.
    pub(super) states: usize,
    pub(super) delta: &'a [f32],
    pub(super) a: &'a [f32],
    pub(super) b: &'a [f32],
    pub(super) c: &'a [f32],
    pub(super) input: &'a [f32],
    pub(super) keep: &'a [f32],
    pub(super) state: &'a [f32],
}

/// Gradients of the inputs.
pub(super) struct Grads {
    pub(super) delta: Vec<f32>,
    pub(super) a: Vec<f32>,
    pub(super) b: Vec<f32>,
    pub(super) c: Vec<f32>,
    pub(super) input: Vec<f32>,
    pub(super) state: Vec<f32>,
}

/// One channel of one row.
struct Channel<'a> {
    a: &'a [f32],
    b: &'a [f32],
    c: &'a [f32],
    keep: &'a [f32],
    state: &'a [f32],
    delta: Vec<f32>,
    input: Vec<f32>,
}

impl Inputs<'_> {
    fn channel(&self, row: usize, channel: usize) -> Channel<'_> {
        let Dims { steps, width, .. } = self.dims;
        let n = self.states;
        let column = |values: &[f32]| {
            let values = &values[row * steps * width..][..steps * width];
            values
                .iter()
                .skip(channel)
                .step_by(width)
                .copied()
                .collect()
        };
        Channel {
            a: &self.a[channel * n..][..n],
            b: &self.b[row * steps * n..][..steps * n],
            c: &self.c[row * steps * n..][..steps * n],
            keep: &self.keep[row * steps..][..steps],
            state: &self.state[(row * width + channel) * n..][..n],
            delta: column(self.delta),
            input: column(self.input),
        }
    }
}

/// Outputs, then the last state, `[B, T·E + E·N]`.
pub(super) fn forward(inputs: &Inputs<'_>) -> Vec<f32> {
    rows::forward(
        inputs.dims,
        inputs.states,
        RUN,
        |row, channel, memory, outputs| walk(&inputs.channel(row, channel), memory, outputs),
    )
}

#[multiversion(targets("x86_64+avx2"))]
fn walk(channel: &Channel<'_>, state: &mut [f32], outputs: &mut [f32]) {
    let n = state.len();
    state.copy_from_slice(channel.state);
    for (t, output) in outputs.iter_mut().enumerate() {
        let (delta, drive) = (channel.delta[t], channel.delta[t] * channel.input[t]);
        let (a, b) = (&channel.a[..n], &channel.b[t * n..][..n]);
        if channel.keep[t] == 0.0 {
            for j in 0..n {
                state[j] = drive * b[j];
            }
        } else {
            for j in 0..n {
                state[j] = exp(delta * a[j]) * state[j] + drive * b[j];
            }
        }
        *output = dot(state, &channel.c[t * n..][..n]);
    }
}

/// What a task adds to the gradients.
struct Part {
    row: usize,
    run: std::ops::Range<usize>,
    delta: Vec<f32>,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    input: Vec<f32>,
    state: Vec<f32>,
}

/// Gradients of all inputs; `grad` is that of the packed output.
pub(super) fn backward(inputs: &Inputs<'_>, grad: &[f32]) -> Grads {
    let Dims {
        batch,
        steps,
        width,
    } = inputs.dims;
    let n = inputs.states;
    let length = steps * width + width * n;
    let parts: Vec<_> = rows::tasks(inputs.dims, RUN)
        .into_par_iter()
        .map(|(row, run)| {
            let grad = &grad[row * length..][..length];
            let mut part = Part {
                row,
                delta: vec![0.0; run.len() * steps],
                a: vec![0.0; run.len() * n],
                b: vec![0.0; steps * n],
                c: vec![0.0; steps * n],
                input: vec![0.0; run.len() * steps],
                state: vec![0.0; run.len() * n],
                run,
            };
            let mut memory = Memory {
                states: vec![0.0; (steps + 1) * n],
                decays: vec![0.0; steps * n],
                grad: vec![0.0; n],
            };
            for (at, channel) in part.run.clone().enumerate() {
                let last = &grad[steps * width + channel * n..][..n];
                let output: Vec<f32> = (0..steps).map(|t| grad[t * width + channel]).collect();
                memory.grad.copy_from_slice(last);
                let channel = inputs.channel(row, channel);
                walk_back(
                    &channel,
                    &output,
                    &mut memory,
                    &mut ChannelGrads {
                        delta: &mut part.delta[at * steps..][..steps],
                        a: &mut part.a[at * n..][..n],
                        b: &mut part.b,
                        c: &mut part.c,
                        input: &mut part.input[at * steps..][..steps],
                        state: &mut part.state[at * n..][..n],
                    },
                );
            }
            part
        })
        .collect();
    let mut grads = Grads {
        delta: vec![0.0; batch * steps * width],
        a: vec![0.0; width * n],
        b: vec![0.0; batch * steps * n],
        c: vec![0.0; batch * steps * n],
        input: vec![0.0; batch * steps * width],
        state: vec![0.0; batch * width * n],
    };
    for part in parts {
        let (row, run) = (part.row, part.run);
        let of_row = row * steps * width..(row + 1) * steps * width;
        place(
            &mut grads.delta[of_row.clone()],
            &part.delta,
            run.clone(),
            width,
            steps,
        );
        place(
            &mut grads.input[of_row],
            &part.input,
            run.clone(),
            width,
            steps,
        );
        add(&mut grads.a[run.start * n..run.end * n], &part.a);
        add(&mut grads.b[row * steps * n..][..steps * n], &part.b);
        add(&mut grads.c[row * steps * n..][..steps * n], &part.c);
        let at = row * width + run.start;
        grads.state[at * n..][..run.len() * n].copy_from_slice(&part.state);
    }
    grads
}

/// Buffers of a task: states before and after every step, decays, and ĝ.
struct Memory {
    states: Vec<f32>,
    decays: Vec<f32>,
    grad: Vec<f32>,
}

/// Where the gradients of one channel go.
struct ChannelGrads<'a> {
    delta: &'a mut [f32],
    a: &'a mut [f32],
    b: &'a mut [f32],
    c: &'a mut [f32],
    input: &'a mut [f32],
    state: &'a mut [f32],
}

#[multiversion(targets("x86_64+avx2"))]
fn walk_back(
    channel: &Channel<'_>,
    output: &[f32],
    memory: &mut Memory,
    grads: &mut ChannelGrads<'_>,
) {
    let n = channel.a.len();
    let steps = output.len();
    memory.states[..n].copy_from_slice(channel.state);
    for t in 0..steps {
        let (delta, drive) = (channel.delta[t], channel.delta[t] * channel.input[t]);
        let (a, b) = (&channel.a[..n], &channel.b[t * n..][..n]);
        let (before, after) = memory.states[t * n..][..2 * n].split_at_mut(n);
        let decay = &mut memory.decays[t * n..][..n];
        if channel.keep[t] == 0.0 {
            decay.fill(0.0);
            for j in 0..n {
                after[j] = drive * b[j];
            }
        } else {
            for j in 0..n {
                decay[j] = exp(delta * a[j]);
                after[j] = decay[j] * before[j] + drive * b[j];
            }
        }
    }
    let grad = &mut memory.grad[..n];
    for t in (0..steps).rev() {
        let (delta, input) = (channel.delta[t], channel.input[t]);
        let (a, b, c) = (
            &channel.a[..n],
            &channel.b[t * n..][..n],
            &channel.c[t * n..][..n],
        );
        let (before, after) = memory.states[t * n..][..2 * n].split_at(n);
        let decay = &memory.decays[t * n..][..n];
        let to_b = &mut grads.b[t * n..][..n];
        let to_c = &mut grads.c[t * n..][..n];
        for j in 0..n {
            grad[j] += output[t] * c[j];
            to_c[j] += output[t] * after[j];
            to_b[j] += grad[j] * (delta * input);
        }
        let through_b = dot(grad, b);
        grads.input[t] = delta * through_b;
        let mut through_a = 0.0;
        if channel.keep[t] != 0.0 {
            let to_a = &mut grads.a[..n];
            let mut lanes = [0.0; LANES];
            for j in 0..n {
                let slope = grad[j] * before[j] * decay[j];
                to_a[j] += slope * delta;
                lanes[j % LANES] += slope * a[j];
            }
            through_a = lanes.iter().sum::<f32>();
        }
        grads.delta[t] = input * through_b + through_a;
        for j in 0..n {
            grad[j] *= decay[j];
        }
    }
    grads.state.copy_from_slice(grad);
}
