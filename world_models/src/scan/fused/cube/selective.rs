//! The selective scan, h_t = k_t E_t∘h_{t−1} + Δ_t u_t b_t with E_t = exp(Δ_t a), y_t = c_t·h_t, and its reverse:
//! ĝ_t = ∂y_t c_t + k_{t+1} E_{t+1}∘ĝ_{t+1}; ∂c_t = Σ_e ∂y_t h_t; ∂b_t = Σ_e ĝ_t Δ_t u_t; ∂u_t = Δ_t ĝ_t·b_t;
//! ∂Δ_t = u_t ĝ_t·b_t + Σ_n ĝ_t k_t h_{t−1} E_t a; ∂a = Σ_t ĝ_t k_t h_{t−1} E_t Δ_t; ∂h_0 = k_1 E_1∘ĝ_1.

use burn::backend::TensorMetadata;
use burn_cubecl::{
    CubeBackend,
    kernel::{into_contiguous, slice},
    tensor::CubeTensor,
};
use cubecl::prelude::*;

use super::{Dims, Division, SelectiveSaved, add_units, arg, blank, dims, sum, threads, zeros};

type Inputs = SelectiveSaved<CubeBackend>;

fn ordered(inputs: Inputs) -> Inputs {
    Inputs {
        delta: into_contiguous(inputs.delta),
        a: into_contiguous(inputs.a),
        b: into_contiguous(inputs.b),
        c: into_contiguous(inputs.c),
        input: into_contiguous(inputs.input),
        keep: into_contiguous(inputs.keep),
        state: into_contiguous(inputs.state),
    }
}

/// Outputs, then the last state, `[B, T·E + E·N]`.
pub(super) fn forward(inputs: Inputs) -> CubeTensor {
    let Dims {
        batch,
        steps,
        width,
    } = dims(&inputs.input);
    let n = inputs.a.shape()[1];
    let shape = [batch, steps * width + width * n];
    if batch * width * n == 0 {
        return zeros(&inputs.input, shape);
    }
    let inputs = ordered(inputs);
    let packed = blank(&inputs.input, shape);
    let client = &packed.client;
    let (cubes, units) = threads(client, batch * width);
    walk::launch(
        client,
        cubes,
        units,
        arg(&inputs.delta),
        arg(&inputs.a),
        arg(&inputs.b),
        arg(&inputs.c),
        arg(&inputs.input),
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
    delta: &[f32],
    a: &[f32],
    b: &[f32],
    c: &[f32],
    input: &[f32],
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
    let mut h = Array::<f32>::new(n);
    for j in 0..n {
        h[j] = state[ABSOLUTE_POS * n + j];
    }
    for t in 0..steps {
        let at = row * steps + t;
        let step = delta[at * width + channel];
        let drive = step * input[at * width + channel];
        advance(&mut h, a, b, step, drive, keep[at], channel * n, at * n, n);
        let mut y = 0.0f32;
        for j in 0..n {
            y += h[j] * c[at * n + j];
        }
        packed[row * length + t * width + channel] = y;
    }
    for j in 0..n {
        packed[row * length + steps * width + channel * n + j] = h[j];
    }
}

/// Moves the states `h` of one channel one step on.
#[cube]
fn advance(
    h: &mut Array<f32>,
    a: &[f32],
    b: &[f32],
    step: f32,
    drive: f32,
    keep: f32,
    from_a: usize,
    from_b: usize,
    #[comptime] n: usize,
) {
    for j in 0..n {
        let mut now = drive * b[from_b + j];
        if keep != 0.0f32 {
            now += (step * a[from_a + j]).exp() * h[j];
        }
        h[j] = now;
    }
}

/// Gradients of delta, a, b, c, input and state; `grad` is that of the packed output.
pub(super) fn backward(inputs: Inputs, grad: CubeTensor) -> [CubeTensor; 6] {
    let shape = dims(&inputs.input);
    let Dims {
        batch,
        steps,
        width,
    } = shape;
    let n = inputs.a.shape()[1];
    if batch * width * n == 0 {
        return [
            zeros(&grad, [batch, steps, width]),
            zeros(&grad, [width, n]),
            zeros(&grad, [batch, steps, n]),
            zeros(&grad, [batch, steps, n]),
            zeros(&grad, [batch, steps, width]),
            zeros(&grad, [batch, width * n]),
        ];
    }
    let inputs = ordered(inputs);
    let grad = into_contiguous(grad);
    let client = grad.client.clone();
    let division = Division::new(&client, shape, 2 * n);
    let history = division.history(&grad, shape, n);
    let to_delta = blank(&grad, [batch, steps, width]);
    let to_input = blank(&grad, [batch, steps, width]);
    let to_state = blank(&grad, [batch, width * n]);
    // Of every row.
    let a_parts = blank(&grad, [batch, width, n]);
    // Of every cube, b and then c.
    let parts = blank(&grad, [batch * steps, division.runs, 2 * n]);
    let (cubes, units) = division.cubes(&client, shape);
    walk_back::launch(
        &client,
        cubes,
        units,
        arg(&inputs.delta),
        arg(&inputs.a),
        arg(&inputs.b),
        arg(&inputs.c),
        arg(&inputs.input),
        arg(&inputs.keep),
        arg(&inputs.state),
        arg(&grad),
        arg(&history),
        arg(&to_delta),
        arg(&a_parts),
        arg(&parts),
        arg(&to_input),
        arg(&to_state),
        batch,
        steps,
        width,
        division.chunk,
        n,
        division.run,
    );
    let both = sum(
        &parts,
        [batch * steps, division.runs, 2 * n],
        [batch, steps, 2 * n],
    );
    let half = |range| slice(both.clone(), &[0..batch, 0..steps, range]);
    [
        to_delta,
        sum(&a_parts, [1, batch, width * n], [width, n]),
        half(0..n),
        half(n..2 * n),
        to_input,
        to_state,
    ]
}

#[cube(launch)]
fn walk_back(
    delta: &[f32],
    a: &[f32],
    b: &[f32],
    c: &[f32],
    input: &[f32],
    keep: &[f32],
    state: &[f32],
    grad: &[f32],
    history: &mut [f32],
    to_delta: &mut [f32],
    to_a: &mut [f32],
    parts: &mut [f32],
    to_input: &mut [f32],
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
    let size = comptime!(2 * n);
    let mut shared = Shared::<[f32]>::new_slice(comptime!(2 * n * run));
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
    let from_a = channel * n;
    let from_state = (row * width + channel) * n;

    let mut h = Array::<f32>::new(n);
    for j in 0..n {
        h[j] = state[from_state + j];
    }
    for t in 0..steps {
        if t % chunk == 0 {
            for j in 0..n {
                history[(t / chunk * n + j) * count + thread] = h[j];
            }
        }
        let at = row * steps + t;
        let step = delta[at * width + channel];
        let drive = step * input[at * width + channel];
        advance(&mut h, a, b, step, drive, keep[at], from_a, at * n, n);
    }

    let mut g = Array::<f32>::new(n);
    let mut sum_a = Array::<f32>::new(n);
    for j in 0..n {
        g[j] = grad[row * length + steps * width + from_a + j];
        sum_a[j] = 0.0f32;
    }
    for back in 0..chunks {
        let start = (chunks - 1 - back) * chunk;
        let mut end = start + chunk;
        if end > steps {
            end = steps;
        }
        for j in 0..n {
            h[j] = history[(start / chunk * n + j) * count + thread];
        }
        for t in start..end {
            for j in 0..n {
                history[((chunks + t - start) * n + j) * count + thread] = h[j];
            }
            let at = row * steps + t;
            let step = delta[at * width + channel];
            let drive = step * input[at * width + channel];
            advance(&mut h, a, b, step, drive, keep[at], from_a, at * n, n);
        }
        for i in start..end {
            let t = end - 1 - (i - start);
            let at = row * steps + t;
            let step = delta[at * width + channel];
            let u = input[at * width + channel];
            let dy = grad[row * length + t * width + channel];
            let kept = keep[at] != 0.0f32;
            let mut through_b = 0.0f32;
            let mut through_a = 0.0f32;
            for j in 0..n {
                let weight = b[at * n + j];
                let mut after = step * u * weight;
                let g_j = g[j] + dy * c[at * n + j];
                let mut g_before = 0.0f32;
                through_b += g_j * weight;
                if kept {
                    let before = history[((chunks + t - start) * n + j) * count + thread];
                    let rate = a[from_a + j];
                    let decay = (step * rate).exp();
                    after += decay * before;
                    let slope = g_j * before * decay;
                    sum_a[j] += slope * step;
                    through_a += slope * rate;
                    g_before = g_j * decay;
                }
                let mut to_b = 0.0f32;
                let mut to_c = 0.0f32;
                if inside {
                    to_b = g_j * (step * u);
                    to_c = dy * after;
                }
                shared[unit * size + j] = to_b;
                shared[unit * size + n + j] = to_c;
                g[j] = g_before;
            }
            if inside {
                to_input[at * width + channel] = step * through_b;
                to_delta[at * width + channel] = u * through_b + through_a;
            }
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
            to_a[from_state + j] = sum_a[j];
        }
    }
}
