//! Linear attention: Katharopoulos et al., "Transformers are RNNs: fast autoregressive transformers with linear
//! attention" (arXiv 2006.16236), the FART baseline of POPGym. With φ = elu + 1,
//! S_t = S_{t−1} + v φ(k)ᵀ, z_t = z_{t−1} + φ(k), y_t = S_t φ(q)/(z_t·φ(q) + 10⁻⁵); then a map and a residual connection.
//!
//! Sums without decay are state-space duality with α = 1: matrix products in chunks. z is one more row of S.

use burn::{
    module::Module,
    tensor::{Bool, Device, Tensor, activation::elu},
};
use rand::Rng;

use super::heads::{Heads, for_heads};
use crate::{
    CoreError, SequenceCore,
    core::check_sequence,
    ssm::mamba2::{Duality, state_space_duality},
};

/// Added to the denominator.
const EPSILON: f64 = 1e-5;

/// Steps of a chunk.
const CHUNK: usize = 64;

/// Arguments of [`LinearAttention`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinearAttentionConfig {
    /// Heads; they divide the width.
    pub heads: usize,
}

impl Default for LinearAttentionConfig {
    fn default() -> Self {
        Self { heads: 4 }
    }
}

/// A layer of linear attention.
#[derive(Module, Debug)]
pub struct LinearAttention {
    heads: Heads,
}

impl LinearAttentionConfig {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for heads that do not divide the width.
    pub fn init(
        &self,
        width: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<LinearAttention, CoreError> {
        let heads = Heads::new("linear_attention", width, self.heads, rng, device)?;
        Ok(LinearAttention { heads })
    }
}

/// Outputs `[R, T, P]` and the last (S; z) `[R, (P + 1)·N]` for queries and keys `[R, T, N]`, values `[R, T, P]`.
pub(super) fn attend(
    [query, key, value]: [Tensor<3>; 3],
    resets: Tensor<2, Bool>,
    state: Tensor<2>,
) -> (Tensor<3>, Tensor<2>) {
    let [rows, steps, p] = value.dims();
    let n = key.dims()[2];
    let feature = |x: Tensor<3>| elu(x, 1.0) + 1.0;
    let device = value.device();
    let value = Tensor::cat(vec![value, Tensor::ones([rows, steps, 1], &device)], 2);
    let given = Duality {
        input: value.reshape([rows, steps, 1, p + 1]),
        log_decay: Tensor::zeros([rows, steps, 1], &device),
        b: feature(key),
        c: feature(query),
        resets,
        state: state.reshape([rows, 1, p + 1, n]),
    };
    let (y, last) = state_space_duality(given, CHUNK);
    let y = y.reshape([rows, steps, p + 1]);
    let below = y.clone().narrow(2, p, 1) + EPSILON;
    (y.narrow(2, 0, p) / below, last.reshape([rows, (p + 1) * n]))
}

impl SequenceCore for LinearAttention {
    fn width(&self) -> usize {
        self.heads.width()
    }

    fn state_width(&self) -> usize {
        self.heads.count() * (self.heads.size() + 1) * self.heads.size()
    }

    fn state_multiply_adds(&self) -> usize {
        // Write and read of every number.
        2 * self.state_width()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.state_width()], &self.heads.device())
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, _] = check_sequence(self, &input, &resets, &state)?;
        let heads = self.heads.count();
        let state = state.reshape([batch * heads, self.state_width() / heads]);
        let projected = self.heads.project(&input);
        let (y, last) = attend(projected, for_heads(&resets, heads), state);
        let last = last.reshape([batch, self.state_width()]);
        Ok((self.heads.join(y) + input, last))
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel {
            core: "linear_attention",
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::testing::{assert_golden, check_core, flags, golden, tensor};

    #[test]
    fn outputs_of_the_golden_sequence() {
        let golden = golden("linear_attention_family.json");
        let device = Device::flex();
        let get = |key: &str| tensor::<3>(&golden["inputs"][key], [1, 5, 2], &device);
        let state = Tensor::zeros([1, 6], &device);
        let resets = flags(&[0.0; 5], [1, 5], &device);
        let (y, _) = attend([get("q"), get("k"), get("v")], resets, state);
        assert_golden(&y, &golden["linear_attention"], 1e-5);
    }

    #[test]
    fn steps_scans_cuts_and_resets_agree() {
        let device = Device::flex();
        let config = LinearAttentionConfig { heads: 2 };
        let core = config
            .init(6, &mut Stream::new(1, 0, "fart"), &device)
            .unwrap();
        check_core(&core, 257, &device);
    }
}
