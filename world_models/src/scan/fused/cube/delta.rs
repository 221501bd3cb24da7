//! The gated delta rule. Row i of the memory, s (N numbers), needs nothing of the other rows:
//! s_t = α m + β (v − α m·k) k with m = s_{t−1}, or 0 at a reset; y_t = s_t·q.
//!
//! Reverse, with g the gradient of s_t, e = v − α m·k and w = g·k: ∂q = ∂y s_t; ∂β = e w; ∂v = β w; ∂k = β e g − αβ w m;
//! ∂α = g·m − (m·k) β w; and the gradient of s_{t−1} is α g − αβ w k. At a reset m and what comes of it are 0.

use burn::backend::TensorMetadata;
use burn_cubecl::{
    CubeBackend,
    kernel::{into_contiguous, slice},
    ops::reshape,
    tensor::CubeTensor,
};
use cubecl::prelude::*;

use super::{DeltaSaved, Dims, Division, add_units, arg, blank, dims, sum, threads, zeros};

type Inputs = DeltaSaved<CubeBackend>;

fn ordered(inputs: Inputs) -> Inputs {
    Inputs {
        query: into_contiguous(inputs.query),
        key: into_contiguous(inputs.key),
        value: into_contiguous(inputs.value),
        decay: into_contiguous(inputs.decay),
        write: into_contiguous(inputs.write),
        keep: into_contiguous(inputs.keep),
        state: into_contiguous(inputs.state),
    }
}

/// Outputs, then the last memory, `[R, T·P + P·N]`.
pub(super) fn forward(inputs: Inputs) -> CubeTensor {
    let Dims {
        batch,
        steps,
        width,
    } = dims(&inputs.value);
    let n = inputs.key.shape()[2];
    let shape = [batch, steps * width + width * n];
    if batch * width * n == 0 {
        return zeros(&inputs.value, shape);
    }
    let inputs = ordered(inputs);
    let packed = blank(&inputs.value, shape);
    let (cubes, units) = threads(&packed.client, batch * width);
    walk::launch(
        &packed.client,
        cubes,
        units,
        arg(&inputs.query),
        arg(&inputs.key),
        arg(&inputs.value),
        arg(&inputs.decay),
        arg(&inputs.write),
        arg(&inputs.keep),
        arg(&inputs.state),
        arg(&packed),
        batch,
        steps,
        width,
        n,
    );
    packed
}

#[cube(launch)]
fn walk(
    query: &[f32],
    key: &[f32],
    value: &[f32],
    decay: &[f32],
    write: &[f32],
    keep: &[f32],
    state: &[f32],
    packed: &mut [f32],
    batch: usize,
    steps: usize,
    width: usize,
    #[comptime] n: usize,
) {
    if ABSOLUTE_POS >= batch * width {
        terminate!();
    }
    let row = ABSOLUTE_POS / width;
    let channel = ABSOLUTE_POS % width;
    let length = steps * width + width * n;
    let mut memory = Array::<f32>::new(n);
    for j in 0..n {
        memory[j] = state[ABSOLUTE_POS * n + j];
    }
    for t in 0..steps {
        let at = row * steps + t;
        let v = value[at * width + channel];
        advance(
            &mut memory,
            key,
            v,
            decay[at],
            write[at],
            keep[at],
            at * n,
            n,
        );
        let mut y = 0.0f32;
        for j in 0..n {
            y += memory[j] * query[at * n + j];
        }
        packed[row * length + t * width + channel] = y;
    }
    for j in 0..n {
        packed[row * length + steps * width + channel * n + j] = memory[j];
    }
}

/// Moves one row of the memory one step on.
#[cube]
fn advance(
    memory: &mut Array<f32>,
    key: &[f32],
    value: f32,
    alpha: f32,
    beta: f32,
    keep: f32,
    from: usize,
    #[comptime] n: usize,
) {
    if keep == 0.0f32 {
        for j in 0..n {
            memory[j] = beta * value * key[from + j];
        }
    } else {
        let mut held = 0.0f32;
        for j in 0..n {
            held += memory[j] * key[from + j];
        }
        let change = beta * (value - alpha * held);
        for j in 0..n {
            memory[j] = alpha * memory[j] + change * key[from + j];
        }
    }
}

/// Gradients of query, key, value, decay, write and state; `grad` is that of the packed output.
pub(super) fn backward(inputs: Inputs, grad: CubeTensor) -> [CubeTensor; 6] {
    let shape = dims(&inputs.value);
    let Dims {
        batch,
        steps,
        width,
    } = shape;
    let n = inputs.key.shape()[2];
    if batch * width * n == 0 {
        return [
            zeros(&grad, [batch, steps, n]),
            zeros(&grad, [batch, steps, n]),
            zeros(&grad, [batch, steps, width]),
            zeros(&grad, [batch, steps]),
            zeros(&grad, [batch, steps]),
            zeros(&grad, [batch, width * n]),
        ];
    }
    let inputs = ordered(inputs);
    let grad = into_contiguous(grad);
    let client = grad.client.clone();
    // Query, key, decay and write.
    let size = 2 * n + 2;
    let division = Division::new(&client, shape, size);
    let history = division.history(&grad, shape, n);
    let to_value = blank(&grad, [batch, steps, width]);
    let to_state = blank(&grad, [batch, width * n]);
    let parts = blank(&grad, [batch * steps, division.runs, size]);
    let (cubes, units) = division.cubes(&client, shape);
    walk_back::launch(
        &client,
        cubes,
        units,
        arg(&inputs.query),
        arg(&inputs.key),
        arg(&inputs.value),
        arg(&inputs.decay),
        arg(&inputs.write),
        arg(&inputs.keep),
        arg(&inputs.state),
        arg(&grad),
        arg(&history),
        arg(&parts),
        arg(&to_value),
        arg(&to_state),
        batch,
        steps,
        width,
        division.chunk,
        n,
        division.run,
    );
    let all = sum(
        &parts,
        [batch * steps, division.runs, size],
        [batch, steps, size],
    );
    let part = |range| slice(all.clone(), &[0..batch, 0..steps, range]);
    let scalar = |at: usize| reshape(part(at..at + 1), [batch, steps].into());
    [
        part(0..n),
        part(n..2 * n),
        to_value,
        scalar(2 * n),
        scalar(2 * n + 1),
        to_state,
    ]
}

#[cube(launch)]
fn walk_back(
    query: &[f32],
    key: &[f32],
    value: &[f32],
    decay: &[f32],
    write: &[f32],
    keep: &[f32],
    state: &[f32],
    grad: &[f32],
    history: &mut [f32],
    parts: &mut [f32],
    to_value: &mut [f32],
    to_state: &mut [f32],
    batch: usize,
    steps: usize,
    width: usize,
    chunk: usize,
    #[comptime] n: usize,
    #[comptime] run: usize,
) {
    let runs = width.div_ceil(run);
    let row = CUBE_POS / runs;
    if row >= batch {
        terminate!();
    }
    let unit = UNIT_POS as usize;
    let size = comptime!(2 * n + 2);
    let mut shared = Shared::<[f32]>::new_slice(comptime!((2 * n + 2) * run));
    // Threads beyond the last channel go along, since all meet where they add; they repeat it and add nothing.
    let mut channel = CUBE_POS % runs * run + unit;
    let inside = channel < width;
    if !inside {
        channel = width - 1;
    }
    let thread = CUBE_POS * run + unit;
    let count = batch * runs * run;
    let chunks = steps.div_ceil(chunk);
    let length = steps * width + width * n;
    let from_state = (row * width + channel) * n;

    let mut memory = Array::<f32>::new(n);
    for j in 0..n {
        memory[j] = state[from_state + j];
    }
    for t in 0..steps {
        if t % chunk == 0 {
            for j in 0..n {
                history[(t / chunk * n + j) * count + thread] = memory[j];
            }
        }
        let at = row * steps + t;
        let v = value[at * width + channel];
        advance(
            &mut memory,
            key,
            v,
            decay[at],
            write[at],
            keep[at],
            at * n,
            n,
        );
    }

    let mut g = Array::<f32>::new(n);
    for j in 0..n {
        g[j] = grad[row * length + steps * width + channel * n + j];
    }
    for back in 0..chunks {
        let start = (chunks - 1 - back) * chunk;
        let mut end = start + chunk;
        if end > steps {
            end = steps;
        }
        for j in 0..n {
            memory[j] = history[(start / chunk * n + j) * count + thread];
        }
        for t in start..end {
            for j in 0..n {
                history[((chunks + t - start) * n + j) * count + thread] = memory[j];
            }
            let at = row * steps + t;
            let v = value[at * width + channel];
            advance(
                &mut memory,
                key,
                v,
                decay[at],
                write[at],
                keep[at],
                at * n,
                n,
            );
        }
        for i in start..end {
            let t = end - 1 - (i - start);
            let at = row * steps + t;
            let v = value[at * width + channel];
            let dy = grad[row * length + t * width + channel];
            let beta = write[at];
            // The memory before, α and sums over the row: what they would add at a reset is 0.
            let mut alpha = 0.0f32;
            let mut held = 0.0f32;
            let mut through_m = 0.0f32;
            let mut w = 0.0f32;
            for j in 0..n {
                memory[j] = 0.0f32;
                g[j] += dy * query[at * n + j];
                w += g[j] * key[at * n + j];
            }
            if keep[at] != 0.0f32 {
                alpha = decay[at];
                for j in 0..n {
                    let before = history[((chunks + t - start) * n + j) * count + thread];
                    memory[j] = before;
                    held += before * key[at * n + j];
                    through_m += g[j] * before;
                }
            }
            let e = v - alpha * held;
            let through_k = alpha * beta * w;
            for j in 0..n {
                let mut to_query = 0.0f32;
                let mut to_key = 0.0f32;
                if inside {
                    to_query = dy * (alpha * memory[j] + beta * e * key[at * n + j]);
                    to_key = beta * e * g[j] - through_k * memory[j];
                }
                shared[unit * size + j] = to_query;
                shared[unit * size + n + j] = to_key;
                g[j] = alpha * g[j] - through_k * key[at * n + j];
            }
            let mut to_decay = 0.0f32;
            let mut to_write = 0.0f32;
            if inside {
                to_decay = through_m - held * beta * w;
                to_write = e * w;
                to_value[at * width + channel] = beta * w;
            }
            shared[unit * size + 2 * n] = to_decay;
            shared[unit * size + 2 * n + 1] = to_write;
            add_units(
                &shared,
                parts,
                (at * runs + CUBE_POS % runs) * size,
                size,
                run,
            );
        }
    }
    if inside {
        for j in 0..n {
            to_state[from_state + j] = g[j];
        }
    }
}
