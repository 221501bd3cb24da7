//! Mamba-2: Dao and Gu, "Transformers are SSMs: generalized models and efficient algorithms through structured state
//! space duality" (arXiv 2405.21060). A head has one decay for all its states, α_t = exp(Δ_t A), A < 0, and a matrix
//! S_t = α_t S_{t−1} + (Δ_t x_t) b_tᵀ, read as y_t = S_t c_t + D x_t.
//!
//! In chunks of Q steps everything is matrix products (§6): inside a chunk Y = (L∘C Bᵀ) ΔX with L_{ts} = α_{s+1}⋯α_t;
//! across chunks the states. A reset cuts L and what is carried: elements of different episodes do not meet. The logarithm
//! of L_{ts} is summed from s + 1 to t for every pair by itself: as a difference of sums from the beginning of the chunk it
//! would lose its digits behind a step with a large Δ.
//!
//! Around it: one projection to (z, x, b, c, Δ), a short convolution over (x, b, c), a norm of y∘silu(z), a projection.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Bool, Device, Tensor},
};
use rand::Rng;

use super::mamba::{ShortConvolution, check_arguments};
use crate::{
    CoreError, SequenceCore,
    activation::{silu, softplus},
    core::{check_sequence, part, segments},
    init,
};

/// Added to the mean square in the norm.
const EPSILON: f64 = 1e-5;

/// Arguments of [`Mamba2`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mamba2Config {
    /// States N of a head's channel.
    pub state: usize,
    /// Channels of a head; divides `expand`·width.
    pub head: usize,
    /// Inner channels E for each of the layer's width.
    pub expand: usize,
    /// Taps of the convolution.
    pub taps: usize,
    /// Steps of a chunk.
    pub chunk: usize,
    /// Smallest initial Δ.
    pub min_step: f64,
    /// Largest initial Δ.
    pub max_step: f64,
}

impl Default for Mamba2Config {
    fn default() -> Self {
        Self {
            state: 128,
            head: 64,
            expand: 2,
            taps: 4,
            chunk: 64,
            min_step: 1e-3,
            max_step: 0.1,
        }
    }
}

/// A Mamba-2 block.
#[derive(Module, Debug)]
pub struct Mamba2 {
    input: Linear,
    convolution: ShortConvolution,
    /// The bias of Δ, `[heads]`.
    pub step_bias: Param<Tensor<1>>,
    /// ln(−A), `[heads]`.
    pub log_a: Param<Tensor<1>>,
    /// D, `[heads]`.
    pub d: Param<Tensor<1>>,
    /// Scale of the norm, `[E]`.
    norm: Param<Tensor<1>>,
    output: Linear,
    state: usize,
    chunk: usize,
}

impl Mamba2Config {
    /// A block of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for sizes of 0, heads that do not fit, or steps out of range.
    pub fn init(
        &self,
        width: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<Mamba2, CoreError> {
        let sizes = [
            ("state", self.state),
            ("head", self.head),
            ("expand", self.expand),
            ("taps", self.taps),
            ("chunk", self.chunk),
        ];
        check_arguments("mamba2", &sizes, self.min_step, self.max_step)?;
        let (channels, n) = (self.expand * width, self.state);
        if !channels.is_multiple_of(self.head) {
            return Err(CoreError::Argument {
                core: "mamba2",
                name: "head",
                reason: format!("{} does not divide expand·width = {channels}", self.head),
            });
        }
        let heads = channels / self.head;
        let a = init::uniform(rng, heads, 1.0, 16.0);
        let bias = init::step_bias(rng, heads, self.min_step, self.max_step);
        Ok(Mamba2 {
            input: init::linear(rng, width, 2 * channels + 2 * n + heads, false, device),
            convolution: ShortConvolution::new(rng, self.taps, channels + 2 * n, device),
            step_bias: init::param(bias, [heads], device),
            log_a: init::param(a.into_iter().map(f32::ln).collect(), [heads], device),
            d: init::constant(1.0, [heads], device),
            norm: init::constant(1.0, [channels], device),
            output: init::linear(rng, channels, width, false, device),
            state: n,
            chunk: self.chunk,
        })
    }
}

/// What [`state_space_duality`] works on: `h` heads of `p` channels, `n` states.
#[derive(Debug, Clone)]
pub(crate) struct Duality {
    /// Δ_t x_t, `[B, T, h, p]`.
    pub(crate) input: Tensor<4>,
    /// ln α_t, `[B, T, h]`.
    pub(crate) log_decay: Tensor<3>,
    /// b, `[B, T, n]`, for all heads.
    pub(crate) b: Tensor<3>,
    /// c, `[B, T, n]`, for all heads.
    pub(crate) c: Tensor<3>,
    /// Where an episode begins, `[B, T]`.
    pub(crate) resets: Tensor<2, Bool>,
    /// S before the first step, `[B, h, p, n]`.
    pub(crate) state: Tensor<4>,
}

/// Outputs `[B, T, h, p]` and the last state `[B, h, p, n]`, in chunks of `chunk` steps. A chunk of one step is the
/// recurrence, one of T steps the quadratic form.
pub(crate) fn state_space_duality(given: Duality, chunk: usize) -> (Tensor<4>, Tensor<4>) {
    let [_, steps, _, _] = given.input.dims();
    let mut state = given.state;
    let mut outputs = Vec::with_capacity(steps.div_ceil(chunk));
    let mut start = 0;
    while start < steps {
        let q = chunk.min(steps - start);
        let (y, next) = one_chunk(
            given.input.clone().narrow(1, start, q),
            given.log_decay.clone().narrow(1, start, q),
            given.b.clone().narrow(1, start, q),
            given.c.clone().narrow(1, start, q),
            segments(&given.resets.clone().narrow(1, start, q)),
            state,
        );
        outputs.push(y);
        state = next;
        start += q;
    }
    (Tensor::cat(outputs, 1), state)
}

fn one_chunk(
    input: Tensor<4>,
    log_decay: Tensor<3>,
    b: Tensor<3>,
    c: Tensor<3>,
    episode: Tensor<2>,
    state: Tensor<4>,
) -> (Tensor<4>, Tensor<4>) {
    let [batch, q, heads, p] = input.dims();
    let n = b.dims()[2];
    let device = input.device();
    // [B, h, q]: the sum of ln α up to each step.
    let log_decay = log_decay.swap_dims(1, 2);
    let total = log_decay.clone().cumsum(2);
    let x = input.swap_dims(1, 2);
    let now = episode
        .clone()
        .reshape([batch, 1, q, 1])
        .expand([batch, 1, q, q]);
    let then = episode
        .clone()
        .reshape([batch, 1, 1, q])
        .expand([batch, 1, q, q]);
    let later = Tensor::<2, Bool>::tril_mask([q, q], 0, &device).reshape([1, 1, q, q]);
    let apart = now
        .not_equal(then)
        .bool_or(later.expand([batch, 1, q, q]))
        .expand([batch, heads, q, q]);
    // ln L: column s holds ln α from s + 1 on, summed downwards. No sum is positive, so no exponential overflows.
    let square = [batch, heads, q, q];
    let until = Tensor::<2, Bool>::tril_mask([q, q], -1, &device).reshape([1, 1, q, q]);
    let between = log_decay
        .reshape([batch, heads, q, 1])
        .expand(square)
        .mask_fill(until.expand(square), 0.0)
        .cumsum(2);
    // L, 0 where steps do not meet.
    let l = between.clone().exp().mask_fill(apart, 0.0);
    let scores = c
        .clone()
        .matmul(b.clone().swap_dims(1, 2))
        .reshape([batch, 1, q, q]);
    let within = (l * scores).matmul(x.clone());
    // What was carried in reaches the steps before the first reset.
    let later_episode = episode.clone().not_equal_scalar(0.0);
    let begun = later_episode.clone().narrow(1, q - 1, 1);
    let c = c.reshape([batch, 1, q, n]).expand([batch, heads, q, n]);
    let carried =
        c.matmul(state.clone().swap_dims(2, 3)) * total.clone().exp().reshape([batch, heads, q, 1]);
    // A selection and no product: a state that is not finite must not outlive its episode.
    let carried = carried.mask_fill(
        later_episode
            .reshape([batch, 1, q, 1])
            .expand([batch, heads, q, p]),
        0.0,
    );
    // What the last episode adds to the state, decayed to the end.
    let end = total.clone().narrow(2, q - 1, 1);
    let last = episode.clone().narrow(1, q - 1, 1).expand([batch, q]);
    let same = episode.equal(last).float().reshape([batch, 1, q]);
    let left = between.narrow(2, q - 1, 1).reshape([batch, heads, q]).exp() * same;
    let weighted = x * left.reshape([batch, heads, q, 1]);
    let b = b.reshape([batch, 1, q, n]).expand([batch, heads, q, n]);
    let put = weighted.swap_dims(2, 3).matmul(b);
    let kept = state * end.exp().reshape([batch, heads, 1, 1]);
    let begun = begun.reshape([batch, 1, 1, 1]).expand([batch, heads, p, n]);
    let next = kept.mask_fill(begun, 0.0) + put;
    debug_assert_eq!(next.dims(), [batch, heads, p, n]);
    ((within + carried).swap_dims(1, 2), next)
}

impl SequenceCore for Mamba2 {
    fn width(&self) -> usize {
        self.output.weight.dims()[1]
    }

    fn state_width(&self) -> usize {
        self.convolution.state_width() + self.norm.dims()[0] * self.state
    }

    fn state_multiply_adds(&self) -> usize {
        // Decay, write and read of every number.
        3 * self.norm.dims()[0] * self.state
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.state_width()], &self.d.device())
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        let (channels, n, heads) = (self.norm.dims()[0], self.state, self.d.dims()[0]);
        let p = channels / heads;
        let all = self.input.forward(input);
        let z = all.clone().narrow(2, 0, channels);
        let mixed = all.clone().narrow(2, channels, channels + 2 * n);
        let raw = all.narrow(2, 2 * channels + 2 * n, heads);
        let delta = softplus(raw + self.step_bias.val().reshape([1, 1, heads]));
        let taps = self.convolution.state_width();
        let remembered = part(&state, 0, taps);
        let (mixed, remembered) = self.convolution.scan(mixed, &resets, remembered);
        let x = mixed
            .clone()
            .narrow(2, 0, channels)
            .reshape([batch, steps, heads, p]);
        let given = Duality {
            input: x.clone() * delta.clone().reshape([batch, steps, heads, 1]),
            log_decay: delta * self.log_a.val().exp().neg().reshape([1, 1, heads]),
            b: mixed.clone().narrow(2, channels, n),
            c: mixed.narrow(2, channels + n, n),
            resets,
            state: state
                .narrow(1, taps, channels * n)
                .reshape([batch, heads, p, n]),
        };
        let (y, last) = state_space_duality(given, self.chunk);
        let y = y + x * self.d.val().reshape([1, 1, heads, 1]);
        let gated = y.reshape([batch, steps, channels]) * silu(z);
        let size = (gated.clone().square().mean_dim(2) + EPSILON).sqrt();
        let normed = gated / size * self.norm.val().reshape([1, 1, channels]);
        let last = last.reshape([batch, channels * n]);
        Ok((
            self.output.forward(normed),
            Tensor::cat(vec![remembered, last], 1),
        ))
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel { core: "mamba2" })
    }
}

#[cfg(test)]
mod tests;
