//! Dividing a batch of sequences among threads: by rows, and by channels where there are fewer rows than threads; and
//! putting together again what they made.

use std::ops::Range;

use rayon::prelude::*;

/// Shape of a batch of sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dims {
    /// Rows.
    pub(super) batch: usize,
    /// Steps of each.
    pub(super) steps: usize,
    /// Numbers per step.
    pub(super) width: usize,
}

/// Runs of `0..channels`, one for each thread that would otherwise have no row.
pub(super) fn runs(batch: usize, channels: usize) -> Vec<Range<usize>> {
    // Shorter runs than a few vectors are not worth a task.
    const SHORTEST: usize = 32;
    let wanted = rayon::current_num_threads().div_ceil(batch.max(1));
    let pieces = wanted.min(channels / SHORTEST).max(1);
    let size = channels.div_ceil(pieces).max(1);
    (0..channels)
        .step_by(size)
        .map(|start| start..(start + size).min(channels))
        .collect()
}

/// For each of the adjacent runs that make up a step, what `row` (`[T, width]`) holds of it at every step.
///
/// Only the lengths of `cuts` matter; they are taken from left to right.
pub(super) fn cut<'a>(
    row: &'a mut [f32],
    width: usize,
    cuts: &[Range<usize>],
) -> Vec<Vec<&'a mut [f32]>> {
    let steps = row.len() / width;
    let mut pieces: Vec<_> = cuts.iter().map(|_| Vec::with_capacity(steps)).collect();
    for step in row.chunks_exact_mut(width) {
        let mut rest = step;
        for (piece, run) in pieces.iter_mut().zip(cuts) {
            let (mine, later) = rest.split_at_mut(run.len());
            piece.push(mine);
            rest = later;
        }
    }
    pieces
}

/// Rows × runs of up to `run` channels, whatever the number of threads.
pub(super) fn tasks(dims: Dims, run: usize) -> Vec<(usize, Range<usize>)> {
    let runs = move |row| {
        let starts = (0..dims.width).step_by(run);
        starts.map(move |start| (row, start..(start + run).min(dims.width)))
    };
    (0..dims.batch).flat_map(runs).collect()
}

/// Outputs, then the last state, `[B, T·P + P·N]`, of channels that remember `states` numbers each and need nothing of the others.
/// `walk` goes through one channel of one row, `(row, channel, memory [N], outputs [T])`, from a memory of zeros.
pub(super) fn forward(
    dims: Dims,
    states: usize,
    run: usize,
    walk: impl Fn(usize, usize, &mut [f32], &mut [f32]) + Sync,
) -> Vec<f32> {
    let Dims {
        batch,
        steps,
        width,
    } = dims;
    let parts: Vec<_> = tasks(dims, run)
        .into_par_iter()
        .map(|(row, run)| {
            let mut outputs = vec![0.0; run.len() * steps];
            let mut memory = vec![0.0; run.len() * states];
            for (at, channel) in run.clone().enumerate() {
                let memory = &mut memory[at * states..][..states];
                let outputs = &mut outputs[at * steps..][..steps];
                walk(row, channel, memory, outputs);
            }
            (row, run, outputs, memory)
        })
        .collect();
    let length = steps * width + width * states;
    let mut packed = vec![0.0; batch * length];
    for (row, run, outputs, memory) in parts {
        let (y, last) = packed[row * length..][..length].split_at_mut(steps * width);
        place(y, &outputs, run.clone(), width, steps);
        last[run.start * states..run.end * states].copy_from_slice(&memory);
    }
    packed
}

/// Numbers added side by side, so that a sum over states can use vectors.
pub(super) const LANES: usize = 8;

/// Writes columns of `steps` numbers into the channels `run` of `[T, width]`.
pub(super) fn place(
    to: &mut [f32],
    columns: &[f32],
    run: Range<usize>,
    width: usize,
    steps: usize,
) {
    for (at, channel) in run.enumerate() {
        for (t, value) in columns[at * steps..][..steps].iter().enumerate() {
            to[t * width + channel] = *value;
        }
    }
}

/// `to += values`, element by element.
pub(super) fn add(to: &mut [f32], values: &[f32]) {
    for (to, value) in to.iter_mut().zip(values) {
        *to += value;
    }
}

/// x·y, [`LANES`] products side by side.
#[inline(always)]
pub(super) fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let tail: f32 = xs
        .remainder()
        .iter()
        .zip(ys.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in xs.zip(ys) {
        for j in 0..LANES {
            lanes[j] += x[j] * y[j];
        }
    }
    lanes.iter().sum::<f32>() + tail
}
