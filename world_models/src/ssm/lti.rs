//! Linear time-invariant systems, one for each channel, over sequences with resets.
//!
//! LSSL, S4, S4D and SpaceTime have one input per channel, M outputs (1 but for LSSL) and N states, as real numbers. A
//! whole sequence of states would be N times as large as the sequence; so it is cut into chunks of [`CHUNK`] steps, as
//! state-space duality does (arXiv 2405.21060, §6): inside a chunk outputs come from a triangular matrix of the first
//! few kernel elements, masked where a reset lies between; from chunk to chunk only the state is carried.

use burn::{
    module::Param,
    tensor::{Bool, Int, Tensor},
};

use crate::{CoreError, activation::gelu, core::segments, fft::causal_convolution};

/// Steps of a chunk. Work and memory inside a chunk grow with it, the number of chunks falls.
const CHUNK: usize = 32;

/// The first `q` powers of a system at work.
pub(super) struct Columns {
    /// Ā^k B̄, `[H, N, q]`.
    pub(super) drive: Tensor<3>,
    /// C Ā^{k+1}, `[H, N, M, q]`.
    pub(super) read: Tensor<4>,
    /// C Ā^k B̄, `[H, M, q]`.
    pub(super) kernel: Tensor<3>,
}

/// A discrete-time system x_t = Ā x_{t−1} + B̄ u_t, y_t = C x_t for each of H channels.
pub(super) trait System {
    /// H, N, M.
    fn dims(&self) -> [usize; 3];

    /// Powers 0 to `q` − 1.
    fn columns(&self, q: usize) -> Columns;

    /// Ā^q, to be applied many times.
    type Power;

    /// Ā^q for q ≥ 1.
    fn power(&self, q: usize) -> Self::Power;

    /// Ā^q x for `x` `[H, B, N]`.
    fn advance(x: Tensor<3>, power: &Self::Power) -> Tensor<3>;
}

/// gelu(y + D u), with the H channels of `u` and `y` along the last axis.
pub(super) fn activated<const A: usize>(
    d: &Param<Tensor<1>>,
    u: &Tensor<A>,
    y: Tensor<A>,
) -> Tensor<A> {
    let mut shape = [1; A];
    shape[A - 1] = d.dims()[0];
    gelu(y + u.clone() * d.val().reshape(shape))
}

/// Outputs `[B, T, H, M]` and the last state `[B, H·N]` for `input` `[B, T, H]`.
pub(super) fn chunked_scan<S: System>(
    system: &S,
    input: Tensor<3>,
    resets: &Tensor<2, Bool>,
    state: Tensor<2>,
) -> (Tensor<4>, Tensor<2>) {
    let [batch, steps, _] = input.dims();
    let [channels, states, outputs] = system.dims();
    let q = CHUNK.min(steps);
    let columns = system.columns(q);
    let whole = system.power(q);
    let rest = steps % q;
    let rest = (rest > 0).then(|| system.power(rest));
    let input = input.swap_dims(1, 2);
    let mut x = state.reshape([batch, channels, states]).swap_dims(0, 1);
    let mut parts = Vec::with_capacity(steps.div_ceil(q));
    let mut start = 0;
    while start < steps {
        let length = q.min(steps - start);
        let u = input.clone().narrow(2, start, length);
        let episode = segments(&resets.clone().narrow(1, start, length));
        let power = rest.as_ref().filter(|_| length < q).unwrap_or(&whole);
        let (y, next) = chunk::<S>(&columns, power, u, episode, x);
        parts.push(y);
        x = next;
        start += length;
    }
    // [B, H, M, T]
    let y = Tensor::cat(parts, 3);
    debug_assert_eq!(y.dims(), [batch, channels, outputs, steps]);
    let last = x.swap_dims(0, 1).reshape([batch, channels * states]);
    (y.permute([0, 3, 1, 2]), last)
}

/// One chunk: `u` `[B, H, q]`, `episode` `[B, q]`, `x` `[H, B, N]` to outputs `[B, H, M, q]` and the next `x`.
fn chunk<S: System>(
    columns: &Columns,
    power: &S::Power,
    u: Tensor<3>,
    episode: Tensor<2>,
    x: Tensor<3>,
) -> (Tensor<4>, Tensor<3>) {
    let [batch, channels, q] = u.dims();
    let [_, states, outputs, _] = columns.read.dims();
    // Within: Σ_s K_{t−s} u_s over the steps s ≤ t of the same episode.
    let kernel = columns.kernel.clone().narrow(2, 0, q);
    let toeplitz = toeplitz(kernel).reshape([1, channels, outputs, q, q]);
    let now = episode.clone().reshape([batch, q, 1]).expand([batch, q, q]);
    let then = episode.clone().reshape([batch, 1, q]).expand([batch, q, q]);
    // Selections and no products with 0 and 1: what is not finite must not outlive its episode, nor reach back in time.
    let later = Tensor::<2, Bool>::tril_mask([q, q], 0, &u.device()).reshape([1, q, q]);
    let apart = now.not_equal(then).bool_or(later.expand([batch, q, q]));
    let apart = apart.reshape([batch, 1, 1, q, q]);
    let driven = u
        .clone()
        .reshape([batch, channels, 1, 1, q])
        .expand([batch, channels, 1, q, q])
        .mask_fill(apart.expand([batch, channels, 1, q, q]), 0.0);
    let within = (toeplitz * driven)
        .sum_dim(4)
        .reshape([batch, channels, outputs, q]);
    // From before: C Ā^{t+1} x in the steps before the first reset.
    let read = columns
        .read
        .clone()
        .narrow(3, 0, q)
        .reshape([channels, states, outputs * q]);
    let later = episode.clone().not_equal_scalar(0.0);
    let before = x
        .clone()
        .matmul(read)
        .reshape([channels, batch, outputs, q])
        .swap_dims(0, 1)
        .mask_fill(
            later
                .clone()
                .reshape([batch, 1, 1, q])
                .expand([batch, channels, outputs, q]),
            0.0,
        );
    // The state: what the last episode has put into it.
    let end = episode.clone().narrow(1, q - 1, 1).expand([batch, q]);
    let earlier = episode.not_equal(end).reshape([batch, 1, q]);
    let drive = columns.drive.clone().narrow(2, 0, q).flip([2]);
    let put = u
        .mask_fill(earlier.expand([batch, channels, q]), 0.0)
        .swap_dims(0, 1)
        .matmul(drive.swap_dims(1, 2));
    let begun = later
        .narrow(1, q - 1, 1)
        .reshape([1, batch, 1])
        .expand([channels, batch, states]);
    let kept = S::advance(x, power).mask_fill(begun, 0.0);
    (within + before, kept + put)
}

/// T_{ts} = K_{t−s} for s ≤ t, 0 above, `[H, M, q]` to `[H, M, q, q]`.
fn toeplitz(kernel: Tensor<3>) -> Tensor<4> {
    let [channels, outputs, q] = kernel.dims();
    let device = kernel.device();
    // Behind the kernel stands a zero, where the upper triangle points.
    let padded = Tensor::cat(
        vec![kernel, Tensor::zeros([channels, outputs, 1], &device)],
        2,
    );
    let index: Vec<i32> = (0..q * q)
        .map(|i| {
            let (t, s) = (i / q, i % q);
            (if s <= t { t - s } else { q }) as i32
        })
        .collect();
    let index = Tensor::<1, Int>::from_data(index.as_slice(), &device);
    padded.select(2, index).reshape([channels, outputs, q, q])
}

/// Outputs `[B, T, H, M]` by Fourier transform, for sequences without resets.
pub(super) fn convolve(
    kernel: Tensor<3>,
    read: Tensor<4>,
    input: Tensor<3>,
    state: Tensor<2>,
) -> Result<Tensor<4>, CoreError> {
    let [batch, steps, channels] = input.dims();
    let [_, states, outputs, _] = read.dims();
    let input = input
        .swap_dims(1, 2)
        .reshape([batch, channels, 1, steps])
        .repeat_dim(2, outputs)
        .reshape([batch, channels * outputs, steps]);
    let kernel = kernel.reshape([channels * outputs, steps]);
    let y = causal_convolution(input, kernel)?.reshape([batch, channels, outputs, steps]);
    let x = state.reshape([batch, channels, states]).swap_dims(0, 1);
    let from_state = x
        .matmul(read.reshape([channels, states, outputs * steps]))
        .reshape([channels, batch, outputs, steps])
        .swap_dims(0, 1);
    Ok((y + from_state).permute([0, 3, 1, 2]))
}

/// A system by its matrices.
#[derive(Debug, Clone)]
pub(super) struct Dense {
    /// Ā, `[H, N, N]`.
    pub(super) a: Tensor<3>,
    /// B̄, `[H, N]`.
    pub(super) b: Tensor<2>,
    /// C, `[H, M, N]`.
    pub(super) c: Tensor<3>,
}

impl Dense {
    /// Ā^q by repeated squaring; q ≥ 1.
    pub(super) fn squared(&self, q: usize) -> Tensor<3> {
        let mut square = self.a.clone();
        let mut result = None;
        let mut rest = q;
        loop {
            if rest % 2 == 1 {
                result = Some(match result {
                    None => square.clone(),
                    Some(r) => square.clone().matmul(r),
                });
            }
            rest /= 2;
            if rest == 0 {
                return result.unwrap_or(square);
            }
            square = square.clone().matmul(square);
        }
    }

    /// The Krylov matrix (B̄, Ā B̄, Ā² B̄, …), `[H, N, q]`, by doubling.
    fn krylov(&self, q: usize) -> Tensor<3> {
        let [channels, states] = self.b.dims();
        let mut columns = self.b.clone().reshape([channels, states, 1]);
        let mut power = self.a.clone();
        let mut count = 1;
        while count < q {
            let more = power.clone().matmul(columns.clone());
            columns = Tensor::cat(vec![columns, more], 2);
            count *= 2;
            if count < q {
                power = power.clone().matmul(power);
            }
        }
        columns.narrow(2, 0, q)
    }
}

impl System for Dense {
    fn dims(&self) -> [usize; 3] {
        let [channels, outputs, states] = self.c.dims();
        [channels, states, outputs]
    }

    fn columns(&self, q: usize) -> Columns {
        let [channels, outputs, states] = self.c.dims();
        let drive = self.krylov(q);
        // Rows C Ā^{k+1}, `[H, M·k, N]`, by doubling too.
        let mut rows = self.c.clone().matmul(self.a.clone());
        let mut power = self.a.clone();
        let mut count = 1;
        while count < q {
            let more = rows.clone().matmul(power.clone());
            rows = Tensor::cat(vec![rows, more], 1);
            count *= 2;
            if count < q {
                power = power.clone().matmul(power);
            }
        }
        let read = rows
            .reshape([channels, count, outputs, states])
            .narrow(1, 0, q)
            .permute([0, 3, 2, 1]);
        let kernel = self.c.clone().matmul(drive.clone());
        Columns {
            drive,
            read,
            kernel,
        }
    }

    /// Transposed, `[H, N, N]`.
    type Power = Tensor<3>;

    fn power(&self, q: usize) -> Tensor<3> {
        self.squared(q).swap_dims(1, 2)
    }

    fn advance(x: Tensor<3>, power: &Tensor<3>) -> Tensor<3> {
        x.matmul(power.clone())
    }
}
