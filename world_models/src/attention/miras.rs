//! Miras: Behrouz et al., "It's all connected: a journey through test-time memorization, attentional bias, retention, and
//! online optimization" (arXiv 2504.13173). A memory learns while it is used: each token is a step of gradient descent
//! on how badly the memory gives the token's value for its key. Here the memory is a matrix W (P × N, a head), read as
//! y = W q, with keys and queries of length 1 and e = W k − v:
//!
//! * **Moneta** (ℓ_p bias, ℓ_q retention; p = 3, q = 4): A' = α A − η p sign(e)|e|^{p−1} kᵀ, W = A/‖A‖_q^{q−2};
//! * **Yaad** (Huber bias, decay): W' = α W − η e kᵀ where ‖e‖ ≤ δ, else α W − η δ e/‖e‖ kᵀ;
//! * **Memora** (KL retention): W' = softmax(α ln W − η e kᵀ) over each row.
//!
//! α, η (for every row) and δ (for every head) come from the token. Episodes begin with a learned memory, not with zeros:
//! Memora's cannot be zero.
//!
//! Differences from the paper: the memory is a matrix, not a network of two layers; tokens are taken one by one, not in
//! chunks with gradients at the chunk's first memory, so a scan records every step. sign and |·| are smooth, as
//! tanh(10 x) and √(x² + 10⁻⁶), in the layer.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Bool, Device, Tensor, activation::softmax},
};
use rand::Rng;

use super::{
    gated_delta::unit,
    gla::root_mean_square_norm,
    heads::{Heads, split},
};
use crate::{
    CoreError, SequenceCore,
    activation::{sigmoid, silu, softplus, tanh},
    core::check_sequence,
    init,
};

/// ‖A‖_q^{q−2} at least this.
const SMALLEST_NORM: f64 = 1e-6;

/// Elements of Memora's memory at least this before a logarithm.
const SMALLEST_WEIGHT: f64 = 1e-12;

/// q of Moneta's retention; p of its bias is 3.
const RETENTION: i32 = 4;

/// Which memory.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    /// ℓ₃ bias, ℓ₄ retention.
    Moneta,
    /// Huber bias, decay.
    #[default]
    Yaad,
    /// KL retention.
    Memora,
}

/// How Yaad's gradient looks where the error is large.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LargeErrors {
    /// e/‖e‖: continuous at the threshold.
    #[default]
    Normalised,
    /// sign(e).
    Sign,
}

/// Arguments of [`Miras`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MirasConfig {
    /// Which memory.
    pub memory: Memory,
    /// How Yaad treats large errors.
    pub large_errors: LargeErrors,
    /// Heads; they divide the width.
    pub heads: usize,
    /// Inner width of the maps that give α and η; at most the width is used.
    pub rank: usize,
}

impl Default for MirasConfig {
    fn default() -> Self {
        Self {
            memory: Memory::Yaad,
            large_errors: LargeErrors::Normalised,
            heads: 4,
            rank: 32,
        }
    }
}

/// A layer with a memory that learns.
#[derive(Module, Debug)]
pub struct Miras {
    heads: Heads,
    /// The memory that an episode begins with, `[heads·P, N]`.
    start: Param<Tensor<2>>,
    inner: Linear,
    decay: Linear,
    rate: Linear,
    threshold: Linear,
    gate: Linear,
    #[module(skip)]
    config: MirasConfig,
}

impl MirasConfig {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for heads that do not divide the width, or a rank of 0.
    pub fn init(
        &self,
        width: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<Miras, CoreError> {
        if self.rank == 0 {
            return Err(CoreError::Argument {
                core: "miras",
                name: "rank",
                reason: "0; at least 1".into(),
            });
        }
        let heads = Heads::new("miras", width, self.heads, rng, device)?;
        let (n, rank) = (heads.size(), self.rank.min(width));
        let start = init::normal(rng, width * n, 1.0 / n as f64);
        let mut biased = |outputs: usize, bias: f32| {
            let weight = init::lecun_normal(rng, rank * outputs, rank);
            let weight = weight.into_iter().map(|x| x as f32).collect();
            init::linear_from(weight, rank, outputs, Some(vec![bias; outputs]), device)
        };
        // α starts near 1, η near a tenth.
        let (decay, rate, threshold) = (
            biased(width, 4.0),
            biased(width, -2.0),
            biased(self.heads, 0.5),
        );
        Ok(Miras {
            start: init::param(start, [width, n], device),
            inner: init::linear(rng, width, rank, false, device),
            decay,
            rate,
            threshold,
            gate: init::linear(rng, width, width, false, device),
            heads,
            config: self.clone(),
        })
    }
}

/// What one token does to the memories of `R` heads.
struct Token {
    /// k, `[R, 1, N]`.
    key: Tensor<3>,
    /// v, `[R, P, 1]`.
    value: Tensor<3>,
    /// α, `[R, P, 1]`.
    decay: Tensor<3>,
    /// η, `[R, P, 1]`.
    rate: Tensor<3>,
    /// δ, `[R, 1, 1]`.
    threshold: Tensor<3>,
}

impl Token {
    /// e = W k − v, `[R, P, 1]`.
    fn error(&self, memory: Tensor<3>) -> Tensor<3> {
        memory.matmul(self.key.clone().swap_dims(1, 2)) - self.value.clone()
    }

    /// The next A of Moneta, from A and the memory W made of it.
    fn moneta(&self, a: Tensor<3>, memory: Tensor<3>, smooth: bool) -> Tensor<3> {
        let e = self.error(memory);
        let (sign, size) = if smooth {
            let size = (e.clone().square() + 1e-6).sqrt();
            (tanh(e.mul_scalar(10.0)), size)
        } else {
            (e.clone().sign(), e.abs())
        };
        let gradient = (sign * size.square())
            .mul_scalar(3.0)
            .matmul(self.key.clone());
        a * self.decay.clone() - gradient * self.rate.clone()
    }

    /// The next W of Yaad.
    fn yaad(&self, memory: Tensor<3>, large: LargeErrors) -> Tensor<3> {
        let e = self.error(memory.clone());
        let length = (e.clone().square().sum_dim(1) + 1e-12).sqrt();
        let outside = match large {
            LargeErrors::Normalised => e.clone() / length.clone(),
            LargeErrors::Sign => e.clone().sign(),
        };
        let near = length.lower_equal(self.threshold.clone()).expand(e.dims());
        let gradient = (outside * self.threshold.clone()).mask_where(near, e);
        memory * self.decay.clone() - gradient.matmul(self.key.clone()) * self.rate.clone()
    }

    /// The next W of Memora.
    fn memora(&self, memory: Tensor<3>) -> Tensor<3> {
        let gradient = self.error(memory.clone()).matmul(self.key.clone());
        let log = memory.clamp_min(SMALLEST_WEIGHT).log();
        softmax(log * self.decay.clone() - gradient * self.rate.clone(), 2)
    }
}

/// W = A/‖A‖_q^{q−2} of Moneta.
fn normalise(a: Tensor<3>) -> Tensor<3> {
    let power = a.clone().square().square().sum_dim(1).sum_dim(2);
    // The floor is under the root, too: its gradient at 0 is infinite.
    let norm = power
        .clamp_min(SMALLEST_NORM * SMALLEST_NORM)
        .powf_scalar(f64::from(RETENTION - 2) / f64::from(RETENTION));
    a / norm.clamp_min(SMALLEST_NORM)
}

impl Miras {
    /// The memory as it is read.
    fn memory(&self, state: Tensor<3>) -> Tensor<3> {
        if self.config.memory == Memory::Moneta {
            normalise(state)
        } else {
            state
        }
    }

    fn update(&self, token: &Token, state: Tensor<3>) -> Tensor<3> {
        match self.config.memory {
            Memory::Moneta => token.moneta(state.clone(), normalise(state), true),
            Memory::Yaad => token.yaad(state, self.config.large_errors),
            Memory::Memora => token.memora(state),
        }
    }
}

impl SequenceCore for Miras {
    fn width(&self) -> usize {
        self.heads.width()
    }

    fn state_width(&self) -> usize {
        self.heads.width() * self.heads.size()
    }

    fn state_multiply_adds(&self) -> usize {
        // Recall, decay, write and read of every number.
        4 * self.state_width()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        let start = self.start.val();
        let start = if self.config.memory == Memory::Memora {
            softmax(start, 1)
        } else {
            start
        };
        let width = self.state_width();
        start.reshape([1, width]).expand([batch, width])
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        let (heads, n) = (self.heads.count(), self.heads.size());
        let rows = batch * heads;
        let [query, key, value] = self.heads.project(&input);
        let (query, key) = (unit(query), unit(key));
        let inner = self.inner.forward(input.clone());
        let decay = split(sigmoid(self.decay.forward(inner.clone())), heads);
        let rate = split(sigmoid(self.rate.forward(inner.clone())), heads);
        let threshold = split(softplus(self.threshold.forward(inner)), heads);
        let fresh = self.initial_state(batch).reshape([rows, n, n]);
        let mut state = state.reshape([rows, n, n]);
        let mut outputs = Vec::with_capacity(steps);
        for t in 0..steps {
            let at = |x: &Tensor<3>| x.clone().narrow(1, t, 1);
            let reset = resets
                .clone()
                .narrow(1, t, 1)
                .expand([batch, heads])
                .reshape([rows, 1, 1])
                .expand([rows, n, n]);
            let token = Token {
                key: at(&key),
                value: at(&value).swap_dims(1, 2),
                decay: at(&decay).swap_dims(1, 2),
                rate: at(&rate).swap_dims(1, 2),
                threshold: at(&threshold),
            };
            state = self.update(&token, state.mask_where(reset, fresh.clone()));
            let read = self
                .memory(state.clone())
                .matmul(at(&query).swap_dims(1, 2));
            outputs.push(read.reshape([rows, n]));
        }
        let y = root_mean_square_norm(Tensor::stack(outputs, 1));
        let gate = split(silu(self.gate.forward(input.clone())), heads);
        let output = self.heads.join(y * gate) + input;
        Ok((output, state.reshape([batch, self.state_width()])))
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel { core: "miras" })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::testing::{assert_golden, check_core, golden, tensor};

    #[test]
    fn one_update_of_every_golden_memory() {
        let golden = golden("miras_steps.json");
        let given = &golden["inputs"];
        let device = Device::flex();
        let scalar = |key: &str| tensor::<3>(&serde_json::json!([given[key]]), [1, 1, 1], &device);
        let token = Token {
            key: tensor(&given["k"], [1, 1, 2], &device),
            value: tensor(&given["v"], [1, 2, 1], &device),
            decay: scalar("alpha").expand([1, 2, 1]),
            rate: scalar("eta").expand([1, 2, 1]),
            threshold: scalar("delta"),
        };
        let start = tensor::<3>(&given["W0"], [1, 2, 2], &device);
        // The file's step starts from a memory that is not yet divided by its norm.
        let a = token.moneta(start.clone(), start.clone(), false);
        assert_golden(&a, &golden["moneta_A"], 1e-5);
        assert_golden(&normalise(a), &golden["moneta_W"], 1e-5);
        assert_golden(
            &token.yaad(start.clone(), LargeErrors::Normalised),
            &golden["yaad_norm"],
            1e-5,
        );
        assert_golden(
            &token.yaad(start, LargeErrors::Sign),
            &golden["yaad_l1"],
            1e-5,
        );
        let start = tensor::<3>(&given["W0_memora"], [1, 2, 2], &device);
        assert_golden(&token.memora(start), &golden["memora"], 1e-5);
    }

    #[test]
    fn steps_scans_cuts_and_resets_agree() {
        let device = Device::flex();
        for memory in [Memory::Moneta, Memory::Yaad, Memory::Memora] {
            let config = MirasConfig {
                memory,
                heads: 2,
                ..MirasConfig::default()
            };
            let core = config
                .init(4, &mut Stream::new(1, 0, "miras"), &device)
                .unwrap();
            check_core(&core, 257, &device);
        }
    }

    /// A memory of zeros has no norm; it must not make infinities or gradients of them.
    #[test]
    fn moneta_survives_an_empty_memory() {
        let device = Device::flex().autodiff();
        let zero = Tensor::<3>::zeros([1, 2, 2], &device).require_grad();
        let w = normalise(zero.clone());
        let grads = w.clone().sum().backward();
        for x in [w.inner(), zero.grad(&grads).unwrap()] {
            assert!(crate::testing::values(&x).iter().all(|x| x.is_finite()));
        }
    }
}
